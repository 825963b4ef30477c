"""What is wanted of a queue system is checked at the call, and starts nothing."""

from __future__ import annotations

import pickle
import subprocess
import sys
from datetime import timedelta

import dask
import pytest

import phsx
from phsx.clusters.batch import Batch
from phsx.clusters.connect import check_pool
from phsx.clusters.walltime import seconds_of, walltime_of
from phsx.exceptions import ConfigurationError


def test_what_is_said_is_kept():
    batch = phsx.slurm(
        jobs=(0, 64), cores=4, memory="8GB", walltime="02:00:00", queue="long", interface="ib0"
    )
    assert batch.jobs == (0, 64) and batch.cores == 4 and batch.queue == "long"
    assert batch.options == {"interface": "ib0"} and batch.walltime_seconds == 7200
    assert str(batch) == "0 to 64 jobs of slurm with 4 cores, in long"
    assert pickle.loads(pickle.dumps(batch)) == batch
    check_pool(None, batch)


def test_a_slots_share_of_the_cores():
    batch = phsx.slurm(jobs=2, cores=8, slots=2, memory="8GB")
    assert batch.cores_per_slot == 4 and batch.jobs == (2, 2)
    assert phsx.slurm(slots=3, memory="8GB").cores == 3
    assert phsx.slurm(processes=3, memory="8GB").slots == 3, "dask-jobqueue's word for it"


@pytest.mark.parametrize(
    ("given", "offer"),
    [
        ({"cores": 4}, {"cores": 4}),
        ({"cores": 9, "slots": 2, "gpus": "a100:4"}, {"cores": 4, "GPU": 2}),
        ({"slots": 4, "gpus": 2}, {"cores": 1, "GPU": 0.5}),
        ({"resources": {"licence": 1, "none": 0}}, {"cores": 1, "licence": 1}),
    ],
)
def test_what_a_trial_may_ask_of_a_slot(given, offer):
    assert phsx.slurm(memory="1GB", **given).offer == offer


@pytest.mark.parametrize("system", ["pbs", "lsf", "sge", "oar", "htcondor"])
def test_memory_is_needed_but_by_slurm(system):
    with pytest.raises(ConfigurationError, match="memory=: .*8GB"):
        getattr(phsx, system)()
    assert phsx.slurm().memory is None, "its partitions have a default"


def test_dasks_configuration_is_respected():
    settings = {"cores": 6, "memory": "5GB", "walltime": "01:00:00"}
    with dask.config.set({f"jobqueue.slurm.{key}": value for key, value in settings.items()}):
        batch = phsx.slurm(jobs=2)
        assert batch.cores == 6 and batch.memory is None and batch.walltime_seconds == 3600
    section = {"jobqueue.big.cores": 9, "jobqueue.big.memory": "1TB"}
    with dask.config.set(section):
        assert phsx.slurm(config_name="big").cores == 9


def test_one_slot_needs_no_nanny():
    assert phsx.slurm(nanny=False).slots == 1
    assert phsx.slurm(worker_extra_args=["--no-nanny"]).slots == 1
    assert phsx.slurm(slots=2, nanny=True).slots == 2


