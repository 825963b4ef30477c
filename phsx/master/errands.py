"""What workers are asked on behalf of new trials: fits and suggestions that are on their way."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

from phsx.exceptions import ModelWarning
from phsx.execution import tasks
from phsx.execution.base import Executor, Lost, Ref, Task
from phsx.history import History
from phsx.master.feed import Feed
from phsx.master.knowledge import Knowledge
from phsx.master.ledger import Ledger
from phsx.master.observing import observe
from phsx.master.search import Search
from phsx.master.supply import Place
from phsx.strategies.base import ModelStrategy

#: Workers that may die under the same fit or suggestion before it is blamed and left out.
MAX_DEATHS = 5


@dataclass(frozen=True)
class Errand:
    """Something that a worker was asked.

    Attributes
    ----------
    asker : Asker
        Who wants to know.
    worker : str or None
    submitted : float
        When, by the executor's clock.
    content : any
        What the asker has to know about it.
    subject : int or None
        The trial that it is for, if it is for one.
    """

    asker: Asker
    worker: str | None
    submitted: float
    content: Any
    subject: int | None = None


class Asker(ABC):
    """Asks workers something, and goes on when there is an answer or will be none."""

    #: What it asks for, in a word.
    what: ClassVar[str]

    @abstractmethod
    def answered(self, errand: Errand, answer: Any) -> None:
        """Take an answer into account."""

    @abstractmethod
    def unanswered(self, errand: Errand) -> None:
        """Go on without an answer, for it failed."""

    @abstractmethod
    def lost(self, errand: Errand) -> None:
        """Have it asked again, for it went down with its worker."""


class Errands:
    """Sends tasks to workers, and hands what becomes of them to those who asked.

    Parameters
    ----------
    search : Search
    ledger : Ledger
    executor : Executor
    knowledge : Knowledge
    """

    def __init__(
        self, search: Search, ledger: Ledger, executor: Executor, knowledge: Knowledge
    ) -> None:
        self._search = search
        self._ledger = ledger
        self._executor = executor
        self._knowledge = knowledge
        self._feed = Feed(len(search.space), self._submit, executor.cancel)
        self._errands: dict[str, Errand] = {}
        self._under_way: Counter[str] = Counter()
        self._deaths: Counter[int | None] = Counter()  # of workers, by subject
        self._count = 0

    def under_way(self, asker: Asker) -> int:
        """Count what somebody has asked and not been told."""
        return self._under_way[asker.what]

    def send(
        self,
        asker: Asker,
        name: str,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        worker: str | None,
        content: Any,
        subject: int | None = None,
    ) -> None:
        """Have a worker run a pure function, as soon as what was recorded is durable."""
        key = self._key(name)
        self._errands[key] = Errand(asker, worker, self._executor.clock(), content, subject)
        self._under_way[asker.what] += 1
        self._submit(Task(key, function, args, worker))

    def warm_up(self, models: Iterable[ModelStrategy], worker: str) -> None:
        """Let a worker import what models need while it has nothing to do yet."""
        args = (tuple(models), self._search.space)
        if args[0]:
            self._executor.submit(Task(self._key("warm-up"), tasks.warm_up, args, worker))

    def history(self, place: Place, worker: str | None) -> tuple[tuple[Ref, ...], History]:
        """Return what a trial knows of results: chunks on the workers, and the newest ones."""
        space, maximize = self._search.space, self._search.maximize
        news = self._knowledge.news(place.id)
        self._feed.extend([observe(space, trial, maximize=maximize) for trial in news])
        return self._feed.refs(worker), self._feed.tail

    def numerics(self, facts: dict[str, str] | None) -> int | None:
        """Return the number by which the journal knows what computed something."""
        state = self._ledger.state
        if facts is None:
            return None
        if facts not in state.numerics:
            self._ledger.record("numerics", number=len(state.numerics), facts=facts)
        return state.numerics.index(facts)

    def _key(self, name: str) -> str:
        self._count += 1
        return f"{name}-{self._count}"

    def _submit(self, task: Task) -> None:
        self._ledger.then(lambda: self._executor.submit(task))

    # ------------------------------------------------------------ what comes back

    def _land(self, key: str) -> Errand | None:
        errand = self._errands.pop(key, None)
        if errand is not None:
            self._under_way[errand.asker.what] -= 1
        return errand

    def finished(self, key: str, value: Any) -> None:
        """Hand an answer over."""
        errand = self._land(key)
        if errand is not None:
            errand.asker.answered(errand, value)

    def errored(self, key: str, error: BaseException) -> None:
        """Go on without an answer."""
        errand = self._land(key)
        if errand is not None:
            self._failed(errand, f"{type(error).__name__}: {error}")

    def lost(self, event: Lost) -> None:
        """Have it asked again, unless workers die of it."""
        if self._feed.lost(event.key, None):
            return
        errand = self._land(event.key)
        if errand is None:
            return
        self._deaths[errand.subject] += event.worker_died
        if self._deaths[errand.subject] > MAX_DEATHS:
            self.survived(errand.subject)
            self._failed(errand, f"{event.reason}; {MAX_DEATHS} workers died under it before")
        else:
            errand.asker.lost(errand)

    def survived(self, subject: int | None) -> None:
        """Forget the deaths of workers under what was asked for a trial, or for all."""
        del self._deaths[subject]  # a Counter does not mind where there were none

    def _failed(self, errand: Errand, reason: str) -> None:
        message = f"a {errand.asker.what} failed ({reason}); going on without it"
        warnings.warn(message, ModelWarning, stacklevel=2)
        errand.asker.unanswered(errand)

    def abandon(self) -> None:
        """Forget what is on its way; a later run begins it again."""
        for key in list(self._errands):
            self._executor.cancel(key)
            self._land(key)
