from __future__ import annotations

import pickle
import threading

import numpy as np
import pytest

from phsx.exceptions import TrialInterrupted
from phsx.execution.handle import Report, Saved, TrialHandle


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
        save=(save := threading.Event()),
    )
    handle.reports, handle.stop, handle.save = reports, stop, save
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


class TestCheckpoints:
    def save(self, handle, step):
        with handle.checkpoint(step) as directory:
            (directory / "state.txt").write_text(str(step))

    def test_what_is_saved_is_found(self, handle, tmp_path):
        assert handle.restore() is None
        self.save(handle, np.int64(3))
        assert handle.restore().step == 3
        assert (handle.restore().directory / "state.txt").read_text() == "3"
        other = TrialHandle(run="r", id=3, attempt=3, seed=5, directory=tmp_path, params={})
        assert other.restore() == handle.restore()

    def test_it_is_told(self, handle):
        assert handle.reports == [], "a trial without checkpoints says nothing"
        assert handle.restore() is None and not handle.should_checkpoint()
        self.save(handle, 1)
        self.save(handle, 2)
        assert handle.reports == [Saved("r", 3, 2, step) for step in (None, 1, 2)]

    def test_asked_to_save_it_ends_when_that_is_done(self, handle):
        self.save(handle, 1)
        handle.save.set()
        assert handle.should_checkpoint() and not handle.should_stop()
        with pytest.raises(TrialInterrupted):
            self.save(handle, 2)
        assert handle.interrupted and handle.saved == 2

    def test_asked_to_save_what_fails_is_not_saved(self, handle):
        handle.save.set()
        with pytest.raises(ZeroDivisionError), handle.checkpoint(2):
            1 / 0  # noqa: B018
        assert not handle.interrupted and handle.saved is None

    def test_an_exception_of_the_targets_own_handling_lets_it_pass(self, handle):
        handle.save.set()
        with pytest.raises(TrialInterrupted):
            try:
                self.save(handle, 2)
            except Exception:
                pytest.fail("it is no Exception")

    def test_where_nobody_will_find_it_nobody_is_told(self, tmp_path):
        """The host does not see the experiment's directory."""
        (save := threading.Event()).set()
        handle = TrialHandle(
            run="r",
            id=0,
            attempt=1,
            seed=0,
            directory=tmp_path,
            params={},
            notify=(said := []).append,
            save=save,
            lasting=False,
        )
        self.save(handle, 1)
        assert handle.restore().step == 1 and not handle.should_checkpoint() and said == []

    @pytest.mark.parametrize(
        ("step", "kind"), [("1", TypeError), (0.5, TypeError), (-1, ValueError)]
    )
    def test_other_steps_are_refused(self, handle, step, kind):
        with pytest.raises(kind, match=r"trial.checkpoint\(step\): step must"):
            handle.checkpoint(step)

    def test_reports_are_something_else(self, handle):
        handle.report(1, 0.5)
        assert isinstance(handle.reports[0], Report)
