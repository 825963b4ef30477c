import json
import math

import numpy as np
import pytest

from phsx.history import History
from phsx.models.criterion import criterion
from phsx.models.encoding import Encoding
from phsx.models.region import Points
from phsx.models.surrogate import Surrogate, fit_models, names_of_models
from phsx.space import Float, Int, Space

SPACE = Space({"x": Float(0, 1), "y": Float(0, 1)})
ENCODING = Encoding(SPACE)
RNG = np.random.default_rng(0)
SMOOTH = names_of_models(ENCODING, "gp")
TREES = names_of_models(ENCODING, "trees")
MODELS = [*SMOOTH, *TREES]
CRITERIA = {
    "ei": criterion("ei"),
    "ucb": criterion("ucb", kappa=1.5),
    "thompson": criterion("thompson"),
}


def history(n, failed=(), seed=0):
    unit = np.random.default_rng(seed).random((n, 2))
    values = (unit[:, 0] - 0.7) ** 2 + 0.3 * np.sin(5 * unit[:, 1])
    values[list(failed)] = math.nan
    return History(np.arange(n), unit, np.ones((n, 2), dtype=bool), values)


@pytest.fixture(scope="module")
def fit():
    smooth = fit_models(ENCODING, history(25), None, 0, "gp")
    trees = fit_models(ENCODING, history(25), None, 0, "trees")
    return smooth | {"models": smooth["models"] | trees["models"]}


def test_fit_is_json(fit):
    assert json.loads(json.dumps(fit)) == fit
    assert fit["observed"] == 25
    assert set(fit["models"]) == set(MODELS)


def test_fit_is_reproducible_and_leaves_failures_out(fit):
    models = {name: fit["models"][name] for name in SMOOTH}
    assert fit_models(ENCODING, history(25), None, 0) == fit | {"models": models}
    data = history(25, failed=[3, 7])
    assert fit_models(ENCODING, data, None, 0)["observed"] == 23


@pytest.mark.parametrize(("surrogate", "names"), [("auto", SMOOTH), ("trees", TREES)])
def test_one_model_is_fitted_at_a_time(surrogate, names):
    before = fit_models(ENCODING, history(40), None, 0, surrogate)
    assert set(before["models"]) == set(names), "for the first time all are"
    fitted = []
    for seed in (1, 2, 3, 4, 5):
        now = fit_models(ENCODING, history(40, seed=seed), before, 0, surrogate)
        fitted.append([name for name in names if now["models"][name] != before["models"][name]])
        before = now
    assert fitted == [[name] for name in (3 * names)[1:6]]


@pytest.mark.parametrize("n", [30, 81])
def test_all_are_fitted_to_few_observations_and_to_many(n):
    before = fit_models(ENCODING, history(n), None, 0)
    now = fit_models(ENCODING, history(n, seed=1), before, 0)
    assert all(now["models"][name] != before["models"][name] for name in SMOOTH)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("failed", [(), (1, 5)])
@pytest.mark.parametrize("pending", [0, 3])
@pytest.mark.parametrize("judged", CRITERIA.values(), ids=CRITERIA)
def test_acquisition_and_its_gradient(fit, name, failed, pending, judged):
    late = history(pending, range(pending), seed=8)
    surrogate = Surrogate(ENCODING, history(25, failed), late, fit, judged)
    acquisition = surrogate.acquisition(name)
    at = np.random.default_rng(4).random((4, 2))
    values, gradient = acquisition.gradient(at)
    assert np.allclose(values, acquisition(at))
    for axis in range(2):
        step = np.zeros(2)
        step[axis] = 1e-5
        numeric = (acquisition(at + step) - acquisition(at - step)) / 2e-5
        # Where the model is all but certain the values are of the order of -1e6.
        assert np.allclose(gradient[:, axis], numeric, rtol=0.02, atol=0.02)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("noise", [1e-6, 0.1])
