"""Trials that save checkpoints go on from the newest whole one (F23), and before a worker's end."""

from __future__ import annotations

import os
import signal

import distributed
import pytest

import phsx
from phsx.testing.faults import check_exact, until
from phsx.testing.faults.stepwise import done, stepwise

# Connections of a cluster that is not the test's own come and go at any time.
pytestmark = pytest.mark.leaks("files")


def search(directory, trials=1, target=stepwise, steps=8, pause=0.02):
    return phsx.Experiment(
        directory,
        target=target,
        space={"x": phsx.Int(1, 100)},
        plan=phsx.Random(trials),
        seed=1,
        fixed={"steps": steps, "pause": pause},
    )


def check(experiment, trials, steps):
    """Every trial is there once, with the sum of all its steps."""
    check_exact(experiment.directory, trials)
    for trial in experiment.trials:
        assert trial.state == "completed", trial.error
        assert trial.value == trial.params["x"] * steps


def damaging(x, steps, pause, trial):
    """Die at step 5, when the newest checkpoint has been damaged."""
    if trial.attempt == 1:
        stepwise(x, 6, pause, trial)
        os.truncate(trial.restore().directory / "total.json", 1)
        os.kill(os.getpid(), signal.SIGKILL)
    return stepwise(x, steps, pause, trial)


def test_the_newest_checkpoint_is_damaged(tmp_path):
    experiment = search(tmp_path / "s", target=damaging)
    experiment.run(workers=1, progress=False)
    check(experiment, 1, 8)
    assert experiment.trials[0].deaths == 1
    again = [step for attempt, step in done(experiment.directory, 0) if attempt == 2]
    assert again == [5, 6, 7], "it goes on from step 4, whose checkpoint is whole"
    said = (experiment.directory / "trials/000000/stderr.txt").read_text()
    assert "the checkpoint of step 5 is damaged (total.json is damaged)" in said


def test_a_trial_dies_while_it_saves(tmp_path):
    experiment = search(tmp_path / "s")
    (experiment.directory / "trials").mkdir()
    (experiment.directory / "trials" / "die-5").touch()
    experiment.run(workers=1, progress=False)
    check(experiment, 1, 8)
    first = [(1, step) for step in range(6)]
    assert done(experiment.directory, 0) == [*first, (2, 5), (2, 6), (2, 7)]
    assert experiment.trials[0].checkpoint == 7


def test_a_worker_is_killed(tmp_path, standing):
    """Its trial goes on from its checkpoint on another worker; that is a death of it."""
    cluster = standing(1, revive=True)
    experiment = search(tmp_path / "s", steps=40)
    run = experiment.run(cluster=cluster.address, background=True, progress=False)
    until(lambda: len(done(experiment.directory, 0)) > 5)
    cluster.kill()
    assert run.wait(90)
    check(experiment, 1, 40)
    (trial,) = experiment.trials
    assert (trial.attempt, trial.deaths, trial.interruptions) == (2, 1, 0)
    steps = done(experiment.directory, 0)
    assert len(steps) <= 41 and steps[-1] == (2, 39)


def test_workers_end_all_the_time(tmp_path, standing):
    """With their lifetime, as Dask has it; trials that take longer than one run in pieces."""
    cluster = standing(2, revive=True, settings={"WORKER__LIFETIME__DURATION": "8s"})
    experiment = search(tmp_path / "s", trials=2, steps=90, pause=0.08)
    experiment.run(cluster=cluster.address, max_deaths=0, progress=False)
    check(experiment, 2, 90)
    for trial in experiment.trials:
        steps = [step for _, step in done(experiment.directory, trial.id)]
        assert sorted(set(steps)) == list(range(90))
        assert len(steps) <= 90 + trial.attempt, "a step at most is done again by each attempt"
        assert trial.deaths == 0 and trial.attempt >= 2
    assert sum(trial.interruptions for trial in experiment.trials) >= 2


