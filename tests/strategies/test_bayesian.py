import itertools
import math
import subprocess
import sys
import warnings
from dataclasses import replace

import numpy as np
import pytest

from phsx.exceptions import ExhaustedError, ModelWarning, PlanError
from phsx.history import History
from phsx.models.encoding import Encoding
from phsx.models.surrogate import Surrogate
from phsx.space import Categorical, Float, Int, Space
from phsx.strategies import from_dict, propose
from phsx.strategies.base import Request
from phsx.strategies.bayesian import Bayesian
from phsx.testing.asynchronous import search
from phsx.testing.functions import branin, conditional, griewank, mixed

SPACES = {"branin": branin.space, "mixed": mixed.space, "conditional": conditional.space}


def points(space, n, seed=0):
    rng = np.random.default_rng(seed)
    return [space.sample(rng) for _ in range(n)]


def history(space, params, values):
    return History(
        np.arange(len(params)),
        np.array([space.to_unit(one) for one in params]).reshape(len(params), len(space)),
        np.array([space.active(one) for one in params], dtype=bool).reshape(
            len(params), len(space)
        ),
        np.array(values, dtype=float),
    )


def ask(space, past, **changes):
    fields = {
        "space": space,
        "trial": 20,
        "index": 20,
        "position": 20,
        "seed": 7,
        "block_seed": 5,
        "trials": 60,
        "names": space.dimensions,
        "fixed": {},
        "taken": lambda params: False,
        "history": past,
        "pending": None,
        "fit": None,
        "rank": 0,
    }
    return Request(**(fields | changes))


@pytest.fixture(scope="module")
def known():
    params = points(branin.space, 25)
    past = history(branin.space, params, [branin(**one) for one in params])
    return past, Bayesian().fit(branin.space, past, None, 0)


# What it is


def test_options_and_json():
    strategy = Bayesian(40, initial=8, y=[1.2, 3.4], repeats=True)
    assert from_dict(strategy.to_dict()) == strategy
    assert Bayesian(40).options() == {}
    for wrong in (0, 2.5, True, "8"):
        with pytest.raises(PlanError, match="initial"):
            Bayesian(40, initial=wrong)


def test_choices_are_part_of_what_it_is():
    for options in (
        {"acquisition": "ucb"},
        {"acquisition": "ucb", "kappa": 0.0},
        {"surrogate": "trees"},
    ):
        strategy = Bayesian(40, **options)
        assert strategy.options() == options
        assert from_dict(strategy.to_dict()) == strategy != Bayesian(40)
    assert repr(Bayesian(4, acquisition="thompson")) == "Bayesian(4, acquisition='thompson')"
    assert Bayesian(acquisition="ei", kappa=2).options() == {}
    assert from_dict({"strategy": "bayesian", "acquisition": "ucb", "kappa": 1}).kappa == 1.0


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"acquisition": "uct"}, "must be one of 'ei', 'ucb', 'thompson', .*did you mean 'ucb'"),
        ({"acquisition": None}, "acquisition must be one of"),
        ({"acquisition": ["ei"]}, "acquisition must be one of"),
        ({"acquisition": "ucb", "kappa": -1}, "kappa must be at least 0, not -1"),
        ({"acquisition": "ucb", "kappa": math.nan}, "kappa must be finite"),
        ({"acquisition": "ucb", "kappa": "2"}, "kappa must be a number"),
        ({"surrogate": "tree"}, "one of 'auto', 'gp', 'trees', not 'tree'; did you mean 'trees'"),
        ({"surrogate": None}, "surrogate must be one of"),
        ({"kappa": 3.0}, "kappa belongs to acquisition='ucb'; 'ei' has no use for it"),
    ],
)
def test_wrong_choices_are_told(options, told):
    with pytest.raises(PlanError, match=told):
        Bayesian(40, **options)


