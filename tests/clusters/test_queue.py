"""The commands of a queue system: what they say is kept, and how they end is looked at."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest

from phsx.clusters import queue as module
from phsx.clusters.queue import Entry, SlurmQueue, tail
from phsx.exceptions import ClusterError


@pytest.fixture
def command(tmp_path, monkeypatch):
    """Put a command of our own in place of Slurm's."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    def make(name, script):
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    return make


JOB = SimpleNamespace(submit_command="sbatch", job_script=lambda: "#!/bin/sh\necho script\n")


def test_submit_hands_over_the_script_and_reads_the_id(command, tmp_path):
    command("sbatch", f"cat $1 > {tmp_path}/seen; echo Submitted batch job 4711")
    assert SlurmQueue().submit(JOB) == "4711"
    assert (tmp_path / "seen").read_text() == JOB.job_script()


def test_refusal_in_its_own_words(command):
    command("sbatch", "echo 'sbatch: error: Invalid account' >&2; exit 3")
    with pytest.raises(ClusterError, match=r"(?s)exit code 3.*Invalid account"):
        SlurmQueue().submit(JOB)


def test_words_that_are_not_understood(command):
    command("sbatch", "echo hello")
    with pytest.raises(ClusterError, match="hello"):
        SlurmQueue().submit(JOB)


def test_a_command_that_hangs_is_ended(command, monkeypatch):
    monkeypatch.setattr(module, "PATIENCE", 0.3)
    command("sbatch", "echo retrying >&2; exec sleep 60")
    began = time.monotonic()
    with pytest.raises(ClusterError, match=r"(?s)did not answer.*retrying"):
        SlurmQueue().submit(JOB)
    assert time.monotonic() - began < 10


def test_look(command):
    command("squeue", "echo '12|PENDING|Resources|a|b'; echo '7|RUNNING|None|x'; echo junk")
    look = SlurmQueue().look(5.0)
    assert look.asked == 5.0
    assert look.entries == {
        "12": Entry("PENDING", "Resources", "a|b"),
        "7": Entry("RUNNING", "None", "x"),
    }


def test_a_look_that_fails_is_none(command, caplog):
    command("squeue", "echo 'Unable to contact slurm controller' >&2; exit 1")
    assert SlurmQueue().look(5.0) is None
    assert "Unable to contact" in caplog.text
    command("squeue", "exit 0")
    assert SlurmQueue().look(5.0).entries == {}


def test_cancel_at_once(command, tmp_path):
    command("scancel", f"echo $@ >> {tmp_path}/seen")
    SlurmQueue().cancel(str(number) for number in range(150))
    first, second = (tmp_path / "seen").read_text().splitlines()
    assert len(first.split()) == 101 and second.split()[-1] == "149"
    SlurmQueue().cancel([])


def test_tail(tmp_path):
    path = tmp_path / "log"
    assert tail(None) == tail(path) == ""
    path.write_text("\n".join(map(str, range(100))))
    assert tail(path, 2) == "  98\n  99"
