"""What a search has suggested comes out again, bit for bit, and what was changed is found."""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import sys
import time
from collections import Counter

import pytest

import phsx
from phsx.journal import read
from phsx.journal.format import encode
from phsx.models.numerics import numerics

SPACE = {
    "x": phsx.Float(-2, 2),
    "rate": phsx.Float(1e-3, 1, log=True),
    "kind": phsx.Categorical(["a", "b", "c"]),
    "depth": phsx.Int(1, 20, when={"kind": "a"}),
}
PLAN = [
    phsx.Explicit([{"x": 0.5, "rate": 0.1, "kind": "b"}]),
    phsx.Sobol(4),
    phsx.Random(4, x=[0.0, 1.0]),
    phsx.Bayesian(8, initial=6, rate=phsx.LogUniform(0.01, 0.1)),
]


def loss(x, rate, kind, depth=None):
    if kind == "c" and x > 1.5:
        raise ValueError("a failed trial is part of what models learn from")
    return x**2 + (math.log10(rate) + 1) ** 2 + {"a": 0.0, "b": 0.3, "c": 0.6}[kind]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    directory = tmp_path_factory.mktemp("finished") / "e"
    experiment = phsx.Experiment(directory, loss, SPACE, PLAN, seed=3)
    return experiment.run(cluster="inline", progress=False)


@pytest.fixture
def changed(finished, tmp_path):
    """Return a function that copies the finished search with some records changed."""

    def change(*edits):
        lines, crc, count = [], 0, Counter()
        for record in read(finished.directory).records:
            for kind, number, edit in edits:
                if (record["type"], count[kind]) == (kind, number):
                    edit(record)
            count[record["type"]] += 1
            line, crc = encode(record, crc)
            lines.append(line)
        (tmp_path / "journal.jsonl").write_bytes(b"".join(lines))
        shutil.copy(finished.directory / "experiment.json", tmp_path)
        return tmp_path

    return change


def test_everything_comes_out_again(finished):
    told = []
    verification = phsx.verify(finished.directory, lambda *numbers: told.append(numbers))
    assert verification.identical and verification.differences == ()
    assert (verification.trials, verification.suggestions) == (9, 8)
    assert verification.fits == len(finished.state.fits) >= 2
    total = verification.suggestions + verification.fits
    assert told == [(number, total) for number in range(1, total + 1)]


def test_a_search_on_workers_that_was_resumed_and_extended(tmp_path):
    experiment = phsx.Experiment(tmp_path / "e", loss, SPACE, PLAN, seed=3)
    run = experiment.run(workers=3, progress=False, background=True)
    while run.running and len(experiment.trials) < 12:
        time.sleep(0.005)
    run.stop()
    run.wait()
    experiment.run(workers=2, progress=False)
    experiment.add_trials(4).run(workers=2, progress=False)
    verification = phsx.verify(experiment.directory)
    assert verification.differences == ()
    assert verification.trials + verification.suggestions == len(experiment.trials) == 21


@pytest.mark.parametrize(
    ("kind", "what", "key", "name"),
    [("trial", "trial", "params", "x"), ("suggested", "suggestion", "params", "x")],
)
def test_changed_point_is_named(changed, kind, what, key, name):
    def edit(record):
        record[key][name] = math.nextafter(record[key][name], 3.0)

    verification = phsx.verify(changed((kind, 2, edit)))
    first = verification.differences[0]
    assert (first.what, first.number) == (what, 2 if kind == "trial" else 11)
    assert f"{what} {first.number} (journal record {first.seq})" in str(first)
    assert not verification.identical


def test_other_libraries_are_told_apart(changed):
    def edit(record):
        record["params"]["x"] = math.nextafter(record["params"]["x"], 3.0)

    first = phsx.verify(changed(("suggested", 2, edit))).differences[0]
    assert not first.elsewhere and sorted(first.numerics) == sorted(numerics())

    def elsewhere(record):
        record["facts"]["blas"] = "openblas 0.1 Abacus"

    assert phsx.verify(changed(("numerics", 0, elsewhere))).identical, "equal bits are equal"
    both = phsx.verify(changed(("numerics", 0, elsewhere), ("suggested", 2, edit)))
    assert both.rounded[0].elsewhere and both.verdict == "equivalent, not identical"


