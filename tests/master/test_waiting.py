"""Trials get slots that have what they ask for: on a virtual clock, with workers of two kinds."""

from __future__ import annotations

import functools

import pytest

import phsx
from phsx.master.needs import Needs
from phsx.testing.bench import Bench, Learner
from phsx.testing.virtual_executor import VirtualExecutor
from phsx.trial import TrialState

SPACE = phsx.Space({"x": phsx.Float(0, 1), "device": phsx.Categorical(["cpu", "gpu"])})
GPU, CPU = {"GPU": 1.0}, {}


def target(x, device):
    return x


def needs(params):
    return {"GPU": 1} if params["device"] == "gpu" else {}


@pytest.fixture
def bench(tmp_path):
    return functools.partial(Bench, tmp_path, space=SPACE, target=target)


def places(bench):
    """Return which devices were used on each worker."""
    found = {}
    for deed in bench.executor.deeds:
        if deed.what == "evaluate":
            job = bench.executor.jobs[deed.key]
            found.setdefault(deed.worker, set()).add(job.params["device"])
    return found


def pools(gpus=1, cpus=2, **options):
    resources = {f"g{n}": GPU for n in range(gpus)} | {f"c{n}": CPU for n in range(cpus)}
    workers = dict.fromkeys(resources, 1)
    return VirtualExecutor(workers, resources=resources, offers=[GPU, CPU], **options)


def test_a_trial_runs_where_its_resources_are(bench):
    b = bench(phsx.Random(40))
    b.run(pools(), needs=Needs(needs)).check_exact(40)
    assert all("gpu" not in places(b)[worker] for worker in ("c0", "c1"))
    assert "gpu" in places(b)["g0"]


def test_nobody_idles_while_there_is_something_that_could_run(bench):
    """The first trials all want the one GPU; others are made for the workers without."""
    first = [{"x": n / 100, "device": "gpu"} for n in range(4)]
    rest = [{"x": n / 100, "device": "cpu"} for n in range(50, 70)]
    b = bench([phsx.Explicit([*first, *rest])])
    b.run(pools(duration=lambda job: 1.0), needs=Needs(needs)).check_exact(24)
    assert b.makespan == 8.0


def test_trials_are_not_made_without_end_for_slots_that_they_cannot_use(bench):
    """A model should know results first; others have a limit too."""
    for strategy, most in ((Learner(300, initial=1), 1 + 3 + 3), (phsx.Random(300), 204)):
        b = bench([strategy], space={"x": phsx.Float(0, 1), "device": phsx.Constant("gpu")})
        executor, alive = pools(duration=lambda job: 1.0), []
        for time in range(10, 200, 10):
            executor.at(float(time), lambda b=b, alive=alive: alive.append(len(b.state.alive)))
        b.run(executor, needs=Needs(needs)).check_exact(300)
        assert max(alive) <= most


def test_what_a_trial_has_no_use_for_is_left_to_others(bench):
    b = bench([phsx.Explicit([{"x": 0.1, "device": "cpu"}, {"x": 0.2, "device": "gpu"}])])
    executor = pools(gpus=1, cpus=1, duration=lambda job: 1.0)
    b.run(executor, needs=Needs(needs)).check_exact(2)
    assert places(b) == {"c0": {"cpu"}, "g0": {"gpu"}} and b.makespan == 1.0


def test_several_slots_share_what_their_worker_has(bench):
    """Two GPUs, four slots: two trials with one each at a time, or one with both."""
    b = bench(phsx.Random(24))
    at_once = []

    def duration(job):
        running = [b.executor.jobs[key] for key in b.executor._places]
        at_once.append(sum(one.params["x"] > 0.5 and 2 or 1 for one in running))
        return 1.0

    executor = VirtualExecutor({"a": 4}, resources={"a": {"GPU": 2.0}}, duration=duration)
    b.run(executor, needs=Needs(lambda p: {"GPU": 2 if p["x"] > 0.5 else 1})).check_exact(24)
    assert max(at_once) == 2


