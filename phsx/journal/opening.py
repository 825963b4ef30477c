"""Become the only writer of a journal: take the lease, read what is there, find where to go on."""

from __future__ import annotations

import contextlib
import gc
import logging
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from phsx._version import __version__
from phsx.exceptions import LeaseError
from phsx.journal.files import publish, remove_leftovers, sync_directory
from phsx.journal.format import SCHEMA, Record, encode, plain
from phsx.journal.lease import Lease, parse_lease, read_lease
from phsx.journal.owner import LIVE, Owner
from phsx.journal.reader import Follower
from phsx.journal.remains import Remains
from phsx.journal.segments import Position, segment_numbers, segment_path
from phsx.journal.vigil import Vigil

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Opened:
    """The lease, and where its holder goes on writing.

    `fresh` tells that the segment was created just now and holds its "open" record already,
    `notice` what there is to warn of.
    """

    lease: Lease
    end: Position
    fresh: bool
    notice: str = ""


class Opening:
    """One attempt to become the writer.

    Parameters
    ----------
    directory : Path
        The experiment's directory.
    owner : Owner
        This process.
    patience : float
        Seconds without a heartbeat after which a lease from another host counts as dead.
    interval : float
        Seconds between own heartbeats.
    clock : callable
        Returns the time for records, in seconds since 1970.
    consume : callable
        Gets the records that are in the journal, some at a time.
    remains : Remains, optional
        What is left of a damaged journal, in place of the whole.
    """

    def __init__(
        self,
        directory: Path,
        owner: Owner,
        *,
        patience: float,
        interval: float,
        clock: Callable[[], float],
        consume: Callable[[list[Record]], object],
        remains: Remains | None = None,
    ) -> None:
        self._directory = directory
        self._owner = owner
        self._patience = patience
        self._interval = interval
        self._clock = clock
        self._consume = consume
        self._remains = remains
        self._follower: Follower | Remains = remains or Follower(directory)
        self._session: Record | None = None  # the last "open", until a "close" follows
        self._schema: object = SCHEMA

    def run(self) -> Opened:
        """Return the lease and the place to write.

        Raises
        ------
        LeaseError
            Another process writes the journal.
        JournalError
            The journal is damaged.
        """
        try:
            while True:
                LIVE.add(self._owner.nonce)
                content = read_lease(self._directory)
                opened = self._take() if content is None else self._take_over(content)
                if opened is not None:
                    return opened
        except BaseException:
            LIVE.discard(self._owner.nonce)
            raise

    def _take(self) -> Opened | None:
        """Go on where nobody writes; None when somebody else was faster."""
        try:
            lease = Lease(self._directory, self._owner, self._interval)
        except FileExistsError:
            return None
        try:
            number = self._next_segment()
            self._drain()
            if self._is_whole(number):
                return Opened(lease, self._follower.position, fresh=False)
            before = self._writer()
            end = self._create_segment(number)
        except FileExistsError:
            lease.release()
            return None
        except BaseException:
            lease.release()
            raise
        upgraded = self._schema != SCHEMA and self._session is None
        notice = (
            "" if number == 1 or upgraded else self._notice(number, "was not closed by", before)
        )
        return Opened(lease, end, fresh=True, notice=notice)

    def _take_over(self, content: bytes) -> Opened | None:
        """Go on where a dead owner left off; None when the situation has changed meanwhile."""
        dead = parse_lease(content)
        if not self._is_dead(dead, content):
            return None
        # Two takers that list the same segments want the same number, and one gets it. Who lists
        # later finds the faster one's segment when it reads.
        number = self._next_segment()
        self._drain()
        session = self._writer()
        if session is not None and (dead is None or session.nonce != dead.nonce):
            if not self._is_dead(session, content):
                return None
            dead = session
        self._drain()  # if it woke up in between, leave out as little as possible
        if read_lease(self._directory) != content:
            return None
        try:
            end = self._create_segment(number)
        except FileExistsError:
            return None
        lease = Lease(self._directory, self._owner, self._interval, replace=True)
        if dead is not None:
            remove_leftovers(self._directory, dead.nonce)
        notice = self._notice(number, "was being written by", dead)
        return Opened(lease, end, fresh=True, notice=notice)

    def _drain(self) -> None:
        """Read on to the end of the journal."""
        with _no_collection():
            self._read_on()

    def _read_on(self) -> None:
        generation = self._follower.generation
        for batch in self._follower.batches():
            if self._follower.generation != generation:
                raise LeaseError(
                    f"The journal in {self._directory} was taken over by another master while "
                    "this one was reading it."
                )
            for record in batch:
                kind = record["type"]
                if kind == "open":
                    self._session = {"owner": record.get("owner")}
                    self._schema = record.get("schema")
                elif kind == "close":
                    self._session = None
            self._consume(batch)

    def _writer(self) -> Owner | None:
        """Return who opened the journal last and did not close it."""
        return Owner.of(self._session["owner"]) if self._session else None

    def _next_segment(self) -> int:
        return max(segment_numbers(self._directory), default=0) + 1

    def _is_whole(self, number: int) -> bool:
        """Tell whether the segment before `number` was closed and can simply be continued."""
        return (
            number - 1 == self._follower.position.segment > 0
            and self._session is None
            and self._follower.torn == 0
            and self._schema == SCHEMA
        )

    def _create_segment(self, number: int) -> Position:
        """Create a segment with its first record; FileExistsError when somebody else has."""
        before = self._follower.position
        record: Record = {"seq": before.seq + 1, "t": float(self._clock()), "type": "open"}
        record |= open_fields(self._owner)
        if number > 1:
            record["previous"] = before.to_dict()
        records = [record]
        if self._remains is not None:
            records += self._remains.rescued(record["seq"])
        crc, lines = 0, []
        for each in records:
            line, crc = encode(plain(each, each["type"]), crc)
            lines.append(line)
        data = b"".join(lines)
        # With all that it holds from the beginning, or not at all.
        os.close(publish(segment_path(self._directory, number), data, self._owner.nonce))
        sync_directory(self._directory)
        self._consume(records)
        return Position(number, len(data), records[-1]["seq"], crc)

    def _is_dead(self, owner: Owner | None, content: bytes) -> bool:
        """Tell whether a lease's owner is dead; False when the lease has changed owners.

        Raises
        ------
        LeaseError
            It is alive.
        """
        alive = owner.alive() if owner is not None else None
        if alive is None:
            alive = self._watch(owner, content)
        if alive is None:
            return False
        if alive:
            this = " (this very process)" if owner and owner.pid == os.getpid() else ""
            raise LeaseError(
                f"The journal in {self._directory} is being written by {owner or 'another master'}"
                f"{this}. Only one master may write: stop that one, or wait for it to end."
            )
        return True

    def _watch(self, owner: Owner | None, content: bytes) -> bool | None:
        """Wait for a sign of life; None when the lease has gone or has changed owners."""
        _LOG.warning(
            "The journal in %s was written by %s. Waiting for up to %g s to see whether it lives.",
            self._directory,
            owner or "an unknown master",
            self._patience,
        )
        return Vigil(self._directory, self._patience, content, owner).wait()

    def _notice(self, number: int, how: str, owner: Owner | None) -> str:
        """Say what was found, and how it goes on."""
        torn = self._follower.torn
        lost = f" Its last record was cut off after {torn} bytes and is left out." if torn else ""
        return (
            f"The journal in {self._directory} {how} {owner or 'an unknown master'}, which is "
            f"gone.{lost} It goes on in {segment_path(self._directory, number).name}."
        )


@contextlib.contextmanager
def _no_collection() -> Iterator[None]:
    """Let the garbage collector rest.

    Records have no cycles, and it would look through all of them again and again: a quarter of the
    time that a long journal takes.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def open_fields(owner: Owner) -> Record:
    """Return the fields of an "open" record."""
    return {"schema": SCHEMA, "phsx": __version__, "owner": owner.to_dict()}
