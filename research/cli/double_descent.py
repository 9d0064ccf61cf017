"""`double_descent.py CONFIG [--FIELD VALUE ...] [--run-dir DIR]`"""

from collections.abc import Sequence

from research.cli.configured import configured
from research.config import DoubleDescent

ABOUT = """double_descent.py CONFIG [--FIELD VALUE ...] [--run-dir DIR], or double_descent.py --config-json FILE [...]:
measure double descent over widths or epochs, and report it. The same command again resumes where it was cut off."""
EXAMPLE = "configs/double_descent_width.py"


def double_descent(arguments: Sequence[str]) -> int:
    """Measure, report and print the peaks; exit code 0."""
    config, run_dir = configured(arguments, ABOUT, DoubleDescent, EXAMPLE)
    from rich.console import Console  # jax and others, which --help and mistakes need not wait for

    from research.experiment.double_descent import measure
    from research.report.double_descent import peak_table

    record = measure(config, run_dir)
    Console().print(peak_table(record["peaks"]))
    print(run_dir / "report.html")
    return 0
