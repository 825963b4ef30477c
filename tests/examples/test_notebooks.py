"""The notebooks run from top to bottom, with a small budget, and are stored without outputs."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))


def read(file: Path) -> nbformat.NotebookNode:
    notebook = nbformat.read(file, as_version=4)
    nbformat.validate(notebook)
    return notebook


@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda file: file.stem)
def test_stored_without_outputs(file: Path) -> None:
    for cell in read(file).cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


@pytest.fixture
def handlers() -> Iterator[None]:
    """Take back the handlers of signals that the notebooks' client leaves behind."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.getsignal(number) for number in numbers}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


# ZeroMQ keeps its context's descriptors and IPython's client its threads for the next kernel.
@pytest.mark.leaks("files", "threads")
@pytest.mark.usefixtures("handlers")
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda file: file.stem)
def test_runs(file: Path, cwd: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from nbclient import NotebookClient

    monkeypatch.delenv("MPLBACKEND")  # pictures go into the notebook
    notebook = read(file)
    budget = re.compile(r"^TRIALS = \d+", re.MULTILINE)
    replaced = 0
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.source, number = budget.subn("TRIALS = 8", cell.source)
            replaced += number
    assert replaced == 1
    client = NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(cwd)}})
    client.execute()
    pictures = [
        output
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if "image/png" in output.get("data", {})
    ]
    assert len(pictures) >= 4
