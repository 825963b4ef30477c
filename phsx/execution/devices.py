"""The GPUs of a worker: which of them a trial sees."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

#: Variables by which programs are told which devices to use; Slurm sets those that its site needs.
VARIABLES = (
    "CUDA_VISIBLE_DEVICES",
    "ROCR_VISIBLE_DEVICES",
    "HIP_VISIBLE_DEVICES",
    "GPU_DEVICE_ORDINAL",
    "ZE_AFFINITY_MASK",
)
#: How many slots share what their job was given; the last part of a worker's name is its number.
SLOTS = "PHSX_SLOTS"
#: What the devices of a local worker are called, where it does not have all.
OWN = "PHSX_DEVICES"


class Devices:
    """The devices of one worker's process, given to its trials.

    Parameters
    ----------
    environment : mapping
        Of the worker.
    name : str
        Of the worker: its slot's number is the last part.
    declared : float
        How many GPUs the worker says that it has.

    Examples
    --------
    >>> devices = Devices({"CUDA_VISIBLE_DEVICES": "4,5,6,7", "PHSX_SLOTS": "2"}, "job-7-1", 2)
    >>> with devices.given(1) as first, devices.given(1) as second:
    ...     print(first, second)
    {'CUDA_VISIBLE_DEVICES': '6'} {'CUDA_VISIBLE_DEVICES': '7'}
    >>> with devices.given(None) as all_of_the_slot, devices.given(0) as none:
    ...     print(all_of_the_slot, none)
    {'CUDA_VISIBLE_DEVICES': '6,7'} {'CUDA_VISIBLE_DEVICES': ''}
    """

    def __init__(self, environment: Mapping[str, str], name: str, declared: float) -> None:
        self._shared = SLOTS in environment
        self._names = _names(environment, math.ceil(declared))
        count = min((len(names) for names in self._names.values()), default=0)
        self._mine = _mine(environment, name, count)
        self._loads = dict.fromkeys(self._mine, 0.0)
        self._lock = threading.Lock()

    @contextmanager
    def given(self, gpus: float | None) -> Iterator[dict[str, str]]:
        """Give a trial devices while it runs, as the variables that are to be set for it.

        Parameters
        ----------
        gpus : float or None
            How many; a number below 1 is a share of one. None: all that the slot has.
        """
        if gpus is None:
            yield self._variables(self._mine) if self._shared else {}
            return
        share, taken = min(gpus, 1.0), self._take(gpus)
        try:
            yield self._variables(taken)
        finally:
            with self._lock:
                for device in taken:
                    self._loads[device] -= share

    def _take(self, gpus: float) -> list[int]:
        """Return the numbers of devices that are free for this; fewer where there are not so many.

        A share of one is taken of the fullest that has room for it.
        """
        share = min(gpus, 1.0)
        with self._lock:
            free = [device for device in self._mine if self._loads[device] + share < 1.0 + 1e-9]
            free.sort(key=lambda device: -self._loads[device])
            taken = sorted(free[: max(1, round(gpus))]) if gpus else []
            for device in taken:
                self._loads[device] += share
        return taken

    def _variables(self, devices: list[int]) -> dict[str, str]:
        return {
            variable: ",".join(names[device] for device in devices)
            for variable, names in self._names.items()
        }


def _names(environment: Mapping[str, str], declared: int) -> dict[str, list[str]]:
    """Return what the devices are called, by the variables that name them."""
    if OWN in environment:
        return {VARIABLES[0]: _split(environment[OWN])}
    found = {name: _split(environment[name]) for name in VARIABLES if name in environment}
    return found or {VARIABLES[0]: [str(number) for number in range(declared)]}


def _split(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _mine(environment: Mapping[str, str], name: str, count: int) -> list[int]:
    """Return which of the devices are those of this worker, by their place in the variables."""
    slots, number = environment.get(SLOTS, "1"), name.rpartition("-")[2]
    if not slots.isdigit() or not number.isdigit() or int(slots) < 2 or not count:
        return list(range(count))
    first = int(number) % int(slots) * count // int(slots)
    return list(range(first, first + max(1, count // int(slots))))
