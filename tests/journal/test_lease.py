import errno
import json
import os
import threading

import pytest

from phsx.exceptions import JournalError, LeaseError
from phsx.journal import Journal, Owner, holder
from phsx.journal.lease import Lease, read_lease


@pytest.fixture
def lease(tmp_path):
    lease = Lease(tmp_path, Owner.here("test", 0.5), 3600.0)
    yield lease
    lease.release()


def beats(directory):
    return json.loads(read_lease(directory))["beat"]


def wait_until(condition):
    patience = threading.Event()
    for _ in range(2000):
        if condition():
            return
        patience.wait(0.005)
    raise AssertionError("it did not happen within 10 s")


def test_the_holder_can_be_read(tmp_path, lease):
    assert holder(tmp_path) == lease.owner
    assert (tmp_path / "lease.json").read_text().count("\n") == 1


def test_nobody_holds_what_is_not_there(tmp_path):
    assert holder(tmp_path) is None
    (tmp_path / "lease.json").write_text("[" * 100_000)
    assert holder(tmp_path) is None


def test_only_one_can_be_created(tmp_path, lease):
    with pytest.raises(FileExistsError):
        Lease(tmp_path, Owner.here("other", 0.5), 3600.0)
    assert holder(tmp_path) == lease.owner


def test_a_heartbeat_changes_the_number_alone(tmp_path, lease):
    before = read_lease(tmp_path)
    lease.beat()
    after = read_lease(tmp_path)
    assert len(after) == len(before)
    assert json.loads(after) == json.loads(before) | {"beat": 1}


def test_the_thread_keeps_it_fresh(tmp_path):
    lease = Lease(tmp_path, Owner.here("test", 0.5), 0.01)
    wait_until(lambda: beats(tmp_path) > 3)
    lease.release()
    assert not (tmp_path / "lease.json").exists()


def test_a_check_after_a_long_sleep_shows_life_first(tmp_path, lease):
    lease.check()
    assert beats(tmp_path) == 0
    lease._beaten -= 3 * 3600
    lease.check()
    assert beats(tmp_path) == 1


@pytest.mark.parametrize("how", ["replaced", "removed"])
def test_a_lost_lease_is_noticed_and_left_alone(tmp_path, how):
    lease = Lease(tmp_path, Owner.here("first", 0.5), 3600.0)
    if how == "replaced":
        other = Lease(tmp_path, Owner.here("second", 0.5), 3600.0, replace=True)
    else:
        (tmp_path / "lease.json").unlink()
    with pytest.raises(LeaseError, match="second" if how == "replaced" else "held by nobody"):
        lease.check()
    lease.beat()
    lease.release()
    if how == "replaced":
        assert holder(tmp_path) == other.owner
        assert beats(tmp_path) == 0
        other.release()
    assert not (tmp_path / "lease.json").exists()


def test_a_heartbeat_that_cannot_be_written_is_said_once(tmp_path, monkeypatch, caplog):
    failures = []

    def fail(*args):
        failures.append(args)
        raise OSError(errno.EIO, "broken")

    monkeypatch.setattr(os, "pwrite", fail)
    lease = Lease(tmp_path, Owner.here("test", 0.5), 0.01)
    wait_until(lambda: len(failures) > 3)
    lease.release()
    assert [record.getMessage() for record in caplog.records] == [
        f"The lease {tmp_path / 'lease.json'} cannot be renewed: [Errno 5] broken"
    ]


def test_the_heartbeat_goes_on_while_the_journal_is_open(tmp_path):
    with Journal.open(tmp_path, heartbeat=0.01):
        wait_until(lambda: beats(tmp_path) > 2)


def test_lease_that_is_no_file_is_named(tmp_path):
    (tmp_path / "lease.json").mkdir()
    with pytest.raises(JournalError, match=r"lease\.json.*cannot be read"):
        holder(tmp_path)