def test_a_configured_worker_without_nanny_is_refused_too():
    with dask.config.set({"jobqueue.slurm.worker-extra-args": ["--no-nanny"]}):
        with pytest.raises(ConfigurationError, match="--no-nanny cannot be with slots=2"):
            phsx.slurm(slots=2)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"jobs": 0}, "jobs=0: "),
        ({"jobs": "four"}, "jobs='four': "),
        ({"jobs": (5, 2)}, r"jobs=\(5, 2\): .*fewest"),
        ({"jobs": (0, 0)}, "jobs="),
        ({"cores": 1.5}, "cores=1.5: "),
        ({"slots": 4, "cores": 2}, "slots=4: .*cores=2"),
        ({"slots": 4, "processes": 4}, "slots= and processes="),
        ({"memory": "eight"}, "memory='eight': .*8GB"),
        ({"memory": 8}, "memory=8: "),
        ({"memory": "8"}, "memory='8': .*unit"),
        ({"walltime": "soon"}, "walltime='soon': .*02:00:00"),
        ({"walltime": 60}, "walltime=60: "),
        ({"queue": "a b"}, "queue='a b': "),
        ({"account": 3}, "account=3: "),
        ({"gpus": 0}, "gpus=0: "),
        ({"gpus": "a100:none"}, "gpus='a100:none': "),
        ({"gpus": 3, "slots": 2}, "gpus=3: 3 GPUs cannot be divided among slots=2"),
        ({"resources": 1}, "resources=1: give a mapping"),
        ({"resources": {"licence": "one"}}, "resources=.*'licence' has to be a number"),
        ({"resources": {"a b": 1}}, "resources=.*'a b' can be no name"),
        ({"resources": {"cores": 2}}, "resources=.*give 'cores' by cores="),
        ({"resources": {"GPU": 2}}, "resources=.*give 'GPU' by gpus="),
        ({"worker_extra_args": ["--resources", "x=1"]}, "worker_extra_args=.*resources="),
        ({"nanny": False, "slots": 2}, "nanny=False cannot be with slots=2: .*slots=1"),
        ({"nanny": False, "processes": 2}, "nanny=False cannot be with slots=2"),
        (
            {"worker_extra_args": ["--no-nanny --preload x"], "slots": 2},
            "worker_extra_args=: --no-nanny cannot be with slots=2",
        ),
        ({"tls": "no"}, "tls='no': "),
        ({"replacements": -1}, "replacements=-1: "),
        ({"poll": 0}, "poll=0: "),
        ({"wall_time": "1"}, "wall_time= is no keyword.*walltime="),
        ({"partition": "x"}, "partition= is no keyword"),
        ({"n_workers": 4}, "n_workers= .*jobs="),
        ({"job_cpu": 4}, "job_cpu= .*cores="),
        ({"security": True}, "security= .*tls=False"),
    ],
)
def test_errors_name_the_parameter(given, named):
    with pytest.raises(ConfigurationError, match=named):
        phsx.slurm(**({"memory": "1GB"} | given))


@pytest.mark.parametrize(
    ("cluster", "named"),
    [
        ([], r"cluster=\[\]: in a list, give jobs"),
        (["tls://a:1"], "in a list, give jobs"),
        ([phsx.slurm(memory="1GB"), "inline"], "in a list, give jobs"),
        (
            [phsx.slurm(memory="1GB"), phsx.slurm(memory="1GB", tls=False)],
            "tls= has to be the same",
        ),
    ],
)
def test_what_can_be_in_a_list(cluster, named):
    with pytest.raises(ConfigurationError, match=named):
        check_pool(None, cluster)
    check_pool(None, (phsx.slurm(memory="1GB"), phsx.slurm(memory="2GB")))


def test_workers_and_jobs_exclude_each_other():
    with pytest.raises(ConfigurationError, match="workers= and cluster="):
        check_pool(2, phsx.slurm(memory="1GB"))


def test_gpus_elsewhere_are_asked_for_in_the_sites_own_words():
    with pytest.raises(ConfigurationError, match="gpus=.*resource_spec"):
        phsx.pbs(memory="1GB", gpus=1)


def test_jobs_need_a_directory():
    from phsx.clusters.connect import connect

    with pytest.raises(ConfigurationError, match="directory"):
        connect(None, phsx.slurm(memory="1GB"))


@pytest.mark.parametrize("system", ["slurm", "pbs", "lsf", "sge", "oar", "htcondor"])
def test_every_system_has_its_function(system):
    batch = getattr(phsx, system)(jobs=2, memory="1GB")
    assert isinstance(batch, Batch) and batch.system == system


def test_a_description_of_jobs_imports_no_dask_before_it_is_made():
    code = "import sys, phsx; phsx.slurm; print('dask' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout
    assert said == "False\n"


class TestWalltime:
    @pytest.mark.parametrize(
        ("text", "system", "seconds"),
        [
            ("30", "slurm", 1800),
            ("30:15", "slurm", 1815),
            ("1:00:00", "slurm", 3600),
            ("2-0", "slurm", 172800),
            ("1-01:30", "slurm", 91800),
            ("1-01:30:10", "slurm", 91810),
            ("01:30", "lsf", 5400),
            ("90", "lsf", 5400),
            ("90", "pbs", 90),
            ("00:01:30", "pbs", 90),
            ("UNLIMITED", "slurm", None),
        ],
    )
    def test_as_the_systems_understand_it(self, text, system, seconds):
        assert seconds_of(text, system) == seconds
        assert walltime_of(text, system) == text

    def test_durations(self):
        assert walltime_of(timedelta(days=1, minutes=1), "slurm") == "24:01:00"
        assert walltime_of(timedelta(minutes=90, seconds=1), "lsf") == "01:31"

    @pytest.mark.parametrize("value", ["", "0", "00:00:00", 5, "1h", "1:2:3:4"])
    def test_nonsense(self, value):
        with pytest.raises(ConfigurationError, match="walltime="):
            walltime_of(value)
