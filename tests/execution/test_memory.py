"""What the system says of memory that ran out."""

from __future__ import annotations

import builtins
import io
import os
import subprocess
import sys

import pytest

from phsx.execution.memory import memory_file, out_of_memory_kills, used_by
from phsx.testing.faults import until


def test_memory_file_has_no_name():
    with memory_file("phsx-test") as file:
        file.write(b"text")
        file.seek(0)
        assert file.read() == b"text"


@pytest.mark.skipif(sys.platform != "linux", reason="the count is Linux's")
def test_the_system_counts_kills():
    assert out_of_memory_kills() >= 0


@pytest.mark.parametrize(
    ("text", "count"),
    [
        (b"nr_free 12\noom_kill 7\nlast 1\n", 7),
        (b"nr_free 12\n", 0),
        (b"what is this\n", 0),
        (None, 0),
    ],
)
def test_what_it_says(monkeypatch, text, count):
    def look(name, *arguments):
        assert name == "/proc/vmstat"
        if text is None:
            raise FileNotFoundError(name)
        return io.BytesIO(text)

    monkeypatch.setattr(builtins, "open", look)
    assert out_of_memory_kills() == count


MB = 10**6


class TestLimit:
    """F6: a trial that takes more memory than it may, in whatever way."""

    @staticmethod
    def check(outcome):
        assert outcome.state == "out_of_memory", outcome
        assert "more than memory_per_trial=120MB" in outcome.error

    def test_in_the_target(self, install):
        def target(x):
            import time

            kept = bytearray(int(x))
            kept[::4096] = b"x" * len(kept[::4096])
            time.sleep(0.0 if x < 1e8 else 60)
            return x

        run = install(target)
        self.check(run.evaluate(0, x=200 * MB, memory=120 * MB))
        assert run.evaluate(1, x=20 * MB, memory=120 * MB).state == "completed"
        assert run.evaluate(2, x=90 * MB).state == "completed", "it has no limit"

    def test_in_code_that_never_returns(self, install):
        def target(x):
            import ctypes

            libc = ctypes.PyDLL(None)  # holds the GIL
            libc.malloc.restype = ctypes.c_void_p
            at = libc.malloc(ctypes.c_size_t(200_000_000))
            libc.memset(ctypes.c_void_p(at), 1, ctypes.c_size_t(200_000_000))
            libc.sleep(60)

        self.check(install(target).evaluate(memory=120 * MB))

    def test_in_what_the_target_has_started(self, install, tmp_path):
        def target(x, pids):
            import os
            import subprocess
            import sys

            code = "import time; kept = b'x' * 80_000_000; time.sleep(60)"
            started = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(2)]
            with open(pids, "w") as file:
                print(os.getpid(), *(one.pid for one in started), file=file)
            started[0].wait()

        run = install(target, fixed={"pids": str(tmp_path / "pids")})
        self.check(run.evaluate(memory=120 * MB))
        pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
        until(lambda: not any(os.path.exists(f"/proc/{pid}/exe") for pid in pids))

    def test_pages_that_copies_share_count_once(self, install):
        def target(x):
            import os
            import time

            kept = b"x" * 80_000_000
            for _ in range(3):
                if os.fork() == 0:
                    time.sleep(0.5)
                    os._exit(0)
            while True:
                try:
                    os.wait()
                except ChildProcessError:
                    return float(len(kept))

        assert install(target).evaluate(memory=120 * MB).state == "completed"

    def test_what_a_trial_leaves_is_not_the_next_ones(self, install):
        def target(x):
            import builtins
            import os

            builtins.kept = b"x" * 70_000_000
            return {"value": x, "pid": os.getpid()}

        run = install(target)
        pids = {run.evaluate(n, memory=120 * MB).extras["pid"] for n in range(3)}
        assert len(pids) == 3, "a process with half of it taken has no further trial"


def test_memory_of_a_process_that_is_gone():
    process = subprocess.Popen(["true"])
    process.wait()
    assert used_by(process.pid, 0) == 0
    assert used_by(os.getpid(), 2**60) > 10 * MB
