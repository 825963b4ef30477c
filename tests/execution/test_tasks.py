"""The pure functions of the graph: pieces of history, fits, suggestions."""

from __future__ import annotations

import pickle
import subprocess
import sys

import numpy as np
import pytest

import phsx
from phsx.exceptions import ExhaustedError
from phsx.execution import tasks
from phsx.execution.tasks import Asking, Taken
from phsx.history import History
from phsx.master.observing import observe
from phsx.strategies.base import Proposal
from phsx.testing.bench import Learner
from phsx.testing.spaces import FINITE, LARGE
from phsx.trial import Trial, TrialState

SPACE = phsx.Space({"x": phsx.Float(0, 1), "n": phsx.Int(1, 3)})


def history(space, points, values=None, first=0):
    trials = [
        Trial(
            first + number,
            0,
            number,
            "random",
            params=point,
            state=TrialState.WAITING if values is None else TrialState.COMPLETED,
            value=None if values is None else values[number],
        )
        for number, point in enumerate(points)
    ]
    rows = [observe(space, trial, maximize=False) for trial in trials]
    return History.of(rows, len(space))


def asking(strategy, points=(), pending=(), space=SPACE, **changes):
    fields = {
        "space": space,
        "strategy": strategy,
        "trial": 9,
        "index": 4,
        "position": 4,
        "seed": 11,
        "block_seed": 12,
        "tail": history(space, points, [float(n) for n in range(len(points))]),
        "pending": history(space, pending, first=100),
        "fit": {"memory": 1.0},
        "rank": 0,
    }
    return Asking(**fields | changes)


POINTS = [{"x": 0.1 * number, "n": 1 + number % 3} for number in range(6)]


class TestHistory:
    def test_pieces_are_joined_in_order(self):
        whole = history(SPACE, POINTS, list(range(6)))
        older, newer = whole.select(np.arange(4)), whole.select(np.arange(4, 6))
        assert tasks.chunk(older) is older
        merged = tasks.merge(older, newer)
        assert merged.trials.tolist() == whole.trials.tolist()
        assert merged.values.tolist() == whole.values.tolist()


class TestFit:
    def test_knows_all_pieces_and_the_tail(self):
        seen = []

        class Watching(Learner):
            def fit(self, space, history, previous, seed):
                seen.append((history.trials.tolist(), previous, seed))
                return {"memory": 2.0}

        whole = history(SPACE, POINTS, list(range(6)))
        parts = [whole.select(np.arange(a, b)) for a, b in ((0, 3), (3, 5), (5, 6))]
        fitted = tasks.fit(SPACE, Watching(), {"memory": 1.0}, 7, parts[2], parts[0], parts[1])
        assert seen == [(list(range(6)), {"memory": 1.0}, 7)]
        assert fitted.values == {"memory": 2.0}
        assert fitted.started <= fitted.ended

    def test_is_pure(self):
        whole = history(SPACE, POINTS, list(range(6)))
        one, two = (tasks.fit(SPACE, Learner(), None, 7, whole).values for _ in range(2))
        assert one == two

    def test_the_real_model_gives_json(self):
        import json

        whole = history(SPACE, POINTS, [float(x["x"]) for x in POINTS])
        values = tasks.fit(SPACE, phsx.Bayesian(), None, 7, whole).values
        assert json.loads(json.dumps(values, allow_nan=False)) == values


