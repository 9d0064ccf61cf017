"""What the numbers were measured on, as far as it is the same for all races."""

import os
import platform
from typing import Any

from research.bench.settings import available_cores


def machine() -> dict[str, Any]:
    """Cores, system, Python and the load average right now, as plain JSON."""
    return {
        "cores": available_cores(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "load": os.getloadavg(),
    }
