"""A search in one line."""

from __future__ import annotations

import functools
import gc
import tempfile
from pathlib import Path

import pytest

import phsx

SPACE = {"x": phsx.Float(-5, 5)}
INLINE = {"cluster": "inline", "progress": False}


def square(x):
    return (x - 1) ** 2


class Model:
    def evaluate(self, x):
        return square(x)


def test_finds_the_minimum():
    found = phsx.minimize(square, SPACE, trials=15, seed=0, **INLINE)
    assert isinstance(found, phsx.Experiment)
    assert len(found.trials) == len(found.to_dataframe()) == 15
    assert abs(found.best.params["x"] - 1) < 0.05
    assert found.name == "square"


def test_maximize_and_objective_and_fixed():
    def target(x, center):
        return {"score": -((x - center) ** 2), "loss": 7}

    found = phsx.minimize(
        target,
        SPACE,
        trials=12,
        seed=0,
        maximize=True,
        objective="score",
        fixed={"center": 2.0},
        **INLINE,
    )
    assert abs(found.best.params["x"] - 2) < 0.3
    assert found.best.result == {"loss": 7}


@pytest.mark.parametrize(
    "target",
    [lambda x: square(x), functools.partial(square), Model().evaluate, abs],
    ids=["lambda", "partial", "method", "builtin"],
)
def test_targets_of_all_kinds(target):
    found = phsx.minimize(target, SPACE, trials=3, seed=0, **INLINE)
    assert [trial.value for trial in found.trials] == [
        target(trial.params["x"]) for trial in found.trials
    ]


def test_target_with_a_name_that_is_none():
    class Named:
        __name__ = 5

        def __call__(self, x):
            return square(x)

    assert phsx.minimize(Named(), SPACE, trials=2, seed=0, **INLINE).name == "search"


def test_own_directory_is_kept(tmp_path):
    found = phsx.minimize(square, SPACE, trials=3, seed=0, directory=tmp_path / "e", **INLINE)
    assert found.directory == tmp_path / "e"
    del found
    gc.collect()
    assert phsx.open(tmp_path / "e").best is not None
    again = phsx.minimize(square, SPACE, trials=5, seed=0, directory=tmp_path / "e", **INLINE)
    assert len(again.trials) == 5, "it went on"


def test_temporary_directory_goes_with_the_result(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    found = phsx.minimize(square, SPACE, trials=3, seed=0, **INLINE)
    directory = Path(found.directory)
    assert (directory / "results.csv").exists() and tmp_path in directory.parents
    del found
    gc.collect()
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_left_of_what_was_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for wrong in ({"trials": 0}, {"workers": 0}, {"space": {}}, {"timeout": -1}):
        with pytest.raises(phsx.exceptions.PhsxError):
            phsx.minimize(**({"target": square, "space": SPACE, "progress": False} | wrong))
    gc.collect()
    assert list(tmp_path.iterdir()) == []


def test_in_the_background(tmp_path, monkeypatch):
    """Nobody would have the handle; it is said who gives one, and nothing is left behind."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(phsx.exceptions.ConfigurationError, match="background.*phsx.Experiment"):
        phsx.minimize(square, SPACE, trials=5, seed=0, background=True, **INLINE)
    assert list(tmp_path.iterdir()) == []
    found = phsx.minimize(square, SPACE, trials=3, seed=0, background=False, **INLINE)
    assert len(found.trials) == 3
