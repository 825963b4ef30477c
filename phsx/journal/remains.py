"""What can be read of a damaged journal: everything up to the damage, and sound lines behind it.

The checksum of a line starts with that of the line before. So a line behind a damaged one can
still be told to be as it was written: by the checksum that the damaged line states, or by the one
that its text has, whichever of the two is sound.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from itertools import pairwise, zip_longest
from pathlib import Path
from zlib import crc32

from phsx.exceptions import JournalError, LeaseError
from phsx.journal.files import open_regular
from phsx.journal.format import OWN_TYPES, Record, decode, seal, split
from phsx.journal.segments import (
    REMEDY,
    Head,
    NewerSchemaError,
    Position,
    chain,
    segment_numbers,
    segment_path,
)

_SEQ = re.compile(rb'\{"seq":([1-9][0-9]{0,17}),')
#: How many checksums are tried for a line behind several damaged ones.
_TRIED = 4


class Remains:
    """Reads a journal as `Follower` does, and stops where it is damaged in place of raising.

    Parameters
    ----------
    directory : str or Path
        The experiment's directory.
    apply : callable
        Gets every record up to the damage; raises JournalError where one does not fit what came
        before it, which is damage too.
    rescue : callable
        Gets a sound record from behind the damage, and the number that it would have now. Returns
        it as it is to be kept, or None.

    Attributes
    ----------
    position : Position
        The end of the last line before the damage.
    damage : str or None
        What is wrong, and where; None as long as nothing was found.
    bad : int
        Lines behind `position` that are unreadable, once `rescued` has been through.
    torn, generation : int
        As of `Follower`.
    """

    def __init__(
        self,
        directory: str | os.PathLike[str],
        apply: Callable[[Record], object],
        rescue: Callable[[Record, int], Record | None],
    ) -> None:
        self._directory = Path(directory)
        self._apply = apply
        self._rescue = rescue
        self._numbers: list[int] | None = None
        self._rest: list[tuple[Position, int | None]] = []  # where stretches begin, and end
        self.position = Position()
        self.damage: str | None = None
        self.bad = 0
        self.torn = 0
        self.generation = 0

    def batches(self) -> Iterator[list[Record]]:
        """Yield the records up to the damage, once.

        Raises
        ------
        JournalError
            A newer phsx wrote the journal, or a file of it cannot be read.
        LeaseError
            Another process has written meanwhile.
        """
        numbers = segment_numbers(self._directory)
        if self._numbers is None:
            self._numbers = numbers
            yield from self._read(self._links(numbers))
        elif numbers != self._numbers:
            raise LeaseError(
                f"The journal in {self._directory} was taken over by another process meanwhile; "
                f"look at it again."
            )

    def rescued(self, seq: int) -> Iterator[Record]:
        """Yield the records from behind the damage that are kept, numbered from `seq` + 1 on."""
        self.bad = 0
        for begin, end in self._rest:
            data = self._content(begin.segment, end)[begin.offset :]
            for record in self._sound(data.split(b"\n")[:-1], begin.crc):
                if record["type"] in OWN_TYPES:
                    continue
                kept = self._rescue(record, seq + 1)
                if kept is not None:
                    seq += 1
                    yield kept

    # ------------------------------------------------------------ up to the damage

    def _links(self, numbers: list[int]) -> list[Head]:
        """Return the newest chain of segments whose first records are sound."""
        for newest in reversed(numbers):
            try:
                return chain(self._directory, {}, newest)
            except NewerSchemaError:
                raise
            except JournalError as error:
                self.damage = self.damage or _plain(error)
        return []

    def _read(self, links: list[Head]) -> Iterator[list[Record]]:
        for place, (head, successor) in enumerate(zip_longest(links, links[1:])):
            at = Position(head.number, 0, self.position.seq, 0)
            end = successor.previous.offset if successor else None
            data = self._content(head.number, end)
            lines = data.split(b"\n")
            for number, line in enumerate(lines[:-1], 1):
                records, crc, damage = decode([line], at.seq, at.crc)
                damage = damage or self._misfit(records[0])
                if damage:
                    where = segment_path(self._directory, head.number)
                    self._stop(f"{where}, line {number} is damaged: {damage}", links, place, at)
                    return
                at = Position(at.segment, at.offset + len(line) + 1, at.seq + 1, crc)
                self.position = at
                yield records
            self.torn = len(lines[-1])
            if successor and at != successor.previous:
                where = segment_path(self._directory, head.number)
                text = f"{where} is not as {segment_path(self._directory, successor.number).name}"
                self._stop(f"{text}, which goes on from it, found it", links, place, at)
                return
        if self.damage:  # in the first record of a newer segment
            self._stop(self.damage, links, len(links), self.position)

    def _misfit(self, record: Record) -> str | None:
        try:
            self._apply(record)
        except JournalError as error:
            return _plain(error)
        return None

    def _stop(self, damage: str, links: list[Head], place: int, at: Position) -> None:
        """Note where the damage is, and what lies behind it."""
        self.damage = self.damage or damage
        self.torn = max(1, self.torn)  # so that nobody goes on in the same segment
        ends = {head.number: after.previous.offset for head, after in pairwise(links)}
        if place < len(links):
            self._rest.append((at, ends.get(at.segment)))
        following = [head.number for head in links[place + 1 :]]
        newest = links[-1].number if links else 0
        following += [number for number in self._numbers or () if number > newest]
        self._rest += [(Position(number), ends.get(number)) for number in following]

    # ------------------------------------------------------------ behind it

    def _sound(self, lines: list[bytes], crc: int) -> Iterator[Record]:
        """Yield the records of the lines that are as they were written."""
        tried, held = [crc], None
        for line in lines:
            body, stated = split(line)
            start = next((c for c in tried if crc32(body, c) == stated), None)
            if stated is not None and start is not None:
                if held is not None and held[0] == start:
                    yield held[1]  # only its checksum was damaged: the next line proves it
                    self.bad -= 1
                record = _record(line, start)
                if record is None:
                    self.bad += 1
                else:
                    yield record
                tried, held = [stated], None
                continue
            self.bad += 1
            computed = crc32(body, tried[0])
            record = _record(seal(body, computed), tried[0]) if len(tried) == 1 else None
            held = None if record is None else (computed, record)
            tried = [computed, *([] if stated is None else [stated]), *tried][:_TRIED]

    def _content(self, number: int, end: int | None) -> bytes:
        path = segment_path(self._directory, number)
        try:
            with os.fdopen(open_regular(path), "rb") as file:
                return file.read(-1 if end is None else end)
        except OSError as error:
            raise JournalError(f"{path} cannot be read: {error.strerror}.") from error


def _record(line: bytes, crc: int) -> Record | None:
    """Return the record of a line that goes on from a checksum, whatever its number."""
    number = _SEQ.match(line)
    if number is None:
        return None
    records, _, damage = decode([line], int(number[1]) - 1, crc)
    return None if damage else records[0]


def _plain(error: JournalError) -> str:
    """Return what is wrong, without the advice to do what is being done."""
    return str(error).replace(f"; {REMEDY}", "").rstrip(".")
