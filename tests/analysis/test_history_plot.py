import math

import numpy as np
import pytest
from matplotlib.colors import to_hex

from phsx import analysis
from phsx.analysis import colour
from phsx.exceptions import ConfigurationError
from phsx.space import Float

SPACE = {"x": Float(0, 1)}


@pytest.fixture
def made(fake):
    def make(values, maximize=False, **fields):
        records = [fake.record({"x": 0.5}, value, **fields) for value in values]
        return fake.experiment(SPACE, records, maximize=maximize)

    return make


def points(ax, by_gid):
    """Return offsets of all results."""
    return np.concatenate([artist.get_offsets() for artist in by_gid(ax, "results")])


def test_every_result_is_drawn_over_its_trial(made, by_gid):
    ax = analysis.history(made([3.0, 1.0, math.nan, 2.0]))
    assert points(ax, by_gid).tolist() == [[0, 3], [1, 1], [3, 2]]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("trial", "validation loss")


@pytest.mark.parametrize(
    ("maximize", "steps", "best"), [(False, [3, 1, 1, 0.5, 0.5], 4), (True, [3, 3, 4, 4, 4], 2)]
)
def test_best_so_far(made, by_gid, maximize, steps, best):
    ax = analysis.history(made([3.0, 1.0, 4.0, math.nan, 0.5], maximize))
    (line,) = by_gid(ax, "best so far")
    assert line.get_drawstyle() == "steps-post"
    # One step per result, and on to the last trial.
    assert line.get_xdata().tolist() == [0, 1, 2, 4, 4]
    assert line.get_ydata().tolist() == steps
    (star,) = by_gid(ax, "best")
    assert star.get_offsets()[0, 0] == best
    assert star.zorder > max(artist.zorder for artist in by_gid(ax, "results"))


def test_failed_trials_are_marked_on_the_axis(made, by_gid):
    ax = analysis.history(made([1.0, math.nan, 2.0, math.nan]))
    (crosses,) = by_gid(ax, "failed")
    assert crosses.get_offsets().tolist() == [[1, 0], [3, 0]]
    assert crosses.get_offset_transform() == ax.get_xaxis_transform()


def test_strategies_differ_in_colour_and_shape_and_blocks_in_shade(fake, by_gid):
    records = [fake.record({"x": 0.5}, 1.0, strategy="sobol", block=0) for _ in range(4)]
    records += [fake.record({"x": 0.5}, 1.0, strategy="bayesian", block=1) for _ in range(3)]
    ax = analysis.history(fake.experiment(SPACE, records))
    sobol, bayesian = by_gid(ax, "results")
    assert len(sobol.get_offsets()) == 4
    assert to_hex(sobol.get_facecolor()[0]) != to_hex(bayesian.get_facecolor()[0])
    assert len(sobol.get_paths()[0]) != len(bayesian.get_paths()[0])
    (shade,) = by_gid(ax, "block")
    assert shade.get_x() == 3.5
    assert shade.get_width() == 3
    texts = [text.get_text() for text in ax.get_legend().get_texts()]
    assert texts[1:] == ["sobol", "bayesian"]


def test_unknown_blocks_are_not_shaded(made, by_gid):
    assert not by_gid(analysis.history(made([1.0, 2.0], block=None)), "block")


def test_stopped_trials_are_hollow_and_do_not_count(fake, by_gid):
    records = [
        fake.record({"x": 0.5}, 2.0),
        fake.record({"x": 0.5}, 1.0, state="stopped"),
    ]
    ax = analysis.history(fake.experiment(SPACE, records))
    _, stopped = by_gid(ax, "results")
    assert len(stopped.get_facecolor()) == 0
    assert by_gid(ax, "best so far")[0].get_ydata().tolist() == [2, 2]


@pytest.mark.parametrize(
    ("values", "log", "scale"),
    [
        (np.geomspace(1e-3, 10, 30), "auto", "log"),
        (np.geomspace(1e-3, 10, 30), False, "linear"),
        (np.linspace(1, 2, 30), "auto", "linear"),
        (np.linspace(1, 2, 30), True, "log"),
        (np.linspace(-1, 2, 30), True, "symlog"),
    ],
)
def test_scale(made, values, log, scale):
    assert analysis.history(made(values), log=log).get_yscale() == scale


def test_round_numbers_on_a_logarithmic_axis(made):
    ax = analysis.history(made(np.geomspace(1e-3, 1, 30)))
    ax.figure.draw_without_rendering()
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert {"0.001", "0.01", "0.1", "1"} <= set(labels)


@pytest.mark.parametrize("values", [[], [math.nan], [math.nan] * 5, [2.0], [1e-7], [2.0] * 6])
def test_degenerate(made, by_gid, values):
    ax = analysis.history(made(values))
    ax.figure.draw_without_rendering()
    assert bool(by_gid(ax, "note")) == (not np.isfinite(values).any())


def test_unknown_log(made):
    with pytest.raises(ConfigurationError, match="log='yes'"):
        analysis.history(made([1.0]), log="yes")


def test_dense(dense, by_gid, written):
    ax = analysis.history(dense)
    assert len(points(ax, by_gid)) == dense.frame["value"].notna().sum()
    assert to_hex(by_gid(ax, "best so far")[0].get_color()) == colour.BEST.lower()
    for axis in (ax.xaxis, ax.yaxis):
        boxes = [box for _, box in written(ax, axis.get_ticklabels())]
        assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])
    legend = ax.get_legend().get_window_extent()
    assert not ax._left_title.get_window_extent().overlaps(legend)
