"""Classify pictures: python scripts/predict.py RUN INPUT..."""

from research.command_line import run
from research.doors.predict import predict

if __name__ == "__main__":
    raise SystemExit(run(predict))
