"""The experiments behind the scripts: train, evaluate, predict and compare from Python.

from research import experiment
record = experiment.run(config)
"""

from research.experiment.compare import compare
from research.experiment.export import export
from research.experiment.load import load
from research.experiment.predict import predict
from research.experiment.run import conduct, evaluate, run

__all__ = ["compare", "conduct", "evaluate", "export", "load", "predict", "run"]