def test_import_is_light():
    code = (
        "import sys, phsx.strategies.bayesian as b; b.Bayesian(9).modelled(3, 9);"
        "print([m for m in ('scipy', 'sklearn', 'dask') if m in sys.modules])"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


# When the model is asked and fitted


def test_initial_design():
    assert not Bayesian().modelled(5, 9)
    assert Bayesian().modelled(5, 10)
    assert not Bayesian().modelled(1, 64)  # many workers: nothing is known yet
    assert Bayesian(initial=1).modelled(1, 1)
    assert Bayesian(12).modelled(3, 3)
    assert not Bayesian(12).modelled(3, 2)


def test_fits_grow_rare_gently():
    strategy = Bayesian()
    assert strategy.stale(5, None)
    fits, fitted = 0, None
    for observed in range(1, 1001):
        if strategy.stale(observed, fitted):
            fits, fitted = fits + 1, observed
        if observed == 75:
            assert fits == 75
        assert observed <= max(fitted + 1, 1.06 * fitted)
    assert fits < 250


def test_initial_points_are_a_sequence_that_skips():
    asked = ask(branin.space, None, position=0)
    first = Bayesian().propose(asked)
    assert Bayesian().propose(asked) == first
    key = branin.space.key(first.params)
    skipping = replace(asked, taken=lambda params: branin.space.key(params) == key)
    second = Bayesian().propose(skipping)
    assert second == Bayesian().propose(replace(asked, position=first.position))
    assert second.position == first.position + 1


def test_initial_points_satisfy_constraints():
    space = Space({"x": Float(0, 1), "y": Float(0, 1)}, ["x + y < 0.2"])
    position = 0
    for _ in range(10):
        proposal = Bayesian().propose(ask(space, None, position=position))
        assert space.complete(proposal.params) is not None
        assert proposal.position > position
        position = proposal.position


# What it suggests


CHOICES = [{}, {"acquisition": "ucb"}, {"acquisition": "thompson"}]


@pytest.mark.parametrize("options", CHOICES, ids=str)
@pytest.mark.parametrize("name", SPACES)
def test_suggestions_are_reproducible(name, options):
    space = SPACES[name]
    params = points(space, 12)
    past = history(
        space,
        params,
        [
            {"branin": branin, "mixed": mixed, "conditional": conditional}[name](**one)
            for one in params
        ],
    )
    pending = history(space, points(space, 3, 1), [math.nan] * 3)
    for rank in (0, 2, 70):
        suggested = []
        for _ in range(2):
            fit = Bayesian(**options).fit(space, past, None, 3)
            asked = ask(space, past, pending=pending, fit=fit, rank=rank)
            suggested.append(Bayesian(**options).propose(asked))
        assert suggested[0] == suggested[1]
        assert space.complete(suggested[0].params) is not None


def test_goes_where_the_optimum_is():
    space = Space({"x": Float(0, 1), "c": Categorical(["a", "b"])})
    params = [{"x": x, "c": c} for x in (0.0, 0.2, 0.5, 0.8, 1.0) for c in "ab"]
    past = history(space, params, [(p["x"] - 0.6) ** 2 + (p["c"] == "a") for p in params])
    suggested = Bayesian().propose(ask(space, past, trial=0)).params
    assert suggested["c"] == "b"
    assert suggested["x"] == pytest.approx(0.6, abs=0.1)


def test_fixed_parameters_are_taken_into_account(known):
    past, fit = known
    for y in (0.5, 12.0):
        asked = ask(branin.space, past, fit=fit, names=("x",), fixed={"y": y})
        proposal = Bayesian().propose(asked)
        assert set(proposal.params) == {"x"}
        candidates = [branin(x=x, y=y) for x in np.linspace(-5, 10, 200)]
        value = branin(x=proposal.params["x"], y=y)
        assert value < np.quantile(candidates, 0.35)


def test_pending_points_are_avoided(known):
    past, fit = known
    space = branin.space
    first = Bayesian().propose(ask(space, past, fit=fit)).params
    pending = history(space, [first], [math.nan])
    second = Bayesian().propose(ask(space, past, fit=fit, pending=pending)).params
    distance = np.abs(space.to_unit(first) - space.to_unit(second)).max()
    assert distance > 0.005


SQUARE = Space({"x": Float(0, 1)})


@pytest.mark.parametrize(
    ("space", "function", "results", "asks"),
    [(SQUARE, lambda x: (x - 0.5) ** 2, 4, 8), (griewank(2).space, griewank(2), 40, 6)],
    ids=["square", "griewank"],
)
@pytest.mark.parametrize("seed", [0, 3])
def test_pending_points_do_not_huddle(space, function, results, asks, seed):
    params = points(space, results, seed)
    past = history(space, params, [function(**one) for one in params])
    fit = Bayesian().fit(space, past, None, 0)
    given = []
    for trial in range(asks):
        pending = history(space, given, [math.nan] * trial)
        asked = ask(space, past, fit=fit, pending=pending, trial=trial)
        given.append(Bayesian().propose(asked).params)
    unit = np.array([space.to_unit(one) for one in given])
    distances = np.abs(unit[:, None] - unit[None]).max(axis=-1) + np.eye(asks)
    assert distances.min() > 0.01


def test_each_rank_derives_the_ones_before_it(known):
    past, fit = known
    space = branin.space
    ranked = [
        Bayesian().propose(ask(space, past, fit=fit, trial=20 + rank, rank=rank)).params
        for rank in range(12)
    ]
    assert len({space.key(params) for params in ranked}) == 12
    # As good as if each had known the ones before it.
    pending = history(space, ranked[:1], [math.nan])
    told = Bayesian().propose(ask(space, past, fit=fit, trial=21, pending=pending)).params
    surrogate = Surrogate(Encoding(space), past, pending, fit)
    acquisition = surrogate.acquisition(surrogate.model(21))
    values = acquisition(np.array([space.to_unit(one) for one in (told, ranked[1], ranked[0])]))
    assert values[1] > values[0] - 1.5
    assert values[2] < values[0] - 3.0


@pytest.mark.parametrize("options", CHOICES, ids=str)
@pytest.mark.parametrize("function", [branin, mixed], ids=["branin", "mixed"])
def test_eight_at_once_differ(function, options):
    space = function.space
    params = points(space, 25)
    past = history(space, params, [function(**one) for one in params])
    fit = Bayesian().fit(space, past, None, 0)
    suggested = [
        Bayesian(**options).propose(
            ask(space, past, fit=fit, trial=20 + rank, seed=rank, rank=rank)
        )
        for rank in range(8)
    ]
    assert len({space.key(one.params) for one in suggested}) == 8
    values = [function(**one.params) for one in suggested]
    assert np.median(values) < np.median([function(**one) for one in params])


def test_a_larger_kappa_explores_more(known):
    past, fit = known
    asked = ask(branin.space, past, fit=fit, trial=0)
    variances = []
    for kappa in (0.0, 1.0, 10.0):
        found = Bayesian(acquisition="ucb", kappa=kappa).propose(asked).params
        acquisition = Surrogate(Encoding(branin.space), past, None, fit).acquisition("plain")
        variance = acquisition.posterior.predict(branin.space.to_unit(found)[None])[1]
        variances.append(float(variance[0]))
    assert variances[0] < variances[1] < variances[2]


def test_thompson_draws_for_every_trial_anew(known):
    past, fit = known
    strategy = Bayesian(acquisition="thompson")
    found = [
        strategy.propose(ask(branin.space, past, fit=fit, trial=20, seed=seed)).params
        for seed in range(4)
    ]
    assert len({branin.space.key(one) for one in found}) == 4


@pytest.mark.parametrize("function", [branin, mixed], ids=["branin", "mixed"])
def test_64_at_once_differ(function):
    space = function.space
    params = points(space, 25)
    past = history(space, params, [function(**one) for one in params])
    fit = Bayesian().fit(space, past, None, 0)
    suggested = [
        Bayesian().propose(ask(space, past, fit=fit, trial=20 + rank, rank=rank)).params
        for rank in (*range(16), 20, 45, 61, 62, 63)
    ]
    assert len({space.key(one) for one in suggested}) == 21
    values = [function(**one) for one in suggested]
    assert min(values) < min(function(**one) for one in params)


def test_beyond_64_at_once_suggestions_still_differ(known):
    past, fit = known
    suggested = [
        Bayesian().propose(ask(branin.space, past, fit=fit, trial=t, seed=t, rank=t)).params
        for t in range(64, 80)
    ]
    assert len({branin.space.key(params) for params in suggested}) == 16
    # They are from the posterior, not from anywhere.
    values = [branin(**params) for params in suggested]
    assert np.median(values) < np.median([branin(**one) for one in points(branin.space, 100)])


@pytest.mark.parametrize("options", CHOICES, ids=str)
def test_failures_are_avoided(options):
    space = Space({"x": Float(0, 1), "y": Float(0, 1)})
    params = points(space, 20)
    # The objective falls towards x = 1, but everything beyond 0.6 fails.
    values = [-one["x"] if one["x"] < 0.6 else math.nan for one in params]
    past = history(space, params, values)
    strategy = Bayesian(**options)
    suggested = [strategy.propose(ask(space, past, trial=t)).params["x"] for t in range(3)]
    assert all(0.4 < x < 0.75 for x in suggested)


# Finite spaces


def test_a_finite_space_is_used_up_and_no_more():
    space = Space({"n": Int(1, 5), "c": Categorical(list("abcd"))}, ["n > 1 or c == 'a'"])
    found = search(lambda n, c: n + ord(c), space, Bayesian(17), 17, workers=3)
    assert len({space.key(one.params) for one in found}) == 17
    with pytest.raises(ExhaustedError, match="no untried point"):
        search(lambda n, c: n + ord(c), space, Bayesian(18), 18, workers=3)


def test_sixty_points_in_sixty_trials():
    space = Space({"n": Int(1, 5), "c": Categorical(list("abc")), "m": Int(1, 4)})
    found = search(lambda n, c, m: n * ord(c) + m, space, Bayesian(60), 60, workers=8)
    assert len({space.key(one.params) for one in found}) == 60


def test_finds_the_best_of_625_combinations():
    space = Space({f"c{k}": Categorical(list("abcde")) for k in range(4)})
    weights = np.random.default_rng(0).random((4, 5))

    def cost(c0, c1, c2, c3):
        a, b, c, d = ("abcde".index(choice) for choice in (c0, c1, c2, c3))
        joint = weights[0, a] * weights[1, b] + abs(weights[2, c] - weights[0, d])
        return weights[0, a] + weights[1, b] + weights[2, c] + weights[3, d] + joint

    least = min(cost(*combination) for combination in itertools.product("abcde", repeat=4))
    found = search(cost, space, Bayesian(70), 70, workers=4, seed=1)
    assert min(one.value for one in found) == least


def test_the_last_points_of_a_large_finite_space_are_found():
    space = Space({f"n{i}": Int(1, 4) for i in range(6)})
    left = [{f"n{i}": 1 + (i + k) % 4 for i in range(6)} for k in range(3)]
    keys = {space.key(one) for one in left}
    params = points(space, 10)
    past = history(space, params, [sum(one.values()) for one in params])
    asked = ask(space, past, taken=lambda one: space.key(one) not in keys)
    assert Bayesian().propose(asked).params in left
    # Ranks share what is left; the fourth gets nothing.
    fit = Bayesian().fit(space, past, None, 0)
    ranked = [Bayesian().propose(replace(asked, fit=fit, rank=r, trial=20 + r)) for r in range(3)]
    assert {space.key(one.params) for one in ranked} == keys
    with pytest.raises(ExhaustedError):
        Bayesian().propose(replace(asked, fit=fit, rank=3, trial=23))


# Bad data

BAD = {
    "single": [1.0],
    "constant": [3.0] * 8,
    "huge": [1e300, *range(7)],
    "all huge": [1e300] * 8,
    "both signs": [1e300, -1e300] * 4,
    "largest": [sys.float_info.max, -sys.float_info.max, *range(6)],
    "tiny": [5e-324 * i for i in range(8)],
    "nearly constant": [1 + 1e-15 * i for i in range(8)],
    "magnitudes": [10.0 ** (35 * i) for i in range(8)],
    "infinite": [math.inf, -math.inf, *range(6)],
    "one success": [math.nan] * 7 + [1.0],
    "two values": [0.0, 1.0] * 4,
}


@pytest.mark.parametrize("values", BAD.values(), ids=BAD)
@pytest.mark.parametrize("name", SPACES)
@pytest.mark.parametrize("equal", [False, True])
def test_bad_data_never_raise(values, name, equal):
    check_bad_data(SPACES[name], values, equal, Bayesian())


@pytest.mark.parametrize("values", BAD.values(), ids=BAD)
@pytest.mark.parametrize("options", CHOICES[1:], ids=str)
def test_bad_data_never_raise_whatever_is_chosen(values, options):
    check_bad_data(mixed.space, values, False, Bayesian(**options))


def check_bad_data(space, values, equal, strategy):
    params = points(space, 1) * len(values) if equal else points(space, len(values))
    past = history(space, params, values)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ModelWarning)
        fit = strategy.fit(space, past, None, 0)
        fit = strategy.fit(space, past, fit, 1)
        for rank in (0, 1, 64):
            proposal = strategy.propose(ask(space, past, fit=fit, rank=rank))
            assert space.complete(proposal.params) is not None


