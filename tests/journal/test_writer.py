"""The writer: commits, and what it does when it cannot write (F16, F18)."""

import errno
import os
import random
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import phsx.journal
from phsx.exceptions import JournalError, LeaseError, RecoveryWarning
from phsx.journal import Journal, Position, read

ROOT = Path(phsx.journal.__file__).parents[2]

FULL = """
import os, resource, sys
from phsx.exceptions import JournalError
from phsx.journal import Journal

journal = Journal.open(sys.argv[1])
unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
if sys.argv[2]:
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), unlimited[1]))
for i in range(100_000):
    try:
        journal.append("a", i=i, text="x" * 100)
        last = journal.append("b", i=i, text="x" * 100)
        journal.commit()
    except JournalError as error:
        print(error, flush=True)
        break
    print(last["seq"], flush=True)
size = os.path.getsize(sys.argv[1] + "/journal.jsonl")
resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
for attempt in (lambda: journal.append("c"), journal.commit):
    try:
        attempt()
    except JournalError as error:
        print(error, flush=True)
journal.close()
assert size == os.path.getsize(sys.argv[1] + "/journal.jsonl"), "written to after a failure"
print(open(sys.argv[1] + "/journal.jsonl").read(), file=sys.stderr)
"""

READ_ONLY = """
import os, sys
from phsx.exceptions import JournalError
from phsx.journal import Journal, read
os.chdir(sys.argv[1])
if os.getuid() == 0:
    os.setuid(65534)
print(len(read(".").records), flush=True)
try:
    Journal.open(".")
except JournalError as error:
    print(error, flush=True)
"""

READER = """
import sys
from phsx.journal import Follower
follower, seen = Follower(sys.argv[1]), []
print("ready", flush=True)
while not seen or seen[-1]["type"] != "close":
    seen += follower.poll()
assert [r["seq"] for r in seen] == list(range(1, len(seen) + 1))
assert [r["i"] for r in seen if r["type"] == "a"] == list(range(len(seen) - 2))
print(len(seen), follower.generation, flush=True)
"""


def types(directory):
    return [record["type"] for record in read(directory).records]


def test_what_is_committed_is_read_back(tmp_path):
    with Journal.open(tmp_path, clock=lambda: 0.5) as journal:
        record = journal.append("trial", id=0, kind="x", params={"x": 0.1, "y": (1, "ä\n")})
        assert record == {
            "seq": 2,
            "t": 0.5,
            "type": "trial",
            "id": 0,
            "kind": "x",
            "params": {"x": 0.1, "y": [1, "ä\n"]},
        }
        assert read(tmp_path).seq == 1
        journal.commit()
        assert read(tmp_path).records[1:] == [record]
    assert types(tmp_path) == ["open", "trial", "close"]


def test_a_record_does_not_change_with_what_it_was_made_of(tmp_path):
    params = {"x": [1]}
    with Journal.open(tmp_path) as journal:
        record = journal.append("trial", params=params)
        params["x"].append(2)
        journal.commit()
    assert record["params"] == read(tmp_path).records[1]["params"] == {"x": [1]}


def test_one_write_and_one_sync_per_commit(tmp_path, monkeypatch):
    with Journal.open(tmp_path) as journal:
        calls = []
        write, fsync = os.write, os.fsync
        monkeypatch.setattr(os, "write", lambda *a: calls.append("write") or write(*a))
        monkeypatch.setattr(os, "fsync", lambda *a: calls.append("fsync") or fsync(*a))
        for i in range(10):
            journal.append("a", i=i)
        assert calls == []
        journal.commit()
        assert calls == ["write", "fsync"]
        journal.commit()
        assert calls == ["write", "fsync"]


def test_the_position_is_that_of_what_is_safe(tmp_path):
    with Journal.open(tmp_path) as journal:
        before = journal.position
        journal.append("a")
        assert journal.position == before
        journal.commit()
        end = read(tmp_path)
        assert journal.position == Position(end.segment, end.offset, end.seq, end.crc)


@pytest.mark.parametrize("kind", ["open", "close"])
def test_the_journals_own_types_are_refused(tmp_path, kind):
    with Journal.open(tmp_path) as journal, pytest.raises(JournalError, match="journal's own"):
        journal.append(kind)


