"""The provenance of a run: the versions of the packages that computed it, and the commit of this project."""

import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = ("jax", "flax", "optax", "numpy", "receptive")
CHECKOUT = Path(__file__).resolve().parents[2]
CODE = ("research", "scripts", "configs", "pyproject.toml")  # packages that can change a result


def environment() -> dict[str, Any]:
    """`versions` {package: version} and `commit`, as `record.build_record` takes them."""
    versions = {"python": platform.python_version()} | {package: _version(package) for package in PACKAGES}
    return {"versions": versions, "commit": commit(CHECKOUT)}


def commit(checkout: Path) -> str:
    """The commit checked out at `checkout`, with "-dirty" when code or configurations differ; "unknown" outside one."""
    # Inside another project's repository git would answer for that project.
    if not (checkout / ".git").exists():
        return "unknown"
    command = ["git", "--no-optional-locks", "status", "--porcelain=v2", "--branch", "--", *CODE]
    try:
        answer = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    lines = answer.stdout.splitlines()
    head = next((line.split()[-1] for line in lines if line.startswith("# branch.oid ")), "(initial)")
    dirty = any(not line.startswith("#") for line in lines)
    return "unknown" if head == "(initial)" else head + ("-dirty" if dirty else "")


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
