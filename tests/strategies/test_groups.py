from __future__ import annotations

import pytest

from phsx.exceptions import PlanError
from phsx.strategies import Bayesian, Grid, Random, Sobol, Strategy, Uniform
from phsx.strategies.groups import groups_of, model_of

NAMES = ("a", "b", "c", "d")


def division(strategy: Strategy) -> list[tuple[str, tuple[str, ...]]]:
    return [(group.strategy.kind, group.names) for group in groups_of(strategy, NAMES)]


def test_without_overrides() -> None:
    assert division(Sobol(8)) == [("sobol", NAMES)]


def test_values_first_then_overrides_then_the_block_then_the_model() -> None:
    assert division(Grid(d=Bayesian(), c=Uniform(0, 1), b=3)) == [
        ("values", ("b",)),
        ("uniform", ("c",)),
        ("grid", ("a",)),
        ("bayesian", ("d",)),
    ]
    assert division(Bayesian(40, a=Random(), c=[1, 2])) == [
        ("values", ("c",)),
        ("random", ("a",)),
        ("bayesian", ("b", "d")),
    ]


def test_equal_strategies_propose_together() -> None:
    assert division(Random(d=Sobol(), b=Sobol(), c=Sobol(scramble=False))) == [
        ("sobol", ("b", "d")),
        ("sobol", ("c",)),
        ("random", ("a",)),
    ]
    assert division(Bayesian(40, b=Bayesian())) == [("bayesian", NAMES)]


def test_a_grid_absorbs_lists() -> None:
    assert division(Grid(b=[1, 2], c=3)) == [("values", ("c",)), ("grid", ("a", "b", "d"))]


def test_the_model_of_a_block() -> None:
    assert model_of(Random(3, x=[1])) is None
    block = Bayesian(40, y=3)
    assert model_of(block) is block
    override = Bayesian(initial=4)
    assert model_of(Random(3, x=override, y=Bayesian(initial=4))) is override
    assert model_of(Bayesian(40, y=Bayesian())) == Bayesian(40, y=Bayesian())


def test_two_models_are_refused() -> None:
    with pytest.raises(PlanError, match="one strategy that learns.*2 that differ"):
        model_of(Bayesian(40, y=Bayesian(initial=4)))
