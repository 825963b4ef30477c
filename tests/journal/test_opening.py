"""Who may write: reopening, takeovers of real dead processes, races of real living ones (F17)."""

import gc
import logging
import os
import random
import signal
import subprocess
import threading
from types import SimpleNamespace

import pytest

from phsx.exceptions import DirectoryError, JournalError, LeaseError, RecoveryWarning
from phsx.journal import Follower, Journal, holder, read
from phsx.journal.opening import Opening
from phsx.journal.owner import _start
from phsx.journal.segments import segment_numbers, segment_path

WRITER = """
import sys
from phsx.journal import Journal
journal = Journal.open(sys.argv[1], command="the victim")
i = 0
while True:
    last = journal.append("a", i=i)
    journal.append("b", i=i, text="x" * 100)
    journal.commit()
    print(last["seq"] + 1, flush=True)
    i += 1
"""

TAKER = """
import sys, warnings
from phsx.exceptions import LeaseError
from phsx.journal import Journal
warnings.simplefilter("ignore")
print("ready", flush=True)
for line in sys.stdin:
    try:
        journal = Journal.open(line.strip(), patience=0.2, heartbeat=0.02)
    except LeaseError as error:
        print("refused", flush=True)
        sys.stdin.readline()
    else:
        print("won", flush=True)
        sys.stdin.readline()
        journal.append("winner")
        journal.close()
    print("done", flush=True)
"""

SLEEPER = """
import socket, sys
socket.gethostname = lambda: "far-away"
from phsx.exceptions import PhsxError
from phsx.journal import Journal
journal = Journal.open(sys.argv[1], command="the sleeper", heartbeat=0.02)
journal.append("a")
journal.commit()
print("ready", flush=True)
sys.stdin.readline()
for attempt in range(2):
    try:
        journal.append("late")
        journal.commit()
    except PhsxError as error:
        print(type(error).__name__, error, flush=True)
journal.close()
"""


HALFWAY = """
import sys, warnings
import phsx.journal.opening as opening
from phsx.journal import Journal

class Lease(opening.Lease):
    def __init__(self, *args, replace=False, **options):
        if replace:
            print("between", flush=True)
            sys.stdin.readline()
        super().__init__(*args, replace=replace, **options)

opening.Lease = Lease
warnings.simplefilter("ignore")
with Journal.open(sys.argv[1], command="half way") as journal:
    journal.append("a")
print("closed")
"""

OVERTAKEN = """
import sys
from phsx.exceptions import LeaseError
from phsx.journal import Journal
from phsx.journal.opening import Opening

create = Opening._create_segment

def wait(*args):
    print("about to create", flush=True)
    sys.stdin.readline()
    return create(*args)

Opening._create_segment = wait
try:
    Journal.open(sys.argv[1])
except LeaseError as error:
    print(error, flush=True)
"""


def types(directory):
    return [record["type"] for record in read(directory).records]


def test_a_closed_journal_is_continued_in_its_newest_segment(tmp_path):
    for _ in range(3):
        with Journal.open(tmp_path) as journal:
            journal.append("a")
    assert types(tmp_path) == ["open", "a", "close"] * 3
    assert sorted(os.listdir(tmp_path)) == ["journal.jsonl"]


def test_opening_hands_over_what_is_there(tmp_path):
    with Journal.open(tmp_path) as journal:
        journal.append("a", x=1)
    with Journal.open(tmp_path) as journal:
        assert journal.records == read(tmp_path).records
        assert [r["type"] for r in journal.records] == ["open", "a", "close", "open"]
    seen = []
    with Journal.open(tmp_path, replay=seen.extend) as journal:
        assert journal.records == []
        assert seen == read(tmp_path).records


@pytest.mark.parametrize("enabled", [True, False])
def test_the_garbage_collector_rests_meanwhile(tmp_path, enabled):
    seen = []
    Journal.open(tmp_path).close()
    if not enabled:
        gc.disable()
    try:
        Journal.open(tmp_path, replay=lambda record: seen.append(gc.isenabled())).close()
        with pytest.raises(TypeError):
            Journal.open(tmp_path, replay=lambda record: None + 1)
        assert gc.isenabled() is enabled
    finally:
        gc.enable()
    assert seen[0] is False


def test_a_missing_directory_is_not_made(tmp_path):
    with pytest.raises(DirectoryError, match="no directory"):
        Journal.open(tmp_path / "nowhere")
    assert os.listdir(tmp_path) == []


