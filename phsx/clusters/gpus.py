"""The GPUs of this machine, and how local workers share them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

#: Where NVIDIA's driver lists what it serves.
LISTED = Path("/proc/driver/nvidia/gpus")


def gpus_here(environment: Mapping[str, str] = os.environ, listed: Path = LISTED) -> list[str]:
    """Return what the GPUs are called that programs started here may use.

    Examples
    --------
    >>> gpus_here({"CUDA_VISIBLE_DEVICES": "2,3"}), gpus_here({"CUDA_VISIBLE_DEVICES": ""})
    (['2', '3'], [])
    """
    chosen = environment.get("CUDA_VISIBLE_DEVICES")
    if chosen is not None:
        names = [name.strip() for name in chosen.split(",")]
        return [name for name in names if name and name != "-1"]
    try:
        return [str(number) for number in range(sum(1 for _ in listed.iterdir()))]
    except OSError:
        return []


def shared(gpus: Sequence[str], workers: int) -> list[list[str]]:
    """Divide GPUs among workers, whole ones only: of more workers than GPUs some have none.

    Examples
    --------
    >>> shared(["0", "1", "2"], 2), shared(["0"], 2)
    ([['0', '2'], ['1']], [['0'], []])
    """
    return [list(gpus[worker::workers]) for worker in range(workers)]
