"""The contract of a search strategy as tests, which every strategy has to pass."""

from __future__ import annotations

import json
import pickle
import random
from collections.abc import Callable, Hashable, Mapping
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import pytest

from phsx import strategies
from phsx.exceptions import ExhaustedError, PlanError
from phsx.history import History, Observation
from phsx.space import Float, Int, Space
from phsx.strategies.base import ModelStrategy, Params, Request, Strategy
from phsx.strategies.mixing import model_of, propose
from phsx.strategies.plan import Plan
from phsx.testing.spaces import FINITE, LARGE

Taken = Callable[[Mapping[str, Any]], bool]


def nothing(params: Mapping[str, Any]) -> bool:
    """Take no point."""
    return False


def request_of(
    space: Space, number: int = 0, *, position: int = 0, seed: int = 0, taken: Taken = nothing
) -> Request:
    """Return what a block's strategy is asked for its trial `number`."""
    trial_seed = int(np.random.SeedSequence([seed, number]).generate_state(1, np.uint64)[0])
    return Request(
        space=space,
        trial=number,
        index=number,
        position=position,
        seed=trial_seed,
        block_seed=seed + 1,
        trials=None,
        names=space.dimensions,
        fixed={},
        taken=taken,
    )


class Block:
    """Asks a block for one point after the other, as a master does that has one worker.

    Parameters
    ----------
    strategy : Strategy
        The block's strategy with its overrides.
    space : Space
    seed : int
    objective : callable, optional
        With one, results are known to strategies that learn; without, they are never asked for
        more than their initial design.

    Attributes
    ----------
    points : list of dict
        The points that were proposed.
    """

    def __init__(
        self,
        strategy: Strategy,
        space: Space,
        seed: int = 0,
        objective: Callable[[Params], float] | None = None,
    ) -> None:
        self.strategy = strategy
        self.space = space
        self.seed = seed
        self.points: list[Params] = []
        self._objective = objective
        self._observations: list[Observation] = []
        self._keys: set[Hashable] = set()
        self._position = 0

    def request(self) -> Request:
        """Return the next request."""
        taken = nothing if self.strategy.repeats else self._taken
        request = request_of(
            self.space, len(self.points), position=self._position, seed=self.seed, taken=taken
        )
        request = replace(request, trials=self.strategy.trials)
        model = model_of(self.strategy)
        done = len(self.points)
        if model is None or self._objective is None or not model.modelled(done, done):
            return request
        history = History.of(self._observations, len(self.space))
        fit = model.fit(self.space, history, None, self.seed)
        pending = History.of([], len(self.space))
        return replace(request, history=history, pending=pending, fit=fit)

    def ask(self) -> Params:
        """Return the next point."""
        proposal = propose(self.strategy, self.request())
        point = proposal.params
        self._position = proposal.position
        self.points.append(point)
        self._keys.add(self.space.key(point))
        if self._objective is not None:
            unit, active = self.space.to_unit(point).tolist(), self.space.active(point).tolist()
            trial = len(self._observations)
            value = self._objective(point)
            self._observations.append(Observation(trial, tuple(unit), tuple(active), value))
        return point

    def run(self, trials: int) -> list[Params]:
        """Return so many points, or as many as there are."""
        for _ in range(trials):
            try:
                self.ask()
            except ExhaustedError:
                break
        return self.points

    def _taken(self, params: Mapping[str, Any]) -> bool:
        return self.space.key(params) in self._keys


def assert_valid(space: Space, points: list[Params], *, repeats: bool = False) -> None:
    """Fail where a point is not in the space, is not canonical, or comes twice."""
    for point in points:
        given = {name: point[name] for name in space.dimensions if name in point}
        checked = space.check(given)
        assert list(checked) == list(point), f"{point} should have the order of the space"
        assert space.key(checked) == space.key(point), f"{point} should be {checked}"
    if not repeats:
        keys = [space.key(point) for point in points]
        assert len(set(keys)) == len(keys), "a point came twice"


