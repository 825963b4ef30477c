"""Ways of bad input: each is refused at the call, in one paragraph that names what is wrong.

Nothing has happened by then: no worker process was started, no directory was left behind.
"""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import phsx
from phsx.cli import main
from phsx.exceptions import PhsxError


def target(x: float, n: int = 1) -> float:
    return x * n


SPACE = {"x": phsx.Float(0, 1), "n": phsx.Int(1, 3)}


@pytest.fixture(autouse=True)
def nothing_is_started(monkeypatch):
    """Fail where a worker is started (Python's own `platform` asks other programs too)."""
    start = subprocess.Popen.__init__

    def watch(self, arguments, *rest, **options):
        assert "phsx" not in str(arguments), f"a process was started: {arguments}"
        start(self, arguments, *rest, **options)

    monkeypatch.setattr(subprocess.Popen, "__init__", watch)


def refused(act, *words):
    """Check that a call is refused in one paragraph with these words."""
    with pytest.raises(PhsxError) as caught:
        act()
    text = str(caught.value)
    assert "\n" not in text.strip(), f"more than one paragraph: {text}"
    assert 15 < len(text) < 700, text
    for word in words:
        assert word.lower() in text.lower(), f"{word!r} is not in: {text}"
    assert "object at 0x" not in text, text


# ---------------------------------------------------------------- the search space

PARAMETERS = {
    "bounds in the wrong order": (lambda: phsx.Float(5, -5), "-5"),
    "equal bounds": (lambda: phsx.Float(1, 1), "1"),
    "log with zero": (lambda: phsx.Float(0, 1, log=True), "log"),
    "log with negative": (lambda: phsx.Int(-3, 5, log=True), "log"),
    "bound that is text": (lambda: phsx.Float("0", 1), "low"),
    "bound that is missing": (lambda: phsx.Float(None, 1), "low"),
    "bound that is not a number": (lambda: phsx.Float(0, float("nan")), "upper bound"),
    "endless range": (lambda: phsx.Float(0, float("inf")), "upper bound"),
    "fraction in an int": (lambda: phsx.Int(1.5, 3), "low"),
    "int bounds in the wrong order": (lambda: phsx.Int(3, 1), "3"),
    "step of zero": (lambda: phsx.Float(0, 1, step=0), "step"),
    "step over the range": (lambda: phsx.Float(0, 1, step=2), "step"),
    "negative digits": (lambda: phsx.Float(0, 1, digits=-1), "digits"),
    "step and digits": (lambda: phsx.Float(0, 1, step=0.1, digits=2), "step"),
    "no choices": (lambda: phsx.Categorical([]), "choice"),
    "same choice twice": (lambda: phsx.Categorical(["a", "a"]), "'a'"),
    "text for choices": (lambda: phsx.Categorical("abc"), "abc"),
    "choice that is an object": (lambda: phsx.Categorical([lambda x: x]), "cannot be a value"),
    "choice that is a dict": (lambda: phsx.Ordinal([{"a": 1}]), "{'a': 1}"),
    "expression with a syntax error": (lambda: phsx.Expression("x +"), "x +"),
    "expression that would run code": (lambda: phsx.Expression("__import__('os')"), "__import__"),
    "expression with an attribute": (lambda: phsx.Expression("x.real"), "x.real"),
    "constant that is an object": (lambda: phsx.Constant(object), "constant"),
}


@pytest.mark.parametrize("case", PARAMETERS)
def test_parameter(case):
    make, word = PARAMETERS[case]
    refused(make, word)


SPACES = {
    "empty": ({}, "parameter"),
    "list in place of a parameter": ({"rate": [0.1, 0.2]}, "'rate'", "Categorical"),
    "pair in place of a parameter": ({"rate": (0, 1)}, "'rate'"),
    "range in place of a parameter": ({"depth": range(5)}, "'depth'"),
    "class in place of a parameter": ({"rate": phsx.Float}, "'rate'"),
    "no mapping": ([phsx.Float(0, 1)], "mapping"),
    "name that is no identifier": ({"learning rate": phsx.Float(0, 1)}, "'learning rate'"),
    "name that is a keyword": ({"lambda": phsx.Float(0, 1)}, "'lambda'"),
    "name that is a number": ({1: phsx.Float(0, 1)}, "1"),
    "expression of what comes later": (
        {"y": phsx.Expression("2 * x"), "x": phsx.Float(0, 1)},
        "'y'",
        "'x'",
    ),
    "expression of an unknown name": (
        {"alpha": phsx.Float(0, 1), "y": phsx.Expression("2 * alhpa")},
        "'y'",
        "alpha",
    ),
    "condition on an unknown parameter": (
        {"kind": phsx.Categorical(["a", "b"]), "x": phsx.Float(0, 1, when={"kindd": "a"})},
        "'x'",
        "kind",
    ),
    "condition that never holds": (
        {"kind": phsx.Categorical(["a", "b"]), "x": phsx.Float(0, 1, when={"kind": "c"})},
        "'x'",
        "'c'",
    ),
}


