"""Double descent, measured over widths or epochs, on one page."""

from research.experiment.double_descent.run import measure

__all__ = ["measure"]
