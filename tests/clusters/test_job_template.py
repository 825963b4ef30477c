"""The script of a job, for every queue system."""

from __future__ import annotations

import subprocess

import dask
import pytest

import phsx
from phsx.clusters.job_template import JobTemplate

SYSTEMS = ("slurm", "pbs", "lsf", "sge", "oar", "htcondor")
TLS = {"ca_file": "/a b/ca.pem", "cert": "/a b/cert.pem", "key": "/a b/key.pem"}


def describe(system, **options):
    own = {"lsf": {"walltime": "02:00"}, "htcondor": {"disk": "1GB"}}
    given = own.get(system, {"walltime": "02:00:00"})
    return getattr(phsx, system)(jobs=2, memory="8GB", **given, **options)


def script(system, logs=None, **options):
    return JobTemplate(describe(system, **options), "phsx-x", logs, TLS).script("tls://there:1")


@pytest.mark.parametrize("system", SYSTEMS)
def test_what_every_job_starts(system, tmp_path):
    text = script(system, tmp_path)
    assert "distributed.cli.dask_worker tls://there:1" in text
    assert "--nthreads 1 " in text and "OMP_NUM_THREADS=1" in text
    assert "--tls-key " in text and "/a b/key.pem" in text and "--protocol tls://" in text
    assert text.split("--memory-limit ")[-1].startswith("0 "), "the last one counts"
    assert "--no-dashboard" in text


@pytest.mark.parametrize(
    ("system", "asked"),
    [
        ("slurm", ["--cpus-per-task=4", "--mem=8G", "-t 02:00:00", "-p long", "-A money"]),
        ("pbs", ["select=1:ncpus=4:mem=7630MB", "walltime=02:00:00", "-q long", "-A money"]),
        ("lsf", ["-n 4", "-W 02:00", "-q long", '-P "money"']),
        ("sge", ["h_rt=02:00:00", "-q long", "-P money"]),
        ("oar", ["/nodes=1/core=4,walltime=02:00:00", "-q long", "--project money"]),
        ("htcondor", ["RequestCpus = 4", "MY.DaskWorkerMemory = 8000000000"]),
    ],
)
def test_what_is_asked_for(system, asked):
    where = {} if system == "htcondor" else {"queue": "long", "account": "money"}
    text = script(system, cores=4, **where)
    assert [part for part in asked if part not in text] == []
    assert "--nthreads 1 " in text, "four cores are the trial's, not threads of the worker"


class TestMemory:
    """Of Slurm's jobs: what is said, or else what the partition gives."""

    def script(self, **given):
        return JobTemplate(phsx.slurm(**given), "phsx-x").script("tls://there:1")

    def test_not_said(self):
        text = self.script(job_directives_skip=["-n 1"], job_extra_directives=["--mem-per-cpu=2G"])
        assert "--mem=" not in text and "#SBATCH -n 1\n" not in text
        assert "--cpus-per-task" in text and "#SBATCH --mem-per-cpu=2G" in text

    def test_said(self):
        assert "#SBATCH --mem=8G" in self.script(memory="8GiB")
        assert "#SBATCH --mem=9G" in self.script(job_mem="9G"), "dask-jobqueue's word for it"
        with dask.config.set({"jobqueue.slurm.memory": "7GiB"}):
            assert "#SBATCH --mem=7G" in self.script()
        with dask.config.set({"jobqueue.slurm.job-mem": "6G"}):
            assert "#SBATCH --mem=6G" in self.script()


def test_several_slots_are_as_many_processes():
    text = script("slurm", cores=8, slots=2)
    assert "--cpus-per-task=8" in text and "--nworkers 2" in text and "--nthreads 1" in text


@pytest.mark.parametrize("system", SYSTEMS)
def test_workers_declare_what_they_have(system):
    text = script(system, cores=8, slots=2, resources={"licence": 1})
    assert "--resources cores=4,licence=1" in text and "export PHSX_SLOTS=2" in text


def test_gpus_are_divided_among_the_slots():
    text = script("slurm", cores=8, slots=4, gpus=2)
    assert "--gres=gpu:2" in text and "--resources cores=2,GPU=0.5" in text
    assert "PHSX_SLOTS" not in script("slurm", gpus=2)


def test_the_prologue_of_the_user_comes_after_ours():
    text = script("slurm", job_script_prologue=["module load cuda"])
    assert text.index("OMP_NUM_THREADS") < text.index("module load cuda") < text.index(" -m ")


def test_dasks_configuration_adds_to_what_is_needed():
    settings = {
        "jobqueue.slurm.job-script-prologue": ["module load x"],
        "jobqueue.slurm.worker-extra-args": ["--preload", "y"],
        "jobqueue.slurm.job-extra-directives": ["--exclusive"],
        "jobqueue.slurm.queue": "long",
        "jobqueue.slurm.scheduler-options": {"host": "1.2.3.4"},
    }
    with dask.config.set(settings):
        text = script("slurm", gpus="a100:2")
        options = JobTemplate(describe("slurm"), "phsx-x").scheduler_options
    for part in ("module load x", "--preload y", "#SBATCH --exclusive", "#SBATCH -p long"):
        assert part in text
    assert "--gres=gpu:a100:2" in text
    assert options == {"host": "1.2.3.4"}


def test_logs_have_a_place_and_a_name(tmp_path):
    logs = tmp_path / "a b"
    assert f'#SBATCH -o "{logs}/phsx-x-%j.txt"' in script("slurm", logs)
    template = JobTemplate(describe("slurm"), "phsx-x", logs)
    assert template.log("7") == logs / "phsx-x-7.txt"
    chosen = JobTemplate(describe("slurm", log_directory=str(tmp_path)), "phsx-x", logs)
    assert str(logs) not in chosen.script() and chosen.log("7") is None


@pytest.mark.parametrize("system", ["slurm", "pbs", "lsf", "sge", "oar"])
def test_scripts_are_shell(system, tmp_path):
    text = script(system, tmp_path / "a b")
    assert subprocess.run(["bash", "-n"], input=text, text=True).returncode == 0
