"""What a suggestion costs: the measurement, its records and its table."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
from peers import peer
from peers.base import INITIAL, Peer
from peers.phsx_bayesian import Phsx

from phsx.testing.functions import hartmann6
from suite.tables import table

_PENDING = 7


class _FitEveryTime(Phsx):
    """Fits its models at every suggestion, as it does by itself only where data is small."""

    def ask(self, trial: int) -> dict[str, Any]:
        self.optimizer.fitted = None
        return super().ask(trial)


class _FitAtHand(Phsx):
    """Uses the models' parameters that it has, but for the first suggestion."""

    def ask(self, trial: int) -> dict[str, Any]:
        if self.optimizer.fitted is not None:
            self.optimizer.fitted = len(self.optimizer.done)
        return super().ask(trial)


#: Kinds of phsx that are told apart here.
_OURS: dict[str, type[Peer]] = {
    "phsx": Phsx,
    "phsx (fit every time)": _FitEveryTime,
    "phsx (fit at hand)": _FitAtHand,
}


def kinds(optimizers: list[str]) -> dict[str, type[Peer]]:
    """Return the classes to be measured, by the names in the table."""
    found: dict[str, type[Peer]] = {}
    for name in optimizers:
        found |= _OURS if name == "phsx" else {name: peer(name)}
    return found


def latency(kind: type[Peer], observations: int, repeats: int) -> dict[str, Any]:
    """Return the median time of a suggestion, of the clock and of the processor.

    So many points of Hartmann's function in six dimensions are known (those of the initial
    design, the others random) and seven trials are pending. Each time one of those ends, and what
    is measured is telling it and asking for the next point. The first suggestion is not counted.
    """
    space, rng = hartmann6.space, np.random.default_rng(0)
    optimizer = kind(space, observations + 100, 0)
    for trial in range(INITIAL):
        params = optimizer.ask(trial)
        optimizer.tell(trial, params, hartmann6(**params))
    others = [space.sample(rng) for _ in range(observations - INITIAL)]
    optimizer.observe([(params, hartmann6(**params)) for params in others])
    pending = {trial: optimizer.ask(trial) for trial in _trials(INITIAL, 1 + _PENDING)}
    times: list[float] = []
    cpu: list[float] = []
    for trial in _trials(INITIAL + 1 + _PENDING, repeats):
        ended, params = next(iter(pending.items()))
        value = hartmann6(**pending.pop(ended))
        began, worked = time.perf_counter(), time.process_time()
        optimizer.tell(ended, params, value)
        pending[trial] = optimizer.ask(trial)
        times.append(time.perf_counter() - began)
        cpu.append(time.process_time() - worked)
    return {
        "seconds": float(f"{np.median(times):.3g}"),
        "cpu": float(f"{np.median(cpu):.3g}"),
        "times": [float(f"{one:.3g}") for one in times],
    }


def _trials(first: int, count: int) -> range:
    return range(first, first + count)


def read_latency(data: Path) -> list[dict[str, Any]]:
    """Return the rows of the last run."""
    path = data / "latency.jsonl"
    if not path.exists():
        return []
    rows = [json.loads(line) for line in path.read_text().splitlines() if line.strip()]
    return [row for row in rows if row["run"] == rows[-1]["run"]]


def latency_section(rows: list[dict[str, Any]]) -> str:
    """Return the table of a run: seconds by observations."""
    sizes = sorted({row["observations"] for row in rows})
    found = {
        (row["optimizer"], row["observations"]): f"{row['seconds']:.3g} ({row['cpu']:.3g})"
        for row in rows
    }
    names = list(dict.fromkeys(row["optimizer"] for row in rows))
    lines = [[name, *(found.get((name, n), "–") for n in sizes)] for name in names]
    header = ["seconds (of the processor) at", *(f"{n:,}" for n in sizes)]
    versions = "; ".join(dict.fromkeys(row["version"] for row in rows))
    load = [row["load"] for row in rows]
    about = (
        f"Run of {rows[0]['run'].replace('T', ' ')} UTC ({versions}). Load average of the machine "
        f"meanwhile: {min(load):.1f} to {max(load):.1f}."
    )
    return f"{table(header, lines)}\n\n{about}\n\n![Latency](images/latency.png)"