@pytest.mark.parametrize("case", SPACES)
def test_space(case, tmp_path):
    space, *words = SPACES[case]
    refused(
        lambda: phsx.Experiment(
            tmp_path / "e", target=lambda **p: 0.0, space=space, plan=phsx.Random(2)
        ),
        *words,
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("constraints", "word"),
    [
        (["y < 1"], "y"),
        (["x <"], "x <"),
        (["x.real < 1"], "x.real"),
        (7, "constraint"),
        ([3], "3"),
    ],
)
def test_constraints(constraints, word):
    refused(lambda: phsx.Space({"x": phsx.Float(0, 1)}, constraints=constraints), word)


@pytest.mark.parametrize("name", ["value", "state", "worker", "started", "error"])
def test_parameter_with_the_name_of_a_column(name, tmp_path):
    """`to_dataframe()["value"]` is the objective, and cannot be a parameter as well."""
    space = {name: phsx.Float(0, 1)}
    plan = phsx.Random(2)
    refused(
        lambda: phsx.Experiment(tmp_path / "e", target=lambda **p: 0.0, space=space, plan=plan),
        repr(name),
    )


def test_constraints_that_leave_nothing(tmp_path):
    """Nobody can tell before it is tried; then it is said at once."""
    space = phsx.Space(SPACE, constraints=["x * n > 10"])
    experiment = phsx.Experiment(tmp_path / "e", target, space, phsx.Random(2))
    with pytest.warns(phsx.exceptions.ExhaustedWarning, match="broke a constraint"):
        experiment.run(cluster="inline", progress=False)
    assert experiment.trials == []


# ---------------------------------------------------------------- the plan

PLANS = {
    "no blocks": (lambda: [], "block"),
    "of zero trials": (lambda: phsx.Random(0), "trials", "at least 1"),
    "of negative trials": (lambda: phsx.Sobol(-3), "trials"),
    "of half a trial": (lambda: phsx.Random(2.5), "trials", "2.5"),
    "of trials in text": (lambda: phsx.Random("20"), "trials"),
    "a class": (lambda: phsx.Random, "Random(20)"),
    "a number": (lambda: 20, "20"),
    "a name": (lambda: "random", "random"),
    "a block that is a number": (lambda: [phsx.Random(5), 20], "Random(20)"),
    "nothing": (lambda: None, "plan="),
    "endless block before others": (lambda: [phsx.Random(), phsx.Sobol(3)], "block 0", "trials"),
    "override of an unknown parameter": (lambda: phsx.Random(5, xx=1), "'xx'", "'x'"),
    "override out of its range": (lambda: phsx.Random(5, x=7.0), "'x'", "7"),
    "override list out of its range": (lambda: phsx.Random(5, n=[1, 9]), "'n'", "9"),
    "empty override list": (lambda: phsx.Random(5, n=[]), "n"),
    "distribution as a block": (lambda: phsx.Uniform(0, 1), "override"),
    "block as an override with trials": (lambda: phsx.Random(5, x=phsx.Sobol(3)), "x"),
    "misspelt option": (lambda: phsx.Bayesian(5, intial=3), "'intial'"),
    "no points": (lambda: phsx.Explicit([]), "point"),
    "one point in place of a list": (lambda: phsx.Explicit({"x": 0.5, "n": 1}), "list"),
    "point that lacks a parameter": (lambda: phsx.Explicit([{"x": 0.5}]), "point 0", "'n'"),
    "point out of its range": (lambda: phsx.Explicit([{"x": 5, "n": 1}]), "'x'", "point 0"),
    "point with an unknown name": (lambda: phsx.Explicit([{"x": 0.5, "n": 1, "m": 1}]), "'m'"),
    "grid without points": (lambda: phsx.Grid(points=0), "points"),
    "no initial design": (lambda: phsx.Bayesian(5, initial=0), "initial"),
    "option that is no truth value": (lambda: phsx.Random(5, repeats="no"), "repeats"),
    "normal without width": (lambda: phsx.Random(5, x=phsx.Normal(0.5, 0)), "0"),
}


