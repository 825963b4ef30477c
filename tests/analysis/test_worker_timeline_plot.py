import numpy as np
import pytest

from phsx import analysis
from phsx.space import Float

SPACE = {"x": Float(0, 1)}


@pytest.fixture
def hand_made(fake):
    """Two workers over 10 s: one idle for 1 s, one for 7 s; one failure, two suggestions."""
    t = fake.EPOCH
    asked = {"suggest_worker": "a", "suggest_started": t + 3, "suggest_ended": t + 3.5}
    there = {"suggest_worker": "b", "suggest_started": t + 1, "suggest_ended": t + 2}
    x = {"x": 0.5}
    return fake.experiment(
        SPACE,
        [
            fake.record(x, 1.0, worker="a", started=t, ended=t + 4),
            fake.record(x, 1.0, worker="a", started=t + 5, ended=t + 10, **asked),
            fake.record(x, worker="b", started=t + 2, ended=t + 4, **there),
            fake.record(x, 1.0, worker="b", started=t + 4, ended=t + 5),
        ],
        name="by hand",
    )


def boxes(ax, by_gid, gid):
    """Return left, right, top and bottom of the bars of a kind."""
    (bars,) = by_gid(ax, gid)
    corners = np.array([path.vertices[:4] for path in bars.get_paths()])
    x, y = corners[:, :, 0], corners[:, :, 1]
    return np.column_stack([x.min(1), x.max(1), y.min(1), y.max(1)])


def test_idle_shares(hand_made, by_gid):
    ax = analysis.worker_timeline(hand_made)
    texts = by_gid(ax, "idle")
    assert [text.get_text() for text in texts] == ["10.0 %", "70.0 %"]
    assert [text.xy[1] for text in texts] == [0, 1]
    assert ax.get_title(loc="left") == "by hand: 2 workers, 60.0 % utilized"


def test_evaluations_and_failures(hand_made, by_gid):
    ax = analysis.worker_timeline(hand_made)
    good = boxes(ax, by_gid, "evaluation")
    assert good[:, :2] == pytest.approx(np.array([[0, 4], [5, 10], [4, 5]]))
    assert (good[:, 2].round() == [0, 0, 1]).all()
    assert boxes(ax, by_gid, "failed")[:, :2] == pytest.approx(np.array([[2, 4]]))
    (bars,) = by_gid(ax, "evaluation")
    first, second = bars.get_facecolor()[:2]
    assert tuple(first) != tuple(second)


def test_suggestions_are_a_thin_band_below_the_evaluations(hand_made, by_gid):
    ax = analysis.worker_timeline(hand_made)
    asked = boxes(ax, by_gid, "suggestion")
    assert asked[:, :2] == pytest.approx(np.array([[3, 3.5], [1, 2]]))
    good = boxes(ax, by_gid, "evaluation")
    height, thin = good[0, 3] - good[0, 2], asked[0, 3] - asked[0, 2]
    assert thin < height / 3
    # The axis points down: below is more. Nothing reaches into the next row.
    assert good[0, 3] < asked[0, 2]
    assert asked[0, 3] < 1 + good[0, 2]


@pytest.mark.parametrize(
    ("seconds", "label", "scale"),
    [(100, "s", 1), (1000, "min", 60), (20_000, "h", 3600), (400_000, "days", 86_400)],
)
def test_unit_of_time(fake, by_gid, seconds, label, scale):
    t = fake.EPOCH
    record = fake.record({"x": 0.5}, 1.0, started=t, ended=t + seconds)
    ax = analysis.worker_timeline(fake.experiment(SPACE, [record]))
    assert ax.get_xlabel() == f"time since start / {label}"
    assert boxes(ax, by_gid, "evaluation")[0, 1] == pytest.approx(seconds / scale)


def test_running_trials_have_their_own_colour(fake, by_gid):
    t = fake.EPOCH
    records = [
        fake.record({"x": 0.5}, 1.0, worker="a", started=t, ended=t + 8),
        fake.record({"x": 0.5}, worker="b", started=t + 4, state="running"),
    ]
    ax = analysis.worker_timeline(fake.experiment(SPACE, records))
    assert boxes(ax, by_gid, "running")[0, :2].tolist() == [4, 8]
    assert [text.get_text() for text in by_gid(ax, "idle")] == ["0.0 %", "50.0 %"]


@pytest.mark.parametrize(
    "records", [[], [{"state": "waiting", "worker": None}], [{"started": 1e9, "ended": 1e9}]]
)
def test_degenerate(fake, by_gid, records):
    made = [fake.record({"x": 0.5}, **record) for record in records]
    ax = analysis.worker_timeline(fake.experiment(SPACE, made))
    ax.figure.draw_without_rendering()
    assert bool(by_gid(ax, "note")) == ("started" not in (records or [{}])[0])


def test_sixteen_workers(dense, by_gid, written):
    ax = analysis.worker_timeline(dense)
    assert len(by_gid(ax, "idle")) == 16
    drawn = sum(len(boxes(ax, by_gid, gid)) for gid in ("evaluation", "failed"))
    assert drawn == 300
    assert len(boxes(ax, by_gid, "suggestion")) == dense.frame["suggest_started"].notna().sum()
    shares = [float(text.get_text().split()[0]) for text in by_gid(ax, "idle")]
    utilized = float(ax.get_title(loc="left").split(", ")[1].split()[0])
    assert np.mean(shares) == pytest.approx(100 - utilized, abs=0.1)
    texts = [*by_gid(ax, "idle"), *by_gid(ax, "idle header"), *ax.get_yticklabels(), ax._left_title]
    found = [box for _, box in written(ax, texts)]
    found.append(ax.get_legend().get_window_extent())
    assert not any(a.overlaps(b) for i, a in enumerate(found) for b in found[:i])
    assert not any(box.overlaps(ax.get_window_extent()) for _, box in written(ax, texts))


def test_very_many_workers_are_not_all_named(fake, by_gid, written):
    t = fake.EPOCH
    records = [
        fake.record({"x": 0.5}, 1.0, worker=f"node-{i}", started=t, ended=t + 10)
        for i in range(300)
    ]
    ax = analysis.worker_timeline(fake.experiment(SPACE, records))
    assert len(boxes(ax, by_gid, "evaluation")) == 300
    found = [box for _, box in written(ax, ax.get_yticklabels())]
    assert 20 < len(found) < 150
    assert not any(a.overlaps(b) for a, b in zip(found, found[1:], strict=False))
    assert len(by_gid(ax, "idle")) == len(found)


def test_saves(dense, tmp_path):
    analysis.worker_timeline(dense, path=tmp_path / "timeline.pdf")
    assert (tmp_path / "timeline.pdf").stat().st_size > 5000
