"""Starts the child processes of a worker, from one thread that lives as long as they may."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from phsx.execution.guard import MARK, Guard

#: Where this phsx is; a child must use the same one, whatever else is installed.
_PACKAGE = Path(__file__).resolve().parent.parent

# The first entry of sys.path would be the working directory, which imports must not depend on.
_BOOT = """\
import sys
from importlib.util import module_from_spec, spec_from_file_location
sys.path.pop(0)
if {root!r} not in sys.path:
    sys.path.append({root!r})
spec = spec_from_file_location("phsx", {file!r}, submodule_search_locations=[{package!r}])
sys.modules["phsx"] = module_from_spec(spec)
spec.loader.exec_module(sys.modules["phsx"])
from phsx.execution.child import main
main({files!r}, {parent}, {sources!r})
"""


class Files(NamedTuple):
    """Descriptors that a child inherits.

    Attributes
    ----------
    control : int
        Its end of the channel.
    parcel : int
        The file with the package.
    begun : int
        A file that holds how many jobs it has begun, to be read when it is dead.
    """

    control: int
    parcel: int
    begun: int


@dataclass(frozen=True)
class _Request:
    files: Files
    sources: str | None
    cwd: str | None
    variables: Mapping[str, str]
    mark: str
    answer: Future[subprocess.Popen[bytes]]


class Spawner:
    """One thread and one guard process, for all children of this worker.

    The kernel's "kill me when my parent dies" means the *thread* that started a process, and
    threads of a worker's pool come and go: so one thread starts them all.
    """

    def __init__(self) -> None:
        self.guard = Guard()
        self._requests: queue.SimpleQueue[_Request | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._serve, name="phsx-spawner", daemon=True)
        self._thread.start()

    def start(
        self,
        files: Files,
        sources: str | None,
        cwd: str | None,
        variables: Mapping[str, str],
        mark: str,
    ) -> subprocess.Popen[bytes]:
        """Start a child that inherits `files`, and return its process.

        Its environment is this process's, with these `variables`. What it starts in turn can be
        told by `mark`, see `phsx.execution.guard`.

        Raises
        ------
        OSError
            The system has no room for another process.
        """
        answer: Future[subprocess.Popen[bytes]] = Future()
        self._requests.put(_Request(files, sources, cwd, variables, mark, answer))
        return answer.result()

    def close(self) -> None:
        """End the thread and the guard; children that are left are killed."""
        self._requests.put(None)
        self._thread.join()
        self.guard.close()

    def _serve(self) -> None:
        while (request := self._requests.get()) is not None:
            try:
                self.guard.add("mark", request.mark)
                process = _popen(request)
                self.guard.add("group", str(process.pid))
            except BaseException as error:
                request.answer.set_exception(error)
            else:
                request.answer.set_result(process)


def _popen(request: _Request) -> subprocess.Popen[bytes]:
    boot = _BOOT.format(
        root=str(_PACKAGE.parent),
        package=str(_PACKAGE),
        file=str(_PACKAGE / "__init__.py"),
        files=tuple(request.files),
        parent=os.getpid(),
        sources=request.sources,
    )
    return subprocess.Popen(
        [sys.executable, "-c", boot],
        stdin=subprocess.DEVNULL,
        pass_fds=request.files,
        cwd=request.cwd,
        env=os.environ | request.variables | {MARK: request.mark},
        start_new_session=True,
    )
