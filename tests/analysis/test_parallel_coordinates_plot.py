import math

import numpy as np
import pytest
from matplotlib.colors import to_hex

from phsx import analysis
from phsx.analysis import colour
from phsx.analysis.uprights import BELOW
from phsx.exceptions import ConfigurationError
from phsx.space import Categorical, Constant, Float, Int

SPACE = {
    "rate": Float(1e-4, 1.0, log=True),
    "seed": Constant(3),
    "kind": Categorical(["a", "b"]),
    "extra": Float(0, 2, when={"kind": "b"}),
}


@pytest.fixture
def made(fake):
    def make(*rows, **options):
        records = []
        for rate, kind, extra, value in rows:
            params = {"rate": rate, "seed": 3, "kind": kind}
            if extra is not None:
                params["extra"] = extra
            records.append(fake.record(params, value))
        return fake.experiment(SPACE, records, **options)

    return make


def lines(ax, by_gid, gid="trials"):
    """Return the heights of the lines, shape (n, axes)."""
    (bundle,) = by_gid(ax, gid)
    return np.array([segment[:, 1] for segment in bundle.get_segments()])


def test_every_axis_has_its_own_scale(made, by_gid):
    experiment = made((1e-2, "b", 0.5, 4.0), (1e-4, "a", None, 2.0), (1.0, "b", 2.0, 3.0))
    ax = analysis.parallel_coordinates(experiment)
    # From the worst to the best; constants are left out.
    found = lines(ax, by_gid)
    assert found[:, 0] == pytest.approx([0.5, 1.0, 0.0])
    assert found[:, 1] == pytest.approx([0.75, 0.75, 0.25], abs=0.05)
    assert found[:2, 2] == pytest.approx([0.25, 1.0])
    assert found[2, 2] == pytest.approx(BELOW, abs=0.02)
    assert found[:, 3] == pytest.approx([1.0, 0.5, 0.0])
    names = [label.get_text() for label in ax.get_xticklabels()]
    assert names == ["rate", "kind", "extra", "validation loss"]


def test_ticks(made, by_gid):
    ax = analysis.parallel_coordinates(made((1e-2, "a", None, 2.0), (0.1, "b", 1.0, 3.0)))
    labels = {i: [t.get_text() for t in by_gid(ax, f"tick {i}")] for i in range(4)}
    assert labels[0] == ["1e−4", "0.001", "0.01", "0.1", "1"]
    assert labels[1] == ["a", "b"]
    assert labels[2][-1] == "inactive"
    assert by_gid(ax, "tick 2")[-1].xy[1] == BELOW
    assert [t.xy[1] for t in by_gid(ax, "tick 0")] == pytest.approx([0, 0.25, 0.5, 0.75, 1])


@pytest.mark.parametrize("maximize", [False, True])
def test_better_lines_are_later_darker_and_more_opaque(dense, by_gid, maximize):
    dense.maximize = maximize
    try:
        ax = analysis.parallel_coordinates(dense)
    finally:
        dense.maximize = False
    (bundle,) = by_gid(ax, "trials")
    result = lines(ax, by_gid)[:, -1]
    assert (np.diff(result) >= 0).all() if maximize else (np.diff(result) <= 0).all()
    rgba = bundle.get_colors()
    assert (np.diff(rgba[:, 3]) >= 0).all()
    assert rgba[0, 3] < 0.3 < 0.9 < rgba[-1, 3]
    light = rgba[:, :3] @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(light) <= 1e-9).all()


def test_the_best_line_is_on_top(dense, by_gid):
    ax = analysis.parallel_coordinates(dense)
    (best,) = by_gid(ax, "best")
    assert to_hex(best.get_color()) == colour.BEST.lower()
    assert best.zorder > max(artist.zorder for artist in ax.collections)
    assert best.get_linewidth() > max(by_gid(ax, "trials")[0].get_linewidths())
    row = dense.frame["value"].idxmin()
    assert f"(trial {row})" in best.get_label()
    rate = math.log10(dense.frame.loc[row, "learning_rate"])
    assert best.get_ydata()[0] == pytest.approx((rate + 5) / 4)


