"""What a Dask worker does for the master, beside the pure functions of `phsx.execution.tasks`."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from typing import Any

import distributed

from phsx.execution import worker as on_worker
from phsx.execution.base import Message
from phsx.execution.evaluation import Job, Outcome
from phsx.execution.resources import GPU

#: Characters of an event; a longer outcome comes with its future alone.
LONGEST_MESSAGE = 100_000
#: Seconds between looks at whether an evaluation that was told to end has ended.
LOOK = 0.02


def evaluate(topic: str, key: str, job: Job) -> Outcome:
    """Run the target in the worker's child process (this is the task that a worker sees)."""
    distributed.secede()
    worker = distributed.get_worker()

    def say(content: dict[str, Any]) -> None:
        # As JSON, since msgpack ends the worker over an integer of 80 bits or a lone surrogate.
        text = json.dumps(content)
        if len(text) <= LONGEST_MESSAGE:
            worker.log_event(topic, text)

    say({"kind": "started", "trial": job.trial, "attempt": job.attempt})
    gpus = worker.state.total_resources.get(GPU, 0.0)
    devices = on_worker.devices(str(worker.name), gpus)
    outcome = on_worker.evaluate(job, lambda said: say(Message.of(said).content), devices)
    if outcome.state != "not_installed":
        say({"kind": "outcome", "key": key, "outcome": asdict(outcome)})
    return outcome


async def end(run: str, trial: int, attempt: int) -> None:
    """End one attempt of a trial (on a worker), and return when it does not run any more."""
    on_worker.stop(run, trial, attempt, force=True)
    while (trial, attempt) in on_worker.running(run):
        await asyncio.sleep(LOOK)


async def uninstall(run: str) -> None:
    """Forget a run (on a worker); its loop, which others need, goes on meanwhile."""
    await asyncio.to_thread(on_worker.uninstall, run)


__all__ = ["LONGEST_MESSAGE", "end", "evaluate", "uninstall"]