def test_all_failed():
    past = history(branin.space, points(branin.space, 9), [math.nan] * 9)
    fit = Bayesian().fit(branin.space, past, None, 0)
    with pytest.warns(ModelWarning, match="no trial has given a result"):
        proposal = Bayesian().propose(ask(branin.space, past, fit=fit))
    assert set(proposal.params) == {"x", "y"}


def test_a_model_that_fails_is_replaced(known, monkeypatch):
    past, fit = known

    def fails(*args):
        raise np.linalg.LinAlgError("singular")

    monkeypatch.setattr("phsx.strategies.batch.suggest", fails)
    with pytest.warns(ModelWarning, match="singular; a quasi-random point"):
        assert Bayesian().propose(ask(branin.space, past, fit=fit)).params
    monkeypatch.setattr("phsx.models.surrogate.fit_models", fails)
    with pytest.warns(ModelWarning, match="could not be fitted to 25 results"):
        assert Bayesian().fit(branin.space, past, fit, 0)["models"] == {}


# With the rest of a plan


def test_mixes_with_other_strategies(known):
    past, fit = known
    block = Bayesian(40, y=[1.5, 3.0])
    found = [propose(block, ask(branin.space, past, fit=fit, trial=t, index=t)) for t in range(4)]
    assert [one.params["y"] for one in found] == [1.5, 3.0, 1.5, 3.0]


