"""The environment of the processes that are started here: they use the phsx that runs here."""

from __future__ import annotations

import os
from pathlib import Path


def environment() -> dict[str, str]:
    """Return this process's environment, and a PYTHONPATH with the phsx that runs here."""
    here = str(Path(__file__).resolve().parents[2])
    old = os.environ.get("PYTHONPATH")
    return os.environ | {
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": here if not old else here + os.pathsep + old,
    }
