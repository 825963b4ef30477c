import math

import pytest

from phsx.space import Float, Space
from phsx.strategies import Bayesian, Random
from phsx.strategies.base import Proposal, Strategy
from phsx.testing.asynchronous import StrategyOptimizer, search, simulate
from phsx.testing.functions import branin


class Watching(Strategy):
    """Counts on how many running trials each suggestion was made."""

    kind = "watching"

    def propose(self, request):
        return Proposal({"x": request.rng().random()}, request.position + 1)

    def options(self):
        return {}


SPACE = Space({"x": Float(0, 1)})


def test_every_trial_once_in_the_order_of_finishing():
    found = search(lambda x: x, SPACE, Watching(), 30, workers=4, seed=1)
    trials = [one.trial for one in found]
    assert sorted(trials) == list(range(30))
    assert trials != sorted(trials)
    # No more than the workers are ahead of the oldest that is running.
    for place, trial in enumerate(trials):
        assert trial < place + 4


def test_one_worker_goes_in_order():
    found = search(lambda x: x, SPACE, Watching(), 8, seed=1)
    assert [one.trial for one in found] == list(range(8))
    assert all(one.value == one.params["x"] for one in found)


def test_seed_decides_everything():
    runs = [search(branin, branin.space, Bayesian(16), 16, workers=3, seed=5) for _ in range(2)]
    assert runs[0] == runs[1]
    other = search(branin, branin.space, Bayesian(16), 16, workers=3, seed=6)
    assert other != runs[0]


def test_failures_are_nan():
    def fails(x):
        if x < 0.3:
            raise ValueError("too small")
        return math.inf if x > 0.9 else x

    found = search(fails, SPACE, Random(), 40, workers=2)
    assert any(math.isnan(one.value) for one in found if one.params["x"] < 0.3)
    assert all(math.isnan(one.value) == (not 0.3 <= one.params["x"] <= 0.9) for one in found)


def test_maximize_is_the_mirror_image():
    down = search(branin, branin.space, Bayesian(18), 18, workers=2, seed=3)
    up = search(
        lambda x, y: -branin(x=x, y=y),
        branin.space,
        Bayesian(18),
        18,
        workers=2,
        seed=3,
        maximize=True,
    )
    assert [one.params for one in up] == [one.params for one in down]


def test_invalid_proposals_are_an_error():
    space = Space({"x": Float(0, 1), "y": Float(0, 1)}, ["x + y < 1e-9"])

    class Wrong(Watching):
        def propose(self, request):
            return Proposal({"x": 1.0, "y": 1.0})

    with pytest.raises(ValueError, match="invalid point"):
        search(lambda x, y: x, space, Wrong(), 2)


class Recorder:
    """An optimizer that writes down what it is asked and told."""

    def __init__(self):
        self.calls = []

    def ask(self, trial):
        self.calls.append(("ask", trial))
        return {"trial": trial}

    def tell(self, trial, params, value):
        assert params == {"trial": trial}
        self.calls.append(("tell", trial, value))


def test_simulated_optimizers_are_asked_as_soon_as_a_worker_is_free():
    optimizer = Recorder()
    done = simulate(optimizer, lambda trial, params: 2.0 * trial, 12, workers=3, seed=4)
    assert [call[0] for call in optimizer.calls[:3]] == ["ask"] * 3
    assert [call[0] for call in optimizer.calls[3:-3]] == ["tell", "ask"] * 9
    told = [call[1:] for call in optimizer.calls if call[0] == "tell"]
    assert told == [(one.trial, one.value) for one in done] == [(t, 2.0 * t) for t, _ in told]


def test_the_clock_is_the_same_for_all():
    one = simulate(Recorder(), lambda trial, params: 0.0, 30, workers=4, seed=4)
    other = simulate(
        StrategyOptimizer(SPACE, Random(), seed=9), lambda trial, params: 1.0, 30, workers=4, seed=4
    )
    assert [evaluation.trial for evaluation in one] == [evaluation.trial for evaluation in other]


def test_what_is_not_finite_is_told_as_nan():
    optimizer = Recorder()
    simulate(optimizer, lambda trial, params: [math.inf, 1.0, math.nan][trial], 3)
    told = [call[2] for call in optimizer.calls if call[0] == "tell"]
    assert math.isnan(told[0]) and told[1] == 1.0 and math.isnan(told[2])


def test_a_batch_is_made_of_one_history():
    asked = []

    class Ranked(Bayesian):
        kind = "ranked"

        def propose(self, request):
            if request.history is not None:
                known, running = len(request.history), len(request.pending)
                asked.append((request.trial, request.rank, known, running))
            return super().propose(request)

    optimizer = StrategyOptimizer(branin.space, Ranked(40), 40, seed=2)
    for trial in range(10):
        params = optimizer.ask(trial)
        optimizer.tell(trial, params, branin(**params))
    asked.clear()
    points = optimizer.batch(10, 5)
    assert asked == [(10 + rank, rank, 10, 0) for rank in range(5)]
    assert len({branin.space.key(params) for params in points}) == 5
    assert list(optimizer.running) == [10, 11, 12, 13, 14]


def test_finished_trials_are_encoded_once(monkeypatch):
    optimizer = StrategyOptimizer(branin.space, Bayesian(20), 20, seed=2)
    for trial in range(12):
        params = optimizer.ask(trial)
        optimizer.tell(trial, params, branin(**params))
    encoded = []
    encode = Space.to_unit
    monkeypatch.setattr(Space, "to_unit", lambda self, p: encoded.append(p) or encode(self, p))
    params = optimizer.ask(12)
    # The last one that has finished, unless it was not told yet: none of the others.
    assert optimizer.done[-1].params in encoded
    assert all(one.params not in encoded for one in optimizer.done[:-1])