@pytest.mark.parametrize("case", PLANS)
def test_plan(case, tmp_path):
    make, *words = PLANS[case]
    refused(
        lambda: phsx.Experiment(tmp_path / "e", target=target, space=SPACE, plan=make()), *words
    )
    assert list(tmp_path.iterdir()) == []


# ---------------------------------------------------------------- the target


class Model:
    def evaluate(self, x, n):
        return x


async def asynchronous(x, n):
    return x


def generator(x, n):
    yield x


TARGETS = {
    "none": (lambda: None, "target"),
    "its result": (lambda: target(0.5), "target=f"),
    "its name": (lambda: "module:f", "callable"),
    "a list": (lambda: ["./sim", "{x}"], "Command"),
    "a class": (lambda: Model, "Model"),
    "a method without its object": (lambda: Model.evaluate, "Model"),
    "a coroutine function": (lambda: asynchronous, "async"),
    "a generator": (lambda: generator, "generator"),
    "one that lacks an argument": (lambda: lambda x: x, "'n'"),
    "one that wants more": (lambda: lambda x, n, data: x, "'data'", "fixed="),
    "one with a misspelt argument": (lambda: lambda x, m=1: x, "'n'"),
    "a program that does not exist": (lambda: phsx.Command("no-such-program {x} {n}"), "no-such"),
    "a command with an unknown parameter": (lambda: phsx.Command("echo {x} {n} {y}"), "y"),
    "a command without a parameter": (lambda: phsx.Command("echo {x}"), "n"),
    "an empty command": (lambda: phsx.Command([]), "command"),
}


@pytest.mark.parametrize("case", TARGETS)
def test_target(case, tmp_path):
    make, *words = TARGETS[case]
    refused(
        lambda: phsx.Experiment(tmp_path / "e", target=make(), space=SPACE, plan=phsx.Random(2)),
        *words,
    )
    assert list(tmp_path.iterdir()) == []


def test_conditional_parameter_without_default(tmp_path):
    space = {"k": phsx.Categorical(["a", "b"]), "x": phsx.Float(0, 1, when={"k": "a"})}
    refused(
        lambda: phsx.Experiment(
            tmp_path / "e", target=lambda k, x: x, space=space, plan=phsx.Random(2)
        ),
        "'x'",
        "x=None",
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("fixed", "words"),
    [
        ({"y": 1}, ["'y'", "fixed"]),
        ({"x": 1}, ["'x'", "fixed"]),
        ([1, 2], ["fixed"]),
        ("ab", ["fixed"]),
        (5, ["fixed"]),
        ({1: 2}, ["fixed", "1"]),
    ],
)
def test_fixed_arguments(fixed, words, tmp_path):
    refused(
        lambda: phsx.Experiment(
            tmp_path / "e", target=target, space=SPACE, plan=phsx.Random(2), fixed=fixed
        ),
        *words,
    )
    assert list(tmp_path.iterdir()) == []


def test_target_that_cannot_be_sent(tmp_path):
    lock = threading.Lock()

    def locked(x, n):
        with lock:
            return x

    experiment = phsx.Experiment(tmp_path / "e", locked, SPACE, phsx.Random(2))
    refused(lambda: experiment.run(workers=2, progress=False), "lock", "pickled")


def test_fixed_data_that_cannot_be_sent(tmp_path):
    experiment = phsx.Experiment(
        tmp_path / "e",
        lambda x, n, data: x,
        SPACE,
        phsx.Random(2),
        fixed={"data": threading.Lock()},
    )
    refused(lambda: experiment.run(workers=2, progress=False), "data", "pickled")


# ---------------------------------------------------------------- settings of an experiment

SETTINGS = [
    ({"seed": -1}, "seed"),
    ({"seed": 1.5}, "seed"),
    ({"seed": "1"}, "seed"),
    ({"seed": True}, "seed"),
    ({"maximize": "yes"}, "maximize"),
    ({"maximize": 1}, "maximize"),
    ({"objective": 3}, "objective"),
    ({"scheduler": "asha"}, "scheduler"),
    ({"target": None}, "target="),
    ({"space": None}, "space="),
]


@pytest.mark.parametrize(("change", "word"), SETTINGS, ids=lambda value: str(value))
def test_setting(change, word, tmp_path):
    arguments = {"target": target, "space": SPACE, "plan": phsx.Random(2)} | change
    refused(lambda: phsx.Experiment(tmp_path / "e", **arguments), word)
    assert list(tmp_path.iterdir()) == []


def test_seed_of_numpy_is_a_seed(tmp_path):
    phsx.Experiment(tmp_path / "e", target, SPACE, phsx.Random(2), seed=np.int64(3))
    assert phsx.open(tmp_path / "e").seed == 3


