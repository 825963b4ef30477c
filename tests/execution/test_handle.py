from __future__ import annotations

import pickle
import threading

import numpy as np
import pytest

from phsx.execution.handle import TrialHandle


@pytest.fixture
def handle(tmp_path):
    handle = TrialHandle(
        run="r",
        id=3,
        attempt=2,
        seed=5,
        directory=tmp_path,
        params={"x": 1},
        notify=(reports := []).append,
        stop=(stop := threading.Event()),
    )
    handle.reports, handle.stop = reports, stop
    return handle


def test_reports_are_numbered_numbers(handle):
    handle.report(0, 0.5)
    handle.report(np.int64(1), np.float32(0.25))
    handle.report(step=2, value=float("inf"))
    assert [(r.step, r.value) for r in handle.reports] == [(0, 0.5), (1, 0.25), (2, float("inf"))]
    assert all(type(r.step) is int and type(r.value) is float for r in handle.reports)
    assert {(r.run, r.trial, r.attempt) for r in handle.reports} == {("r", 3, 2)}


@pytest.mark.parametrize(
    ("step", "value", "kind", "part"),
    [
        (0.5, 1.0, TypeError, "step must be an int, not 0.5"),
        ("1", 1.0, TypeError, "step must be an int"),
        (-1, 1.0, ValueError, "must not be negative, not -1"),
        (1, None, TypeError, "value must be a number, not None"),
        (1, "low", TypeError, "value must be a number, not 'low'"),
        (1, [1.0], TypeError, "value must be a number"),
    ],
)
def test_other_reports_are_refused(handle, step, value, kind, part):
    with pytest.raises(kind, match=part):
        handle.report(step, value)
    assert handle.reports == []


def test_stop(handle):
    assert not handle.should_stop()
    handle.stop.set()
    assert handle.should_stop()


def test_parameters_cannot_be_changed(handle):
    with pytest.raises(TypeError):
        handle.params["x"] = 2


def test_checkpoint_directory_is_made_when_asked_for(handle, tmp_path):
    assert not list(tmp_path.iterdir())
    assert handle.checkpoint_directory.is_dir()
    assert handle.checkpoint_directory.parent == tmp_path


def test_stays_in_its_process(handle):
    with pytest.raises(TypeError, match="own process"):
        pickle.dumps(handle)


def test_works_without_listener(tmp_path):
    handle = TrialHandle(run="r", id=0, attempt=1, seed=0, directory=tmp_path, params={})
    handle.report(0, 1.0)
    assert not handle.should_stop()
    assert "id=0" in repr(handle)
