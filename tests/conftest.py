"""What every test gets: one BLAS thread, pictures without a display, a check for leaks."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any

# Before numpy is imported by anything, and inherited by every child process.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")
os.environ["MPLBACKEND"] = "Agg"
# Child processes of any kind are to find the phsx of this checkout, wherever they start.
_root = str(Path(__file__).parents[1])
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [_root, os.environ.get("PYTHONPATH")]))

# What a shell starts in the background ignores SIGINT, and so would everything that is tested.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

import pytest  # noqa: E402

#: How long threads, processes and descriptors may take to go after a test, in seconds.
PATIENCE = 10.0

#: Pools and helpers that Dask, tqdm, IPython and the interpreter keep for the next use.
KEPT_THREADS = (
    "Dask-",
    "Profile",
    "TCP-Executor",
    "asyncio_",
    "AsyncProcess",
    "tqdm_monitor",
    "IPythonHistorySavingThread",
    "pytest_timeout",
)

#: Open once per process, and kept (fonts by matplotlib): no leak of the test that was the first.
KEPT_FILES = ("/dev/null", "/dev/urandom", ".ttf", ".otf")


def _threads() -> dict[int, str]:
    return {
        thread.ident: thread.name
        for thread in threading.enumerate()
        if thread.ident is not None
        and not thread.name.startswith(KEPT_THREADS)
        and type(thread).__name__ != "TMonitor"
    }


def _processes() -> dict[int, str]:
    """Return the living children of this process; Linux lists them per thread that forked."""
    found = {}
    for task in Path("/proc/self/task").glob("*"):
        try:
            children = (task / "children").read_text().split()
        except OSError:
            continue
        for child in children:
            try:
                command = Path(f"/proc/{child}/cmdline").read_text().replace("\0", " ").strip()
                state = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[0]
            except OSError:
                continue
            # multiprocessing's tracker serves the whole process and goes with it.
            if "resource_tracker" not in command:
                found[int(child)] = command or f"state {state}"
    return found


def _files() -> dict[int, str]:
    found = {}
    # multiprocessing's tracker has a pipe to this process, open as long as both live.
    tracker = getattr(resource_tracker, "_resource_tracker", None)
    kept = getattr(tracker, "_fd", None)
    for entry in Path("/proc/self/fd").glob("*"):
        try:
            target = str(entry.readlink())
        except OSError:
            continue
        number = int(entry.name)
        if number != kept and not target.startswith("/proc/") and not target.endswith(KEPT_FILES):
            found[number] = target
    return found


_KINDS: dict[str, Callable[[], dict[int, str]]] = {
    "threads": _threads,
    "processes": _processes,
    "files": _files,
}


def _new(kind: str, before: dict[int, str]) -> dict[int, str]:
    now = _KINDS[kind]()
    if kind == "processes":  # by number alone: between fork and exec a process has another name
        return {key: name for key, name in now.items() if key not in before}
    return {key: name for key, name in now.items() if before.get(key) != name}


@pytest.fixture(autouse=True)
def no_leaks(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that leaves threads, child processes or open files behind.

    What a fixture of a wider scope holds was there before the test and does not count.
    `@pytest.mark.leaks("files", ...)` permits kinds of them, where another library is to blame.
    """
    allowed = {kind for mark in request.node.iter_markers("leaks") for kind in mark.args}
    before = {kind: look() for kind, look in _KINDS.items() if kind not in allowed}
    yield
    deadline = time.monotonic() + PATIENCE
    pause = 0.002
    while left := {kind: new for kind, old in before.items() if (new := _new(kind, old))}:
        gc.collect()  # each time: threads may let go of something meanwhile
        if time.monotonic() > deadline:
            what = "; ".join(f"{kind}: {sorted(new.items())}" for kind, new in left.items())
            pytest.fail(f"the test left behind {what}", pytrace=False)
        time.sleep(pause)
        pause = min(2 * pause, 0.1)


@pytest.fixture(autouse=True)
def no_handlers() -> Iterator[None]:
    """Fail a test after which signals are handled by others than before."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.getsignal(number) for number in numbers]
    yield
    after = [signal.getsignal(number) for number in numbers]
    if after != before:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
        pytest.fail(f"the test left handlers of signals behind: {after}", pytrace=False)


@pytest.fixture(autouse=True)
def no_figures() -> Iterator[None]:
    """Close the figures that a test drew."""
    yield
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None:
        pyplot.close("all")


@pytest.fixture
def cwd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Run the test in an empty working directory, which it gets."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def fake_slurm(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Let commands that answer as Slurm's do come first in PATH; return what stands behind them."""
    from phsx.testing.fake_slurm import FakeSlurm

    fake = FakeSlurm(tmp_path_factory.mktemp("fake-slurm"))
    monkeypatch.setenv("PATH", fake.path)
    return fake
