"""Checkpoints are whole or not there (F23): torn, damaged, superseded ones, and full disks."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from phsx.exceptions import TrialInterrupted
from phsx.execution.checkpoints import KEPT, MANIFEST, Checkpoint, Checkpoints


@pytest.fixture
def place(tmp_path):
    return tmp_path / "checkpoints"


@pytest.fixture
def attempt(place):
    return lambda number=1: Checkpoints(place, number)


def save(checkpoints, *steps):
    for step in steps:
        with checkpoints.saving(step) as directory:
            (directory / "state.txt").write_text(f"step {step}")
            (directory / "more").mkdir()
            (directory / "more" / "data.bin").write_bytes(bytes(range(256)) * step)


def names(place):
    return sorted(path.name for path in place.iterdir() if not path.name.startswith(".attempt"))


def test_none_at_first_and_nothing_is_made(attempt, place):
    assert attempt().newest() is None and not place.exists()


def test_the_newest_is_found_by_number(attempt, place):
    save(attempt(), 8, 9, 10)
    assert attempt(2).newest() == Checkpoint(10, place / "step-000000010")
    assert (place / "step-000000010" / "more" / "data.bin").read_bytes() == bytes(range(256)) * 10


def test_the_newest_two_are_kept(attempt, place):
    save(attempt(), *range(5))
    assert names(place) == ["step-000000003", "step-000000004"] and KEPT == 2


def test_the_same_step_again_replaces(attempt, place):
    save(attempt(), 1, 2)
    with attempt(2).saving(2) as directory:
        (directory / "other.txt").write_text("other")
    newest = attempt(3).newest()
    assert newest.step == 2 and names(newest.directory) == [MANIFEST, "other.txt"]
    assert names(place) == ["step-000000001", "step-000000002"]


DAMAGE = {
    "torn": lambda path: os.truncate(path / "state.txt", 3),
    "longer": lambda path: (path / "state.txt").write_text("step 55"),
    "flipped": lambda path: (path / "state.txt").write_text("step 4"),
    "empty": lambda path: os.truncate(path / "more" / "data.bin", 0),
    "missing": lambda path: (path / "more" / "data.bin").unlink(),
    "a link": lambda path: (
        (path / "state.txt").unlink(),
        (path / "state.txt").symlink_to("/etc/passwd"),
    ),
    "no manifest": lambda path: (path / MANIFEST).unlink(),
    "torn manifest": lambda path: os.truncate(path / MANIFEST, 20),
    "other manifest": lambda path: (path / MANIFEST).write_text("[]"),
    "hostile manifest": lambda path: (path / MANIFEST).write_text(
        json.dumps({"files": {"../../../etc/passwd": [1, 2]}})
    ),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_one_is_left_out(attempt, place, damage, caplog):
    save(attempt(), 4, 5)
    DAMAGE[damage](place / "step-000000005")
    assert attempt(2).newest().step == 4
    assert "step 5 is damaged" in caplog.text
    save(attempt(2), 5, 6)
    assert names(place) == ["step-000000005", "step-000000006"], (
        "nothing is left of the damaged one"
    )
    assert attempt(3).newest().step == 6


def test_every_cut_and_flipped_bit_is_found(attempt, caplog):
    checkpoints = attempt()
    save(checkpoints, 4)
    with checkpoints.saving(5) as directory:
        (directory / "deep").mkdir()
        (directory / "deep" / "weights").write_bytes(b"weights")
        (directory / "step.txt").write_text("5")
    newest = checkpoints.newest().directory
    for path in [path for path in newest.rglob("*") if path.is_file()]:
        whole = path.read_bytes()
        flipped = [bytearray(whole) for _ in whole]
        for place, data in enumerate(flipped):
            data[place] ^= 1
        cuts = [whole[:length] for length in range(len(whole))]
        for spoiled in [*cuts, *flipped]:
            path.write_bytes(spoiled)
            caplog.clear()
            assert checkpoints.newest().step == 4
            assert "step 5 is damaged" in caplog.text
        path.unlink()
        assert checkpoints.newest().step == 4
        path.write_bytes(whole)
    assert checkpoints.newest().step == 5


def test_all_are_damaged(attempt, place, caplog):
    save(attempt(), 4, 5)
    for step in (4, 5):
        os.truncate(place / f"step-{step:09d}" / "state.txt", 0)
    assert attempt(2).newest() is None
    told = [record.getMessage() for record in caplog.records]
    assert ["step 5" in told[0], "step 4" in told[1]] == [True, True]


def test_what_fails_while_it_is_written_leaves_the_one_before(attempt, place):
    checkpoints = attempt()
    save(checkpoints, 1)
    with pytest.raises(ZeroDivisionError), checkpoints.saving(2) as directory:
        (directory / "half.txt").write_text("half")
        1 / 0  # noqa: B018
    assert names(place) == ["step-000000001"]


def test_nothing_written_is_an_error(attempt, place):
    checkpoints = attempt()
    with pytest.raises(ValueError, match="no file was written"), checkpoints.saving(2):
        pass
    assert names(place) == []


@pytest.mark.parametrize("step", ["seal", "rename"])
def test_a_process_that_is_killed_while_it_saves(place, attempt, step):
    """At its worst moments: before the manifest, and before the checkpoint has its name."""
    save(attempt(), 1)
    code = f"""
import os, signal, sys
from pathlib import Path
import phsx.execution.checkpoints as module
def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)
if {step!r} == "seal":
    module._seal = die
else:
    module.Path.rename = die
with module.Checkpoints(Path({str(place)!r}), 2).saving(2) as directory:
    (directory / "state.txt").write_text("2")
"""
    assert subprocess.run([sys.executable, "-c", code]).returncode == -9
    assert len(names(place)) == 2, "something half done is there"
    assert attempt(3).newest().step == 1
    assert names(place) == ["step-000000001"]


def test_a_later_attempt_takes_them_over(attempt, place):
    """An earlier one that still runs somewhere saves no more, and harms nothing."""
    first, second = attempt(1), attempt(2)
    save(first, 1, 2)
    assert second.newest().step == 2
    with pytest.raises(TrialInterrupted, match="another attempt"):
        save(first, 3)
    with pytest.raises(TrialInterrupted):
        save(Checkpoints(place, 1), 3)
    assert names(place) == ["step-000000001", "step-000000002"]
    save(second, 3)


def test_an_earlier_attempt_that_is_writing_then(attempt, place):
    first = attempt(1)
    with pytest.raises(TrialInterrupted), first.saving(1) as directory:
        (directory / "state.txt").write_text("1")
        save(attempt(2), 1)
    assert attempt(3).newest().step == 1


def test_a_full_disk_leaves_the_one_before(attempt, place, monkeypatch):
    save(attempt(), 1)

    def full(path):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("phsx.execution.checkpoints._sync", full)
    with pytest.raises(OSError, match="No space left"):
        save(attempt(), 2)
    assert names(place) == ["step-000000001"]


def test_files_of_others_are_nobodys_business(attempt, place, caplog):
    """`trial.checkpoint_directory` is for whatever a target writes."""
    place.mkdir()
    (place / "step-x").write_text("mine")
    (place / "step-000000007").write_text("mine, and no directory")
    (place / "a.txt").write_text("mine")
    assert attempt().newest() is None
    assert "step 7" in caplog.text
    save(attempt(), 1)
    assert (place / "a.txt").exists() and (place / "step-x").exists()