# How well it searches (benchmarks/regret.py measures more)


def test_beats_the_bounds_of_issue_one():
    for function, trials, bound in ((branin, 50, 0.01), (griewank(2), 60, 0.05)):
        found = search(function, function.space, Bayesian(trials), trials, workers=4, seed=11)
        assert min(one.value for one in found) < function.minimum + bound


@pytest.mark.parametrize("options", CHOICES[1:], ids=str)
def test_the_other_acquisition_functions_search_too(options):
    found = search(branin, branin.space, Bayesian(40, **options), 40, workers=4, seed=3)
    assert min(one.value for one in found) < branin.minimum + 0.1


def exhausted_valley():
    """Return a space, and results of which nearly all is known around the best of two minima."""
    space = Space({"x": Float(0, 1), "y": Float(0, 1)})
    rng = np.random.default_rng(0)
    rows = np.clip(
        np.concatenate([0.2 + 0.02 * rng.standard_normal((30, 2)), rng.random((30, 2))]), 0, 1
    )
    first, second = (((rows - at) ** 2).sum(axis=1) for at in (0.2, 0.8))
    values = 0.1 - 0.1 * np.exp(-20 * first) - 0.08 * np.exp(-20 * second)
    return space, history(space, [{"x": float(x), "y": float(y)} for x, y in rows], values)