def test_workers_and_seed_of_numpy_are_numbers(tmp_path):
    from phsx.clusters.connect import connect

    phsx.Optimizer(SPACE, seed=np.int64(3))
    refused(lambda: connect(np.int64(2), "inline"), "workers= and cluster= were both given")


# ---------------------------------------------------------------- directories


def make(directory: Any) -> None:
    phsx.Experiment(directory, target, SPACE, phsx.Random(2))


def test_directory_that_holds_something_else(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    refused(lambda: make(tmp_path), "thesis.tex", str(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_directory_that_is_a_file(tmp_path):
    (tmp_path / "file").write_text("text")
    refused(lambda: make(tmp_path / "file"), "file", "directory")
    refused(lambda: make(tmp_path / "file" / "e"), "file", "directory")
    assert (tmp_path / "file").read_text() == "text"


@pytest.mark.parametrize(
    "directory",
    [
        None,
        5,
        "a" * 300,
        "a\0b",
        "/proc/nothing/can/be/made/here",
    ],
    ids=repr,
)
def test_directory_that_cannot_be(directory, cwd):
    refused(lambda: make(directory), "directory")
    assert list(cwd.iterdir()) == []


def test_directory_without_a_name(cwd):
    refused(lambda: make(""), "directory")


@pytest.fixture
def existing(tmp_path):
    experiment = phsx.Experiment(
        tmp_path / "e", target, SPACE, [phsx.Random(2), phsx.Sobol(3)], seed=1
    )
    experiment.run(cluster="inline", progress=False)
    return tmp_path / "e"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"space": {"x": phsx.Float(0, 2), "n": phsx.Int(1, 3)}}, ["space", "directory"]),
        ({"plan": phsx.Random(2)}, None),  # a beginning of what is planned is fine
        ({"plan": [phsx.Sobol(2)]}, ["plan"]),
        ({"plan": [phsx.Random(3), phsx.Sobol(3)]}, ["plan"]),
        ({"plan": 5}, ["plan"]),
        ({"seed": 2}, ["seed=1", "seed=2"]),
        ({"maximize": True}, ["maximize"]),
        ({"objective": "loss"}, ["objective"]),
        ({"target": lambda x: x}, ["'n'"]),
        ({"space": []}, ["space"]),
    ],
    ids=lambda value: str(value).partition(" at 0x")[0],
)
def test_going_on_with_something_else(existing, change, words):
    arguments = {"target": target, "space": SPACE} | change
    before = {path: path.read_bytes() for path in existing.rglob("*") if path.is_file()}
    if words is None:
        phsx.Experiment(existing, **arguments)
    else:
        refused(lambda: phsx.Experiment(existing, **arguments), *words)
    assert {path: path.read_bytes() for path in existing.rglob("*") if path.is_file()} == before


def test_opening_what_is_no_experiment(tmp_path):
    refused(lambda: phsx.open(tmp_path / "nothing"), "nothing", "experiment")
    refused(lambda: phsx.open(tmp_path), "experiment.json")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "directory",
    [
        "",
        "a\0b",
        None,
        5,
        "a" * 300,
    ],
    ids=repr,
)
def test_opening_what_can_be_no_directory(directory, cwd):
    refused(lambda: phsx.open(directory), "experiment")


DAMAGED = {
    "empty": "",
    "no JSON": "{",
    "a list": "[]",
    "a number": "7",
    "nothing in it": "{}",
    "not text": b"\xff\xfe\x00",
    "a schema that is text": {"schema": "1"},
    "a newer schema": {"schema": 999},
    "a space that is none": {"space": 3},
    "a space with an unknown kind": {"space": {"parameters": [{"name": "x", "kind": "evil"}]}},
    "an expression that would run code": {
        "space": {
            "parameters": [
                {"name": "x", "kind": "expression", "sources": ["__import__('os').abort()"]}
            ]
        }
    },
    "a plan that is none": {"plan": {"strategy": "os.system"}},
    "a target that is text": {"target": "os:abort"},
}


@pytest.mark.parametrize("case", DAMAGED)
def test_opening_a_damaged_definition(existing, case):
    damage = DAMAGED[case]
    file = existing / "experiment.json"
    if isinstance(damage, dict):
        damage = json.dumps(json.loads(file.read_text()) | damage)
    file.write_bytes(damage if isinstance(damage, bytes) else damage.encode())
    refused(lambda: phsx.open(existing), "experiment.json")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("seed", "abc"),
        ("seed", float("inf")),
        ("seed", -5),
        ("environment", None),
        ("objective", [1]),
    ],
)
def test_opening_a_definition_with_a_wrong_value(existing, key, value):
    file = existing / "experiment.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {key: value}))
    if key == "environment":
        phsx.open(existing)  # only for people to read
    else:
        refused(lambda: phsx.open(existing), "experiment.json")


