"""Runs tasks on a Dask cluster, through the public API of a `distributed.Client` alone.

Evaluations leave their worker's thread pool at once (`secede`), so that every worker keeps a
control slot on which fits and suggestions run within milliseconds. What an evaluation has to say,
its outcome included, travels as an event, which saves two round trips per trial; where the event
is lost, or the outcome cannot travel so, the future brings it.

An evaluation runs on the worker that it is given to or nowhere: Dask has none that could take it,
since the master alone counts slots. When that worker goes, the scheduler's record of it tells
whether it went down with the evaluation (`phsx.execution.departure`).

When the connection breaks, the client forgets its futures, but what they stood for may go on. Such
an evaluation is reported as lost when its process has been ended, so that its slot is free then.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import distributed

from phsx.execution.base import Event, Executor, Finished, Lost, Message, Setting, Task
from phsx.execution.calls import Calls
from phsx.execution.connection import Connection
from phsx.execution.crew import Crew
from phsx.execution.demand import MOST, Demand
from phsx.execution.departure import killed
from phsx.execution.evaluation import Job, Outcome
from phsx.execution.heartbeats import PATIENCE, PATIENCE_IN_THREAD, Heartbeats
from phsx.execution.inbox import Inbox
from phsx.execution.orphans import Orphans
from phsx.execution.resources import NOTHING, Resources
from phsx.execution.submissions import Evaluation, Submissions

logger = logging.getLogger(__name__)

#: Seconds between two looks at which workers are there: while some are awaited, and else.
LOOK_SOON, LOOK = 0.05, 1.0
#: Seconds that workers are given to end what runs there; one that hangs must not hold up the end.
CLOSE_TIMEOUT = 10.0


class DaskExecutor(Executor):
    """An executor on the cluster of a synchronous client.

    Parameters
    ----------
    client : distributed.Client
    closers : iterable of callable
        What is to be called at the end: closes what phsx itself has opened, and nothing else.
    expected : int
        How many workers are on their way; only used to look for them more often at the start.
    offers : sequence of Resources, optional
        What the workers have, where no others may come.
    check : callable
        Called now and then; raises what makes it pointless to go on.
    grows : bool
        Whether the cluster is somebody's, and may grow when it sees what waits; see `Demand`.
    """

    _crew: Crew
    _calls: Calls
    _orphans: Orphans
    _submissions: Submissions
    _demand: Demand

    def __init__(
        self,
        client: distributed.Client,
        closers: Iterable[Callable[[], object]] = (),
        expected: int = 1,
        offers: Sequence[Resources] | None = None,
        *,
        check: Callable[[], object] = lambda: None,
        grows: bool = False,
    ) -> None:
        self._connection = Connection(client)
        self._closers = list(closers)
        self._expected = expected
        self._offers = offers
        self._check = check
        self._inbox = Inbox()
        self._grows = grows
        self._wanted = 0  # how many trials there are that have not ended
        self._looked = self._subscribed = 0.0
        self._topic = ""  # until it is started
        self._heartbeats = Heartbeats(PATIENCE)
        self._silent: dict[str, dict[str, Evaluation]] = {}  # what silent workers may still run

    @property
    def _client(self) -> distributed.Client:
        return self._connection.client

    def start(self, setting: Setting) -> None:
        """Subscribe to what evaluations say, and let workers be given the target."""
        if setting.package is None:
            raise ValueError("a Dask cluster needs the target's package")
        topic, connection, put = f"phsx-{setting.run}", self._connection, self._inbox.put
        self._calls = Calls(connection, setting.run)
        self._orphans = Orphans(self._calls, partial(put, "ended"))
        self._submissions = Submissions(connection, setting.run, topic, partial(put, "done"))
        self._demand = Demand(connection, setting.run)
        self._topic = topic
        self._heartbeats = Heartbeats(PATIENCE if setting.isolate else PATIENCE_IN_THREAD)
        self._subscribe()
        self._crew = Crew(
            connection, setting.run, topic, setting.package, self.clock, partial(put, "installed")
        )

    def _subscribe(self) -> None:
        """Ask to be told of events: again and again, for a broken connection ends it unnoticed."""
        self._subscribed = time.monotonic()
        # The client keeps its handler after the end: that must not keep more than the inbox.
        self._client.subscribe_topic(self._topic, self._inbox.put_event)

    def submit(self, task: Task) -> None:
        """Submit a task to its worker, or to any where that one is gone."""
        self._submissions.submit(task)

    def evaluate(self, key: str, job: Job, worker: str) -> None:
        """Submit an evaluation."""
        self._submissions.evaluate(key, job, worker)

    def wait(self, timeout: float | None) -> list[Event]:
        """Collect what happened on the cluster."""
        self._check()
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            events = self._submissions.unsubmitted() + self._look()
            woken = False
            left = None if deadline is None else deadline - time.monotonic()
            for kind, *content in self._inbox.take(0.0 if events else self._patience(left)):
                if kind == "woken":
                    woken = True  # what was drained with it is still to be heard
                else:
                    events += self._heard(kind, content)
            if events or woken or (left is not None and left <= 0):
                return events

    def _heard(self, kind: str, content: list[Any]) -> list[Event]:
        if kind == "said":
            return self._said(*content)
        if kind == "done":
            return self._conclude(*content)
        if kind == "installed":
            return self._crew.installed(*content)
        return self._orphans.ended(*content)

    def _patience(self, left: float | None) -> float:
        until = max(0.0, self._looked + self._every() - time.monotonic())
        return until if left is None else min(until, max(0.0, left))

    def _every(self) -> float:
        return LOOK_SOON if self._crew.ready < self._expected else LOOK

    def _said(self, text: str) -> list[Event]:
        content = json.loads(text)
        if content["kind"] != "outcome":
            return [Message(content)]
        if content["key"] not in self._submissions.evaluations:
            return []
        self._submissions.forget(content["key"])
        return [Finished(content["key"], Outcome(**content["outcome"]))]

    def _conclude(self, key: str) -> list[Event]:
        event = self._submissions.result(key)
        if event is None:
            return []
        evaluation = self._submissions.evaluations.get(key)
        match event:
            case Lost(worker_died=True) | Finished(_, Outcome(state="not_installed")) if evaluation:
                return self._left(evaluation.worker)
            case Lost() if evaluation:
                self._orphans.add({key: evaluation})
                self._looked = 0.0
                self._submissions.forget(key)
                return []  # when its process has ended
            case Lost(worker_died=True):
                self._looked = 0.0  # there is news of workers
        self._submissions.forget(key)
        return [event]

    def _look(self) -> list[Event]:
        """Compare the workers that are there with those known."""
        if time.monotonic() - self._looked < self._every():
            return []
        self._looked = time.monotonic()
        if self._connection.lost():
            return self._renew()
        if not self._connection.usable():
            return []  # the client looks for its scheduler
        try:
            now = self._client.nthreads()
            events = self._unheard(now)
        except OSError:
            return []  # the next look finds out why
        if self._looked - self._subscribed >= LOOK or now.keys() - self._crew.workers:
            self._subscribe()
        self._orphans.end(now)
        for address in (self._crew.workers | self._busy()) - now.keys():
            events += self._left(address)
        still = self._orphans.workers()
        self._crew.meet({worker: now[worker] for worker in now if worker not in still})
        if self._grows:
            self._demand.show(self._wanted - len(self._submissions.evaluations))
        return events

    def _unheard(self, now: dict[str, int]) -> list[Event]:
        """Take workers out of `now` that say nothing any more, and give up what they have.

        What such a worker still evaluates is ended when it is heard of again.
        """
        self._heartbeats.look(self._client)
        events: list[Event] = []
        for worker in self._heartbeats.silent & now.keys():
            del now[worker]
            if worker in self._crew:
                logger.warning(
                    "worker %s is not heard of any more; what it had runs elsewhere", worker
                )
                events += self._silenced(worker)
        for worker in self._silent.keys() & now.keys():
            self._orphans.add(self._silent.pop(worker))
        return events

    def _silenced(self, worker: str) -> list[Event]:
        """Give up a worker of which nothing is heard."""
        self._silent[worker] = self._submissions.at(worker)
        for key in self._silent[worker]:
            self._submissions.cancel(key)
        reason = f"worker {worker} is not heard of"
        lost = [Lost(key, reason, worker_died=True) for key in self._silent[worker]]
        return [*lost, *self._submissions.stuck(worker), *self._crew.leave(worker)]

    def demand(
        self, trials: int | None, asked: Sequence[Resources] = (), common: Resources = NOTHING
    ) -> None:
        """Learn for how many trials there may be workers."""
        self._wanted = MOST if trials is None else trials

    def offers(self) -> Sequence[Resources] | None:
        """Return what workers have, if no others may come."""
        return self._offers

    def _busy(self) -> set[str]:
        """Return the workers to which evaluations were given."""
        return {evaluation.worker for evaluation in self._submissions.evaluations.values()}

    def idle(self) -> set[str]:
        """Return the workers that evaluate nothing."""
        return set(self._crew.workers - self._busy())

    def _renew(self) -> list[Event]:
        """Go on with a new client, if there is one: of what the old one had, nothing is left."""
        if not self._connection.renew():
            return []
        self._orphans.disconnected()
        self._orphans.add(self._submissions.evaluations)
        events = self._submissions.gone()
        self._subscribe()
        events += self._crew.disconnected()
        self._demand.forget()
        self._looked = 0.0
        return events

    def _left(self, worker: str) -> list[Event]:
        """Give up a worker that is gone, or has lost the target, with all that was to run there."""
        departure = self._crew.leave(worker)
        events: list[Event] = []
        lost = self._submissions.at(worker)
        down = self._taken_down(worker) if lost else set()
        for key in lost:
            self._submissions.cancel(key)
            died = self._submissions.name(key) in down
            reason = f"worker {worker} {'died' if died else 'is gone'}"
            events.append(Lost(key, reason, worker_died=died))
        return events + departure

    def _taken_down(self, worker: str) -> set[str]:
        """Return the keys of what was running on a worker when it was killed."""
        try:
            return killed(self._client.get_events(worker))
        except OSError:
            return set()  # the scheduler itself is away: nobody is to blame

    def cancel(self, key: str) -> None:
        """Cancel a task's future; of an evaluation, end the process that runs it too."""
        evaluation = self._submissions.evaluations.get(key)
        self._submissions.cancel(key)
        if evaluation is not None and evaluation.worker in self._crew:
            self._calls.stop(*evaluation)

    def interrupt(self, key: str) -> None:
        """Ask an evaluation to save itself."""
        evaluation = self._submissions.evaluations.get(key)
        if evaluation is not None and evaluation.worker in self._crew:
            self._calls.save(*evaluation)

    def wake(self) -> None:
        """Make `wait` return."""
        self._inbox.put("woken")

    def clock(self) -> float:
        """Return the time of this machine."""
        return time.time()

    def close(self) -> None:
        """End the target's processes on the workers, and what phsx has opened."""
        try:
            if self._topic and self._client.status == "running":
                self._client.unsubscribe_topic(self._topic)
                self._crew.settle(CLOSE_TIMEOUT)
                self._submissions.release()
                if self._crew.workers:
                    self._calls.uninstall(CLOSE_TIMEOUT)
                self._calls.close()
        finally:
            if self._topic:
                self._submissions.clear()
                self._demand.forget()
            self._topic = ""
            self._connection.close()
            for closer in self._closers:
                closer()


__all__ = ["DaskExecutor"]
