"""The beginning of a run: the lease first, then workers, and none of them for nothing."""

from __future__ import annotations

import json

import pytest

import phsx
from phsx.exceptions import ClusterError, JournalError, LeaseError
from phsx.execution.base import Setting
from phsx.experiment.results import FILE
from phsx.experiment.session import open_run
from phsx.journal import Journal, holder, read
from phsx.master.search import Limits, Search
from phsx.strategies.plan import Plan
from phsx.targets.calling import bind
from phsx.testing.virtual_executor import VirtualExecutor

SPACE = phsx.Space({"x": phsx.Float(0, 1)})


class Opening:
    """Opens runs of one search, and remembers the executors that were made."""

    def __init__(self, directory):
        self.directory = directory
        self.executors = []

    def connect(self):
        self.executors.append(VirtualExecutor(2))
        return self.executors[-1]

    def __call__(self, plan, connect=None, **options):
        search = Search(SPACE, Plan.of(plan), 0, False, None, self.directory)
        setting = Setting("run", bind(lambda x: x, ["x"]))
        options = {"progress": False} | options
        return open_run(search, setting, Limits(), connect or self.connect, **options)

    def types(self):
        return [record["type"] for record in read(self.directory).records]


@pytest.fixture
def opening(tmp_path):
    return Opening(tmp_path)


def test_a_run_from_beginning_to_end(opening, tmp_path):
    seen = []
    run = opening(phsx.Random(3), callbacks=[seen.append])
    assert holder(tmp_path) is not None
    assert (tmp_path / FILE).read_text().count("\n") == 1
    run.block()
    assert holder(tmp_path) is None, "the lease was let go of"
    assert [trial.id for trial in seen] == [0, 1, 2]
    assert (tmp_path / FILE).read_text().count("\n") == 4
    assert opening.executors[0].closed
    assert opening.types()[0] == "open" and opening.types()[-1] == "close"


def test_second_master_gets_no_workers(opening):
    run = opening(phsx.Random(1))
    with pytest.raises(LeaseError):
        opening(phsx.Random(1))
    assert len(opening.executors) == 1
    run.block()


def test_nothing_left_to_do_needs_no_workers(opening):
    opening(phsx.Random(2)).block()
    run = opening(phsx.Random(2))
    run.block()
    assert len(opening.executors) == 1
    assert run.progress.ended == 2


def test_used_up_space_needs_no_workers(opening):
    plan = phsx.Explicit([{"x": 0.5}, {"x": 0.5}])
    with pytest.warns(phsx.exceptions.ExhaustedWarning):
        opening(plan).block()
    opening(plan).block()
    assert len(opening.executors) == 1


def test_failed_connection_lets_go_of_the_lease(opening, tmp_path):
    def connect():
        raise ClusterError("nobody answers")

    with pytest.raises(ClusterError):
        opening(phsx.Random(1), connect)
    assert holder(tmp_path) is None
    opening(phsx.Random(1)).block()


def test_table_that_cannot_be_written_does_not_end_the_run(opening, tmp_path, caplog):
    """It is derived: the journal has everything, and the table comes when it can."""
    (tmp_path / FILE).mkdir()
    run = opening(phsx.Random(3))
    run.block()
    assert run.progress.ended == 3
    assert caplog.text.count(f"{FILE} cannot be written") == 1
    (tmp_path / FILE).rmdir()
    opening(phsx.Random(4)).block()
    assert (tmp_path / FILE).read_text().count("\n") == 5


def test_failure_after_connecting_closes_the_workers(opening, tmp_path, monkeypatch):
    def broken(*args):
        raise OSError("no threads are left")

    monkeypatch.setattr("phsx.experiment.session.Callbacks", broken)
    with pytest.raises(OSError, match="no threads"):
        opening(phsx.Random(1))
    assert all(executor.closed for executor in opening.executors)
    assert holder(tmp_path) is None


def test_damaged_journal_is_refused_before_anything(opening, tmp_path):
    opening(phsx.Random(1)).block()
    journal = tmp_path / "journal.jsonl"
    journal.write_bytes(journal.read_bytes().replace(b'"running"', b'"runnjng"'))
    with pytest.raises(JournalError):
        opening(phsx.Random(1))
    assert len(opening.executors) == 1


class TestPlan:
    def test_is_recorded_once(self, opening):
        opening(phsx.Random(1)).block()
        opening(phsx.Random(1)).block()
        assert opening.types().count("plan") == 1

    def test_that_has_grown_is_recorded(self, opening):
        opening(phsx.Random(1)).block()
        run = opening([phsx.Random(3), phsx.Sobol(2)])
        run.block()
        assert opening.types().count("plan") == 2
        assert run.progress.ended == run.progress.total == 5

    def test_that_somebody_else_has_grown_is_kept(self, opening):
        """An experiment that was opened before does not take trials away again."""
        opening(phsx.Random(4)).block()
        run = opening(phsx.Random(2))
        run.block()
        assert run.progress.total == 4
        plans = [r["plan"] for r in read(opening.directory).records if r["type"] == "plan"]
        assert json.dumps(plans).count("trials") == 1


def test_journal_of_a_run_is_open_for_nobody_else(opening, tmp_path):
    run = opening(phsx.Random(1))
    with pytest.raises(LeaseError):
        Journal.open(tmp_path)
    run.block()
