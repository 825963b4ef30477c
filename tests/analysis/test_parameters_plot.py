import math

import numpy as np
import pytest

from phsx import analysis
from phsx.analysis import colour
from phsx.exceptions import ConfigurationError
from phsx.space import Categorical, Expression, Float, Int, Ordinal

SPACE = {
    "rate": Float(1e-4, 1.0, log=True),
    "width": Int(1, 4),
    "kind": Categorical(["a", "b", "c"]),
    "size": Ordinal([8, 16, 32]),
    "x": Float(-5, 5),
    "extra": Float(0, 1, when={"kind": "b"}),
    "twice": Expression("2 * x"),
}
ACTIVATION = "hidden_layer_activation_function"


@pytest.fixture
def made(fake):
    def make(n=40, value=None, seed=0, maximize=False, **fields):
        rng = np.random.default_rng(seed)
        space = fake.experiment(SPACE, []).space
        records = []
        for i in range(n):
            params = space.sample(rng)
            result = params["x"] ** 2 + 0.1 if value is None else value(i, params)
            records.append(fake.record(params, result, **fields))
        return fake.experiment(SPACE, records, maximize=maximize)

    return make


@pytest.mark.parametrize("maximize", [False, True])
def test_better_is_darker_and_drawn_later(made, by_gid, maximize):
    experiment = made(maximize=maximize)
    (dots,) = by_gid(analysis.parameters(experiment, "rate", "x"), "trials")
    values = np.asarray(dots.get_array())
    order = np.diff(values)
    assert (order >= 0).all() if maximize else (order <= 0).all()
    dots.update_scalarmappable()
    light = dots.get_facecolors()[:, :3] @ [0.2126, 0.7152, 0.0722]
    within = np.abs(values - np.clip(values, *dots.get_clim())) == 0
    assert (np.diff(light[within]) <= 1e-9).all()
    assert light[-1] < 0.2 < light[0]


def test_numbers_lie_where_they_are(made, by_gid):
    experiment = made()
    ax = analysis.parameters(experiment, "rate", "x")
    (dots,) = by_gid(ax, "trials")
    expected = experiment.frame[["rate", "x"]].to_numpy(dtype=float)
    assert sorted(map(tuple, dots.get_offsets())) == sorted(map(tuple, expected))


def test_axes(made):
    ax = analysis.parameters(made(), "rate", "x")
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "linear")
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("rate", "x")
    low, high = ax.get_xlim()
    assert 5e-5 < low < 1e-4
    assert 1 < high < 2
    assert ax.get_ylim() == pytest.approx((-5.3, 5.3))