@pytest.mark.parametrize("name", ["seq", "t", "type", "crc"])
def test_reserved_names_are_refused(tmp_path, name):
    with Journal.open(tmp_path) as journal, pytest.raises(JournalError, match=f"called {name};"):
        journal.append("a", **{name: 1})


def test_a_refused_record_leaves_no_gap(tmp_path):
    with Journal.open(tmp_path) as journal:
        journal.append("a")
        with pytest.raises(JournalError, match="field x is nan"):
            journal.append("b", x=float("nan"))
        journal.append("c")
    assert types(tmp_path) == ["open", "a", "c", "close"]


def test_closing_commits_and_is_final(tmp_path):
    journal = Journal.open(tmp_path)
    journal.append("a")
    journal.close()
    journal.close()
    assert types(tmp_path) == ["open", "a", "close"]
    for attempt in (lambda: journal.append("b"), journal.commit):
        with pytest.raises(JournalError, match="is closed"):
            attempt()


def test_an_exception_in_the_block_loses_nothing(tmp_path):
    with pytest.raises(ZeroDivisionError), Journal.open(tmp_path) as journal:
        journal.append("a")
        1 / 0  # noqa: B018
    assert types(tmp_path) == ["open", "a", "close"]


def test_a_warning_turned_error_leaves_no_lease(tmp_path, leave_lease, dead_pid):
    leave_lease(tmp_path, pid=dead_pid)
    with pytest.raises(RecoveryWarning):  # as configured for all tests
        Journal.open(tmp_path)
    assert not (tmp_path / "lease.json").exists()


def test_a_replay_that_fails_leaves_no_lease(tmp_path):
    Journal.open(tmp_path).close()
    with pytest.raises(TypeError):
        Journal.open(tmp_path, replay=lambda record: None + 1)
    assert not (tmp_path / "lease.json").exists()


def test_a_forked_child_cannot_write(tmp_path, monkeypatch):
    with Journal.open(tmp_path) as journal:
        journal.append("a")
        with monkeypatch.context() as patched:
            patched.setattr(os, "getpid", lambda: 1)
            with pytest.raises(LeaseError, match="belongs to process"):
                journal.commit()
            journal.close()
    assert types(tmp_path) == ["open", "a", "close"]


def test_eight_threads(tmp_path):
    """F18: every line once, and each thread's own in its order."""
    with Journal.open(tmp_path) as journal:

        def work(thread):
            for i in range(250):
                journal.append("a", thread=thread, i=i)
                journal.commit()

        threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    records = read(tmp_path).records[1:-1]
    assert len(records) == 2000
    for n in range(8):
        assert [r["i"] for r in records if r["thread"] == n] == list(range(250))


def test_many_readers_while_it_is_written(tmp_path, spawn):
    readers = [spawn(READER, tmp_path) for _ in range(3)]
    assert [reader.hear() for reader in readers] == ["ready"] * 3
    rng = random.Random(3)
    with Journal.open(tmp_path) as journal:
        for i in range(1500):
            journal.append("a", i=i, text="x" * rng.randrange(6000))
            if rng.random() < 0.3:
                journal.commit()
    for reader in readers:
        assert reader.rest() == ["1502 0"]


# What cannot be written (F16)


@pytest.mark.parametrize("limit", [5000, 5100, 5200, 5237])
def test_a_full_disk(tmp_path, limit):
    """Enforced by RLIMIT_FSIZE."""
    check_full(tmp_path, [sys.executable, "-c", FULL, str(tmp_path), str(limit)], "File too large")