def test_opening_a_definition_that_is_nested_too_deeply(existing):
    (existing / "experiment.json").write_text("[" * 100_000)
    refused(lambda: phsx.open(existing), "experiment.json")


def test_opening_a_damaged_journal(existing):
    journal = existing / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    lines[3] = lines[3].replace(b":", b";", 1)
    journal.write_bytes(b"".join(lines))
    refused(lambda: phsx.open(existing).trials, "journal.jsonl", "line 4")
    refused(lambda: phsx.open(existing).run(cluster="inline"), "line 4")


# ---------------------------------------------------------------- settings of a run

RUNS = [
    ({"workers": 0}, "workers"),
    ({"workers": -2}, "workers"),
    ({"workers": 2.5}, "workers"),
    ({"workers": "2"}, "workers"),
    ({"workers": True}, "workers"),
    ({"workers": 2, "cluster": "inline"}, "workers="),
    ({"cluster": 5}, "cluster=5"),
    ({"cluster": ["tcp://a:1"]}, "cluster="),
    ({"cluster": []}, "cluster=[]"),
    ({"cluster": [phsx.slurm(memory="1GB"), "inline"]}, "cluster="),
    (
        {"cluster": [phsx.slurm(memory="1GB", tls=False), phsx.slurm(memory="1GB")]},
        "tls=",
    ),
    (
        {
            "cluster": [phsx.slurm(memory="1GB"), phsx.slurm(memory="1GB", gpus=1)],
            "resources": {"GPU": 2},
        },
        "GPU=2",
    ),
    ({"workers": 2, "cluster": [phsx.slurm(memory="1GB")]}, "workers="),
    ({"timeout": 0}, "timeout"),
    ({"timeout": -1.0}, "timeout"),
    ({"timeout": "10"}, "timeout"),
    ({"notice": 0}, "notice"),
    ({"notice": "5m"}, "notice"),
    ({"timeout": float("nan")}, "timeout"),
    ({"max_time": 0}, "max_time"),
    ({"max_time": "1h"}, "max_time"),
    ({"stop_at": "0.1"}, "stop_at"),
    ({"stop_at": float("nan")}, "stop_at"),
    ({"grace": -1}, "grace"),
    ({"max_deaths": -1}, "max_deaths"),
    ({"max_deaths": 1.5}, "max_deaths"),
    ({"max_failed": 50}, "max_failed"),
    ({"cores_per_trial": 0}, "cores_per_trial"),
    ({"resources": 1}, "resources=1"),
    ({"resources": "GPU"}, "resources='GPU'"),
    ({"resources": {"GPU": -1}}, "resources="),
    ({"resources": {"GPU": 1.5}}, "resources="),
    ({"resources": {1: 1}}, "resources="),
    ({"resources": {"GPU": "n +"}}, "'GPU'"),
    ({"resources": {"GPU": "depth"}}, "'depth'"),
    ({"resources": {"cores": 2}, "cores_per_trial": 2}, "cores_per_trial="),
    ({"workers": 1, "resources": {"licence": 1}}, "licence=1"),
    ({"cluster": phsx.slurm(memory="1GB"), "cores_per_trial": 2}, "cores=2"),
    ({"cluster": phsx.slurm(memory="1GB"), "resources": {"GPU": 1}}, "GPU=1"),
    ({"memory_per_trial": 0}, "memory_per_trial"),
    ({"memory_per_trial": "much"}, "memory_per_trial"),
    ({"callbacks": print}, "callbacks"),
    ({"callbacks": [3]}, "callbacks"),
    ({"isolate": "no"}, "isolate"),
    ({"background": "no"}, "background"),
    ({"progress": 3}, "progress"),
    ({"stop_at": float("inf")}, "stop_at"),
]


@pytest.mark.parametrize(("change", "word"), RUNS, ids=str)
def test_run(change, word, tmp_path):
    experiment = phsx.Experiment(tmp_path / "e", target, SPACE, phsx.Random(2))
    before = sorted(tmp_path.rglob("*"))
    arguments = {"progress": False} | change
    if "workers" not in change and "cluster" not in change:
        arguments["cluster"] = "inline"

    def run():
        handle = experiment.run(**arguments)
        if handle is not experiment:
            handle.wait()

    refused(run, word)
    assert sorted(tmp_path.rglob("*")) == before