def test_choices_have_ticks_and_are_spread(made, by_gid):
    experiment = made()
    ax = analysis.parameters(experiment, "kind", "size")
    assert [label.get_text() for label in ax.get_xticklabels()] == ["a", "b", "c"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["8", "16", "32"]
    assert (ax.get_xlim(), ax.get_ylim()) == ((-0.5, 2.5), (-0.5, 2.5))
    (dots,) = by_gid(ax, "trials")
    offsets = np.asarray(dots.get_offsets())
    shift = offsets - np.rint(offsets)
    assert np.abs(shift).max() < 0.4
    assert len(np.unique(shift[:, 0])) == len(shift)
    assert abs(np.corrcoef(shift.T)[0, 1]) < 0.5
    counts = experiment.frame["kind"].value_counts()
    assert [(np.rint(offsets[:, 0]) == i).sum() for i in range(3)] == [counts[k] for k in "abc"]


def test_the_best_is_marked_above_all(made, by_gid):
    experiment = made()
    ax = analysis.parameters(experiment, "rate", "x")
    (star,) = by_gid(ax, "best")
    row = experiment.frame["value"].idxmin()
    assert star.get_offsets()[0].tolist() == experiment.frame.loc[row, ["rate", "x"]].tolist()
    others = [a.zorder for a in ax.collections if a is not star]
    assert star.zorder > max(others)
    assert f"(trial {row})" in star.get_label()


def test_inactive_trials_are_counted_not_drawn(made, by_gid):
    experiment = made()
    ax = analysis.parameters(experiment, "extra", "x")
    active = experiment.frame["extra"].notna()
    assert len(by_gid(ax, "trials")[0].get_offsets()) == active.sum()
    assert ax.get_title(loc="right") == f"{(~active).sum()} not drawn (inactive)"
    everywhere = experiment.frame["value"].idxmin()
    word = "best:" if active[everywhere] else "best shown:"
    assert by_gid(ax, "best")[0].get_label().startswith(word)


def test_failed_trials_are_crosses(made, by_gid):
    ax = analysis.parameters(made(value=lambda i, p: math.nan if i % 4 else 1.0), "rate", "x")
    (crosses,) = by_gid(ax, "failed")
    assert len(crosses.get_offsets()) == 30
    assert crosses.get_label() == "failed (30)"


def test_the_colour_bar_is_labelled_and_pointed_where_it_is_clipped(made):
    far = made(value=lambda i, p: 1e6 if i == 3 else p["x"] ** 2 + 0.1)
    ax = analysis.parameters(far, "rate", "x")
    bar = next(a for a in ax.figure.axes if a is not ax)
    assert bar.get_ylabel() == "validation loss"
    assert ax.collections[0].get_clim()[1] < 30


def test_contours_are_drawn_on_the_scale_of_the_axes(made, by_gid):
    ax = analysis.parameters(made(), "rate", "x", kind="contour")
    (surface,) = by_gid(ax, "contours")
    assert ax.get_xscale() == "log"
    assert surface.get_clip_path() is not None
    # Half of what is drawn lies in the lower half of the logarithmic axis.
    across = np.concatenate([path.vertices[:, 0] for path in surface.get_paths()])
    assert 0.3 < (across < 1e-2).mean() < 0.7
    # The bowl's lowest level is at its middle, the highest at its ends.
    levels = [path.vertices[:, 1] for path in surface.get_paths() if len(path.vertices)]
    lowest, highest = levels[0], levels[-1]
    assert np.abs(lowest).mean() < 2.5 < np.abs(highest).mean()


@pytest.mark.parametrize(("x", "y"), [("rate", "kind"), ("kind", "size"), ("width", "x")])
def test_where_nothing_lies_between_values_cells_have_their_median(made, by_gid, x, y):
    experiment = made(200, value=lambda i, p: float("abc".index(p["kind"])))
    ax = analysis.parameters(experiment, x, y, kind="contour")
    (cells,) = by_gid(ax, "cells")
    assert not by_gid(ax, "contours")
    assert ax.get_title(loc="right") == "cells: median result"
    array = np.ma.asarray(cells.get_array()).reshape(cells.get_coordinates().shape[0] - 1, -1)
    if y == "kind":
        assert np.ma.allequal(array, np.arange(3)[:, None])
    if x == "kind":
        assert np.ma.allequal(array, np.arange(3)[None, :])


@pytest.mark.parametrize("kind", ["scatter", "contour"])
@pytest.mark.parametrize(
    ("make", "note"),
    [
        ({"n": 0}, "no trials yet"),
        ({"n": 5, "value": lambda i, p: math.nan}, "all trials failed"),
        ({"n": 5, "value": lambda i, p: math.nan, "state": "running"}, "no trial has a result"),
    ],
)
def test_nothing_to_draw_is_said(made, by_gid, kind, make, note):
    ax = analysis.parameters(made(**make), "rate", "x", kind=kind)
    ax.figure.draw_without_rendering()
    assert by_gid(ax, "note")[0].get_text() == note


@pytest.mark.parametrize(
    ("n", "y", "remark"),
    [
        (1, "rate", "no contours: fewer than 4 different points"),
        (3, "rate", "no contours: fewer than 4 different points"),
        (9, "twice", "no contours: all trials lie on a line"),
    ],
)
def test_what_has_no_surface_is_drawn_as_points(made, by_gid, n, y, remark):
    ax = analysis.parameters(made(n), "x", y, kind="contour")
    ax.figure.draw_without_rendering()
    assert ax.get_title(loc="right") == remark
    assert len(by_gid(ax, "trials")[0].get_offsets()) == n


@pytest.mark.parametrize("kind", ["scatter", "contour"])
@pytest.mark.parametrize("value", [0.0, -3.0, 5.0])
def test_constant_results(made, kind, value):
    ax = analysis.parameters(made(value=lambda i, p: value), "rate", "x", kind=kind)
    ax.figure.draw_without_rendering()


@pytest.mark.parametrize(
    ("x", "y", "kind", "message"),
    [
        ("rat", "x", "scatter", "x='rat' .*did you mean 'rate'"),
        ("rate", "zzz", "scatter", "y='zzz' .*it has rate, width"),
        ("x", "x", "scatter", "two different"),
        ("rate", "x", "lines", "kind='lines'"),
    ],
)
def test_arguments_that_are_wrong(made, x, y, kind, message):
    with pytest.raises(ConfigurationError, match=message):
        analysis.parameters(made(2), x, y, kind=kind)


@pytest.mark.parametrize("kind", ["scatter", "contour"])
@pytest.mark.parametrize(
    ("x", "y"),
    [
        ("learning_rate", "batch_size"),
        (ACTIVATION, "augmentation_strength"),
        ("momentum", ACTIVATION),
    ],
)
def test_nothing_overlaps_in_a_dense_plot(dense, written, kind, x, y):
    ax = analysis.parameters(dense, x, y, kind=kind)
    boxes = [box for _, box in written(ax, [ax.xaxis.label, ax.yaxis.label, *ax.get_yticklabels()])]
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])
    inside = ax.figure.bbox
    assert all(inside.contains(box.x0, box.y0) and inside.contains(box.x1, box.y1) for box in boxes)
    slanted = ax.get_xticklabels()[0].get_rotation() == 30
    assert slanted == (x == ACTIVATION)


def test_names_with_dollars_are_no_formulas(fake):
    space = {"x": Float(0, 1), "price": Categorical(["$a_", "$b^"])}
    records = [fake.record({"x": 0.1 * i, "price": "$a_"}, 1.0 + i) for i in range(5)]
    experiment = fake.experiment(space, records, name="$x_", objective="cost in $_")
    for ax in (
        analysis.parameters(experiment, "x", "price"),
        analysis.parameters(experiment, "price", "x", kind="contour"),
        analysis.parallel_coordinates(experiment),
        analysis.history(experiment),
    ):
        ax.figure.draw_without_rendering()


def test_the_colours_go_from_dark_to_light():
    light = [colour.colours(False)(u)[:3] @ np.array([0.2126, 0.7152, 0.0722]) for u in (0.0, 1.0)]
    assert light[0] < light[1]
    assert colour.colours(True)(0.0) == colour.colours(False)(1.0)