def test_a_full_tmpfs(tmp_path):
    """Enforced by a file system of 64 kB, where this user may mount one."""
    mounted = 'mount -t tmpfs -o size=64k none "$1" && shift'
    # The file system is gone with the process, so the journal comes back by stderr.
    command = ["unshare", "--mount", "sh", "-c", f'{mounted} && exec "$@"', "sh", str(tmp_path)]
    try:
        subprocess.run([*command, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("mounting needs root; test_a_full_disk ran with RLIMIT_FSIZE")
    check_full(tmp_path, [*command, sys.executable, "-c", FULL, str(tmp_path), ""], "No space left")


def check_full(directory, command, reason):
    done = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    *committed, first, second, third = done.stdout.splitlines()
    assert first == second == third
    assert "could not be written" in first
    assert "run again to go on" in first
    assert reason in first or "bytes were written" in first
    left = done.stderr.removesuffix("\n")
    (directory / "journal.jsonl").write_text(left)
    reading = read(directory)
    assert reading.seq >= int(committed[-1])
    assert reading.offset + reading.torn == len(left)
    with pytest.warns(RecoveryWarning, match="cut off" if reading.torn else "not closed"):
        journal = Journal.open(directory)
    assert journal.records[:-1] == reading.records
    journal.append("more")
    journal.close()
    assert types(directory)[-3:] == ["open", "more", "close"]


@pytest.fixture
def failing_fsync(monkeypatch):
    def fail(descriptor):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    return lambda: monkeypatch.setattr(os, "fsync", fail)


def test_a_failed_fsync_is_never_tried_again(tmp_path, failing_fsync, monkeypatch):
    journal = Journal.open(tmp_path)
    journal.append("safe")
    journal.commit()
    journal.append("a")
    with monkeypatch.context():
        failing_fsync()
        with pytest.raises(JournalError, match="Input/output error"):
            journal.commit()
    monkeypatch.undo()
    size = (tmp_path / "journal.jsonl").stat().st_size
    for attempt in (journal.commit, lambda: journal.append("b")):
        with pytest.raises(JournalError, match="Input/output error"):
            attempt()
    journal.close()
    assert (tmp_path / "journal.jsonl").stat().st_size == size
    assert not (tmp_path / "lease.json").exists()
    with pytest.warns(RecoveryWarning, match="was not closed"):
        Journal.open(tmp_path).close()
    assert types(tmp_path)[:2] == ["open", "safe"]


@pytest.mark.parametrize("fresh", [True, False])
def test_a_disk_that_fails_at_opening(tmp_path, failing_fsync, fresh, monkeypatch):
    if not fresh:
        Journal.open(tmp_path).close()
    before = types(tmp_path)
    failing_fsync()
    with pytest.raises(JournalError, match="cannot be written: Input/output error"):
        Journal.open(tmp_path)
    monkeypatch.undo()
    assert types(tmp_path) == before
    assert not [name for name in os.listdir(tmp_path) if name != "journal.jsonl"]


def test_an_interrupted_commit_is_the_last(tmp_path, monkeypatch):
    """After a signal nobody knows how far it got."""
    journal = Journal.open(tmp_path)
    journal.append("a")

    def interrupt(descriptor):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", interrupt)
        with pytest.raises(KeyboardInterrupt):
            journal.commit()
    with pytest.raises(JournalError, match="KeyboardInterrupt"):
        journal.append("b")
    journal.close()
    with pytest.warns(RecoveryWarning):
        Journal.open(tmp_path).close()
    assert types(tmp_path) == ["open", "a", "open", "close"]


def test_a_short_write_leaves_no_half_record(tmp_path, monkeypatch):
    journal = Journal.open(tmp_path)
    journal.append("a", text="x" * 50)
    journal.append("b", text="x" * 50)
    write = os.write
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", lambda fd, data: write(fd, data[:-20]))
        with pytest.raises(JournalError, match="only .* bytes were written"):
            journal.commit()
    journal.close()
    assert types(tmp_path) == ["open", "a"]
    with pytest.warns(RecoveryWarning, match="cut off after"):
        Journal.open(tmp_path).close()
    assert types(tmp_path) == ["open", "a", "open", "close"]


def test_a_read_only_directory(tmp_path, spawn):
    Journal.open(tmp_path).close()
    tmp_path.chmod(0o555)
    try:
        said = spawn(READ_ONLY, tmp_path).rest()
    finally:
        tmp_path.chmod(0o755)
    assert said[0] == "2"
    assert "cannot be written: Permission denied" in said[1]
    assert "Make the directory writable" in said[1]
    assert os.listdir(tmp_path) == ["journal.jsonl"]
