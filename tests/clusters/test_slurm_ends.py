"""Jobs of a real Slurm that reach their walltime, or that end with their master."""

from __future__ import annotations

import signal
import time

import pytest

from phsx.testing.faults import Victim, until
from phsx.testing.faults.stepwise import done, stepwise
from phsx.testing.paraboloid import check_table, repeated, search
from phsx.testing.slurm import check_nothing_left, jobs, life, queued

# Connections of a scheduler that was closed go a little later; one Slurm serves all tests.
pytestmark = pytest.mark.leaks("files")


def lasting(x, y, shortest, longest):
    time.sleep(shortest + (longest - shortest) * y / 9)
    return (x - 1) ** 2 + y


def longer_than_its_job(x, y, pause, trial):
    """Go on until it is asked to save itself, and from there for 10 steps more."""
    saved = trial.restore()
    stepwise(x, 10**6 if saved is None else saved.step + 11, pause, trial)
    return (x - 1) ** 2 + y


def short_lived(seconds, **options):
    """Return a job that is ended after some seconds; Slurm itself counts in minutes."""
    end = f"(sleep {seconds}; exec scancel $SLURM_JOB_ID) &"
    prologue = [f"export PHSX_WALLTIME={seconds}", end]
    return jobs(jobs=1, job_script_prologue=prologue, **options)


class TestWalltime:
    """F21: a trial that cannot end before its job does is not started there."""

    def test_new_jobs_take_the_place_of_ended_ones(self, slurm, tmp_path):
        """All trials together take as long as a job lives, of which its start needs a part."""
        seconds = life(14)
        fixed = {"shortest": 0.04 * seconds, "longest": 0.12 * seconds}
        experiment = search(tmp_path / "s", 11, target=lasting, fixed=fixed)
        experiment.run(cluster=short_lived(seconds, replacements=0), progress=False)
        check_table(experiment.directory, 11)
        assert len({trial.worker for trial in experiment.trials}) >= 2
        assert repeated(experiment) <= 2
        assert sum(trial.deaths for trial in experiment.trials) == 0
        check_nothing_left(experiment.directory)

    def test_a_trial_with_checkpoints_runs_in_pieces(self, slurm, tmp_path):
        """It takes longer than its job lives, and each step is done once."""
        fixed = {"pause": 0.1}
        experiment = search(tmp_path / "s", 1, target=longer_than_its_job, fixed=fixed)
        experiment.run(cluster=short_lived(life(14)), max_deaths=0, progress=False)
        check_table(experiment.directory, 1)
        for trial in experiment.trials:
            assert trial.attempt == 1 + trial.interruptions >= 2 and trial.deaths == 0
            steps = [step for _, step in done(experiment.directory, trial.id)]
            assert len(steps) > 11 and steps == list(range(len(steps)))
        check_nothing_left(experiment.directory)

    def test_a_trial_that_fits_no_walltime_fails_and_says_so(self, slurm, tmp_path):
        experiment = search(tmp_path / "s", 1, 600.0)
        experiment.run(cluster=short_lived(life(6)), max_failed=1.0, progress=False)
        (trial,) = experiment.trials
        assert trial.state == "failed" and "ask for a longer walltime=" in trial.error
        check_nothing_left(experiment.directory)

    @pytest.mark.chaos
    def test_a_minute(self, slurm, tmp_path):
        """Walltime 1 minute, trials of 5 to 20 s, 60 of them on 3 jobs."""
        fixed = {"shortest": 5.0, "longest": 20.0}
        experiment = search(tmp_path / "s", 60, target=lasting, fixed=fixed)
        began = time.monotonic()
        experiment.run(cluster=jobs(jobs=3, walltime="00:01:00"), progress=False)
        elapsed = time.monotonic() - began
        check_table(experiment.directory, 60)
        ideal = sum(trial.ended - trial.started for trial in experiment.trials) / 3
        print(f"elapsed {elapsed:.0f} s, ideal {ideal:.0f} s, repeated {repeated(experiment)}")
        assert repeated(experiment) <= 3 and elapsed <= 1.5 * ideal
        check_nothing_left(experiment.directory)


@pytest.fixture
def master(slurm, tmp_path):
    """A search in a process of its own, two jobs of which are running."""
    script = tmp_path / "script.py"
    script.write_text(
        "from pathlib import Path\n"
        "from phsx.testing.paraboloid import search\n"
        "from phsx.testing.slurm import jobs\n"
        "search(Path('s'), 100, 0.5).run(cluster=jobs(jobs=2), progress=False)\n"
    )
    with Victim(script, cwd=tmp_path) as victim:
        until(lambda: (tmp_path / "s" / "results.csv").exists() and len(queued("R")) == 2)
        yield victim


class TestMasterEnds:
    def test_a_run_that_is_told_to_end_takes_its_jobs_along(self, master, tmp_path):
        master.signal(signal.SIGTERM)
        status, said = master.end(60)
        assert status == 128 + signal.SIGTERM, said
        check_nothing_left(tmp_path / "s")