def test_a_run_that_is_stopped_and_goes_on(tmp_path):
    """It does not wait for a trial that can save itself, and nothing is done again."""
    experiment = search(tmp_path / "s", trials=2, steps=50, pause=0.05)
    run = experiment.run(workers=2, background=True, progress=False)
    until(lambda: all(len(done(experiment.directory, trial)) > 3 for trial in (0, 1)))
    run.stop(grace=60.0)
    halves = [len(done(experiment.directory, trial)) for trial in (0, 1)]
    assert all(half < 50 for half in halves)
    assert [trial.interruptions for trial in experiment.trials] == [1, 1]
    experiment.run(workers=2, progress=False)
    check(experiment, 2, 50)
    for trial, half in enumerate(halves):
        steps = done(experiment.directory, trial)
        assert [step for _, step in steps] == list(range(50)), "each step once"
        assert steps[half] == (2, half)


def test_workers_that_do_not_see_the_directory(tmp_path, standing):
    """What they save is of use to them alone: such a trial is not asked to go elsewhere."""
    cluster = standing(1)
    with distributed.Client(cluster.address, set_as_default=False) as client:
        client.wait_for_workers(1, timeout=60)
        client.run(_hide, str(tmp_path / "s"))
        experiment = search(tmp_path / "s", steps=20, pause=0.05)
        run = experiment.run(cluster=client, background=True, progress=False)
        until(lambda: experiment.trials and experiment.trials[0].state == "running")
        run.stop(grace=60.0)
        assert experiment.trials[0].state == "completed"
        assert experiment.trials[0].checkpoint is None


def _hide(directory):
    """Let a worker not find a directory."""
    from pathlib import Path

    from phsx.execution import installation

    make = installation._make_directory
    installation._make_directory = lambda path: (
        not Path(path).is_relative_to(directory) and make(path)
    )


STEPS, FATAL = 8, 5


def train(how, trial):
    first = 0
    if (saved := trial.restore()) is not None:
        first = int((saved.directory / "step.txt").read_text())
        assert first == saved.step
    log = trial.directory / "steps.txt"
    for step in range(first + 1, STEPS + 1):
        with log.open("a") as file:
            file.write(f"{trial.attempt}:{step} ")
        dies = trial.attempt == 1 and step == FATAL
        with trial.checkpoint(step) as directory:
            path = directory / "step.txt"
            path.write_text(str(step))
            if dies and how == "within":
                os.kill(os.getpid(), signal.SIGKILL)
        if dies:
            newest = trial.checkpoint_directory / f"step-{step:09d}" / "step.txt"
            if how == "damaged":
                newest.write_text(str(step + 1))
            elif how == "cut":
                os.truncate(newest, 0)
            os.kill(os.getppid() if how == "worker" else os.getpid(), signal.SIGKILL)
            signal.pause()  # a killed worker takes a moment to take this along
    return trial.attempt


def test_goes_on_from_the_newest_whole_checkpoint(tmp_path):
    hows = {"after": 6, "within": 5, "worker": 6, "damaged": 5, "cut": 5}
    experiment = phsx.Experiment(
        tmp_path / "e", train, {"how": phsx.Categorical(list(hows))}, phsx.Grid(), seed=1
    )
    experiment.run(workers=2, progress=False)
    check_exact(tmp_path / "e", len(hows))
    for trial in experiment.trials:
        text = (tmp_path / f"e/trials/{trial.id:06d}/steps.txt").read_text()
        steps = [tuple(map(int, each.split(":"))) for each in text.split()]
        first = hows[trial.params["how"]]
        assert steps == [
            *((1, step) for step in range(1, FATAL + 1)),
            *((2, step) for step in range(first, STEPS + 1)),
        ], trial.params
        assert (trial.value, trial.attempt) == (2, 2)
        stderr = tmp_path / f"e/trials/{trial.id:06d}/stderr.txt"
        told = "checkpoint of step 5 is damaged" in stderr.read_text()
        assert told == (trial.params["how"] in ("damaged", "cut"))