def test_pending_points_repel_where_the_model_is_sure_of_an_improvement(fit, name, noise):
    models = {key: {**learned, "noise": noise} for key, learned in fit["models"].items()}
    noisy = {**fit, "models": models}
    acquisition = Surrogate(ENCODING, history(25), None, noisy).acquisition(name)
    grid = np.stack(np.meshgrid(*[np.linspace(0, 1, 41)] * 2), axis=-1).reshape(-1, 2)
    lowest = grid[acquisition.posterior.predict(grid)[0].argmin()][None]
    pending = History(np.array([99]), lowest, np.ones((1, 2), dtype=bool), np.array([math.nan]))
    given = Surrogate(ENCODING, history(25), pending, noisy).acquisition(name)
    assert given(lowest)[0] < acquisition(lowest)[0] - 5.0
    assert np.abs(grid[given(grid).argmax()] - lowest).max() > 0.02
    # Whatever the pending trial gives, the value to beat does not get worse.
    assert (given.criterion.best <= acquisition.criterion.best).all()


@pytest.mark.parametrize("name", MODELS)
def test_pending_points_repel(fit, name):
    here = np.array([[0.9, 0.9]])
    pending = History(np.array([99]), here, np.ones((1, 2), dtype=bool), np.array([math.nan]))
    alone = Surrogate(ENCODING, history(25), None, fit)
    given = Surrogate(ENCODING, history(25), pending, fit)
    added = Surrogate(ENCODING, history(25), None, fit)
    added.acquisition(name)
    added.add(Points(here, np.ones((1, 2), dtype=bool)))
    values = [one.acquisition(name)(here)[0] for one in (alone, given, added)]
    assert values[1] < values[0] - 1.0
    assert values[2] == pytest.approx(values[1])


def test_failures_repel(fit):
    data = history(25, failed=[4])
    here = data.unit[4:5]
    whole = Surrogate(ENCODING, history(25), None, fit).acquisition("plain")
    part = data.select(np.isfinite(data.values))
    without = Surrogate(ENCODING, part, None, fit).acquisition("plain")
    failed = Surrogate(ENCODING, data, None, fit).acquisition("plain")
    assert failed(here)[0] < without(here)[0] - 1.0
    assert failed.criterion.best == pytest.approx(whole.criterion.best, abs=0.5)


def test_incumbents_are_the_best_first(fit):
    data = history(25)
    found = Surrogate(ENCODING, data, None, fit).incumbents("plain", 3)
    order = np.argsort(data.values)
    assert np.allclose(found.unit, data.unit[order[:3]])


def test_many_observations_are_thinned(fit):
    surrogate = Surrogate(ENCODING, history(1500), None, fit)
    assert len(surrogate.data) == 1000
    best = history(1500).values.min()
    assert surrogate.data.values.min() == best


def test_sample_is_from_the_posterior(fit):
    acquisition = Surrogate(ENCODING, history(25), None, fit).acquisition("plain")
    at = RNG.random((5, 2))
    mean, variance = acquisition.posterior.predict(at)
    drawn = np.array([acquisition.sample(at, np.random.default_rng(i)) for i in range(400)])
    assert np.allclose(drawn.mean(axis=0), mean, atol=4 * np.sqrt(variance.max() / 400))
    assert np.allclose(drawn.var(axis=0), variance, rtol=0.35)


@pytest.mark.parametrize("names", [SMOOTH, TREES, ["trees"]])
def test_models_take_turns(fit, names):
    models = {name: fit["models"][name] for name in names}
    surrogate = Surrogate(ENCODING, history(5), None, fit | {"models": models})
    assert [surrogate.model(turn) for turn in range(len(names) + 1)] == [*names, names[0]]


@pytest.mark.parametrize("trees", [TREES, ["trees"]])
@pytest.mark.parametrize("best", [0.6, 0.95])
def test_trees_have_every_second_turn_where_nothing_else_predicts_well(fit, best, trees):
    models = {name: fit["models"][name] | {"explained": 0.3} for name in SMOOTH}
    models["additive"]["explained"] = best
    models |= {name: fit["models"][name] for name in trees}
    surrogate = Surrogate(ENCODING, history(5), None, fit | {"models": models})
    turns = [surrogate.model(turn) for turn in range(2 * len(SMOOTH) + 2)]
    if best > 0.9:
        assert turns == (3 * SMOOTH)[: len(turns)]
    else:
        assert turns[1::2] == (5 * trees)[: len(SMOOTH) + 1]
        assert turns[::2] == [*SMOOTH, SMOOTH[0]]


