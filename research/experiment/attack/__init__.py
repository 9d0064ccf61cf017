"""An attack on a run's net by few pixels: its pictures, the search, the truth beside it, and the page."""

from research.experiment.attack.run import attack

__all__ = ["attack"]
