"""Read a journal, once or as it grows, without ever disturbing who writes it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path

from phsx.exceptions import JournalError
from phsx.journal.files import open_regular
from phsx.journal.format import MAX_LINE, Record, decode
from phsx.journal.segments import REMEDY, Head, Position, chain, segment_path

#: Bytes that are read at once: what fits into a processor's nearer caches is read a fifth faster.
_CHUNK = 2**16


@dataclass(frozen=True)
class Reading:
    """A journal as it was at one moment.

    Attributes
    ----------
    records : list of dict
        Every record with its "seq", "t", "type" and fields.
    segment, offset, seq, crc : int
        Where it ends, see `Position`; `segment` is 0 where there is no journal yet.
    torn : int
        Bytes of a last line that has no end (yet). It is not among the records.
    """

    records: list[Record] = field(repr=False)
    segment: int
    offset: int
    seq: int
    crc: int
    torn: int


def read(directory: str | os.PathLike[str]) -> Reading:
    """Read a whole journal.

    Takes no lock, changes nothing, and leaves out a last line without an end.

    Parameters
    ----------
    directory : str or Path
        The experiment's directory.

    Raises
    ------
    DirectoryError
        There is no such directory.
    JournalError
        A line is damaged; the message names the file and the line.

    Examples
    --------
    >>> import tempfile
    >>> read(tempfile.mkdtemp())
    Reading(segment=0, offset=0, seq=0, crc=0, torn=0)
    """
    follower = Follower(directory)
    records = follower.poll()
    end = follower.position
    return Reading(records, end.segment, end.offset, end.seq, end.crc, follower.torn)


class Follower:
    """Reads a journal as it grows, across segments.

    Parameters
    ----------
    directory : str or Path
        The experiment's directory.

    Attributes
    ----------
    position : Position
        The end of what was read; after a JournalError the end of the last good line.
    torn : int
        Bytes of a last line that has no end (yet).
    generation : int
        Rises when a takeover has made void what was read already (an older master went on writing
        for a moment). The next `poll` then begins with the first record again: whoever keeps
        state from earlier records has to forget it.

    Examples
    --------
    >>> import tempfile
    >>> from phsx.journal.writer import Journal
    >>> directory = tempfile.mkdtemp()
    >>> follower = Follower(directory)
    >>> with Journal.open(directory) as journal:
    ...     _ = journal.append("trial", id=0)
    >>> [record["type"] for record in follower.poll()], follower.poll()
    (['open', 'trial', 'close'], [])
    """

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        self._directory = Path(directory)
        self._heads: dict[int, Head] = {}
        self._line = 0
        self.position = Position()
        self.torn = 0
        self.generation = 0

    def poll(self) -> list[Record]:
        """Return the records that were added since the last call.

        Raises
        ------
        JournalError
            A line is damaged; the message names the file and the line.
        """
        return [record for batch in self.batches() for record in batch]

    def batches(self) -> Iterator[list[Record]]:
        """Yield what `poll` returns in pieces, for journals larger than one wants in memory."""
        links = chain(self._directory, self._heads)
        if not self._fits(links):
            self.generation += 1
            self.position, self._line = Position(), 0
        self.torn = 0
        for head, successor in zip_longest(links, links[1:]):
            if head.number < self.position.segment:
                continue
            if head.number > self.position.segment:
                self._line = 0
                self.position = Position(head.number, 0, self.position.seq, 0)
            yield from self._read(successor.previous if successor else None)
            if successor and self.position != successor.previous:
                raise JournalError(
                    f"{self._path} is not as {segment_path(self._directory, successor.number).name}"
                    f", which goes on from it, found it; {REMEDY}."
                )

    @property
    def _path(self) -> Path:
        return segment_path(self._directory, self.position.segment)

    def _fits(self, links: list[Head]) -> bool:
        """Tell whether everything read so far still counts."""
        if self.position.segment == 0:
            return True
        numbers = [head.number for head in links]
        if self.position.segment not in numbers:
            return False
        following = numbers.index(self.position.segment) + 1
        if following == len(links):
            return True
        return self.position.offset <= links[following].previous.offset

    def _read(self, end: Position | None) -> Iterator[list[Record]]:
        """Yield the records of the current segment, up to `end` or to the end of the file."""
        try:
            descriptor = open_regular(self._path)
        except OSError as error:
            raise JournalError(f"{self._path} cannot be read: {error.strerror}.") from error
        try:
            size = os.fstat(descriptor).st_size if end is None else end.offset
            if size < self.position.offset:
                raise JournalError(f"{self._path} has become shorter; {REMEDY}.")
            os.lseek(descriptor, self.position.offset, os.SEEK_SET)
            yield from self._read_chunks(descriptor, size - self.position.offset)
        except OSError as error:
            raise JournalError(f"{self._path} cannot be read: {error.strerror}.") from error
        finally:
            os.close(descriptor)

    def _read_chunks(self, descriptor: int, remaining: int) -> Iterator[list[Record]]:
        rest = bytearray()
        while remaining:
            chunk = os.read(descriptor, min(_CHUNK, remaining))
            if not chunk:
                break
            remaining -= len(chunk)
            searched = len(rest)
            rest += chunk
            end = rest.rfind(b"\n", searched)
            if end >= 0:
                lines = bytes(rest[:end]).split(b"\n")
                del rest[: end + 1]
                yield from self._decode(lines)
            if len(rest) > MAX_LINE:
                self._refuse("it is longer than any record")
        self.torn = len(rest)

    def _decode(self, lines: list[bytes]) -> Iterator[list[Record]]:
        at = self.position
        records, crc, damage = decode(lines, at.seq, at.crc)
        good = len(records)
        self._line += good
        length = sum(map(len, lines[:good])) + good
        self.position = Position(at.segment, at.offset + length, at.seq + good, crc)
        if records:
            yield records
        if damage:
            self._refuse(damage)

    def _refuse(self, damage: str) -> None:
        raise JournalError(
            f"{self._path}, line {self._line + 1} is damaged: {damage}. "
            f"Nothing behind it was read; {REMEDY}."
        )
