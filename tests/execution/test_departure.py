"""What a worker took down with it, by the scheduler's events."""

from __future__ import annotations

import pytest

from phsx.execution.departure import killed

JOINED = {"action": "add-worker"}


def closing(reason):
    return {"action": "closing-worker", "reason": reason}


def removed(*keys, **more):
    return {"action": "remove-worker", "processing-tasks": set(keys), **more}


def keys(*events):
    return killed(enumerate(events))


class TestKilled:
    def test_nothing_is_known(self):
        assert keys() == set()

    def test_death(self):
        assert keys(JOINED, removed("a", "b", expected=False)) == {"a", "b"}

    def test_death_as_older_versions_of_dask_record_it(self):
        assert keys(JOINED, removed("a")) == {"a"}

    def test_retirement(self):
        assert keys(JOINED, removed("a", expected=True)) == set()

    @pytest.mark.parametrize("reason", ["worker-close", "nanny-close", "worker-lifetime-reached"])
    def test_it_closed_in_order(self, reason):
        assert keys(JOINED, closing(reason), removed("a", expected=False)) == set()

    def test_it_closed_because_it_failed(self):
        assert keys(closing("worker-execute-fail-hard"), removed("a", expected=False)) == {"a"}

    def test_each_life_of_an_address_for_itself(self):
        first = (JOINED, closing("worker-close"), removed("a", expected=False))
        second = (JOINED, removed("b", expected=False))
        assert keys(*first, *second) == {"b"}
        assert keys(*second, *first) == {"b"}

    @pytest.mark.parametrize(
        "other", ["text", 3, None, {"action": "spill"}, {"n": 1}, ["remove-worker"]]
    )
    def test_what_others_say_on_the_topic(self, other):
        assert keys(other, removed("a"), other) == {"a"}
