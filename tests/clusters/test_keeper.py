"""Which jobs are submitted and cancelled, told by a virtual queue and a virtual clock."""

from __future__ import annotations

import pytest

from phsx.clusters import keeper as module
from phsx.clusters.keeper import Keeper
from phsx.clusters.queue import Entry, Look


class World:
    """A queue whose jobs start at once, and whose workers come a second later."""

    def __init__(self, *args, **options):
        self.keeper = Keeper(*args, **options)
        self.now = 0.0
        self.queue: dict[str, Entry] = {}
        self.workers: set[str] = set()
        self.notes: list[str] = []
        self.failure: str | None = None
        self.need: int | None = None
        self.refuse: str | None = None
        self.pending = self.broken = False
        self.blind = options.get("blind", False)

    def run(self, seconds):
        for _ in range(int(seconds)):
            self.now += 1.0
            self.step()

    def step(self):
        look = None if self.blind else Look(self.now, dict(self.queue))
        decision = self.keeper.decide(self.now, self.workers, look, self.need)
        self.notes += decision.notes
        self.failure = self.failure or decision.failure
        for number in decision.cancel:
            self.end(number)
        if not self.pending:
            names = {job.id: job.name for job in self.keeper.jobs.values()}
            for number in self.queue:
                self.queue[number] = Entry("RUNNING")
                if number in names:
                    self.workers.add(names[number])
        for _ in range(decision.submit):
            if self.refuse:
                self.keeper.refused(self.refuse, self.now)
                break
            number = str(self.keeper.submitted)
            self.keeper.accepted(f"w{number}", number, self.now)
            if not self.broken:
                self.queue[number] = Entry("PENDING", "Resources")

    def end(self, number):
        self.queue.pop(number, None)
        self.workers.discard(f"w{number}")


def test_as_many_as_are_wanted():
    world = World((4, 4))
    world.run(5)
    assert sorted(world.queue) == ["0", "1", "2", "3"] and len(world.workers) == 4
    world.run(100)
    assert len(world.queue) == 4 and world.keeper.lost == 0 and world.notes == []


def test_a_lost_job_is_replaced():
    world = World((4, 4))
    world.run(5)
    world.end("2")
    world.run(5)
    assert sorted(world.queue) == ["0", "1", "3", "4"] and world.keeper.lost == 1
    assert world.notes == ["job 2 has ended"]


def test_a_job_that_is_cancelled_while_it_waits_is_replaced():
    world = World((2, 2))
    world.pending = True
    world.run(5)
    world.end("1")
    world.run(5)
    assert sorted(world.queue) == ["0", "2"]
    assert world.notes == ["job 1 has ended before its worker had registered"]


def test_a_failed_look_is_no_empty_queue():
    world = World((2, 2))
    world.run(5)
    world.blind = True  # squeue fails; the keeper expects it to see
    world.run(100)
    assert world.keeper.submitted == 2


def test_a_job_that_was_submitted_during_the_look_is_not_missed_in_it():
    keeper = Keeper((1, 1))
    keeper.accepted("w0", "0", now=10.0)
    decision = keeper.decide(11.0, set(), Look(9.9, {}))
    assert not decision.ended and decision.submit == 0
    assert keeper.decide(12.0, set(), Look(11.0, {})).ended


def test_ends_by_walltime_are_not_counted():
    world = World((1, 1), walltime=100.0, replacements=0)
    for number in range(5):
        world.run(98)
        world.end(str(number))
        world.run(4)
        assert world.queue
    assert world.keeper.lost == 0


def test_jobs_that_served_are_replaced_without_end_and_others_are_not():
    world = World((1, 1), replacements=1)
    for number in range(4):
        world.run(module.SERVICE + 5)
        world.end(str(number))
    world.run(5)
    assert world.keeper.lost == 0 and world.failure is None
    for number in (4, 5):
        world.run(5)
        world.end(str(number))
    world.run(5)
    assert "2 jobs were lost" in world.failure and "replacements=1" in world.failure


def test_while_others_work_spent_replacements_are_no_failure():
    world = World((2, 2), replacements=0)
    world.run(5)
    world.end("0")
    world.run(100)
    assert world.failure is None and list(world.queue) == ["1"]


def test_jobs_that_all_end_at_once_end_the_run_soon():
    world = World((64, 64), replacements=1000)
    world.broken = True
    world.run(10)
    assert "in a row ended before their worker had registered" in world.failure
    assert world.keeper.submitted <= 66 and world.keeper.failed_job is not None


def test_a_node_that_swallows_jobs_slows_the_submissions_down():
    world = World((4, 4), replacements=1000)
    world.run(5)
    world.end("3")
    world.broken = True
    world.run(600)
    assert world.failure is None, "three jobs work"
    assert world.keeper.submitted < 30


