"""An experiment goes on with its own target, in a newer version too, and with no other one."""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path

import pytest

import phsx
from phsx.exceptions import ChangedError, ChangedWarning

INLINE = {"cluster": "inline", "progress": False}
SPACE = {"x": phsx.Float(-1, 1)}


def square(x):
    return x**2


def cube(x):
    return x**3


def newer(text="def square(x):\n    return x**2 + 1"):
    namespace = {"__name__": __name__}
    exec(text, namespace)
    return namespace["square"]


def make(target, trials):
    return phsx.Experiment("e", target, SPACE, phsx.Random(trials), seed=1)


def test_the_same_function_goes_on_without_a_word(cwd):
    make(square, 2).run(**INLINE)
    done = make(square, 4).run(**INLINE)
    assert len(done.state.finished) == 4 and done.state.targets == []
    assert not Path("e/source.2").exists()


def test_another_function_is_refused_at_once(cwd):
    make(square, 2).run(**INLINE)
    with pytest.raises(ChangedError, match=r"function square of .*function cube of .*directory"):
        make(cube, 4)
    assert phsx.open("e").total == 2


def test_another_kind_of_target_is_refused(cwd):
    make(square, 2).run(**INLINE)
    with pytest.raises(ChangedError, match="the command echo"):
        make(phsx.Command("echo {x}", result=float), 4)


def test_a_function_that_was_moved_or_renamed_is_the_same(cwd):
    make(square, 2).run(**INLINE)
    moved = newer("def square(x):\n    return x**2")
    moved.__module__, moved.__name__, moved.__qualname__ = "elsewhere", "other", "other"
    assert make(moved, 4).run(**INLINE).state.targets == []


def test_changed_code_goes_on_with_a_warning_given_once(cwd):
    make(square, 2).run(**INLINE)
    with pytest.warns(ChangedWarning, match=r"target square .* in source, .* source\.2"):
        make(newer(), 4).run(**INLINE)
    done = make(newer(), 6).run(**INLINE)
    assert [trial.value >= 1 for trial in done.trials] == [False] * 2 + [True] * 4
    assert len(done.state.targets) == 1
    with pytest.warns(ChangedWarning, match=r"source\.2, .* source\.3"):
        make(square, 8).run(**INLINE)
    assert sorted(path.name for path in Path("e").glob("source*")) == [
        "source",
        "source.2",
        "source.3",
    ]
    with pytest.raises(ChangedError):
        make(cube, 8)


def test_nothing_is_said_where_nothing_is_left_to_do(cwd):
    make(square, 2).run(**INLINE)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert make(newer(), 2).run(**INLINE).state.targets == []


def test_changed_arguments_of_a_command(cwd):
    make(phsx.Command("echo {x}", result=float), 1).run(**INLINE)
    with pytest.warns(ChangedWarning, match="target echo"):
        make(phsx.Command("echo -n {x}", result=float), 2).run(**INLINE)


def test_experiments_of_before_are_judged_by_the_name_alone(cwd):
    directory = make(square, 2).run(**INLINE).directory
    path = directory / "experiment.json"
    known = phsx.open("e")._definition.target["code"]
    path.write_text(path.read_text().replace(f'"{known}"', "null"))
    assert make(newer(), 3).run(**INLINE).state.targets == []
    with pytest.raises(ChangedError):
        make(cube, 4)


def test_a_module_that_was_edited(cwd):
    Path("model.py").write_text("def train(x):\n    return x\n")
    Path("search.toml").write_text(
        'target = "model:train"\ndirectory = "e"\n[space]\nx = {type="float", low=0.0, high=1.0}\n'
        '[[plan]]\nstrategy = "random"\ntrials = 2\n[run]\ncluster = "inline"\n'
    )

    def phsx_run(*arguments):
        command = [sys.executable, "-m", "phsx", "run", *arguments]
        return subprocess.run(command, capture_output=True, text=True, cwd=cwd)

    done = phsx_run("search.toml")
    assert done.returncode == 0 and "ChangedWarning" not in done.stderr, done.stderr
    Path("model.py").write_text("def train(x):\n    return x + 10\n")
    done = phsx_run("e", "--more", "2", "--cluster", "inline")
    assert done.returncode == 0, done.stderr
    assert "ChangedWarning: the code of the target train" in done.stderr
    assert [trial.value >= 10 for trial in phsx.open("e").trials] == [False, False, True, True]
    assert "+ 10" in Path("e/source.2/model.py").read_text()
