"""A worker's registry with runs on it, in this process."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from phsx.execution import worker
from phsx.execution.evaluation import Job, Outcome
from phsx.targets.packing import pack


class Run:
    """A target that is installed on this process's registry."""

    def __init__(self, name: str, root: Path, target: Any, **options: Any) -> None:
        self.name = name
        self.root = root
        (root / "trials").mkdir(parents=True, exist_ok=True)
        self.package = pack(target, options.pop("names", ["x"]), **options)
        worker.install(name, self.package)

    def directory(self, trial: int) -> Path:
        return self.root / "trials" / f"{trial:06d}"

    def job(self, trial: int = 0, x: Any = 1.0, **options: Any) -> Job:
        options.setdefault("directory", str(self.directory(trial)))
        options.setdefault("params", {"x": x})
        return Job(run=self.name, trial=trial, **options)

    def evaluate(self, trial: int = 0, x: Any = 1.0, notify: Any = None, **options: Any) -> Outcome:
        return worker.evaluate(self.job(trial, x, **options), notify)

    def stdout(self, trial: int = 0) -> str:
        return (self.directory(trial) / "stdout.txt").read_text()

    def stderr(self, trial: int = 0) -> str:
        return (self.directory(trial) / "stderr.txt").read_text()


@pytest.fixture
def install(tmp_path: Path) -> Iterator[Callable[..., Run]]:
    """Install targets as runs, and uninstall them afterwards."""
    numbers = itertools.count()
    names: list[str] = []

    def make(target: Any, **options: Any) -> Run:
        names.append(f"run-{next(numbers)}")
        return Run(names[-1], tmp_path / "experiment", target, **options)

    yield make
    for name in names:
        worker.uninstall(name)
