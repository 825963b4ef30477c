"""The write-ahead order: what is recorded becomes durable before what follows from it is done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from phsx.journal import Journal
from phsx.state import SearchState


class Ledger:
    """The journal and the state it adds up to, with the actions that wait for the next commit.

    Parameters
    ----------
    journal : Journal
        Open for writing.
    state : SearchState
        What the journal holds; changed by `record` alone.
    """

    def __init__(self, journal: Journal, state: SearchState) -> None:
        self.state = state
        self._journal = journal
        self._actions: list[Callable[[], object]] = []

    def record(self, kind: str, **fields: Any) -> None:
        """Append a record to the next commit, and take it into account."""
        self.state.apply(self._journal.append(kind, **fields))

    def then(self, action: Callable[[], object]) -> None:
        """Do something as soon as all that is recorded by now is durable."""
        self._actions.append(action)

    def commit(self) -> None:
        """Make the records durable, and do what waited for that."""
        self._journal.commit()
        actions, self._actions = self._actions, []
        for action in actions:
            action()
