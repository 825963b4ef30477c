"""Jobs of one kind, on a queue that only takes notes."""

from __future__ import annotations

import threading

import pytest

import phsx
from phsx.clusters.job_pool import JobPool
from phsx.clusters.provision import Provision
from phsx.clusters.queue import Entry, Look
from phsx.clusters.shares import Share
from phsx.exceptions import ClusterError


class Notes:
    """A queue that takes every job, unless it is told to refuse."""

    def __init__(self):
        self.submitted, self.cancelled, self.tested, self.refusal = [], [], [], None

    def submit(self, job):
        if self.refusal:
            raise ClusterError(self.refusal)
        self.submitted.append(job.name)
        return str(100 + len(self.submitted))

    def test(self, job):
        if self.refusal:
            raise ClusterError(self.refusal)
        self.tested.append(job.name)

    def cancel(self, ids):
        self.cancelled += ids


@pytest.fixture
def pool(tmp_path):
    def make(**options):
        batch = phsx.slurm(memory="1GB", **options)
        made = JobPool(batch, "phsx-x", "slurm", tmp_path, {}, threading.Event(), lambda: None)
        made.connect(Notes(), "tcp://127.0.0.1:1")
        made.queue = made._queue
        return made

    return make


def test_as_many_as_are_wanted(pool):
    made = pool(jobs=3)
    made.round({}, None)
    assert made.queue.submitted == ["phsx-x-0", "phsx-x-1", "phsx-x-2"]
    assert made.ids == dict.fromkeys(["101", "102", "103"], "phsx-x")


def test_elastic_ones_grow_for_trials_that_they_suit_best(pool):
    made = pool(jobs=(0, 8))
    made.need(Share(best=3, possible=7))
    made.round({}, None)
    assert len(made.queue.submitted) == 3


def test_fixed_ones_are_for_all_trials_that_can_run_there(pool):
    made = pool(jobs=8)
    made.need(Share(best=0, possible=5))
    made.round({}, None)
    assert len(made.queue.submitted) == 5


def test_the_first_job(pool):
    sure = pool(jobs=(0, 8))
    sure.begin(sure=True)
    sure.round({}, None)
    assert sure.queue.submitted == ["phsx-x-0"] and sure.queue.cancelled == [], "until more is told"
    least = pool(jobs=(1, 8))
    least.begin(sure=False)
    assert least.queue.submitted == ["phsx-x-0"]


def test_where_there_may_be_none_the_first_job_is_only_checked(pool):
    made = pool(jobs=(0, 8))
    made.begin(sure=False)
    made.round({}, None)
    assert made.queue.tested == ["phsx-x-0"] and made.queue.submitted == []
    made.queue.refusal = "no such partition"
    with pytest.raises(ClusterError, match="no such partition"):
        made.begin(sure=False)


def test_no_more_once_it_is_to_stop(pool):
    made = pool(jobs=3)
    made._stop.set()
    made.round({}, None)
    assert made.queue.submitted == []


def test_a_job_is_given_up_when_all_of_its_workers_are(pool):
    made = pool(jobs=1, slots=2)
    made.round({}, None)
    workers = {"a": "phsx-x-0", "b": "phsx-x-0"}
    made.release("a")
    made.round(workers, None)
    assert made.queue.cancelled == []
    made.release("b")
    assert made.round(workers, None), "the queue is worth a look"
    assert made.queue.cancelled == ["101"]


def test_elastic_ones_give_up_what_they_do_not_need(pool):
    made = pool(jobs=(0, 4))
    made.need(Share(4, 4))
    made.round({}, None)
    workers = {name: f"phsx-x-{number}" for number, name in enumerate("abcd")}
    made.round(workers, None)
    made.need(Share(0, 3))
    made.spare(["b", "a", "c"])
    made.round(workers, None)
    assert made.queue.cancelled == ["102"], "trials may come for the others"
    made.need(Share(1, 1))
    made.spare(["a", "c"])
    made.round(workers, None)
    assert sorted(made.queue.cancelled) == ["101", "102", "103"]


def test_a_refusal_is_tried_again(pool, caplog):
    made = pool(jobs=1)
    made.queue.refusal = "no"
    made.round({}, None)
    assert "slurm: a job is refused, and is tried again: no" in caplog.text and made.ids == {}


def test_failure_shows_the_end_of_the_log(pool, tmp_path):
    made = pool(jobs=1, replacements=0)
    for _ in range(2):
        made.keeper._not_before = 0.0
        made.round({}, None)
        for number in made.ids:
            (tmp_path / f"phsx-x-{number}.txt").write_text("No module named 'phsx'")
            made.round({}, Look(1e18, {number: Entry("FAILED")}))
    assert "replacements=0 are spent" in made.failure and "python=" in made.failure


def test_with_its_failure_all_of_its_jobs_are_cancelled(pool, monkeypatch):
    made = pool(jobs=2)
    made.round({}, None)
    monkeypatch.setattr(made.keeper, "_failure", lambda now: "five in a row")
    made.round({}, None)
    assert "five in a row" in made.failure and sorted(made.queue.cancelled) == ["101", "102"]


class TestSeveral:
    """What becomes of a search some of whose jobs cannot be had."""

    @pytest.fixture
    def provision(self, pool, tmp_path):
        made = Provision([phsx.slurm(memory="1GB")], tmp_path)
        made._pools = [pool(jobs=1), pool(jobs=1, gpus=1)]
        return made

    def test_it_goes_on_with_the_others(self, provision):
        provision._pools[1].failure = "the GPUs are gone"
        provision.check()
        provision.need(3, [{}, {"cores": 1.0}])

    def test_what_is_gone_is_left_alone(self, provision, monkeypatch):
        monkeypatch.setattr(Provision, "_workers", lambda self: {})
        monkeypatch.setattr(Provision, "_on_slurm", False)
        provision._pools[1].failure = "the GPUs are gone"
        provision._round()
        assert [len(made.queue.submitted) for made in provision._pools] == [1, 0]

    def test_others_grow_in_its_place(self, provision, pool):
        provision._pools = [pool(jobs=(0, 4)), pool(jobs=(0, 4), gpus=1)]
        provision.need(3, [{}])
        assert [made._share.best for made in provision._pools] == [3, 0]
        provision._pools[0].failure = "no nodes"
        provision.need(3, [{}])
        assert provision._pools[1]._share.best == 3

    def test_it_ends_when_a_trial_needs_what_is_gone(self, provision):
        provision._pools[1].failure = "the GPUs are gone"
        with pytest.raises(ClusterError, match=r"no jobs are left with GPU=1.*\n.*GPUs are gone"):
            provision.need(3, [{}, {"GPU": 1.0}])
        with pytest.raises(ClusterError, match=r"no jobs are left with GPU=1"):
            provision.need(3, [], {"GPU": 1.0})

    def test_it_ends_when_all_are_gone(self, provision):
        for made, text in zip(provision._pools, ("one", "two"), strict=True):
            made.failure = text
        with pytest.raises(ClusterError, match="one\ntwo"):
            provision.check()
        with pytest.raises(ClusterError, match="one\ntwo"):
            provision.need(3)