def test_failed_trials_end_at_failed(made, by_gid):
    ax = analysis.parallel_coordinates(made((1e-2, "a", None, 2.0), (0.1, "b", 1.0, math.nan)))
    assert len(lines(ax, by_gid)) == 1
    (failed,) = lines(ax, by_gid, "failed")
    assert failed[0] == pytest.approx(0.75)
    assert failed[-1] == pytest.approx(BELOW, abs=0.02)
    assert by_gid(ax, "tick 3")[-1].get_text() == "failed"


def test_what_lies_beyond_the_range_is_said(fake, by_gid):
    space = {"x": Float(0, 1)}
    records = [fake.record({"x": i / 20}, 1.0 + i) for i in range(20)]
    records.append(fake.record({"x": 0.5}, 1e9))
    ax = analysis.parallel_coordinates(fake.experiment(space, records))
    ticks = {t.get_text(): t.xy[1] for t in by_gid(ax, "tick 1")}
    beyond = next(text for text in ticks if text.startswith("≥ "))
    assert ticks[beyond] == 1
    assert lines(ax, by_gid)[0, -1] == 1


def test_chosen_parameters(dense):
    ax = analysis.parallel_coordinates(dense, parameters=["dropout", "layers"])
    names = [label.get_text() for label in ax.get_xticklabels()]
    assert names == ["dropout", "layers", "validation loss"]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (["rat"], "did you mean 'rate'"),
        (["zzz"], "it has rate, seed"),
        ("rate", r"write \['rate'\]"),
        ([], "at least one"),
        (["rate", "rate"], "none twice"),
    ],
)
def test_parameters_that_are_wrong(made, parameters, message):
    with pytest.raises(ConfigurationError, match=message):
        analysis.parallel_coordinates(made((0.1, "a", None, 1.0)), parameters=parameters)


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [(0.1, "a", None, 1.0)],
        [(0.1, "a", None, math.nan)] * 3,
        [(0.1, "a", None, 2.0)] * 3,
    ],
)
def test_degenerate(made, by_gid, rows):
    ax = analysis.parallel_coordinates(made(*rows))
    ax.figure.draw_without_rendering()
    assert bool(by_gid(ax, "note")) == (not any(math.isfinite(row[-1]) for row in rows))


def test_only_constants(fake):
    experiment = fake.experiment({"seed": Constant(3)}, [fake.record({"seed": 3}, 1.0)])
    ax = analysis.parallel_coordinates(experiment)
    ax.figure.draw_without_rendering()
    assert ax.get_xticklabels()[0].get_text() == "seed"


def test_few_lines_are_easy_to_see(small, by_gid):
    (bundle,) = by_gid(analysis.parallel_coordinates(small), "trials")
    assert bundle.get_colors()[:, 3].min() > 0.6
    assert min(bundle.get_linewidths()) > 1.2


def test_no_text_overlaps_another(dense, by_gid, written):
    ax = analysis.parallel_coordinates(dense)
    ticks = [text for i in range(9) for text in by_gid(ax, f"tick {i}")]
    boxes = [box for _, box in written(ax, [*ticks, *ax.get_xticklabels(), ax._left_title])]
    assert len(boxes) > 40
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])
    inside = ax.figure.bbox.padded(1)
    assert all(inside.contains(b.x0, b.y0) and inside.contains(b.x1, b.y1) for b in boxes)


def test_many_parameters_with_long_names(fake, written):
    space = {f"regularization_strength_of_layer_{i}": Float(0, 1) for i in range(20)}
    space["n"] = Int(0, 3)
    rng = np.random.default_rng(0)
    built = fake.experiment(space, []).space
    records = [fake.record(built.sample(rng), float(rng.random())) for _ in range(30)]
    ax = analysis.parallel_coordinates(fake.experiment(space, records))
    written(ax, [])
    labels = ax.get_xticklabels()
    apart = np.diff([label.get_window_extent().x0 for label in labels]).min()
    # Slanted lines of text: what counts is their distance across the slant.
    assert {label.get_rotation() for label in labels} == {35}
    height = labels[0].get_fontsize() * ax.figure.dpi / 72
    assert apart * math.sin(math.radians(35)) > height
