"""Checkpoints are whole or not there."""

from __future__ import annotations

import pickle

import pytest

from phsx.exceptions import RecoveryWarning
from phsx.execution.checkpoints import KEPT, Checkpoints
from phsx.execution.handle import TrialHandle


@pytest.fixture
def checkpoints(tmp_path):
    return Checkpoints(tmp_path)


def save(checkpoints, step):
    with checkpoints.write(step) as directory:
        (directory / "deep").mkdir()
        (directory / "deep" / "weights").write_bytes(pickle.dumps(step))
        (directory / "step.txt").write_text(str(step))


def read(saved):
    assert (saved.directory / "step.txt").read_text() == str(saved.step)
    return saved.step


def test_without_any(checkpoints):
    assert checkpoints.newest() is None


def test_the_newest_of_those_kept(checkpoints, tmp_path):
    for step in (0, 1, 9, 10, 1_000_000_000):
        save(checkpoints, step)
        assert read(checkpoints.newest()) == step
    assert len(list(tmp_path.iterdir())) == KEPT


def test_the_same_step_again(checkpoints):
    save(checkpoints, 3)
    with checkpoints.write(3) as directory:
        (directory / "other").touch()
    assert [path.name for path in sorted(checkpoints.newest().directory.iterdir())] == [
        "checkpoint.json",
        "other",
    ]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_exception_within_leaves_nothing(checkpoints, tmp_path, error):
    save(checkpoints, 1)
    with pytest.raises(error), checkpoints.write(2) as directory:
        (directory / "half").touch()
        raise error
    assert read(checkpoints.newest()) == 1 and len(list(tmp_path.iterdir())) == 1


def test_what_was_torn_is_not_seen_and_goes(checkpoints, tmp_path):
    save(checkpoints, 1)
    writing = checkpoints.write(2)
    (writing.__enter__() / "half").touch()
    del writing
    assert read(Checkpoints(tmp_path).newest()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["step-000000001"]


def test_every_cut_and_flipped_bit_is_found(checkpoints):
    save(checkpoints, 4)
    save(checkpoints, 5)
    newest = checkpoints.newest().directory
    for path in [path for path in newest.rglob("*") if path.is_file()]:
        whole = path.read_bytes()
        flipped = [bytearray(whole) for _ in whole]
        for place, data in enumerate(flipped):
            data[place] ^= 1
        cuts = [whole[:length] for length in range(len(whole))]
        for spoiled in [*cuts, *flipped]:
            path.write_bytes(spoiled)
            with pytest.warns(RecoveryWarning, match="step 5 is damaged"):
                assert read(checkpoints.newest()) == 4
        path.unlink()
        with pytest.warns(RecoveryWarning, match="step 5 is damaged"):
            assert read(checkpoints.newest()) == 4
        path.write_bytes(whole)
    assert read(checkpoints.newest()) == 5


def test_with_nothing_whole_there_is_none(checkpoints):
    save(checkpoints, 5)
    (checkpoints.newest().directory / "step.txt").unlink()
    with pytest.warns(RecoveryWarning):
        assert checkpoints.newest() is None


class TestHandle:
    def test_saves_and_restores(self, tmp_path):
        def attempt(number):
            return TrialHandle(run="r", id=1, attempt=number, seed=0, directory=tmp_path, params={})

        first = attempt(1)
        assert first.restore() is None
        with first.checkpoint(3) as directory:
            (directory / "x").touch()
        saved = attempt(2).restore()
        assert saved.step == 3 and (saved.directory / "x").exists()

    @pytest.mark.parametrize("step", ["1", 0.5, None, -1])
    def test_wrong_steps(self, tmp_path, step):
        handle = TrialHandle(run="r", id=1, attempt=1, seed=0, directory=tmp_path, params={})
        with pytest.raises((TypeError, ValueError), match=r"trial\.checkpoint\(step\)"):
            handle.checkpoint(step)