class TestSuggestion:
    def test_request_has_everything(self):
        question = asking(Learner(20), POINTS[:2], POINTS[2:3], rank=3)
        request = tasks.request(question, question.tail)
        assert (request.trial, request.index, request.position, request.rank) == (9, 4, 4, 3)
        assert (request.seed, request.block_seed, request.trials) == (11, 12, 20)
        assert (request.names, request.fit) == (SPACE.dimensions, {"memory": 1.0})
        assert request.history is question.tail and request.pending is question.pending

    def test_is_pure_wherever_the_history_lies(self):
        whole = asking(Learner(), POINTS)
        tail = whole.tail
        parts = [tail.select(np.arange(a, b)) for a, b in ((0, 2), (2, 4), (4, 6))]
        split = asking(Learner(), tail=parts[2])
        point = tasks.suggest(whole).proposal
        assert tasks.suggest(whole).proposal == point
        assert tasks.suggest(split, parts[0], parts[1]).proposal == point

    def test_travels(self):
        question = asking(phsx.Bayesian(9, x=phsx.Normal(0.5, 0.1)), POINTS)
        again = pickle.loads(pickle.dumps(question))
        assert tasks.suggest(again).proposal == tasks.suggest(question).proposal

    @pytest.mark.parametrize("change", [{"seed": 1}, {"rank": 1}, {"fit": {"memory": 3.0}}])
    def test_depends_on_what_it_may_depend_on(self, change):
        one = tasks.suggest(asking(Learner(), POINTS)).proposal
        assert tasks.suggest(asking(Learner(), POINTS, **change)).proposal != one

    def test_keeps_away_from_tried_and_pending_points(self):
        space = phsx.Space({"n": phsx.Int(1, 5)})
        tried, pending = [{"n": 1}, {"n": 4}], [{"n": 2}, {"n": 5}]
        question = asking(Learner(), tried, pending, space)
        assert tasks.suggest(question).proposal.params == {"n": 3}

    def test_says_that_nothing_is_left(self):
        space = phsx.Space({"n": phsx.Int(1, 2)})
        suggested = tasks.suggest(asking(Learner(), [{"n": 1}], [{"n": 2}], space))
        assert suggested.proposal is None
        assert "no untried point is left" in suggested.reason

    def test_repeats_where_they_are_allowed(self):
        space = phsx.Space({"n": phsx.Int(1, 2)})
        question = asking(Learner(repeats=True), [{"n": 1}], [{"n": 2}], space)
        assert tasks.suggest(question).proposal.params["n"] in {1, 2}

    def test_other_errors_are_raised(self):
        class Broken(Learner):
            def propose(self, request):
                raise ArithmeticError("singular")

        with pytest.raises(ArithmeticError):
            tasks.suggest(asking(Broken(), POINTS))

    def test_reason_of_the_strategy_is_passed_on(self):
        class Tired(Learner):
            def propose(self, request):
                raise ExhaustedError("tired")

        suggested = tasks.suggest(
            asking(Tired(), [{"n": 1}], space=phsx.Space({"n": phsx.Categorical([1])}))
        )
        assert suggested.proposal is None and suggested.reason

    def test_warming_up_imports_what_the_first_would_wait_for(self):
        code = (
            "import sys, phsx; from phsx.execution import tasks;"
            "space = phsx.Space({'x': phsx.Float(0, 1)});"
            "tasks.warm_up([phsx.Bayesian(surrogate=sys.argv[1])], space);"
            "print([name for name in ('scipy.optimize', 'sklearn.tree') if name in sys.modules])"
        )
        for surrogate, found in [
            ("gp", ["scipy.optimize"]),
            ("trees", ["scipy.optimize", "sklearn.tree"]),
        ]:
            command = [sys.executable, "-c", code, surrogate]
            assert subprocess.check_output(command, text=True).strip() == str(found)


class TestTaken:
    @pytest.mark.parametrize("name", [*LARGE, *FINITE])
    def test_agrees_with_the_identity_of_points(self, name):
        space = {**LARGE, **FINITE}[name]
        rng = np.random.default_rng(3)
        points = [space.sample(rng) for _ in range(40)]
        known, others = points[:20], points[20:]
        taken = Taken(space, history(space, known[:9], [0.0] * 9), history(space, known[9:]))
        keys = {space.key(point) for point in known}
        assert all(taken(point) for point in known)
        assert [taken(point) for point in others] == [space.key(p) in keys for p in others]

    def test_nothing_is_taken_at_first(self):
        empty = history(SPACE, [])
        assert not Taken(SPACE, empty, empty)({"x": 0.5, "n": 1})

    def test_neighbours_on_a_fine_grid_are_different_points(self):
        space = phsx.Space({"x": phsx.Float(0, 1)})
        grid = [space.parameters["x"].from_unit(u) for u in (0.3, 0.3 + 3e-12)]
        assert grid[0] != grid[1]
        taken = Taken(space, history(space, [{"x": grid[0]}]))
        assert taken({"x": grid[0]}) and not taken({"x": grid[1]})


def test_proposals_compare_by_value():
    assert Proposal({"x": 1}, 2) == Proposal({"x": 1}, 2)
