"""The write-ahead order: durable first, then done."""

from __future__ import annotations

import pytest

from phsx.exceptions import JournalError
from phsx.journal import Journal, read
from phsx.master.ledger import Ledger
from phsx.state import SearchState


@pytest.fixture
def ledger(tmp_path):
    state = SearchState()
    with Journal.open(tmp_path, replay=state.replay) as journal:
        yield Ledger(journal, state)


def kinds(directory):
    return [record["type"] for record in read(directory).records if record["type"] != "open"]


def test_record_counts_at_once_and_is_durable_at_the_commit(ledger, tmp_path):
    ledger.record("plan", plan=[1])
    assert ledger.state.plan == [1]
    assert kinds(tmp_path) == []
    ledger.commit()
    assert kinds(tmp_path) == ["plan"]


def test_actions_see_what_was_recorded_before_them(ledger, tmp_path):
    seen = []
    ledger.record("plan", plan=[])
    ledger.then(lambda: seen.append(("first", kinds(tmp_path))))
    ledger.record("fit", fit=0, block=0, seen=0, n=0, values=None)
    ledger.then(lambda: seen.append(("second", kinds(tmp_path))))
    assert seen == []
    ledger.commit()
    assert seen == [("first", ["plan", "fit"]), ("second", ["plan", "fit"])]
    ledger.commit()
    assert len(seen) == 2, "each is done once"


def test_actions_of_actions_wait_for_the_next_commit(ledger, tmp_path):
    seen = []

    def first():
        ledger.record("plan", plan=[])
        ledger.then(lambda: seen.append(kinds(tmp_path)))

    ledger.then(first)
    ledger.commit()
    assert seen == []
    ledger.commit()
    assert seen == [["plan"]]


def test_nothing_is_done_where_the_journal_cannot_be_written(tmp_path):
    class FullDisk:
        def append(self, kind, **fields):
            return {"seq": 0, "t": 0.0, "type": kind, **fields}

        def commit(self):
            raise JournalError("no space")

    done = []
    ledger = Ledger(FullDisk(), SearchState())
    ledger.record("plan", plan=[])
    ledger.then(lambda: done.append(1))
    with pytest.raises(JournalError):
        ledger.commit()
    assert done == []
