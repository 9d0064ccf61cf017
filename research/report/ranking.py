"""Forecasters and baselines ranked by their error, and the paired test of every pair."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

from research.evaluation.metrics import metric_of
from research.report import formats
from research.report.comparison_text import LEVEL
from research.report.forecast_text import days
from research.report.tables import table

Entry = Mapping[str, Any]  # see `ranking`
Pair = Mapping[str, Any]  # see `paired`


def ranking(rows: Sequence[Entry], unit: str = "", over: str = "test days") -> Table:
    """Forecasters and baselines by their test MAE, best first, each compared with the best baseline.

    A row is {"name", "mean" (the MAE), "std" over seeds or None, "low95", "high95", "values": [one per seed],
    "parameters" (None for a baseline), "published" MAE or None, "seconds" or None}; errors in `unit`. `over` names the
    population of the 95% intervals.
    """
    order = ranked(rows)
    best = next((row["mean"] for row in order if is_baseline(row)), None)
    lines = 3 if any(row["published"] is not None for row in order) else 2
    error_title = "\n".join((f"Test {formats.metric_label('mae', unit)}", "95% interval", "published")[:lines])
    cells = [
        (
            row["name"] + ("\nbaseline" if is_baseline(row) else ""),
            formats.short_count(row["parameters"]),
            _error(row),
            _against(row["mean"], best),
            formats.count(row["seconds"]),
        )
        for row in order
    ]
    seeds = "mean ± std over seeds; " if any(len(row["values"]) > 1 for row in order) else ""
    titles = ("Forecaster", "Parameters", error_title, "Over best\nbaseline", "Seconds")
    return table(titles, cells, note=f"Best first; {seeds}95% intervals are over {over}")


def paired(pairs: Sequence[Pair], unit: str = "") -> Table:
    """The Diebold-Mariano test of every pair, the better one named first.

    A pair is {"a", "b", "mean", "low95", "high95", "p", "lag", "days"}: the mean of a's MAE minus b's with its 95%
    interval in `unit`, p corrected over all pairs (Holm 1979), the lag to which errors of the mean are HAC, and the
    days that the test rests on.
    """
    rows = []
    for pair in pairs:
        ends = formats.interval("mae", *_advantage(pair)[1:]) or formats.MISSING
        p = f"{pair['p']:.2g}" if formats.is_number(pair["p"]) else formats.MISSING
        rows.append((finding(pair), f"{formats.measure(_advantage(pair)[0])}\n{ends}", p))
    return table(
        ("Finding", f"Ahead by{f', {unit}' if unit else ''}\n95% interval", "p (Holm)"), rows, note=note_of_tests(pairs)
    )


def finding(pair: Pair) -> str:
    """Which of the two is better, and on a second line whether the interval of their difference excludes zero."""
    first, second = (pair["a"], pair["b"]) if pair["mean"] <= 0 else (pair["b"], pair["a"])
    _, low, high = _advantage(pair)
    if not (formats.is_number(low) and formats.is_number(high)):
        return f"{first} is ahead of {second}\nundecided: no interval"
    if low <= 0 <= high:
        return f"{first} is ahead of {second}\nundecided: the interval includes zero"
    if not formats.is_number(pair["p"]) or pair["p"] >= LEVEL:
        return f"{first} is ahead of {second}\nthe interval excludes zero, but p after Holm is not below {LEVEL}"
    return f"{first} is better than {second}\nthe interval excludes zero"


def ranked(rows: Sequence[Entry]) -> list[Entry]:
    """Best first; those without an error (a run that diverged) last."""
    return sorted(rows, key=lambda row: metric_of("mae").sort_key(row["mean"]))


def is_baseline(row: Entry) -> bool:
    """Whether the entry is a baseline: it has no parameters."""
    return row["parameters"] is None


def error(row: Entry) -> str:
    """`52.03 ± 0.41`, or `52.03` for a single seed."""
    known = formats.is_number(row["mean"]) and formats.is_number(row["std"])
    spread = f" ± {row['std']:.{formats.decimals(row['mean'])}f}" if known else ""
    return f"{formats.measure(row['mean'])}{spread}"


def _error(row: Entry) -> str:
    lines = [error(row), formats.interval("mae", row["low95"], row["high95"]) or formats.MISSING]
    return "\n".join(lines if row["published"] is None else [*lines, formats.measure(row["published"])])


def _against(mae: Any, best: float | None) -> str:
    """`-5.8%`: by how much the error is above (+) or below (-) that of the best baseline."""
    if not (formats.is_number(mae) and formats.is_number(best)) or not best or mae == best:
        return formats.MISSING
    return f"{100 * (mae / best - 1):+.1f}%"


def _advantage(pair: Pair) -> tuple[Any, Any, Any]:
    """The better one's lead in MAE, and the 95% interval of that lead."""
    mean, low, high = pair["mean"], pair["low95"], pair["high95"]
    if mean > 0:
        return mean, low, high
    negated = [-end if formats.is_number(end) else None for end in (low, high)]
    return -mean, negated[1], negated[0]


def note_of_tests(pairs: Sequence[Pair]) -> str:
    """The name of the test, and the days that it rests on."""
    if not pairs:
        return ""
    lags, fewest = sorted({pair["lag"] for pair in pairs}), min(pair["days"] for pair in pairs)
    reach = " to ".join(map(str, dict.fromkeys((lags[0], lags[-1]))))
    return f"Diebold-Mariano, HAC errors to lag {reach}, p corrected over {len(pairs)} pairs; {days(fewest)}"