def test_what_models_explain_is_asked_where_there_are_trees():
    space = Space({"n": Int(1, 9), "x": Float(0, 1, when="n > 3")})
    unit = np.random.default_rng(0).random((40, 2))
    active = np.stack([np.full(40, True), unit[:, 0] > 0.35], axis=1)
    unit[~active] = 0.5
    explained = []
    for values in (unit.sum(axis=1), np.random.default_rng(1).normal(size=40)):
        fitted = fit_models(Encoding(space), History(np.arange(40), unit, active, values), None, 0)
        explained.append(max(fitted["models"][name]["explained"] for name in SMOOTH))
        assert not any("explained" in fitted["models"][name] for name in TREES)
    assert explained[0] > 0.9 > 0.5 > explained[1]
    assert "explained" not in fit_models(ENCODING, history(25), None, 0)["models"]["plain"]


def test_no_additive_model_of_very_many_dimensions():
    space = Space({f"x{i}": Float(0, 1) for i in range(40)})
    assert names_of_models(Encoding(space), "gp") == ["plain", "skewed", "logarithmic"]


def test_trees_where_they_are_asked_for_or_there_are_conditions():
    conditional = Space({"n": Int(1, 9), "x": Float(0, 1, when="n > 3")})
    for space, surrogate, names in [
        (SPACE, "auto", SMOOTH),
        (SPACE, "gp", SMOOTH),
        (SPACE, "trees", ["ranked trees", "trees"]),
        (conditional, "auto", MODELS),
        (conditional, "gp", SMOOTH),
    ]:
        assert names_of_models(Encoding(space), surrogate) == names


def test_basins_are_for_models_with_length_scales(fit):
    for trees in TREES:
        assert Surrogate(ENCODING, history(25), None, fit).elsewhere(trees, 1, 3) is None


@pytest.mark.parametrize("name", SMOOTH)
@pytest.mark.parametrize("pending", [0, 4])
def test_elsewhere_leaves_out_the_best_points(fit, name, pending):
    rough = {**fit["models"][name], "length_scales": [0.15, 0.15]}
    late = history(pending, range(pending), seed=8)
    surrogate = Surrogate(ENCODING, history(25), late, {"models": {name: rough}})
    nearest = surrogate.incumbents(name, 1)
    elsewhere, best = surrogate.elsewhere(name, 1, 3)
    assert len(best) == 3
    assert not elsewhere.basins.contain(best.unit).any()
    assert elsewhere.basins.contain(nearest.unit).all()
    assert elsewhere(best.unit).max() > elsewhere(nearest.unit).max() + 5
    two, _ = surrogate.elsewhere(name, 2, 3)
    assert np.array_equal(two.basins.centers, np.concatenate([nearest.unit, best.unit[:1]]))


def test_nothing_is_elsewhere_when_all_is_near(fit):
    near = History(np.arange(1), np.full((1, 2), 0.5), np.ones((1, 2), dtype=bool), np.zeros(1))
    assert Surrogate(ENCODING, near, None, fit).elsewhere("plain", 1, 3) is None


def test_what_a_crowd_says_is_not_believed_elsewhere():
    # In the valley at x = 0.2, where nearly all points are, y has no effect; elsewhere it has.
    rng = np.random.default_rng(0)
    unit = rng.random((60, 2))
    unit[:48, 0] = 0.2 + 0.02 * rng.standard_normal(48)
    far = np.clip(4 * unit[:, 0] - 1.4, 0, 1)
    values = (unit[:, 0] - 0.2) ** 2 + far * (0.3 + 0.1 * np.sin(9 * unit[:, 1]))
    past = History(np.arange(60), unit, np.ones((60, 2), dtype=bool), values)
    fit = fit_models(ENCODING, past, None, 0)
    surrogate = Surrogate(ENCODING, past, None, fit)
    elsewhere, _ = surrogate.elsewhere("plain", 1, 3)
    own = surrogate.acquisition("plain").posterior.theta
    assert elsewhere.acquisition.posterior.theta[1] < own[1] - math.log(2)
    again, _ = Surrogate(ENCODING, past, None, fit).elsewhere("plain", 1, 3)
    assert np.array_equal(again.acquisition.posterior.theta, elsewhere.acquisition.posterior.theta)
    assert surrogate.model(0) == "plain", "what looks elsewhere takes no turn"
