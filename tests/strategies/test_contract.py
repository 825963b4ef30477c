"""Every registered strategy keeps the contract."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from phsx.space import Space
from phsx.strategies import STRATEGIES, strategy_class
from phsx.strategies.base import Strategy
from phsx.strategies.bayesian import Bayesian
from phsx.strategies.choice import Choice
from phsx.strategies.explicit import Explicit
from phsx.strategies.log_uniform import LogUniform
from phsx.strategies.normal import Normal
from phsx.strategies.uniform import Uniform
from phsx.strategies.values import Values
from phsx.testing.strategies import ModelContract, NumberContract, StrategyContract


class TestExplicit(StrategyContract):
    kind = "explicit"

    def make(self, space: Space, trials: int | None = None, **options: Any) -> Strategy:
        if space.size <= 1000:
            return Explicit(list(space.points()), trials, **options)
        rng = np.random.default_rng(3)
        return Explicit([space.sample(rng) for _ in range(30)], trials, **options)

    def test_proposes_what_is_asked(self) -> None:
        pytest.skip("its points are complete")


class TestUniform(NumberContract):
    kind = "uniform"

    def override(self, space: Space, name: str) -> Strategy:
        parameter = space.parameters[name]
        return Uniform(parameter.low, parameter.high)


class TestLogUniform(NumberContract):
    kind = "log_uniform"

    def suits(self, space: Space, name: str) -> bool:
        return super().suits(space, name) and space.parameters[name].low > 0

    def override(self, space: Space, name: str) -> Strategy:
        parameter = space.parameters[name]
        return LogUniform(parameter.low, parameter.high)


class TestNormal(NumberContract):
    kind = "normal"

    def override(self, space: Space, name: str) -> Strategy:
        parameter = space.parameters[name]
        return Normal((parameter.low + parameter.high) / 2, (parameter.high - parameter.low) / 2)


def some_values(space: Space, name: str) -> list[Any]:
    parameter = space.parameters[name]
    if parameter.size < 50:
        return [getattr(value, "source", value) for value in parameter.values()]
    return [parameter.from_unit(u) for u in (0.1, 0.35, 0.6, 0.85)]


class TestChoice(StrategyContract):
    kind = "choice"

    def suits(self, space: Space, name: str) -> bool:
        return name != space.dimensions[0] or space.size < 1000

    def override(self, space: Space, name: str) -> Strategy:
        return Choice(some_values(space, name))


class TestValues(TestChoice):
    kind = "values"

    def override(self, space: Space, name: str) -> Strategy:
        return Values(some_values(space, name))


class TestBayesian(ModelContract):
    kind = "bayesian"


class TestConfidenceBound(ModelContract):
    kind = "bayesian"

    def make(self, space: Space, trials: int | None = None, **options: Any) -> Strategy:
        return Bayesian(trials, acquisition="ucb", kappa=1.5, **options)


class TestThompson(ModelContract):
    kind = "bayesian"

    def make(self, space: Space, trials: int | None = None, **options: Any) -> Strategy:
        return Bayesian(trials, acquisition="thompson", **options)


class TestTrees(ModelContract):
    kind = "bayesian"

    def make(self, space: Space, trials: int | None = None, **options: Any) -> Strategy:
        return Bayesian(trials, surrogate="trees", **options)


class TestGrid(StrategyContract):
    kind = "grid"


class TestHalton(StrategyContract):
    kind = "halton"


class TestLatinHypercube(StrategyContract):
    kind = "latin_hypercube"


class TestRandom(StrategyContract):
    kind = "random"


class TestSobol(StrategyContract):
    kind = "sobol"


def test_every_strategy_is_here() -> None:
    contracts = [
        value
        for value in globals().values()
        if isinstance(value, type) and issubclass(value, StrategyContract)
    ]
    kinds = {value.kind for value in contracts if hasattr(value, "kind")}
    assert kinds == set(STRATEGIES)
    assert all(strategy_class(kind).kind == kind for kind in kinds)