def test_a_living_master_is_named(tmp_path, spawn):
    child = spawn(WRITER, tmp_path)
    child.hear()
    with pytest.raises(LeaseError, match=rf"process {child.pid} on host .*the victim.*, since 20"):
        Journal.open(tmp_path)
    assert holder(tmp_path).pid == child.pid
    assert segment_numbers(tmp_path) == [1]


def test_one_process_cannot_open_it_twice(tmp_path):
    with Journal.open(tmp_path) as journal:
        with pytest.raises(LeaseError, match="this very process"):
            Journal.open(tmp_path)
        journal.append("a")
        journal.commit()


@pytest.mark.parametrize("seed", [1, 2])
def test_killed_at_random_moments(tmp_path, spawn, seed):
    """F11: after every kill all that was committed is there, in order and once."""
    rng = random.Random(seed)
    before = []
    for round in range(6):
        child = spawn(WRITER, tmp_path)
        committed = 0
        if round % 3:
            for _ in range(rng.randrange(1, 60)):
                committed = int(child.hear())
        else:  # perhaps while it still opens the journal
            with pytest.raises(subprocess.TimeoutExpired):
                child.process.wait(rng.uniform(0.05, 0.3))
        child.kill()
        records = read(tmp_path).records
        assert [r["seq"] for r in records] == list(range(1, len(records) + 1))
        assert len(records) >= committed
        assert records[: len(before)] == before
        before = records
    with pytest.warns(RecoveryWarning, match=f"process {child.pid} on host .*the victim"):
        journal = Journal.open(tmp_path)
    journal.close()
    assert journal.records[:-1] == before


@pytest.mark.parametrize("left", ["pid", "start"])
def test_leases_of_dead_processes_are_taken_over_at_once(tmp_path, leave_lease, dead_pid, left):
    pid = dead_pid if left == "pid" else os.getppid()  # alive, but started at another time
    leave_lease(tmp_path, pid=pid)
    with pytest.warns(RecoveryWarning, match=f"process {pid} on host"):
        Journal.open(tmp_path, patience=3600).close()
    assert not (tmp_path / "lease.json").exists()


def test_a_lease_from_another_host_is_dead_when_nothing_changes(tmp_path, leave_lease, caplog):
    leave_lease(tmp_path, pid=17, host="far-away")
    with caplog.at_level(logging.WARNING), pytest.warns(RecoveryWarning, match="host far-away"):
        Journal.open(tmp_path, patience=0.1).close()
    assert "process 17 on host far-away" in caplog.text
    assert "Waiting for up to 0.1 s" in caplog.text


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": 1}', '{"pid": -1, "host": "x"}'])
def test_a_lease_that_names_nobody_is_waited_for(tmp_path, content, caplog):
    (tmp_path / "lease.json").write_text(content)
    with pytest.warns(RecoveryWarning, match="an unknown master"):
        Journal.open(tmp_path, patience=0.05).close()
    assert "an unknown master" in caplog.text


def test_a_lease_that_is_a_link_to_nowhere(tmp_path):
    (tmp_path / "lease.json").symlink_to(tmp_path / "nowhere")
    with pytest.warns(RecoveryWarning):
        Journal.open(tmp_path, patience=0.05).close()
    assert not (tmp_path / "nowhere").exists()


def test_a_lease_from_another_host_with_a_heartbeat_is_refused(tmp_path, spawn):
    child = spawn(SLEEPER, tmp_path)
    assert child.hear() == "ready"
    with pytest.raises(LeaseError, match=f"process {child.pid} on host far-away"):
        Journal.open(tmp_path, patience=3600)
    child.tell("go")
    assert child.rest() == []
    assert types(tmp_path) == ["open", "a", "late", "late", "close"]


def test_a_lease_that_is_released_while_it_is_watched(tmp_path, leave_lease):
    leave_lease(tmp_path, pid=17, host="far-away")
    threading.Timer(0.1, (tmp_path / "lease.json").unlink).start()
    Journal.open(tmp_path, patience=3600).close()  # no warning


