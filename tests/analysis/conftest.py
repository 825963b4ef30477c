"""Made-up experiments: what a search of 16 workers, or of one, leaves behind."""

from __future__ import annotations

import heapq
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
import pandas
import pytest

from phsx.space import Categorical, Constant, Expression, Float, Int, Ordinal, Space

matplotlib.use("agg")

FIXED = (
    "value",
    "state",
    "strategy",
    "block",
    "attempt",
    "worker",
    "started",
    "ended",
    "suggest_worker",
    "suggest_started",
    "suggest_ended",
)
EPOCH = 1.76e9


@dataclass
class Fake:
    """What a plot sees of an experiment."""

    space: Space
    frame: pandas.DataFrame
    maximize: bool = False
    objective: str = "validation loss"
    name: str = "made-up"

    def to_dataframe(self) -> pandas.DataFrame:
        return self.frame


def record(params: Mapping[str, Any], value: float = math.nan, **fields: Any) -> dict[str, Any]:
    """One trial; what is not said is as in a search by random sampling on one worker."""
    state = "completed" if math.isfinite(value) else "failed"
    usual = {"state": state, "strategy": "random", "block": 0, "attempt": 1, "worker": "w-0"}
    return {"params": dict(params), "value": value, **usual, **fields}


def experiment(space: Mapping[str, Any], records: Sequence[dict[str, Any]], **options: Any) -> Fake:
    """Make an experiment of records; the trials' ids are their numbers unless they have an `id`."""
    built = Space(space)
    columns: list[Any] = [[r["params"].get(name) for r in records] for name in built.names]
    columns += [[r.get(name, math.nan) for r in records] for name in FIXED]
    series = [
        pandas.Series(c, dtype=object if i < len(built.names) else None)
        for i, c in enumerate(columns)
    ]
    frame = (
        pandas.concat(series, axis=1) if records else pandas.DataFrame(columns=range(len(series)))
    )
    frame.columns = pandas.Index([*built.names, *FIXED])
    frame.index = pandas.Index([r.get("id", i) for i, r in enumerate(records)], name="trial")
    return Fake(built, frame, **options)


DENSE = {
    "learning_rate": Float(1e-5, 1e-1, log=True),
    "batch_size": Int(8, 512, log=True),
    "hidden_layer_activation_function": Categorical(
        ["relu", "tanh", "gelu_with_tanh_approximation", "leaky_relu (slope 0.01)"]
    ),
    "layers": Int(1, 6),
    "dropout": Float(0.0, 0.6),
    "optimizer": Categorical(["sgd", "adam"]),
    "momentum": Float(0.5, 0.99, when={"optimizer": "sgd"}),
    "augmentation_strength": Ordinal(["none", "weak", "medium", "strong"]),
}


def loss(p: Mapping[str, Any]) -> float:
    """A loss with one valley, in which every parameter matters."""
    act = ["relu", "tanh", "gelu_with_tanh_approximation", "leaky_relu (slope 0.01)"]
    aug = ["none", "weak", "medium", "strong"]
    z = 0.9 * (math.log10(p["learning_rate"]) + 2.8 + 0.3 * (p["optimizer"] == "adam")) ** 2
    z += 0.15 * (math.log2(p["batch_size"]) - 6) ** 2 + 0.25 * (p["layers"] - 4) ** 2 / 4
    z += (
        5 * (p["dropout"] - 0.2) ** 2
        + 0.3 * [0.4, 1, 0, 0.2][act.index(p["hidden_layer_activation_function"])]
    )
    z += 3 * (p.get("momentum", 0.8) - 0.9) ** 2 + 0.2 * abs(
        aug.index(p["augmentation_strength"]) - 2
    )
    return 0.02 * math.exp(1.1 * z)


def search(
    n: int = 300,
    workers: int = 16,
    space: Mapping[str, Any] | None = None,
    function: Any = loss,
    seed: int = 3,
    duration: float = 90.0,
    failures: float = 0.05,
    start: int = 64,
    **options: Any,
) -> Fake:
    """Imitate an asynchronous search: random, then around the best; log-normal durations."""
    rng = np.random.default_rng(seed)
    built = Space(space or DENSE)
    free = [(EPOCH + rng.exponential(2.0), i) for i in range(workers)]
    heapq.heapify(free)
    records: list[dict[str, Any]] = []
    for trial in range(n):
        now, worker = heapq.heappop(free)
        known = [r for r in records if r["ended"] <= now and r["state"] == "completed"]
        modelled = trial >= start and len(known) > 5
        if modelled and rng.random() < 0.8:
            sign = -1 if options.get("maximize") else 1
            good = min(known, key=lambda r: sign * r["value"])["params"]
            u = built.to_unit(good) + rng.normal(0, 0.09, len(built))
            params = built.from_unit(np.clip(u, 0, 1)) or built.sample(rng)
        else:
            params = built.sample(rng)
        length = float(rng.lognormal(math.log(duration), 0.5))
        failed = rng.random() < failures
        length = length * 0.2 if failed else length
        asked = 0.02 * duration * float(rng.lognormal(0, 0.5)) if modelled else math.nan
        gap = float(rng.exponential(0.01 * duration))
        name = f"tls://10.3.0.{worker // 4 + 11}:{40000 + worker % 4}"
        noisy = function(params) * float(rng.lognormal(0, 0.05))
        records.append(
            {
                "params": params,
                "value": math.nan if failed else noisy,
                "state": rng.choice(["failed", "timed_out"]) if failed else "completed",
                "strategy": "bayesian" if trial >= start else "sobol",
                "block": int(trial >= start),
                "attempt": 1,
                "worker": name,
                "started": now + gap,
                "ended": now + gap + length,
                "suggest_worker": name if modelled else None,
                "suggest_started": now - asked if modelled else math.nan,
                "suggest_ended": now if modelled else math.nan,
            }
        )
        heapq.heappush(free, (now + gap + length, worker))
    return experiment(space or DENSE, records, **options)


@pytest.fixture(scope="session")
def dense() -> Fake:
    """300 trials of 8 parameters on 16 workers."""
    return search(name="resnet-cifar10")


@pytest.fixture(scope="session")
def small() -> Fake:
    """3 trials on 2 workers."""
    return search(3, 2, {"x": Float(-5, 5), "y": Float(-5, 5)}, bowl, duration=0.8, name="griewank")


def bowl(p: Mapping[str, Any]) -> float:
    return float(p["x"] ** 2 + p["y"] ** 2 + 0.1)
