"""Made-up experiments: what a search of 16 workers, or of one, leaves behind."""

from __future__ import annotations

import heapq
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas
import pytest

from phsx.space import Categorical, Float, Int, Ordinal, Space

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
    columns = {name: [r["params"].get(name) for r in records] for name in built.names}
    series = [pandas.Series(cells, dtype=object) for cells in columns.values()]
    series += [pandas.Series([r.get(name) for r in records]) for name in FIXED]
    frame = pandas.concat(series, axis=1)
    frame.columns = pandas.Index([*built.names, *FIXED])
    frame.index = pandas.Index([r.get("id", i) for i, r in enumerate(records)], name="trial")
    return Fake(built, frame, **options)


ACTIVATIONS = ["relu", "tanh", "gelu_with_tanh_approximation", "leaky_relu (slope 0.01)"]
STRENGTHS = ["none", "weak", "medium", "strong"]
DENSE = {
    "learning_rate": Float(1e-5, 1e-1, log=True),
    "batch_size": Int(8, 512, log=True),
    "hidden_layer_activation_function": Categorical(ACTIVATIONS),
    "layers": Int(1, 6),
    "dropout": Float(0.0, 0.6),
    "optimizer": Categorical(["sgd", "adam"]),
    "momentum": Float(0.5, 0.99, when={"optimizer": "sgd"}),
    "augmentation_strength": Ordinal(STRENGTHS),
}


def loss(p: Mapping[str, Any]) -> float:
    """A loss with one valley, in which every parameter matters."""
    activation = ACTIVATIONS.index(p["hidden_layer_activation_function"])
    far = 0.9 * (math.log10(p["learning_rate"]) + 2.8 + 0.3 * (p["optimizer"] == "adam")) ** 2
    far += 0.15 * (math.log2(p["batch_size"]) - 6) ** 2 + 0.06 * (p["layers"] - 4) ** 2
    far += 5 * (p["dropout"] - 0.2) ** 2 + 0.3 * (0.4, 1, 0, 0.2)[activation]
    far += 3 * (p.get("momentum", 0.8) - 0.9) ** 2
    far += 0.2 * abs(STRENGTHS.index(p["augmentation_strength"]) - 2)
    return 0.02 * math.exp(1.1 * far)


def bowl(p: Mapping[str, Any]) -> float:
    return float(p["x"] ** 2 + p["y"] ** 2 + 0.1)


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
    sign = -1 if options.get("maximize") else 1
    free = [(EPOCH + rng.exponential(2.0), i) for i in range(workers)]
    heapq.heapify(free)
    records: list[dict[str, Any]] = []
    for trial in range(n):
        now, worker = heapq.heappop(free)
        known = [r for r in records if r["ended"] <= now and r["state"] == "completed"]
        modelled = trial >= start and len(known) > 5
        if modelled and rng.random() < 0.8:
            good = min(known, key=lambda r: sign * r["value"])["params"]
            u = built.to_unit(good) + rng.normal(0, 0.09, len(built))
            params = built.from_unit(np.clip(u, 0, 1)) or built.sample(rng)
        else:
            params = built.sample(rng)
        length = float(rng.lognormal(math.log(duration), 0.5))
        failed = bool(rng.random() < failures)
        length = length * 0.2 if failed else length
        asked = 0.02 * duration * float(rng.lognormal(0, 0.5))
        begin = now + float(rng.exponential(0.01 * duration))
        name = f"tls://10.3.0.{worker // 4 + 11}:{40000 + worker % 4}"
        value = function(params) * float(rng.lognormal(0, 0.05))
        records.append(
            record(
                params,
                math.nan if failed else value,
                state=str(rng.choice(["failed", "timed_out"])) if failed else "completed",
                strategy="bayesian" if trial >= start else "sobol",
                block=int(trial >= start),
                worker=name,
                started=begin,
                ended=begin + length,
                suggest_worker=name if modelled else None,
                suggest_started=now - asked if modelled else None,
                suggest_ended=now if modelled else None,
            )
        )
        heapq.heappush(free, (begin + length, worker))
    return experiment(space or DENSE, records, **options)


@pytest.fixture(scope="session")
def fake() -> SimpleNamespace:
    """Functions that make experiments up."""
    return SimpleNamespace(
        record=record, experiment=experiment, search=search, bowl=bowl, EPOCH=EPOCH
    )


@pytest.fixture(scope="session")
def dense() -> Fake:
    """300 trials of 8 parameters on 16 workers."""
    return search(name="resnet-cifar10")


@pytest.fixture(scope="session")
def small() -> Fake:
    """3 trials of 2 parameters on 2 workers."""
    space = {"x": Float(-5, 5), "y": Float(-5, 5)}
    return search(3, 2, space, bowl, duration=0.8, failures=0.0, name="griewank")


@pytest.fixture
def written() -> Any:
    """Lay a figure out and return the boxes, in pixels, of texts that are to be read."""

    def boxes(ax: Any, texts: Sequence[Any]) -> list[tuple[str, Any]]:
        figure = ax.figure.figure
        figure.draw_without_rendering()
        shown = [text for text in texts if text.get_visible() and text.get_text()]
        return [(text.get_text(), text.get_window_extent()) for text in shown]

    return boxes


@pytest.fixture
def by_gid() -> Any:
    """Find what a plot drew, by the name it gave it."""

    def find(ax: Any, gid: str) -> list[Any]:
        return [artist for artist in ax.get_children() if artist.get_gid() == gid]

    return find
