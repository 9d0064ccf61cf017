"""From a configuration to a result: what the scripts do, one import away.

from research import experiment
record = experiment.run(config)
"""

from research.experiment.compare import compare
from research.experiment.predict import predict
from research.experiment.run import conduct, evaluate, run

__all__ = ["compare", "conduct", "evaluate", "predict", "run"]