def test_what_no_slot_has_fails_at_once_and_says_so(bench):
    first = [{"x": 0.1, "device": "cpu"}, {"x": 0.2, "device": "gpu"}, {"x": 0.3, "device": "cpu"}]
    b = bench([phsx.Explicit(first)])
    executor = VirtualExecutor(2, resources={"w0": CPU, "w1": CPU}, offers=[CPU, {"cores": 4.0}])
    b.run(executor, needs=Needs(needs)).check_exact(3, state=None)
    trial = b.state.trials[1]
    assert (trial.state, trial.attempt, trial.started) == (TrialState.FAILED, 0, None)
    assert "asks for GPU=1, and no slot has that: they have cores=4; nothing" in trial.error
    assert len(b.ended) == 3 and b.states() == {"completed": 2, "failed": 1}


def test_a_function_that_raises_fails_the_trial(bench):
    b = bench(phsx.Random(3))
    b.run(pools(), needs=Needs(lambda p: 1 / 0), max_failed=1.0)
    assert b.states() == {"failed": 3}
    assert "resources= raised ZeroDivisionError" in b.state.trials[0].error


def test_where_others_may_come_it_waits_and_says_so(bench, caplog):
    b = bench([phsx.Explicit([{"x": 0.1, "device": "cpu"}, {"x": 0.2, "device": "gpu"}])])
    executor = VirtualExecutor({"a": 1}, resources={"a": CPU, "b": GPU})
    executor.at(100.0, lambda: executor.join("b"))
    b.run(executor, needs=Needs(needs)).check_exact(2)
    assert b.makespan == pytest.approx(101.0)
    said = [record.message for record in caplog.records]
    assert said == ["trial 1 asks for GPU=1, which no worker has; waiting for one that does"]


def test_workers_that_do_not_say_have_everything(bench):
    b = bench(phsx.Random(10))
    b.run(VirtualExecutor(2), needs=Needs(needs)).check_exact(10)


def test_cores_are_what_was_asked_for_or_the_slots_share(bench):
    b = bench(phsx.Random(12))
    resources = {"a": {"cores": 8.0}, "b": {}}
    executor = VirtualExecutor({"a": 2, "b": 1}, resources=resources)
    asked = Needs(lambda p: {"cores": 6} if p["x"] > 0.5 else {})
    b.run(executor, needs=asked).check_exact(12)
    places = {deed.key: deed.worker for deed in executor.deeds if deed.what == "evaluate"}
    for key, job in executor.jobs.items():
        expected = 6 if job.params["x"] > 0.5 else {"a": 4, "b": 1}[places[key]]
        assert job.cores == expected
        assert job.gpus == 0.0, "it sees no device that it did not ask for"


def test_where_nothing_is_said_of_resources_all_devices_are_seen(bench):
    b = bench(phsx.Random(2)).run(pools(), needs=Needs(cores=1))
    assert {job.gpus for job in b.executor.jobs.values()} == {None}


def test_a_trial_that_died_runs_again_where_its_resources_are(bench):
    b = bench([phsx.Explicit([{"x": 0.2, "device": "gpu"}])])
    executor = pools(gpus=2, cpus=3, duration=lambda job: 5.0)
    executor.at(2.0, lambda: executor.kill(next(iter(executor._places.values()))))
    b.run(executor, needs=Needs(needs)).check_exact(1)
    used = places(b)
    assert set(used) == {"g0", "g1"} and b.state.trials[0].attempt == 2


def test_suggestions_are_told_what_they_always_are(bench):
    b = bench([Learner(30, initial=4)])
    b.run(pools(cost=0.1), needs=Needs(needs)).check_exact(30)
    b.check_knowledge()


def test_who_may_come_is_told_what_is_asked_for(bench):
    told = []

    class Elastic(VirtualExecutor):
        def demand(self, trials, asked=(), common=None):
            told.append((trials, sorted(map(tuple, asked))))

    b = bench([phsx.Explicit([{"x": 0.1, "device": "cpu"}, {"x": 0.2, "device": "gpu"}])])
    b.run(Elastic(2), needs=Needs(needs))
    assert (2, [(), ("GPU",)]) in told and told[-1] == (0, [])