@pytest.mark.parametrize(("index", "leaves"), [(20, True), (59, False)])
def test_an_exhausted_basin_is_left_until_the_end_is_near(index, leaves, monkeypatch):
    space, past = exhausted_valley()
    fit = Bayesian().fit(space, past, None, 0)
    asked = ask(space, past, index=index, fit=fit)
    found = Bayesian(60).propose(asked).params
    for bound in ("_LITTLE", "_NOTHING"):
        monkeypatch.setattr(f"phsx.strategies.batch.{bound}", -math.inf)
    assert (found != Bayesian(60).propose(asked).params) == leaves


def test_leaves_a_local_optimum():
    # In this seed red, then blue look best at first; green is better only near x = 0.7.
    found = search(mixed, mixed.space, Bayesian(80), 80, workers=8, seed=3)
    assert min(found, key=lambda one: one.value).params["colour"] == "green"


@pytest.mark.parametrize("options", CHOICES[1:], ids=str)
def test_only_expected_improvement_looks_elsewhere(options, monkeypatch):
    space, past = exhausted_valley()
    fit = Bayesian().fit(space, past, None, 0)

    def looked(*args):
        raise AssertionError("looked elsewhere")

    monkeypatch.setattr("phsx.models.surrogate.Surrogate.elsewhere", looked)
    monkeypatch.setattr("phsx.strategies.batch._Search.exhausted", lambda *args: True)
    with pytest.raises(AssertionError, match="looked elsewhere"):
        Bayesian(60).propose(ask(space, past, fit=fit))
    assert Bayesian(60, **options).propose(ask(space, past, fit=fit)).params


@pytest.mark.parametrize("function", [mixed, conditional], ids=["mixed", "conditional"])
def test_mixed_and_conditional_spaces(function):
    found = search(function, function.space, Bayesian(45), 45, workers=4, seed=2)
    rng = np.random.default_rng(2)
    at_random = min(function(**function.space.sample(rng)) for _ in range(450))
    assert min(one.value for one in found) < at_random
    assert len({function.space.key(one.params) for one in found}) == 45