def test_a_master_that_slept_through_its_takeover_stops(tmp_path, spawn):
    child = spawn(SLEEPER, tmp_path)
    assert child.hear() == "ready"
    os.kill(child.pid, signal.SIGSTOP)
    os.waitid(os.P_PID, child.pid, os.WSTOPPED | os.WNOWAIT)
    with pytest.warns(RecoveryWarning, match="the sleeper"):
        journal = Journal.open(tmp_path, patience=0.2)
    journal.append("mine")
    journal.commit()
    os.kill(child.pid, signal.SIGCONT)
    child.tell("go")
    said = child.rest()
    assert len(said) == 2
    for line in said:
        assert line.startswith("LeaseError")
        assert f"process {os.getpid()}" in line
    journal.append("mine")
    journal.close()
    assert types(tmp_path) == ["open", "a", "open", "mine", "mine", "close"]
    assert b"late" not in (tmp_path / "journal.jsonl").read_bytes()
    assert not (tmp_path / "lease.json").exists()


def test_the_lease_alone_being_lost_is_enough(tmp_path, leave_lease):
    journal = Journal.open(tmp_path)
    journal.append("a")
    leave_lease(tmp_path, pid=17, host="far-away")
    with pytest.raises(LeaseError, match="host far-away"):
        journal.commit()
    with pytest.raises(LeaseError, match="host far-away"):
        journal.append("b")
    journal.close()
    assert types(tmp_path) == ["open"]
    assert holder(tmp_path).host == "far-away"


def test_the_successors_segment_alone_is_enough(tmp_path):
    """A taker has its segment before its lease, and a network file system may show it late."""
    with Journal.open(tmp_path) as journal:
        segment_path(tmp_path, 2).touch()
        journal.append("a")
        with pytest.raises(LeaseError, match=r"has taken over and writes .*journal\.2\.jsonl"):
            journal.commit()


def test_lines_of_somebody_else_stop_the_writer(tmp_path):
    with Journal.open(tmp_path) as journal:
        with (tmp_path / "journal.jsonl").open("ab") as file:
            file.write(b"x")
        journal.append("a")
        with pytest.raises(LeaseError, match="Somebody else has written"):
            journal.commit()


def test_a_journal_without_lease_that_was_not_closed_gets_a_new_segment(tmp_path):
    """Somebody removed the lease: its holder, should it live, must not share a segment with us."""
    first = Journal.open(tmp_path)
    (tmp_path / "lease.json").unlink()
    with pytest.warns(RecoveryWarning, match="was not closed by process"):
        second = Journal.open(tmp_path)
    first.append("first")
    with pytest.raises(LeaseError):
        first.commit()
    first.close()
    second.append("second")
    second.close()
    assert types(tmp_path) == ["open", "open", "second", "close"]


@pytest.mark.parametrize("fate", ["lives", "dies"])
def test_a_taker_that_has_its_segment_but_not_yet_its_lease(
    tmp_path, leave_lease, dead_pid, spawn, fate
):
    """The lease still names the dead owner, the newest segment a living one."""
    leave_lease(tmp_path, pid=dead_pid)
    child = spawn(HALFWAY, tmp_path)
    assert child.hear() == "between"
    assert holder(tmp_path).pid == dead_pid
    with pytest.raises(LeaseError, match=f"process {child.pid} on host .*half way"):
        Journal.open(tmp_path)
    if fate == "lives":
        child.tell("go")
        assert child.rest() == ["closed"]
        assert types(tmp_path) == ["open", "a", "close"]
    else:
        child.kill()
        with pytest.warns(RecoveryWarning, match=f"process {child.pid} on host .*half way"):
            Journal.open(tmp_path).close()
        assert types(tmp_path) == ["open", "open", "close"]
        assert segment_numbers(tmp_path) == [1, 2]


def test_a_taker_that_is_overtaken_before_it_has_its_segment(
    tmp_path, leave_lease, dead_pid, spawn
):
    """It decided long ago which number it wants, so it cannot take the next one."""
    leave_lease(tmp_path, pid=dead_pid)
    child = spawn(OVERTAKEN, tmp_path)
    assert child.hear() == "about to create"
    with pytest.warns(RecoveryWarning):
        journal = Journal.open(tmp_path)
    child.tell("go")
    assert f"process {os.getpid()} on host" in child.hear()
    journal.append("a")
    journal.close()
    assert types(tmp_path) == ["open", "a", "close"]


def test_a_lease_that_changes_at_the_last_moment(tmp_path, leave_lease, dead_pid, monkeypatch):
    leave_lease(tmp_path, pid=dead_pid)
    drain = Opening._drain

    def change(opening):
        monkeypatch.setattr(Opening, "_drain", drain)
        leave_lease(tmp_path, pid=os.getppid(), start=_start(os.getppid()))

    monkeypatch.setattr(Opening, "_drain", change)
    with pytest.raises(LeaseError, match=f"process {os.getppid()} on host"):
        Journal.open(tmp_path)
    assert segment_numbers(tmp_path) == []


