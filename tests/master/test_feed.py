"""History on its way to the workers: a binary counter of chunks, and O(1) traffic per trial."""

from __future__ import annotations

import numpy as np
import pytest

import phsx.master.feed
from phsx.execution.base import Ref
from phsx.execution.tasks import chunk, merge
from phsx.history import History, Observation
from phsx.master.feed import CHUNK, Feed


def observations(first, last):
    return [Observation(n, (n / 1e6,), (True,), float(n)) for n in range(first, last)]


class Graph:
    """Runs chunk tasks at once, and counts what is sent."""

    def __init__(self):
        self.tasks = {}
        self.results = {}
        self.cancelled = []
        self.sent = 0
        self.feed = Feed(1, self.submit, self.cancelled.append)
        self.total = 0

    def submit(self, task):
        assert task.key not in self.tasks, "keys are never used again"
        assert task.keep
        self.tasks[task.key] = task
        args = [self.results[arg.key] if isinstance(arg, Ref) else arg for arg in task.args]
        self.sent += sum(len(arg) for arg in task.args if isinstance(arg, History))
        self.results[task.key] = task.function(*args)

    def grow(self, number):
        self.feed.extend(observations(self.total, self.total + number))
        self.total += number

    def sizes(self, worker="w"):
        return [len(self.results[ref.key]) for ref in self.feed.refs(worker)]

    def known(self):
        """Return the ids that a suggestion gets now."""
        chunks = [self.results[ref.key] for ref in self.feed.refs("w")]
        return History.concatenate([*chunks, self.feed.tail]).trials.tolist()


@pytest.fixture
def graph():
    return Graph()


@pytest.fixture
def small(monkeypatch):
    """Make chunks of 4, so that many levels need few observations."""
    monkeypatch.setattr(phsx.master.feed, "CHUNK", 4)


def test_short_history_is_inline(graph):
    graph.grow(CHUNK - 1)
    assert graph.feed.refs("w") == ()
    assert len(graph.feed.tail) == len(graph.feed) == CHUNK - 1
    assert graph.tasks == {}


def test_chunk_as_soon_as_it_is_full(graph):
    graph.grow(CHUNK)
    (ref,) = graph.feed.refs("worker 7")
    task = graph.tasks[ref.key]
    assert (task.function, task.worker) == (chunk, "worker 7")
    assert len(graph.feed.tail) == 0
    assert graph.known() == list(range(CHUNK))


def test_asking_twice_makes_nothing_new(graph):
    graph.grow(3 * CHUNK)
    first = graph.feed.refs("w")
    count = len(graph.tasks)
    assert graph.feed.refs("v") == first
    assert len(graph.tasks) == count


def test_sizes_are_those_of_a_binary_counter(graph, small):
    for full in range(1, 40):
        graph.grow(4)
        expected = [4 * 2**bit for bit in reversed(range(8)) if full >> bit & 1]
        assert graph.sizes() == expected
    assert {task.function for task in graph.tasks.values()} == {chunk, merge}


def test_every_observation_is_known_in_order_at_every_length(graph, small):
    for _ in range(150):
        graph.grow(1)
        assert graph.known() == list(range(graph.total))


@pytest.mark.parametrize("length", [64, 1024])
def test_every_observation_is_sent_once_to_a_chunk(graph, small, length):
    """From the master's side that is O(1) per trial; merges happen among the workers."""
    for _ in range(length):
        graph.grow(1)
        graph.feed.refs("w")
    assert graph.sent == length
    assert len(graph.tasks) < 2 * length / 4
    assert len(graph.feed.refs("w")) <= np.log2(length)


@pytest.mark.parametrize("length", [0, 3, 4, 7, 29, 64, 100])
def test_after_a_resume_few_chunks_of_literals(graph, small, length):
    graph.grow(length)
    sizes = graph.sizes()
    assert sum(sizes) == length - length % 4
    assert sizes == sorted(set(sizes), reverse=True)
    assert {task.function for task in graph.tasks.values()} <= {chunk}
    assert graph.sent == sum(sizes)
    assert graph.known() == list(range(length))


def test_after_a_resume_it_goes_on_as_a_binary_counter(graph, small):
    graph.grow(28)  # 16 + 8 + 4
    assert graph.sizes() == [16, 8, 4]
    graph.grow(4)
    assert graph.sizes() == [32]
    assert graph.known() == list(range(32))


def test_a_burst_that_is_larger_than_the_last_chunk(graph, small):
    graph.grow(4)
    assert graph.sizes() == [4]
    graph.grow(40)
    assert graph.sizes() == [32, 8, 4]
    assert graph.known() == list(range(44))


def test_lost_chunk_is_made_anew_from_literals(graph, small):
    graph.grow(4)
    graph.feed.refs("w")
    graph.grow(8)  # merged: 8 + 4
    old = graph.feed.refs("w")
    assert graph.sizes() == [8, 4]
    assert graph.feed.lost(old[0].key, "other")
    new = graph.feed.refs("w")
    assert new[0] != old[0] and new[1] == old[1]
    task = graph.tasks[new[0].key]
    assert (task.function, task.worker) == (chunk, "other"), "no part of it may be there any more"
    assert old[0].key in graph.cancelled
    assert graph.known() == list(range(12))


def test_a_chunk_that_was_made_anew_merges_as_before(graph, small):
    graph.grow(4)
    (ref,) = graph.feed.refs("w")
    graph.feed.lost(ref.key, None)
    graph.grow(4)
    assert graph.sizes() == [8]
    assert graph.known() == list(range(8))


@pytest.mark.parametrize("key", ["suggest-1-2", "chunk-99", ""])
def test_other_lost_keys_are_not_its_own(graph, small, key):
    graph.grow(8)
    graph.feed.refs("w")
    assert not graph.feed.lost(key, "w")


def test_keys_of_merged_chunks_are_not_its_own_any_more(graph, small):
    graph.grow(4)
    (first,) = graph.feed.refs("w")
    graph.grow(4)
    graph.feed.refs("w")
    assert not graph.feed.lost(first.key, "w")
    assert graph.known() == list(range(8))


def test_merged_chunks_are_let_go(graph, small):
    """Else the workers hold the history log(n) times."""
    for _ in range(256):
        graph.grow(1)
        graph.feed.refs("w")
        # A merge that is still to run needs its parts, so that those of the newest ones linger.
        kept = graph.tasks.keys() - set(graph.cancelled)
        assert len(kept) <= 3 * np.log2(max(graph.total, 8) / 4) + 1
        assert not {ref.key for ref in graph.feed.refs("w")} & set(graph.cancelled)