def test_object_that_is_no_cluster_is_named_by_its_kind(tmp_path):
    """The repr of most objects says nothing but an address."""
    experiment = phsx.Experiment(tmp_path / "e", target, SPACE, phsx.Random(2))
    with pytest.raises(PhsxError, match="inline.*Client"):
        experiment.run(cluster=object())


def patient(x, n):
    while not Path(os.environ["PHSX_GO"]).exists():
        time.sleep(0.01)
    return x


@pytest.fixture
def running(tmp_path, monkeypatch):
    """A search in the background, in whose first trial this process is."""
    monkeypatch.setenv("PHSX_GO", str(tmp_path / "go"))
    experiment = phsx.Experiment(tmp_path / "e", patient, SPACE, phsx.Random(2))
    run = experiment.run(cluster="inline", background=True, progress=False)
    yield experiment
    (tmp_path / "go").touch()
    run.wait()


def test_running_twice_at_once(running):
    refused(lambda: running.run(cluster="inline"), "background")
    other = phsx.Experiment(running.directory, patient)
    refused(lambda: other.run(cluster="inline"), "process")


def test_second_master_is_refused_before_it_starts_workers(running):
    other = phsx.Experiment(running.directory, patient)
    refused(lambda: other.run(workers=1), "process")


def test_running_an_opened_experiment_whose_target_is_not_known(tmp_path):
    phsx.Experiment(tmp_path / "e", lambda x, n: x, SPACE, phsx.Random(2))
    refused(lambda: phsx.open(tmp_path / "e").run(workers=1), "target", "script")


@pytest.mark.parametrize("trials", [0, -1, 1.5, "3"])
def test_adding_no_trials(existing, trials):
    refused(lambda: phsx.open(existing).add_trials(trials), "trials")


def test_adding_trials_to_a_grid(tmp_path):
    experiment = phsx.Experiment(tmp_path / "e", target, SPACE, phsx.Grid())
    refused(lambda: experiment.add_trials(3), "Grid")


@pytest.mark.parametrize("plan", [[], 5, phsx.Random(3, z=1)])
def test_extending_by_a_wrong_plan(existing, plan):
    refused(lambda: phsx.open(existing).extend(plan))


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"trials": 0}, "trials"),
        ({"trials": "5"}, "trials"),
        ({"trials": None}, "trials"),
        ({"workers": 0}, "workers"),
        ({"seed": -1}, "seed"),
        ({"target": 5}, "target"),
        ({"space": {"x": [1]}}, "'x'"),
        ({"space": {"x": phsx.Float(0, 1), "y": phsx.Float(0, 1)}}, "'y'"),
    ],
    ids=str,
)
def test_minimize(change, word):
    arguments = {"target": target, "space": SPACE, "trials": 3, "progress": False} | change
    refused(lambda: phsx.minimize(**arguments), word)


# ---------------------------------------------------------------- ask and tell


@pytest.fixture
def optimizer():
    return phsx.Optimizer(SPACE, phsx.Random(), seed=0)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({"space": {}}, "parameter"),
        ({"strategy": phsx.Random}, "Random(20)"),
        ({"strategy": "random"}, "random"),
        ({"strategy": phsx.Uniform(0, 1)}, "override"),
        ({"strategy": phsx.Random(xx=1)}, "'xx'"),
        ({"seed": -1}, "seed"),
        ({"seed": 0.5}, "seed"),
        ({"maximize": "yes"}, "maximize"),
    ],
    ids=str,
)
def test_optimizer(arguments, word):
    refused(lambda: phsx.Optimizer(**{"space": SPACE, **arguments}), word)


@pytest.mark.parametrize(
    "trial",
    [
        99,
        None,
        "0",
        {"x": 0.5, "n": 1},
        True,
    ],
    ids=repr,
)
def test_telling_of_an_unknown_trial(optimizer, trial):
    optimizer.ask()
    optimizer.ask()
    refused(lambda: optimizer.tell(trial, 1.0), "tell", "ask")
    assert optimizer.best is None


@pytest.mark.parametrize(
    "value",
    [
        "low",
        1j,
        [1.0],
        {},
        "3",
        True,
        10**400,
    ],
    ids=lambda value: str(value)[:20],
)
def test_telling_no_number(optimizer, value):
    trial = optimizer.ask()
    refused(lambda: optimizer.tell(trial, value), "tell", "number")
    assert optimizer.trials[0].state is phsx.TrialState.WAITING


def test_telling_twice(optimizer):
    trial = optimizer.ask()
    optimizer.tell(trial, 1.0)
    refused(lambda: optimizer.tell(trial, 2.0), "told already")
    assert optimizer.best.value == 1.0


