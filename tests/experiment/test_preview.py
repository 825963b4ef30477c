"""What a run would do, without doing it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

import phsx
from phsx.experiment.preview import preview
from phsx.strategies.plan import Plan
from phsx.trial import TrialState

SPACE = phsx.Space({"x": phsx.Float(0, 1)})


def ended(seconds, state=TrialState.COMPLETED):
    return SimpleNamespace(state=state, started=100.0, ended=100.0 + seconds)


def show(plan, trials=(), **settings):
    return preview("search", SPACE, Plan.of(plan), trials, settings)


def test_local_workers():
    text = show([phsx.Random(20), phsx.Bayesian(60)], [ended(1.0)] * 5)
    assert "search: 75 trials are left, 5 have ended" in text
    assert "local worker processes" in text and "Bayesian(60)" in text


def test_jobs_and_hours():
    """100 trials of 36 s: 10 jobs of 2 slots run 5 rounds; a walltime of 2 minutes has 3."""
    batch = phsx.slurm(jobs=10, cores=4, slots=2, memory="8GB", walltime="00:02:00")
    text = show(phsx.Random(110), [ended(36.0)] * 10, cluster=batch)
    assert "about 20 jobs, 10 at a time, for 0.05 hours in all (2 core hours)" in text
    assert "#SBATCH --cpus-per-task=4" in text and "--tls-key search/cluster/key.pem" in text


def test_fewer_trials_than_slots():
    batch = phsx.slurm(jobs=10, memory="8GB", walltime="01:00:00")
    assert "about 3 jobs, 3 at a time" in show(phsx.Random(3), cluster=batch, trial_time=60)


@pytest.mark.parametrize(
    ("plan", "trials", "said"),
    [
        (phsx.Random(), [ended(1.0)], "how many trials there are is not known"),
        (phsx.Random(9), [ended(1.0, TrialState.FAILED)], "how long a trial takes (trial_time=600"),
    ],
)
def test_what_is_not_known(plan, trials, said):
    assert said in show(plan, trials, cluster=phsx.slurm(memory="1GB"))


KINDS = [
    phsx.slurm(jobs=4, memory="1GB", walltime="01:00:00", queue="cpu"),
    phsx.slurm(jobs=2, memory="1GB", walltime="01:00:00", queue="gpu", gpus=1),
]
FOUR, TWO = "# about 4 jobs, 4 at a time, for 0.033 hours", "# about 2 jobs, 2 at a time, for 0.067"


def of_kinds(**settings):
    """Return what is said of each kind."""
    said = show(phsx.Random(8), cluster=KINDS, trial_time=60, **settings)
    comments = [line for line in said.splitlines() if line.startswith("# ")]
    start = next(n for n, line in enumerate(comments) if line.endswith("in gpu"))
    return comments[:start], comments[start:]


def test_kinds_of_which_one_has_what_all_trials_ask_for():
    cpu, gpu = of_kinds(resources={"GPU": 1})
    assert cpu[1:] == ["# no job: every trial asks for GPU=1, which these have not"]
    assert gpu[1].startswith(TWO) and len(gpu) == 2


@pytest.mark.parametrize(
    ("resources", "why"),
    [(None, "where a slot is free"), ({"GPU": "x > 0.5"}, "what their parameters ask for")],
)
def test_kinds_that_may_share_the_trials(resources, why):
    """What each gets is not known, but that it is not more than all."""
    for said, most in zip(of_kinds(resources=resources), (FOUR, TWO), strict=True):
        assert said[1] == f"# which trials run here depends on {why}; if all of them did:"
        assert said[2].startswith(most)


def test_plain_text_only_where_asked_for():
    text = show(phsx.Random(9), cluster=phsx.slurm(memory="1GB", tls=False))
    assert "tcp://<this-host>" in text and "--tls" not in text


def test_trials_that_no_job_has_the_time_for():
    batch = phsx.slurm(memory="1GB", walltime="00:10:00")
    said = show(phsx.Random(9), cluster=batch, trial_time=599)
    assert "a trial of 599 s fits into no job of 600 s" in said and "about" not in said
    assert "about 9 jobs, 1 at a time" in show(phsx.Random(9), cluster=batch, trial_time=598)


@pytest.mark.parametrize("system", ["slurm", "sge"])
def test_logs_are_named_and_not_made(tmp_path, system):
    batch = getattr(phsx, system)(memory="1GB")
    plan = Plan.of(phsx.Random(9))
    said = preview(str(tmp_path / "search"), SPACE, plan, [], {"cluster": batch})
    assert (f'#SBATCH -o "{tmp_path}/search/logs/phsx-search-%j.txt"' in said) is (
        system == "slurm"
    )
    assert not (tmp_path / "search").exists()