def test_changed_fit_is_named(changed):
    def edit(record):
        record["values"]["observed"] += 1

    first = phsx.verify(changed(("fit", 1, edit))).differences[0]
    assert (first.what, first.number) == ("fit", 1)


def test_changed_result_shows_in_what_was_learnt_from_it(changed):
    def edit(record):
        record["value"] += 1.0

    verification = phsx.verify(changed(("ended", 3, edit)))
    assert {difference.what for difference in verification.differences} == {"fit", "suggestion"}


def with_kernel(name):
    """Return the environment of a process whose OpenBLAS takes the kernels of a processor."""
    return {**os.environ, "OPENBLAS_CORETYPE": name, "PYTHONWARNINGS": "error"}


@pytest.fixture(scope="module")
def kernel():
    """Return the name of a kernel that this processor can run and has not chosen itself."""
    ask = "from phsx.models.surrogate import *; from phsx.models.numerics import *"
    for name in ("Haswell", "Nehalem", "NEOVERSEN1", "ARMV8"):
        command = [sys.executable, "-c", f"{ask}; print(numerics()['blas'])"]
        asked = subprocess.run(command, env=with_kernel(name), capture_output=True, text=True)
        if asked.returncode == 0 and asked.stdout.strip() != numerics()["blas"]:
            return name
    pytest.skip("this NumPy has no OpenBLAS that could be told to take another kernel")


class TestOtherKernels:
    """Another kind of processor computes: OpenBLAS is told that it runs on one."""

    def verify(self, directory, kernel, code):
        command = [sys.executable, "-m", "phsx", "verify", "--json", str(directory)]
        done = subprocess.run(command, env=with_kernel(kernel), capture_output=True, text=True)
        assert done.returncode == code, done.stderr
        return json.loads(done.stdout)

    def test_equivalent_and_not_identical(self, finished, kernel):
        found = self.verify(finished.directory, kernel, code=4)
        assert found["verdict"] == "equivalent, not identical"
        assert (found["identical"], found["equivalent"]) == (False, True)
        assert found["rounded"] and not found["differences"]

    def test_what_was_changed_is_named(self, changed, kernel):
        def nearby(record):
            record["params"]["x"] += 1e-3 if record["params"]["x"] < 0 else -1e-3

        def far(record):
            record["params"]["x"] += 0.3 if record["params"]["x"] < 0 else -0.3

        def another_category(record):
            record["params"]["kind"] = "c"
            record["params"].pop("depth", None)

        def hyper_parameter(record):
            record["values"]["models"]["plain"]["length_scales"][0] *= 1.001

        directory = changed(
            ("fit", 1, hyper_parameter),
            ("suggested", 3, nearby),
            ("suggested", 4, far),
            ("suggested", 5, another_category),
        )
        differences = self.verify(directory, kernel, code=1)["differences"]
        named = {(difference["what"], difference["number"]) for difference in differences}
        assert named >= {("fit", 1), ("suggestion", 12), ("suggestion", 13), ("suggestion", 14)}
        assert (differences[0]["what"], differences[0]["number"]) == ("fit", 1)

    def test_changed_result_is_named(self, changed, kernel):
        def edit(record):
            record["value"] += 1.0

        assert self.verify(changed(("ended", 3, edit)), kernel, code=1)["verdict"] == "different"


def test_another_seed_gives_other_points(changed):
    directory = changed(("trial", 0, lambda record: None))
    assert phsx.verify(directory).identical
    definition = directory / "experiment.json"
    definition.write_text(definition.read_text().replace('"seed": 3', '"seed": 4'))
    assert len(phsx.verify(directory).differences) > 10
