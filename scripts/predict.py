"""Classify pictures: python scripts/predict.py RUN INPUT..."""

from research.cli.predict import predict
from research.command_line import run

if __name__ == "__main__":
    raise SystemExit(run(predict))
