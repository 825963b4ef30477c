"""The master's side of history: what has finished, in chunks that live on the workers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from phsx.execution.base import Ref, Task
from phsx.execution.tasks import chunk, merge
from phsx.history import History, Observation

#: Observations that travel inline before they become a chunk; below about 64 kB in 20 dimensions.
CHUNK = 256


@dataclass
class _Chunk:
    """A run of observations that exists as a task."""

    level: int  # it holds CHUNK * 2**level observations
    first: int
    last: int
    key: str


class Feed:
    """Finished trials for fits and suggestions: a short tail, and O(log n) chunks.

    Chunks are merged in pairs of equal size, as in a binary counter, so that a trial's
    observation travels from here only O(1) times however long the search is.

    Parameters
    ----------
    dimensions : int
        Number of dimensions of the space.
    submit : callable
        Takes a `Task`: the executor's `submit`.
    cancel : callable
        Takes a key: lets go of a chunk that was merged.
    """

    def __init__(
        self, dimensions: int, submit: Callable[[Task], None], cancel: Callable[[str], None]
    ) -> None:
        self._dimensions = dimensions
        self._submit = submit
        self._cancel = cancel
        self._observations: list[Observation] = []
        self._chunks: list[_Chunk] = []
        self._merged: list[str] = []
        self._count = 0

    def __len__(self) -> int:
        return len(self._observations)

    def extend(self, observations: Iterable[Observation]) -> None:
        """Add finished trials, in the order of the journal."""
        self._observations.extend(observations)

    @property
    def tail(self) -> History:
        """The observations that are in no chunk."""
        first = self._chunks[-1].last if self._chunks else 0
        return History.of(self._observations[first:], self._dimensions)

    def refs(self, worker: str | None) -> tuple[Ref, ...]:
        """Return what a task depends on to know all but the tail; new chunks go to `worker`."""
        self._grow(worker)
        return tuple(Ref(piece.key) for piece in self._chunks)

    def lost(self, key: str, worker: str | None) -> bool:
        """Make the chunk with this key anew, if it is one; tell whether it is."""
        for number, piece in enumerate(self._chunks):
            if piece.key == key:
                self._cancel(key)
                self._chunks[number] = self._literal(piece.level, piece.first, piece.last, worker)
                return True
        return False

    def _grow(self, worker: str | None) -> None:
        first = self._chunks[-1].last if self._chunks else 0
        if len(self._observations) - first >= CHUNK:
            # By now something that needed the merged chunks has been computed.
            for key in self._merged:
                self._cancel(key)
            self._merged.clear()
        while len(self._observations) - first >= CHUNK:
            # After a resume all that is there at once becomes a few large chunks, not many merges.
            level = ((len(self._observations) - first) // CHUNK).bit_length() - 1
            if self._chunks:
                level = min(level, self._chunks[-1].level)
            last = first + CHUNK * 2**level
            self._chunks.append(self._literal(level, first, last, worker))
            first = last
            self._merge(worker)

    def _literal(self, level: int, first: int, last: int, worker: str | None) -> _Chunk:
        history = History.of(self._observations[first:last], self._dimensions)
        piece = _Chunk(level, first, last, self._key())
        self._submit(Task(piece.key, chunk, (history,), worker, keep=True))
        return piece

    def _merge(self, worker: str | None) -> None:
        while len(self._chunks) > 1 and self._chunks[-1].level == self._chunks[-2].level:
            newer, older = self._chunks.pop(), self._chunks.pop()
            self._merged += [older.key, newer.key]
            piece = _Chunk(older.level + 1, older.first, newer.last, self._key())
            self._submit(
                Task(piece.key, merge, (Ref(older.key), Ref(newer.key)), worker, keep=True)
            )
            self._chunks.append(piece)

    def _key(self) -> str:
        self._count += 1
        return f"chunk-{self._count}"
