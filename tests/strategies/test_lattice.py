from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phsx.space import Categorical, Expression, Int, Space
from phsx.strategies.lattice import Lattice
from phsx.testing.spaces import FINITE


def lattice(space: Space, strict: bool = True) -> Lattice:
    axes = {name: tuple(space.parameters[name].values()) for name in space.dimensions}
    return Lattice(space, axes, {}, strict)


@pytest.mark.parametrize("name", FINITE)
def test_visits_every_valid_point_once(name: str) -> None:
    space = FINITE[name]
    found = [point for _, point in lattice(space).walk() if point is not None]
    assert found == list(space.points())


@pytest.mark.parametrize("name", FINITE)
def test_can_begin_anywhere(name: str) -> None:
    space = FINITE[name]
    grid = lattice(space)
    everything = [(position, point) for position, point in grid.walk() if point is not None]
    for start in range(grid.size + 2):
        found = [(position, point) for position, point in grid.walk(start) if point is not None]
        assert found == [pair for pair in everything if pair[0] >= start]


def test_positions_are_those_of_the_combinations() -> None:
    space = FINITE["conditional"]
    grid = lattice(space)
    for position, point in grid.walk():
        if point is not None:
            assert space.complete(grid.combination(position)) == point


def test_inactive_stretches_cost_one_step() -> None:
    parameters = {"a": Categorical(["x", "y"])}
    parameters |= {f"n{i}": Int(1, 100, when={"a": "x"}) for i in range(6)}
    grid = lattice(Space({**parameters, "m": Int(1, 2)}))
    tail = grid.size // 2
    found = list(grid.walk(tail))
    assert [position for position, _ in found] == [tail, tail + 1]
    assert [point for _, point in found] == [{"a": "y", "m": 1}, {"a": "y", "m": 2}]


def test_broken_constraints_cost_one_step_for_all_that_follows() -> None:
    parameters = {f"n{i}": Int(1, 1000) for i in range(5)}
    grid = lattice(Space(parameters, constraints=["n0 > 998"]))
    steps = list(itertools.islice(grid.walk(), 999))
    assert [point for _, point in steps[:998]] == [None] * 998
    assert steps[998][1] == {"n0": 999, "n1": 1, "n2": 1, "n3": 1, "n4": 1}


def test_what_is_fixed_counts() -> None:
    space = Space({"n": Int(1, 3), "m": Int(1, 3)}, constraints=["n < m"])
    grid = Lattice(space, {"n": (1, 2, 3)}, {"m": 3})
    assert [point for _, point in grid.walk() if point] == [{"n": 1, "m": 3}, {"n": 2, "m": 3}]


def test_lax_walks_let_constraints_and_expressions_be() -> None:
    parameters = {"n": Int(0, 1), "f": Expression("1 / n"), "m": Int(1, 2)}
    space = Space(parameters, constraints=["m > 1"])
    assert [position for position, point in lattice(space).walk() if point] == [3]
    assert [position for position, point in lattice(space, strict=False).walk() if point] == [
        0,
        1,
        2,
        3,
    ]


@settings(derandomize=True, deadline=None)
@given(st.data())
def test_against_brute_force(data: st.DataObject) -> None:
    sizes = data.draw(st.lists(st.integers(2, 3), min_size=2, max_size=4))
    parameters = {}
    for number, size in enumerate(sizes):
        when = None
        if number and data.draw(st.booleans()):
            when = f"p{data.draw(st.integers(0, number - 1))} > 1"
        parameters[f"p{number}"] = Int(1, size, when=when)
    last = len(sizes) - 1
    space = Space(parameters, [f"p0 + p{last} != 4"] if data.draw(st.booleans()) else [])
    names = space.dimensions
    combinations = itertools.product(*(tuple(parameters[name].values()) for name in names))
    expected: dict[object, int] = {}
    for position, values in enumerate(combinations):
        point = space.complete(dict(zip(names, values, strict=True)))
        if point is not None:
            expected.setdefault(space.key(point), position)
    found = {space.key(point): place for place, point in lattice(space).walk() if point is not None}
    assert found == expected
