"""Runs tasks on the jobs of a queue system: a Dask cluster that is lost and replaced in parts."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import NamedTuple

import distributed

from phsx.clusters.provision import Provision
from phsx.execution.base import Event, Finished, Lost, WorkerLeft
from phsx.execution.dask import DaskExecutor
from phsx.execution.evaluation import Job, Outcome
from phsx.execution.resources import NOTHING, Resources

#: What is said of a trial whose process was ended by a signal that queue systems send.
SIGNALS = ("signal 15", "signal 9")
#: Seconds to wait for what the queue says of a job whose worker died, or a trial's process.
PATIENCE = 5.0
#: Seconds between two looks at whether that is known.
ROUND = 0.25


class _Held(NamedTuple):
    """A death whose cause is not known yet."""

    event: Finished | Lost
    worker: str
    since: float
    left: bool  # whether the worker has gone


class BatchExecutor(DaskExecutor):
    """An executor that keeps the jobs, and tells deaths of trials from ends of their jobs.

    Parameters
    ----------
    client : distributed.Client
        Of the provision's cluster.
    provision : Provision
        Open. It is closed with the executor, as is the client.
    offers : sequence of Resources, optional
        What the slots of its jobs have.
    """

    def __init__(
        self,
        client: distributed.Client,
        provision: Provision,
        offers: Sequence[Resources] | None = None,
    ) -> None:
        closers = [client.close, provision.close]
        super().__init__(client, closers, offers=offers, check=provision.check)
        self._provision = provision
        self._places: dict[str, str] = {}
        self._held: dict[str, _Held] = {}

    def evaluate(self, key: str, job: Job, worker: str) -> None:
        """Submit an evaluation."""
        self._places[key] = worker
        super().evaluate(key, job, worker)

    def wait(self, timeout: float | None) -> list[Event]:
        """Collect what happened.

        A queue system that ends a job ends its trials' processes too: what looks like a crash of
        one is none where the worker goes as well.
        """
        if self._held:
            timeout = ROUND if timeout is None else min(ROUND, timeout)
        events: list[Event] = []
        for event in super().wait(timeout):
            if isinstance(event, WorkerLeft):
                self._note_departure(event.worker)
            if isinstance(event, Finished | Lost) and event.key in self._places:
                worker = self._places.pop(event.key)
                if _suspicious(event):
                    left = isinstance(event, Lost)
                    self._held[event.key] = _Held(event, worker, time.monotonic(), left)
                    continue
            events.append(event)
        return events + self._judged()

    def _note_departure(self, worker: str) -> None:
        for key, held in self._held.items():
            if held.worker == worker:
                self._held[key] = held._replace(left=True)

    def _judged(self) -> list[Event]:
        """Return the deaths whose cause is known now, or will not be."""
        events: list[Event] = []
        for key, held in list(self._held.items()):
            outside = self._provision.ended_from_outside(held.worker, held.since)
            late = time.monotonic() - held.since > PATIENCE
            if outside is None and not late:
                continue
            del self._held[key]
            if outside is None:  # a process that was ended, and its worker too
                outside = held.left and isinstance(held.event, Finished)
            if outside:
                reason = f"the job of worker {held.worker} was ended"
                events.append(Lost(key, reason, worker_died=False))
            else:
                events.append(held.event)
        return events

    def cancel(self, key: str) -> None:
        """Cancel a task."""
        self._held.pop(key, None)
        self._places.pop(key, None)
        super().cancel(key)

    def demand(
        self, trials: int | None, asked: Sequence[Resources] = (), common: Resources = NOTHING
    ) -> None:
        """Tell how many trials could run now at most: jobs follow."""
        self._provision.need(trials, asked, common)
        if trials is not None:
            self._provision.spare(self.idle())

    def release(self, worker: str) -> None:
        """Give up a worker on which nothing fits any more; another job takes its place."""
        self._provision.release(worker)


def _suspicious(event: Finished | Lost) -> bool:
    """Tell whether an evaluation may have died because its job was ended."""
    if isinstance(event, Lost):
        return event.worker_died
    outcome = event.value
    return (
        isinstance(outcome, Outcome)
        and outcome.state == "crashed"
        and any(signal in (outcome.error or "") for signal in SIGNALS)
    )