class StrategyContract:
    """What every strategy has to do, alone or as an override, on every kind of space.

    A test class derives from it and sets `kind`. A strategy that cannot be made without arguments
    that fit the space overrides `make` too.
    """

    kind: ClassVar[str]

    def make(self, space: Space, trials: int | None = None, **options: Any) -> Strategy:
        """Return a block of the strategy that can give every point of the space."""
        cls = strategies.strategy_class(self.kind)
        if not cls.override_only:
            return cls(trials, **options)
        overrides = {
            name: self.override(space, name) for name in space.dimensions if self.suits(space, name)
        }
        return strategies.Random(trials, overrides=overrides, **options)

    def suits(self, space: Space, name: str) -> bool:
        """Tell whether the strategy can propose a parameter; asked of overrides alone."""
        return True

    def override(self, space: Space, name: str) -> Strategy:
        """Return the strategy as it overrides one parameter, reaching all of its values."""
        raise NotImplementedError

    @pytest.fixture(params=[*LARGE, *(f"finite {name}" for name in FINITE)])
    def space(self, request: pytest.FixtureRequest) -> Space:
        """Return one of the spaces, large or finite."""
        name: str = request.param
        return FINITE[name.removeprefix("finite ")] if name.startswith("finite ") else LARGE[name]

    @pytest.fixture(params=[*FINITE])
    def finite(self, request: pytest.FixtureRequest) -> Space:
        """Return one of the finite spaces."""
        return FINITE[request.param]

    def test_points_are_valid_and_new(self, space: Space) -> None:
        """Every point lies in the space and is none of the earlier ones."""
        strategy = self.make(space)
        Plan.of(strategy).check(space)
        points = Block(strategy, space).run(24)
        assert len(points) >= min(24, 1 if space in FINITE.values() else 24)
        assert_valid(space, points)

    def test_pure(self, space: Space) -> None:
        """The same request has the same answer: again, after others, and of a copy."""
        strategy = self.make(space)
        requests = [request_of(space, number, position=number) for number in range(3)]
        first = [_answer(strategy, request) for request in requests]
        assert [_answer(strategy, request) for request in reversed(requests)] == first[::-1]
        copy = pickle.loads(pickle.dumps(strategy))  # noqa: S301 - our own bytes
        assert [_answer(copy, request) for request in requests] == first

    def test_no_global_random_state(self) -> None:
        """Neither Python's nor NumPy's global generator is used or changed."""
        space = LARGE["continuous"]
        strategy = self.make(space)
        request = request_of(space)
        before = (random.getstate(), repr(np.random.get_state()))
        answer = _answer(strategy, request)
        assert (random.getstate(), repr(np.random.get_state())) == before
        random.seed(7)
        np.random.seed(7)
        assert _answer(strategy, request) == answer

    def test_request_is_left_alone(self) -> None:
        """Nothing in the request is changed."""
        space = LARGE["conditional"]
        request = request_of(space)
        before = repr(request)
        propose(self.make(space), request)
        assert repr(request) == before

    def test_json_round_trip(self, space: Space) -> None:
        """What JSON gives back is equal and proposes the same."""
        for strategy in (self.make(space), self.make(space, 7, repeats=True, wait=True)):
            data = strategy.to_dict()
            text = json.dumps(data, allow_nan=False)
            assert json.loads(text) == data
            copy = strategies.from_dict(json.loads(text))
            assert copy == strategy
            assert hash(copy) == hash(strategy)
            assert type(copy) is type(strategy)
            assert copy.to_dict() == data
            request = request_of(space)
            assert _answer(copy, request) == _answer(strategy, request)

    def test_repr_makes_it_again(self, space: Space) -> None:
        """The representation is the call that makes the strategy."""
        strategy = self.make(space, 5, wait=True)
        names = {path.split(":")[1] for path in strategies.STRATEGIES.values()}
        scope = {name: getattr(strategies, name) for name in names}
        assert eval(repr(strategy), scope) == strategy  # noqa: S307 - our own text

    def test_uses_up_a_finite_space(self, finite: Space) -> None:
        """All points of a finite space come, each once; then it says that none is left."""
        everything = {finite.key(point) for point in finite.points()}
        block = Block(self.make(finite), finite)
        points = block.run(len(everything) + 1)
        assert_valid(finite, points)
        assert {finite.key(point) for point in points} == everything
        with pytest.raises(ExhaustedError, match=r"\w{3,} \w+"):
            block.ask()

    def test_repeats(self, finite: Space) -> None:
        """Points may come again where that is allowed."""
        strategy = self.make(finite, repeats=True)
        points = Block(strategy, finite).run(20)
        assert_valid(finite, points, repeats=True)
        if strategy.count(finite, finite.dimensions) is None:
            assert len(points) == 20

    def test_proposes_what_is_asked(self) -> None:
        """Only the names of the request are proposed, the others being decided already."""
        space = LARGE["continuous"]
        point = propose(self.make(space), request_of(space)).params
        request = replace(request_of(space), names=("y",), fixed={"x": point["x"]})
        assert propose(self.make(space), request).params["x"] == point["x"]

    def test_trials_are_checked(self) -> None:
        """A number of trials is a whole number above zero."""
        space = FINITE["choices"]
        for trials in (0, -1, True, 2.5, "20"):
            with pytest.raises(PlanError, match="trials"):
                self.make(space, trials)  # type: ignore[arg-type]

    def test_blocks_are_reproducible(self) -> None:
        """Two blocks of one seed are the same."""
        space = LARGE["continuous"]
        first, same = (Block(self.make(space), space, seed=5).run(5) for _ in range(2))
        assert first == same


class ModelContract(StrategyContract):
    """The contract of a strategy that learns from results."""

    def test_learns(self, space: Space) -> None:
        """With a model, points are valid, new and reproducible; its fit is JSON."""
        strategy = self.make(space)
        assert isinstance(model_of(strategy), ModelStrategy)
        block = Block(strategy, space, objective=_objective)
        points = block.run(14)
        assert_valid(space, points)
        if len(points) < 14:
            return
        request = block.request()
        assert request.history is not None
        assert json.loads(json.dumps(request.fit, allow_nan=False)) == request.fit
        assert _answer(strategy, request) == _answer(strategy, request)


class NumberContract(StrategyContract):
    """The contract of an override that gives numbers alone."""

    def suits(self, space: Space, name: str) -> bool:
        """Tell whether the parameter is a number."""
        return isinstance(space.parameters[name], (Float, Int))


def _answer(strategy: Strategy, request: Request) -> tuple[str, int] | str:
    try:
        proposal = propose(strategy, request)
    except ExhaustedError as error:
        return str(error)
    return repr(proposal.params), proposal.position


def _objective(point: Params) -> float:
    """Return something smooth of the numbers in a point."""
    numbers = [value for value in point.values() if isinstance(value, (int, float))]
    return sum((float(number) - 0.3) ** 2 for number in numbers)
