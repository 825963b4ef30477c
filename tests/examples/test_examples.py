"""Every example runs as a reader would run it, with a small budget, and leaves what it says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import phsx

EXAMPLES = Path(__file__).parents[2] / "examples"


def run(name: str, *arguments: str, cwd: Path) -> str:
    """Run an example and return what it printed."""
    ran = subprocess.run(
        [sys.executable, "-W", "error::UserWarning", EXAMPLES / name, *arguments],
        cwd=cwd,
        env=os.environ | {"MPLBACKEND": "Agg"},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def results(directory: Path) -> pd.DataFrame:
    frame = phsx.open(directory).to_dataframe()
    assert set(frame["state"]) == {"completed"}
    return frame


def test_every_example_is_tested() -> None:
    tested = {name.removeprefix("test_") + ".py" for name in globals()}
    assert {file.name for file in EXAMPLES.glob("*.py")} <= tested


def test_griewank(cwd: Path) -> None:
    printed = run("griewank.py", "out", "--trials", "4", cwd=cwd)
    frame = results(cwd / "out")
    assert len(frame) == 24
    assert set(frame["y"][:20]) == {1.2, 3.4, -2.7}
    assert f"best value {frame['value'].min():.4f}" in printed
    for name in ("history", "xy", "parallel", "timeline"):
        assert (cwd / "out" / f"{name}.png").stat().st_size > 10_000
    # Again: nothing to do, and the same answer.
    assert run("griewank.py", "out", "--trials", "4", cwd=cwd) == printed
    assert len(results(cwd / "out")) == 24


def test_digits(cwd: Path) -> None:
    printed = run("digits.py", "out", "--trials", "6", cwd=cwd)
    frame = results(cwd / "out")
    assert len(frame) == 6
    assert frame["value"].between(0.05, 1).all()
    svm = frame["classifier"] == "svm"
    assert (frame["C"].notna() == svm).all()
    assert (frame["worst_fold"] <= frame["value"]).all()
    best = phsx.open(cwd / "out").best
    assert best.value == frame["value"].max()
    assert str(best.params) in printed


def test_mixed_strategies(cwd: Path) -> None:
    printed = run("mixed_strategies.py", "out", "--trials", "3", cwd=cwd)
    frame = results(cwd / "out")
    assert frame["block"].value_counts().sort_index().tolist() == [1, 9, 8, 3]
    assert frame["n"][1:10].tolist() == [1, 2, 3] * 3
    assert (frame["noise"][1:10] == 0.01).all()
    assert frame["noise"][10:18].between(1e-4, 1e-2).all()
    assert (frame["n"][18:] == 4).all()
    assert "best:" in printed


def test_command(cwd: Path) -> None:
    printed = run("command.py", "out", "--trials", "4", cwd=cwd)
    frame = results(cwd / "out")
    expected = (frame["amplitude"] - 0.7).abs() + 1 / frame["steps"]
    assert frame["value"].tolist() == pytest.approx(expected.tolist())
    steps = frame["steps"].iloc[0]
    stdout = cwd / "out" / "trials" / "000000" / "stdout.txt"
    assert f"simulating {steps} steps" in stdout.read_text()
    assert "best:" in printed


def test_ask_tell(cwd: Path) -> None:
    printed = run("ask_tell.py", "--trials", "30", cwd=cwd)
    assert float(printed.split()[2]) < -0.2
    assert not list(cwd.iterdir())
