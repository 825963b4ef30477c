"""Trials with checkpoints that die at step 5 of 8 (F23)."""

from __future__ import annotations

import os
import signal

import phsx
from phsx.testing.faults import check_exact

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
    damaged = next(trial for trial in experiment.trials if trial.params["how"] == "cut")
    stderr = tmp_path / f"e/trials/{damaged.id:06d}/stderr.txt"
    assert "checkpoint of step 5 is damaged" in stderr.read_text()
