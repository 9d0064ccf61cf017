"""The microscope: what the filters of a trained or given net respond to, on one page."""

from research.experiment.microscope.run import microscope

__all__ = ["microscope"]
