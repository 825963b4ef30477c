"""The demo: searches, draws, goes on, and says what it did."""

from __future__ import annotations

from pathlib import Path

import pytest

from phsx import demo

PICTURES = ("history", "parameters", "parallel_coordinates", "worker_timeline")


def test_demo_searches_draws_and_goes_on(cwd: Path) -> None:
    first = demo.run("here", trials=4, workers=2, progress=False)
    assert (first.evaluated, first.trials) == (4, 4)
    assert [path.name for path in first.plots] == [f"{name}.png" for name in PICTURES]
    assert all((cwd / path).stat().st_size > 10_000 for path in first.plots)
    assert first.best is not None
    text = str(first)
    assert f"{first.best.value:.2%}" in text
    assert all(str(path) in text for path in first.plots)

    more = demo.run("here", trials=5, workers=1, progress=False)
    assert (more.evaluated, more.trials) == (1, 5)


def test_error_is_small_for_good_parameters() -> None:
    result = demo.error(components=40, kernel="rbf", C=10, gamma=0.001)
    assert 0 < result["error"] < 0.02
    assert result["error"] <= result["worst_fold"]


def test_summary_of_a_demo_that_had_nothing_to_do() -> None:
    assert "earlier run" in str(demo.Summary(Path("d"), 0, 40, None, ()))
    assert "earlier run" not in str(demo.Summary(Path("d"), 1, 40, None, ()))


def test_summary_of_a_demo_in_which_all_fails() -> None:
    summary = demo.Summary(Path("d"), evaluated=1, trials=1, best=None, plots=())
    assert "None of them" in str(summary)


@pytest.mark.parametrize("name", demo.SPACE.names)
def test_target_takes_every_parameter(name: str) -> None:
    assert name in demo.error.__annotations__
