"""The benchmarks' commands work; what they measure is for benchmarks/report.py to tell."""

import json
import subprocess
import sys
from pathlib import Path

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def run(script, *arguments):
    done = subprocess.run(
        [sys.executable, BENCHMARKS / script, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def record(data, *arguments):
    return run("regret.py", "--data", data, "--problems", "branin", "stops", *arguments)


def test_cells_are_recorded_once_and_again_where_that_is_asked_for(tmp_path):
    assert record(tmp_path, "--optimizers", "random", "--seeds", "2").count("random") == 4
    assert record(tmp_path, "--optimizers", "random", "--seeds", "3").count("random") == 2
    assert (
        record(tmp_path, "--optimizers", "random", "--seeds", "1", "--again").count("random") == 2
    )
    lines = (tmp_path / "async8" / "random.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    assert len(rows) == 8
    assert {(row["problem"], row["seed"]) for row in rows} == {
        (problem, seed) for problem in ("branin", "stops") for seed in range(3)
    }
    for row in rows:
        assert len(row["best"]) == 8
        assert row["best"] == sorted(row["best"], reverse=True)
    # A cell that is run again comes to the same.
    assert rows[-2]["best"] == rows[0]["best"]

    tables = run("report.py", "--data", tmp_path, "--show")
    assert "| branin | **" in tables
    assert "| stops | **" in tables


def test_latency():
    said = run("latency.py", "--optimizers", "random", "phsx", "--observations", "20")
    assert [line.rsplit(maxsplit=7)[0].split(maxsplit=1) for line in said.splitlines()] == [
        ["20", "random"],
        ["20", "phsx"],
        ["20", "phsx (fit every time)"],
        ["20", "phsx (fit at hand)"],
    ]