@pytest.mark.parametrize(
    ("observations", "words"),
    [
        ([({"x": 0.5, "n": 1}, 1.0), ({"x": 5.0, "n": 1}, 2.0)], ["observation 1", "'x'"]),
        ([({"x": 0.5}, 1.0)], ["observation 0", "'n'"]),
        ([({"x": 0.5, "n": 1, "z": 0}, 1.0)], ["observation 0", "'z'"]),
        ([({"x": 0.5, "n": 1}, "low")], ["observation 0", "number"]),
        ([{"x": 0.5, "n": 1}], ["observation 0"]),
        ([5], ["observation 0"]),
        (None, ["tell_many"]),
    ],
)
def test_telling_many(optimizer, observations, words):
    refused(lambda: optimizer.tell_many(observations), *words)
    assert optimizer.trials == [], "none is added where one is wrong"


# ---------------------------------------------------------------- the command line

GOOD = """
target = "beside:target"
[space]
x = {type = "float", low = 0, high = 1}
[[plan]]
strategy = "random"
trials = 3
[run]
cluster = "inline"
"""


def changed(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace(old, new)


FILES = {
    "no TOML": ("x = = 1", "TOML"),
    "empty": ("", "target"),
    "an unknown key": ("colour = 'red'\n" + GOOD, "'colour'"),
    "a misspelt key": ("maximise = true\n" + GOOD, "maximize"),
    "no target": (changed('target = "beside:target"', ""), "target"),
    "target and command": ("command = ['echo', '{x}']\n" + GOOD, "target"),
    "a target that is a number": (changed('"beside:target"', "5"), "target"),
    "constraints that are a number": ("constraints = 5\n" + GOOD, "constraint"),
    "a target without a function": (changed("beside:target", "beside"), "module:function"),
    "a module that is missing": (changed("beside:", "nowhere:"), "nowhere"),
    "a function that is missing": (changed(":target", ":tarket"), "target"),
    "a target that is no function": (changed(":target", ":NUMBER"), "callable"),
    "no space": ("target = 'beside:target'\n[[plan]]\nstrategy='random'\ntrials=3", "space"),
    "an empty space": (changed('x = {type = "float", low = 0, high = 1}', ""), "parameter"),
    "a list of values": (changed('{type = "float", low = 0, high = 1}', "[0, 1]"), "'x'"),
    "a parameter without type": (changed('type = "float", ', ""), "'x'"),
    "an unknown type": (changed('"float"', '"flaot"'), "flaot"),
    "a bound that is missing": (changed(", high = 1", ""), "high"),
    "a bound below the other": (changed("low = 0", "low = 2"), "'x'"),
    "an unknown option": (changed("low = 0", "low = 0, lgo = true"), "lgo"),
    "a wrong constraint": ("constraints = ['y < 1']\n" + GOOD, "y"),
    "no plan": (GOOD.split("[[plan]]")[0], "plan"),
    "an unknown strategy": (changed('"random"', '"randon"'), "random"),
    "a plan of no trials": (changed("trials = 3", "trials = 0"), "trials"),
    "a plan without a strategy": (changed('strategy = "random"', ""), "strategy"),
    "an unknown override": (changed("trials = 3", "trials = 3\ny = 1.0"), "'y'"),
    "an unknown setting": (GOOD + "\nworker = 3", "worker"),
    "a wrong setting": (GOOD + "\ntimeout = -1", "timeout"),
    "a setting of resources by a wrong formula": (
        GOOD + "\nresources = {GPU = 'kind =='}",
        "'GPU'",
    ),
    "a setting that is text": (GOOD + "\nmax_time = '1h'", "max_time"),
    "settings that are no table": ("run = 3\n" + GOOD.split("[run]")[0], "run"),
    "workers and cluster": (GOOD + "\nworkers = 2", "workers="),
    "a negative seed": ("seed = -1\n" + GOOD, "seed"),
    "a wrong direction": ("maximize = 'yes'\n" + GOOD, "maximize"),
    "a wrong command": (changed('target = "beside:target"', "command = 5"), "command"),
    "an unknown option of the command": (
        changed('target = "beside:target"', 'command = {argv = ["echo", "{x}"], shell = true}'),
        "shell",
    ),
}
WRONG_TYPES = [
    ("directory = 5\n" + GOOD, "directory"),
    (GOOD + "\nprogress = 3", "progress"),
    (GOOD + "\nprogress = false", None),
]


def command(*arguments: object) -> Any:
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def check_said(result: Any, code: int, *words: str) -> None:
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    for word in words:
        assert word.lower() in result.output.lower(), result.output


@pytest.fixture
def beside(cwd, monkeypatch):
    (cwd / "beside.py").write_text("NUMBER = 3\n\ndef target(x):\n    return x\n")
    monkeypatch.setattr("sys.path", list(__import__("sys").path))
    yield cwd
    __import__("sys").modules.pop("beside", None)


@pytest.mark.parametrize("case", FILES)
def test_search_file(case, beside):
    text, word = FILES[case]
    (beside / "search.toml").write_text(text)
    result = command("run", "search.toml")
    check_said(result, 1, word)
    left = {path.name for path in beside.iterdir()} - {"beside.py", "search.toml", "__pycache__"}
    if "setting" not in case and case != "workers and cluster":
        assert left == set(), "a directory was made"


@pytest.mark.parametrize(("text", "word"), WRONG_TYPES)
def test_search_file_with_another_type(text, word, beside):
    (beside / "search.toml").write_text(text)
    result = command("run", "search.toml")
    check_said(result, *([0] if word is None else [1, word]))


def test_search_file_that_is_no_text(beside):
    (beside / "search.toml").write_bytes(b"\xff\xfe")
    check_said(command("run", "search.toml"), 1, "TOML")


COMMANDS = [
    (["run", "nothing.toml"], 2, "nothing.toml"),
    (["run", "beside.py"], 1, "python beside.py"),
    (["run", "."], 1, "experiment.json"),
    (["run"], 2, "FILE|DIR"),
    (["run", "e", "--workers", "many"], 2, "many"),
    (["run", "e", "--workers", "0"], 1, "workers"),
    (["run", "e", "--workers", "1", "--cluster", "inline"], 1, "workers="),
    (["run", "e", "--timeout", "0"], 1, "timeout"),
    (["run", "e", "--max-time", "-3"], 1, "max_time"),
    (["run", "e", "--more", "0"], 2, "--more"),
    (["run", "e", "--fast"], 2, "--fast"),
    (["fly"], 2, "fly"),
    (["status", "nowhere"], 1, "nowhere"),
    (["status", "beside.py"], 2, "beside.py"),
    (["best", "nowhere"], 1, "nowhere"),
    (["show", "nowhere"], 1, "nowhere"),
    (["show", "e", "99"], 1, "99"),
    (["show", "e", "first"], 2, "first"),
    (["plot", "nowhere"], 1, "nowhere"),
    (["plot", "e", "-k", "pie"], 2, "pie"),
    (["export", "nowhere"], 1, "nowhere"),
    (["export", "e", "-f", "xls"], 2, "xls"),
    (["demo", "--trials", "1"], 2, "trials"),
    (["status", "a" * 300], 1, "a" * 300),
    (["export", "e", "-o", "no/such/folder.csv"], 1, "folder.csv"),
    (["plot", "e", "-o", "beside.py"], 1, "beside.py"),
    (["plot", "e", "-k", "parameters", "-x", "zz"], 1, "zz"),
    (["plot", "e", "-k", "parameters", "-x", "x", "-y", "x"], 1, "x"),
    (["add", "nowhere", "3"], 1, "nowhere"),
    (["add", "e", "0"], 2, "0"),
    (["add", "e"], 2, "TRIALS"),
    (["stop", "nowhere"], 1, "nowhere"),
    (["attach", "nowhere"], 1, "nowhere"),
    (["attach", "e"], 3, "nobody runs it"),
    (["submit", "nothing.toml"], 2, "nothing.toml"),
    (["submit", "beside.py"], 1, "beside.py is a script"),
    (["submit", "."], 1, "experiment.json"),
    (["submit", "e"], 1, "--workers"),
    (["submit", "e", "--workers", "1", "--walltime", "soon"], 1, "walltime='soon'"),
    (["master", "e"], 1, "nothing was submitted"),
]


@pytest.mark.parametrize(("arguments", "code", "word"), COMMANDS, ids=lambda a: str(a)[:60])
def test_command(arguments, code, word, beside):
    experiment = phsx.Experiment("e", target, SPACE, phsx.Random(2))
    experiment.run(cluster="inline", progress=False)
    check_said(command(*arguments), code, word)


def test_command_that_has_nothing_to_show_yet(cwd):
    phsx.Experiment("e", target, SPACE, phsx.Random(2))
    check_said(command("best", "e"), 3, "no trial")
    check_said(command("status", "e"), 0, "0 of 2")


def test_there_are_many_more_than_forty():
    counted = [PARAMETERS, SPACES, PLANS, TARGETS, SETTINGS, DAMAGED, RUNS, FILES, COMMANDS]
    assert sum(map(len, counted)) > 150
    assert all(Path(__file__).read_text().count(f'"{case}"') >= 1 for case in PARAMETERS)
