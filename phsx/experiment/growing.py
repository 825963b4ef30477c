"""More trials for an experiment that somebody may be running: requests, by files in its directory.

Only the master writes the journal. So who wants more trials puts a request where the master finds
it; the master records the plan that follows, with the names of the requests, and removes them when
that is durable. However often a master dies in between, a request is taken up once.
"""

from __future__ import annotations

import json
import logging
import os
import re
import secrets
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from phsx.exceptions import ConfigurationError, DirectoryError, PlanError
from phsx.experiment import arguments
from phsx.journal import Journal
from phsx.journal.files import publish, read_small
from phsx.space import Space
from phsx.state import SearchState
from phsx.strategies.base import Strategy
from phsx.strategies.plan import Plan

logger = logging.getLogger(__name__)

FOLDER = "requests"
#: Seconds between two looks at the folder, and the longest request that is read.
INTERVAL, MAX_LENGTH = 1.0, 2**20
_NAME = re.compile(r"\d{20}-[0-9a-f]{16}\.json")


@dataclass(frozen=True)
class Growth:
    """By what a plan is to grow.

    Attributes
    ----------
    trials : int
        More trials in its last block.
    blocks : tuple of Strategy
        More blocks after it.

    Examples
    --------
    >>> from phsx.space import Float
    >>> from phsx.strategies import Random
    >>> Growth(trials=5).of(Plan([Random(20)]), Space({"x": Float(0, 1)}), {})
    Plan([Random(25)])
    """

    trials: int = 0
    blocks: tuple[Strategy, ...] = ()

    def of(self, plan: Plan, space: Space, exhausted: Mapping[int, str]) -> Plan:
        """Return a plan that has grown.

        Parameters
        ----------
        plan : Plan
        space : Space
        exhausted : mapping
            Blocks that have ended early, with the reason.

        Raises
        ------
        PlanError
            It cannot grow like this.
        """
        last = len(plan) - 1
        if self.trials and last in exhausted:
            raise PlanError(
                f"the last block, {plan[last]!r:.200}, has ended early and can have no more "
                f"trials: {exhausted[last]}; add another block to the plan"
            )
        grown = plan.more(self.trials) if self.trials else plan
        if self.blocks:
            grown = Plan([*grown.blocks, *self.blocks])
        grown.check(space)
        return grown

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {"trials": self.trials, "blocks": [block.to_dict() for block in self.blocks]}

    @classmethod
    def from_dict(cls, data: Any) -> Growth:
        """Read what `to_dict` has returned.

        Raises
        ------
        PlanError
            It is none.
        """
        if not isinstance(data, Mapping) or not isinstance(data.get("blocks"), list):
            raise PlanError("this is no request for more trials")
        try:
            trials = arguments.whole("trials", data.get("trials"), 0)
        except ConfigurationError as error:
            raise PlanError(str(error)) from None
        blocks = Plan.from_dict(data["blocks"]).blocks if data["blocks"] else ()
        return cls(trials, blocks)


class Grown(NamedTuple):
    """A plan, and the requests that it takes up beyond those that are recorded."""

    plan: Plan
    requests: list[str]


class Inbox:
    """Where requests for more trials are put and found.

    Parameters
    ----------
    directory : Path
        The experiment's directory.
    space : Space
    state : SearchState
        Knows the requests that were taken up already.
    """

    def __init__(self, directory: Path, space: Space, state: SearchState) -> None:
        self._folder = directory / FOLDER
        self._space = space
        self._state = state
        self._next = 0.0

    def look(self, plan: Plan) -> Grown | None:
        """Return what new requests make of a plan; to be called often, which costs little."""
        now = time.monotonic()
        if now < self._next:
            return None
        self._next = now + INTERVAL
        grown = self.grown(plan)
        return grown if grown.requests else None

    def grown(self, plan: Plan) -> Grown:
        """Return what all requests that are there make of a plan."""
        taken: list[str] = []
        for name in self._names():
            if name in self._state.taken:  # whoever recorded it could not remove it any more
                self.remove([name])
                continue
            try:
                data = json.loads(read_small(self._folder / name, MAX_LENGTH))
                plan = Growth.from_dict(data).of(plan, self._space, self._state.exhausted)
            except OSError:
                continue
            except (PlanError, ValueError, RecursionError) as error:
                logger.warning("a request for more trials is refused: %s", error)
                self.remove([name])
                continue
            taken.append(name)
        return Grown(plan, taken)

    def _names(self) -> list[str]:
        try:
            names = [path.name for path in self._folder.iterdir()]
        except OSError:
            return []
        return sorted(filter(_NAME.fullmatch, names))

    def remove(self, names: Iterable[str]) -> None:
        """Remove requests."""
        for name in names:
            with suppress(OSError):
                (self._folder / name).unlink()


def ask_for(directory: Path, growth: Growth) -> str:
    """Put a request for more trials, and return its name.

    Raises
    ------
    DirectoryError
        The directory cannot be written.
    """
    name = f"{time.time_ns():020}-{secrets.token_hex(8)}.json"
    folder = directory / FOLDER
    try:
        folder.mkdir(exist_ok=True)
        data = json.dumps(growth.to_dict()).encode()
        os.close(publish(folder / name, data, secrets.token_hex(8)))
    except OSError as error:
        raise DirectoryError(
            f"{folder} cannot be written ({error.strerror or error}), so that nobody can be asked "
            f"for more trials; make the directory writable"
        ) from error
    return name


def newest_plan(plan: Plan, space: Space, state: SearchState, journal: Journal) -> Plan:
    """Record the plan where it has grown, and return it.

    It grows by what this process wants, by what others have recorded meanwhile, and by requests.

    Parameters
    ----------
    plan : Plan
        What this process wants.
    space : Space
    state : SearchState
        Up to date; changed by what is recorded.
    journal : Journal
        Open for writing.
    """
    if state.plan is not None:
        known = Plan.from_dict(state.plan)
        plan = plan if plan.extends(known) else known
    inbox = Inbox(journal.directory, space, state)
    plan, requests = inbox.grown(plan)
    if requests or state.plan != plan.to_dict():
        state.apply(journal.append("plan", plan=plan.to_dict(), requests=requests))
        journal.commit()
        inbox.remove(requests)
    return plan


def record_plan(directory: Path, plan: Plan, space: Space) -> None:
    """Record the plan of an experiment that nobody runs, with what it was asked to grow by.

    Raises
    ------
    LeaseError
        Somebody runs it.
    JournalError
        The journal cannot be read or written.
    """
    state = SearchState()
    with Journal.open(directory, command="more trials", replay=state.replay) as journal:
        newest_plan(plan, space, state, journal)
