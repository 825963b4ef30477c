from __future__ import annotations

import contextlib
import os
import signal
import subprocess

import psutil
import pytest

from phsx.execution.guard import MARK, Guard, end_marked, watch


@pytest.fixture
def sleeper():
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as process:
        yield process
        process.kill()


def test_what_is_left_is_cleaned_up(tmp_path, sleeper):
    kept, removed = tmp_path / "kept", tmp_path / "removed with\udce9 odd name"
    for path in (kept, removed):
        path.mkdir()
        (path / "file").write_text("x")
    guard = Guard()
    guard.add("directory", str(kept))
    guard.add("directory", str(removed))
    guard.add("group", str(sleeper.pid))
    guard.remove("directory", str(kept))
    assert sleeper.poll() is None
    guard.close()
    assert sleeper.wait(10) == -signal.SIGKILL
    assert kept.is_dir() and not removed.exists()


def test_removed_groups_are_spared(sleeper):
    group = str(sleeper.pid).encode()
    watch([b"+group " + group + b"\n", b"-group " + group + b"\n"])
    assert sleeper.poll() is None


class TestMarks:
    @pytest.fixture
    def daemon(self, tmp_path):
        """A process without a parent of ours, in a session of its own, marked as "mine"."""
        script = f"setsid sleep 60 & echo $! > {tmp_path}/pid"
        subprocess.run(["sh", "-c", script], env=os.environ | {MARK: "mine"}, check=True)
        process = psutil.Process(int((tmp_path / "pid").read_text()))
        yield process
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()

    def test_marked_processes_are_ended(self, daemon, sleeper):
        end_marked(["another", "mine"])
        psutil.wait_procs([daemon], timeout=10)
        assert not daemon.is_running()
        assert sleeper.poll() is None

    @pytest.mark.parametrize("marks", [[], ["another"], ["min"], ["minee"], [""]])
    def test_others_are_not(self, daemon, marks):
        end_marked(marks)
        assert daemon.is_running()

    def test_by_the_guard(self, daemon):
        watch([b"+mark another\n", b"+mark mine\n", b"-mark mine\n"])
        assert daemon.is_running()
        watch([b"+mark another\n", b"+mark mine\n"])
        psutil.wait_procs([daemon], timeout=10)
        assert not daemon.is_running()


def test_groups_that_are_gone_are_no_error(sleeper, tmp_path):
    sleeper.kill()
    sleeper.wait()
    directory = tmp_path / "a"
    directory.mkdir()
    watch([f"+group {sleeper.pid}\n".encode(), b"+directory " + os.fsencode(directory) + b"\n"])
    assert not directory.exists()


def test_a_guard_that_was_killed_is_no_error():
    guard = Guard()
    guard._process.kill()
    guard._process.wait()
    guard.add("group", "1")
    guard.remove("group", "1")
    guard.close()
