from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.stats import qmc

from phsx.exceptions import PlanError
from phsx.space import Categorical, Constant, Expression, Float, Space
from phsx.strategies import Bayesian, Halton, LatinHypercube, Random, Sobol
from phsx.strategies.sequence import Table
from phsx.testing.strategies import Block, request_of

SPACE = Space({"x": Float(0, 1), "y": Float(0, 1), "z": Float(0, 1)})
KINDS = [Sobol, Halton, LatinHypercube]


def unit(strategy: Any, trials: int, seed: int = 0, space: Space = SPACE) -> np.ndarray:
    return np.array([space.to_unit(p) for p in Block(strategy, space, seed=seed).run(trials)])


@pytest.mark.parametrize("kind", KINDS)
def test_more_even_than_random(kind: Any) -> None:
    def discrepancy(strategy: Any) -> float:
        return float(np.mean([qmc.discrepancy(unit(strategy, 64, seed)) for seed in range(3)]))

    assert discrepancy(kind(64)) < 0.5 * discrepancy(Random(64))


@pytest.mark.parametrize("kind", KINDS)
def test_any_position_in_any_order(kind: Any) -> None:
    request = replace(request_of(SPACE), trials=8)
    forward = [kind().propose(replace(request, position=i)).params for i in range(300)]
    backward = [kind().propose(replace(request, position=i)).params for i in reversed(range(300))]
    assert forward == backward[::-1]
    assert len({tuple(point.values()) for point in forward}) == 300
    other = replace(request, position=5, block_seed=99)
    assert kind().propose(other).params != forward[5]


@pytest.mark.parametrize("kind", KINDS)
def test_scrambled_by_the_block(kind: Any) -> None:
    assert not np.allclose(unit(kind(8), 8, seed=0), unit(kind(8), 8, seed=1))


def test_sobol_is_scipys() -> None:
    expected = qmc.Sobol(3, scramble=False).random(128)
    assert np.allclose(unit(Sobol(scramble=False), 128), expected, atol=1e-11)


def test_halton_is_scipys() -> None:
    expected = qmc.Halton(3, scramble=False).random(100)
    assert np.allclose(unit(Halton(scramble=False), 100), expected, atol=1e-11)


def test_latin_hypercube_hits_every_slice() -> None:
    points = unit(LatinHypercube(10), 10)
    for column in points.T:
        assert sorted((column * 10).astype(int)) == list(range(10))
    middle = unit(LatinHypercube(10, scramble=False), 10)
    assert np.allclose(np.sort(middle[:, 0]), np.arange(10) / 10 + 0.05)


def test_latin_hypercube_goes_on_with_another() -> None:
    points = unit(LatinHypercube(10), 20)
    assert len({tuple(row) for row in points.tolist()}) == 20
    for column in points[10:].T:
        assert sorted((column * 10).astype(int)) == list(range(10))


def test_only_parameters_with_a_coordinate() -> None:
    space = Space(
        {"k": Constant(1), "x": Float(0, 1), "f": Expression("x"), "c": Categorical(["a", "b"])}
    )
    points = Block(Sobol(), space).run(8)
    assert sum(point["c"] == "a" for point in points) == 4


def test_two_sequences_in_a_block_do_not_go_side_by_side() -> None:
    points = unit(Halton(y=Sobol(), z=LatinHypercube()), 64)
    correlation = np.corrcoef(points.T)
    assert np.abs(correlation[np.triu_indices(3, 1)]).max() < 0.5
    for column in points.T:
        assert np.all(np.bincount((column * 8).astype(int), minlength=8) >= 6)


def test_the_initial_design_of_a_model_is_another_sequence_than_the_blocks() -> None:
    space = Space({"x": Float(0, 1), "y": Float(0, 1)})
    points = unit(Sobol(y=Bayesian()), 16, space=space)
    assert not np.allclose(points[:, 0], points[:, 1], atol=0.01)


def test_a_sequence_for_two_parameters_is_one() -> None:
    points = unit(Random(y=Sobol(), z=Sobol()), 64)[:, 1:]
    cells = (points * 8).astype(int)
    assert len({tuple(cell) for cell in cells.tolist()}) == 64


class Counting:
    """An engine whose points are their own numbers, and whose work can be interrupted."""

    d = 1

    def __init__(self) -> None:
        self.given = 0

    def random(self, n: int) -> np.ndarray:
        start = self.given
        rows = [[float(start + row)] for row in range(n)]
        self.given = start + n
        return np.array(rows)


@pytest.fixture
def hasty_threads() -> Iterator[None]:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("hasty_threads")
def test_tables_grow_the_same_in_threads() -> None:
    for _ in range(10):
        table = Table(Counting())
        start = threading.Barrier(4)
        rows: list[list[float]] = [[], [], [], []]

        def read(found: list[float], table: Table = table, start: Any = start) -> None:
            start.wait()
            found.extend(table.row(i)[0] for i in range(2000))

        threads = [threading.Thread(target=read, args=(found,)) for found in rows]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert rows == [list(map(float, range(2000)))] * 4


@pytest.mark.parametrize("kind", KINDS)
def test_scramble_is_a_flag(kind: Any) -> None:
    with pytest.raises(PlanError, match="scramble"):
        kind(8, scramble=3)
