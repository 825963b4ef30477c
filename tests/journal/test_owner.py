import json
import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from phsx.journal import Owner
from phsx.journal.owner import LIVE


@pytest.fixture
def here():
    owner = Owner.here("phsx run x", 1.5)
    LIVE.add(owner.nonce)
    yield owner
    LIVE.discard(owner.nonce)


def test_json_round_trip(here):
    assert Owner.of(json.loads(json.dumps(here.to_dict()))) == here


def test_every_opening_has_its_own_nonce(here):
    assert Owner.here("", 1.5).nonce != here.nonce


def test_this_process_lives_while_it_has_the_journal_open(here):
    assert here.alive() is True
    LIVE.discard(here.nonce)
    assert here.alive() is False


def test_other_processes(here, dead_pid):
    assert replace(here, pid=dead_pid).alive() is False
    assert replace(here, pid=10**9).alive() is False
    assert replace(here, pid=2**70).alive() is False


def test_a_pid_that_was_used_again_is_not_the_owner(here):
    assert replace(here, start=here.start - 1).alive() is False


def test_a_process_that_nobody_has_reaped_is_dead(here):
    child = subprocess.Popen(["sleep", "60"])
    start = int(Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()[19])
    owner = replace(here, pid=child.pid, start=start)
    assert owner.alive() is True
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert owner.alive() is False
    child.wait()


@pytest.mark.parametrize("field", ["host", "boot"])
def test_of_other_machines_nothing_is_known(here, field):
    assert replace(here, **{field: "elsewhere"}).alive() is None


@pytest.mark.parametrize(
    "fields",
    [
        None,
        [],
        "x",
        {},
        {"pid": "1"},
        {"pid": -1},
        {"pid": True},
        {"start": "1"},
        {"since": None},
        {"nonce": "*"},
    ],
)
def test_nonsense_describes_nobody(here, fields):
    if isinstance(fields, dict) and fields:
        fields = here.to_dict() | fields
    assert Owner.of(fields) is None


def test_its_text_names_it_and_steers_no_terminal(here):
    text = str(replace(here, host="node\x1b[2J", pid=17))
    assert "process 17 on host node?[2J (phsx run x), since 1970" in text
    assert "an unknown time" in str(replace(here, since=1e300))


def test_the_batch_job_that_it_runs_in(here, monkeypatch):
    assert here.job is None and "job" not in str(here)
    monkeypatch.setenv("SLURM_JOB_ID", "123")
    owner = Owner.here("phsx run", 1.5)
    assert owner.job == "123" and ", job 123 (phsx run)" in str(owner)
    assert Owner.of(json.loads(json.dumps(owner.to_dict()))) == owner


def test_leases_of_before_there_were_jobs(here):
    fields = here.to_dict()
    del fields["job"]
    assert Owner.of(fields) == here
    assert Owner.of(fields | {"job": 3}) is None