class TestSilence:
    def test_a_running_job_whose_worker_never_comes_is_replaced(self):
        world = World((1, 1))
        world.pending = True
        world.run(2)
        world.queue["0"] = Entry("RUNNING")
        world.run(module.STARTING + 2)
        assert "0" not in world.queue and "interface=" in world.notes[0]
        world.run(5)
        assert list(world.queue) == ["1"]

    def test_a_job_that_waits_is_given_time(self):
        world = World((1, 1))
        world.pending = True
        world.run(10 * module.STARTING)
        assert list(world.queue) == ["0"]

    def test_a_job_whose_worker_is_gone_is_replaced_after_a_while(self):
        keeper = Keeper((1, 1))
        keeper.accepted("w0", "0", 0.0)
        running = {"0": Entry("RUNNING")}
        keeper.decide(1.0, {"w0"}, Look(1.0, running))
        assert not keeper.decide(2.0, set(), Look(2.0, running)).cancel
        assert not keeper.decide(20.0, {"w0"}, Look(20.0, running)).cancel, "it came back"
        keeper.decide(21.0, set(), Look(21.0, running))
        assert keeper.decide(22 + module.SILENT, set(), Look(80.0, running)).cancel == ["0"]

    def test_where_the_queue_cannot_be_seen_workers_tell(self):
        world = World((2, 2), blind=True)
        world.run(5)
        world.end("0")
        world.run(module.SILENT - 5)
        assert world.keeper.submitted == 2
        world.run(10)
        assert world.keeper.submitted == 3

    def test_a_job_that_is_put_back_into_the_queue_waits_again(self):
        world = World((1, 1))
        world.run(5)
        world.workers.clear()
        world.pending = True
        world.queue["0"] = Entry("PENDING", "BeginTime")
        world.run(10 * module.SILENT)
        assert list(world.queue) == ["0"] and world.keeper.lost == 0


class TestRefusal:
    def test_it_is_tried_again_ever_more_seldom(self):
        world = World((2, 2))
        world.refuse = "Job violates accounting policy"
        tries = []
        refused = world.keeper.refused
        world.keeper.refused = lambda *args: (tries.append(world.now), refused(*args))
        world.run(300)
        gaps = [after - before for before, after in zip(tries, tries[1:], strict=False)]
        assert gaps == sorted(gaps) and max(gaps) <= module.BACKOFF_LIMIT + 1
        assert world.failure is None
        world.refuse = None
        world.run(100)
        assert len(world.queue) == 2

    def test_in_the_end_it_is_the_end(self):
        world = World((2, 2))
        world.refuse = "Invalid account"
        world.run(module.REFUSED + 100)
        assert "Invalid account" in world.failure

    def test_what_was_accepted_works_on(self):
        world = World((4, 4))
        world.run(5)
        world.end("0")
        world.refuse = "too many jobs"
        world.run(2 * module.REFUSED)
        assert world.failure is None and len(world.queue) == 3


class TestWaiting:
    def test_the_reason_is_said_once_until_it_changes(self):
        world = World((3, 3))
        world.pending = True
        world.run(200)
        assert world.notes == ["3 jobs are waiting in the queue, which says: Resources (3)"]
        world.queue["1"] = Entry("PENDING", "Priority")
        world.run(200)
        assert world.notes[1:] == [
            "3 jobs are waiting in the queue, which says: Resources (2), Priority (1)"
        ]

    @pytest.mark.parametrize(
        ("reason", "lasts"),
        [("PartitionTimeLimit", True), ("QOSMaxCpuPerJobLimit", True), ("Priority", False)],
    )
    def test_what_does_not_pass_by_waiting(self, reason, lasts):
        world = World((2, 2))
        world.pending = True
        world.run(1)
        world.queue |= {number: Entry("PENDING", reason) for number in world.queue}
        world.run(60)
        (note,) = world.notes
        assert f"{reason} (2)" in note and ("does not pass by waiting" in note) is lasts

    def test_nothing_is_said_while_another_works(self):
        world = World((1, 1))
        world.run(5)
        world.keeper._most = world.keeper._fewest = 2
        world.pending = True
        world.run(200)
        assert world.notes == []


class TestNeed:
    def test_jobs_follow_the_trials(self):
        world = World((0, 8), slots=2)
        world.need = 5
        world.run(5)
        assert len(world.queue) == 3
        world.need = 100
        world.run(5)
        assert len(world.queue) == 8
        world.need = 2
        world.run(5)
        assert world.keeper.idle(2) == 7, "working jobs end when they run nothing"

    def test_waiting_jobs_that_are_not_needed_are_cancelled_newest_first(self):
        world = World((1, 4))
        world.pending = True
        world.need = 4
        world.run(5)
        world.need = 0
        world.run(5)
        assert list(world.queue) == ["0"]

    def test_a_fixed_pool_is_not_cut_but_not_filled_up_either(self):
        world = World((4, 4))
        world.need = 10
        world.run(5)
        world.need = 1
        world.run(5)
        assert len(world.queue) == 4 and world.keeper.idle(1) == 0
        for number in "012":
            world.end(number)
        world.run(5)
        assert list(world.queue) == ["3"]
        world.end("3")
        world.run(5)
        assert list(world.queue) == ["4"]

    @pytest.mark.parametrize("need", [None, 3])
    def test_a_released_job_is_replaced_when_it_has_left(self, need):
        world = World((2, 2))
        world.need = need
        world.run(5)
        (number,) = world.keeper.release(["w0"])
        assert world.keeper.release(["w0"]) == [], "once"
        world.run(3)
        assert world.keeper.submitted == 2, "it still counts in the queue"
        world.end(number)
        world.run(3)
        assert sorted(world.queue) == ["1", "2"] and world.keeper.lost == 0