def test_a_takeover_by_somebody_else_during_the_reading_is_refused(tmp_path, monkeypatch):
    """Records were handed over that no longer count."""
    Journal.open(tmp_path).close()
    batches = Follower.batches

    def rewound(follower):
        follower.generation += 1
        return batches(follower)

    monkeypatch.setattr(Follower, "batches", rewound)
    with pytest.raises(LeaseError, match="taken over by another master while"):
        Journal.open(tmp_path)
    assert not (tmp_path / "lease.json").exists()


def test_a_file_system_that_hangs_proves_nobody_dead(tmp_path, leave_lease, monkeypatch):
    """Every look comes 100 s after the one before: it takes many of them all the same."""
    leave_lease(tmp_path, pid=17, host="far-away")
    looks = []
    clock = SimpleNamespace(monotonic=lambda: 100.0 * len(looks), sleep=looks.append)
    monkeypatch.setattr("phsx.journal.vigil.time", clock)
    with pytest.warns(RecoveryWarning):
        Journal.open(tmp_path).close()
    assert len(looks) >= 100


def test_what_a_dead_owner_was_writing_is_cleared_away(tmp_path, leave_lease, dead_pid):
    owner = leave_lease(tmp_path, pid=dead_pid)
    mine = f".journal.jsonl.{owner.nonce}.tmp"
    other = ".journal.jsonl.0123456789abcdef.tmp"
    for name in (mine, other):
        (tmp_path / name).touch()
    with pytest.warns(RecoveryWarning):
        Journal.open(tmp_path).close()
    assert sorted(os.listdir(tmp_path)) == [other, "journal.jsonl"]


def test_a_closed_journal_with_a_torn_tail_gets_a_new_segment(tmp_path):
    Journal.open(tmp_path).close()
    with (tmp_path / "journal.jsonl").open("ab") as file:
        file.write(b'{"seq":3')
    with pytest.warns(RecoveryWarning, match="cut off after 8 bytes"):
        Journal.open(tmp_path).close()
    assert types(tmp_path) == ["open", "close", "open", "close"]


def test_a_newer_schema_begins_in_a_segment_of_its_own(tmp_path, monkeypatch):
    Journal.open(tmp_path).close()
    for module in ("format", "segments", "opening"):
        monkeypatch.setattr(f"phsx.journal.{module}.SCHEMA", 2)
    for _ in range(2):
        Journal.open(tmp_path).close()  # no warning
    schemas = [r["schema"] for r in read(tmp_path).records if r["type"] == "open"]
    assert schemas == [1, 2, 2]
    assert segment_numbers(tmp_path) == [1, 2]
    monkeypatch.undo()
    with pytest.raises(JournalError, match="in version 2 of the journal's schema"):
        read(tmp_path)


def test_the_name_of_a_new_segment_is_on_the_disk_before_it_is_used(tmp_path, monkeypatch):
    synced, fsync = [], os.fsync

    def record(descriptor):
        fsync(descriptor)
        synced.append(os.readlink(f"/proc/self/fd/{descriptor}"))

    monkeypatch.setattr(os, "fsync", record)
    with Journal.open(tmp_path):
        assert synced[-1] == str(tmp_path)
        assert ".journal.jsonl." in synced[-2]


@pytest.mark.parametrize("kind", ["dead", "far", "none"])
def test_of_several_takers_one_wins(tmp_path, spawn, leave_lease, dead_pid, kind):
    takers = [spawn(TAKER) for _ in range(4)]
    assert [taker.hear() for taker in takers] == ["ready"] * 4
    for i in range(3 if kind == "far" else 12):
        directory = tmp_path / str(i)
        directory.mkdir()
        Journal.open(directory).close()
        if kind != "none":
            leave_lease(directory, pid=dead_pid, host="far-away" if kind == "far" else None)
        for taker in takers:
            taker.tell(str(directory))
        assert sorted(taker.hear() for taker in takers) == ["refused"] * 3 + ["won"]
        for taker in takers:
            taker.tell("close")
        assert [taker.hear() for taker in takers] == ["done"] * 4
        assert types(directory) == ["open", "close", "open", "winner", "close"]
        assert segment_numbers(directory) == ([1] if kind == "none" else [1, 2])
        assert not [name for name in os.listdir(directory) if name.endswith(".tmp")]
