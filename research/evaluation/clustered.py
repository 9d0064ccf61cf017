"""The mean of values that depend on each other within clusters such as days, and its interval."""

from typing import TypedDict

import numpy as np

from research.evaluation.intervals import student_half_width


class ClusteredMean(TypedDict):
    """Mean of all known values, its 95% interval, the two-sided p of a mean of 0, and how many clusters there are.

    Interval and p are None for fewer than two clusters, and where the clusters do not differ.
    """

    mean: float
    low95: float | None
    high95: float | None
    p: float | None
    clusters: int


def clustered_mean(values: np.ndarray, clusters: np.ndarray) -> ClusteredMean:
    """Mean of `values` (any shape; NaN is unknown and never counts), grouped by `clusters` (broadcast to it).

    Windows of a backtest overlap, so the same hour's error is in many of them; as independent values they would give a
    far too narrow interval. Values of one cluster (the day of a forecast's target, say) may depend on each other in any
    way; different clusters count as independent. The variance is the cluster-robust one with the correction
    G / (G - 1), with Student's t of G - 1 degrees of freedom (Cameron & Miller 2015, "A Practitioner's Guide to
    Cluster-Robust Inference", sections II and VI), which needs no random numbers. For clusters of one
    size it equals Student's interval of the cluster means. Raises ValueError when no value is known.
    """
    values = np.asarray(values, np.float64)
    known = ~np.isnan(values)
    if not known.any():
        raise ValueError("no known values to average")
    _, cluster_index = np.unique(np.broadcast_to(clusters, values.shape)[known], return_inverse=True)
    counts, sums = np.bincount(cluster_index), np.bincount(cluster_index, weights=values[known])
    G, mean = len(counts), float(sums.sum() / counts.sum())
    scatter = sums - mean * counts
    # Below a few units in the last place the scatter is rounding, not a measurement.
    if (
        G < 2
        or np.max(np.abs(scatter))
        <= 64 * np.finfo(np.float64).eps * np.bincount(cluster_index, np.abs(values[known])).max()
    ):
        return ClusteredMean(mean=mean, low95=None, high95=None, p=None, clusters=G)
    from scipy.stats import t  # slow to import; only needed at the end of a run

    # student_half_width divides by the root of the count, as for one mean per cluster.
    error = float(np.sqrt(G / (G - 1) * np.sum(scatter**2)) / counts.sum())
    half = student_half_width(error * np.sqrt(G), G)
    p = float(2 * t.sf(abs(mean) / error, G - 1))
    return ClusteredMean(mean=mean, low95=mean - half, high95=mean + half, p=p, clusters=G)
