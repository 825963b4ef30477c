"""Directories that are removed, by whoever is left to do so."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from phsx import scratch
from phsx.scratch import Scratch

ROOT = Path(scratch.__file__).parents[1]


@pytest.fixture(autouse=True)
def temporary(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def abandoned(temporary):
    """Let a process make one, and kill it."""
    code = "from phsx.scratch import Scratch\nprint(Scratch().path, flush=True)\ninput()"
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"TMPDIR": str(temporary), "PYTHONPATH": str(ROOT)},
    ) as maker:
        path = Path(maker.stdout.readline().strip())
        maker.kill()
    assert maker.returncode == -signal.SIGKILL
    (path / "deep" / "er").mkdir(parents=True)
    (path / "deep" / "file").write_text("x")
    return path


def test_what_a_killed_process_left_goes_with_the_next(temporary):
    path = abandoned(temporary)
    assert path.parent == temporary
    new = Scratch()
    assert [str(entry) for entry in temporary.iterdir()] == [new.path]
    new.remove()
    new.remove()
    assert list(temporary.iterdir()) == []


def test_what_somebody_holds_stays():
    first, second = Scratch(), Scratch()
    assert Path(first.path).is_dir() and Path(second.path).is_dir()
    first.remove()
    assert Path(second.path).is_dir()
    second.remove()


def test_many_at_once(temporary):
    """Some of them find new directories of others before these are locked."""

    def use(number):
        for _ in range(20):
            one = Scratch()
            Path(one.path, "file").write_text("x")
            assert os.listdir(one.path) == ["file"]
            one.remove()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(use, range(8)))
    assert list(temporary.iterdir()) == []


def test_one_that_was_taken_for_abandoned_before_it_was_locked(monkeypatch):
    made = tempfile.mkdtemp

    def taken(**options):
        path = made(**options)
        monkeypatch.setattr(tempfile, "mkdtemp", made)
        os.rmdir(path)
        return path

    monkeypatch.setattr(tempfile, "mkdtemp", taken)
    one = Scratch()
    assert Path(one.path).is_dir()
    one.remove()


def test_without_locks_nothing_is_removed(temporary, monkeypatch):
    path = abandoned(temporary)

    def none(*_):
        raise OSError(errno.EBADF, "this file system has none")

    monkeypatch.setattr(fcntl, "flock", none)
    one = Scratch()
    assert path.is_dir() and Path(one.path).is_dir()
    one.remove()
    assert list(temporary.iterdir()) == [path]


def test_links_names_of_other_hosts_and_files_are_left_alone(temporary, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "precious").write_text("x")
    path = abandoned(temporary)
    link, file = (path.with_name(f"{path.name}-{kind}") for kind in ("link", "file"))
    link.symlink_to(elsewhere)
    file.write_text("x")
    other = temporary / "phsx-scratch-another.host-abc"
    other.mkdir()
    Scratch().remove()
    assert sorted(temporary.iterdir()) == sorted([link, file, other])
    assert (elsewhere / "precious").exists()
