"""Segments: the files of a journal, and which stretch of each one counts.

The newest segment rules. Its first record says at which byte of which older one it goes on, that
one says the same of its own predecessor, and so on down. What an older master writes behind that
byte, or into a segment that nobody goes on from, does not exist for any reader.
"""

from __future__ import annotations

import json
import re
from collections.abc import MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zlib import crc32

from phsx._version import __version__
from phsx.exceptions import DirectoryError, JournalError
from phsx.journal.files import read_small
from phsx.journal.format import SCHEMA, Record, decode, split

_NAME = re.compile(r"journal(?:\.([2-9]|[1-9][0-9]{1,8}))?\.jsonl")
_MAX_HEAD = 2**16
REMEDY = "`phsx repair` shows what can be kept"


@dataclass(frozen=True)
class Position:
    """The end of a line in a journal.

    Attributes
    ----------
    segment : int
        Number of the segment, from 1; 0 before the first.
    offset : int
        Bytes of the segment up to here.
    seq : int
        Number of the last record up to here.
    crc : int
        Checksum of the last line in this segment up to here, 0 at its beginning.
    """

    segment: int = 0
    offset: int = 0
    seq: int = 0
    crc: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return the position as a segment's first record holds it."""
        return {
            "segment": self.segment,
            "offset": self.offset,
            "seq": self.seq,
            "crc": f"{self.crc:08x}",
        }


@dataclass(frozen=True)
class Head:
    """What a segment's first record says: its schema, and where it goes on from."""

    number: int
    schema: int
    previous: Position


def segment_path(directory: Path, number: int) -> Path:
    """Return the file of a segment: ``journal.jsonl``, ``journal.2.jsonl`` and so on."""
    return directory / ("journal.jsonl" if number == 1 else f"journal.{number}.jsonl")


def segment_numbers(directory: Path) -> list[int]:
    """Return the numbers of the segments that exist, in rising order.

    Raises
    ------
    DirectoryError
        The directory cannot be listed.
    """
    try:
        matches = [_NAME.fullmatch(path.name) for path in directory.iterdir()]
    except OSError as error:
        raise DirectoryError(
            f"The directory {directory} cannot be opened: {error.strerror}."
        ) from error
    return sorted(int(match[1] or 1) for match in matches if match)


class NewerSchemaError(JournalError):
    """A newer phsx wrote the journal, which is no damage."""


def chain(directory: Path, known: MutableMapping[int, Head], last: int | None = None) -> list[Head]:
    """Return the segments that count, oldest first; `known` keeps what was read already.

    With `last`, newer segments are left out of account.
    """
    newest = None
    for number in reversed(segment_numbers(directory)):
        if last is not None and number > last:
            continue
        newest = known.get(number) or read_head(directory, number)
        if newest is not None:
            break
    links: list[Head] = []
    while newest is not None:
        known[newest.number] = newest
        links.append(newest)
        before = newest.previous.segment
        if before == 0:
            break
        newest = known.get(before) or read_head(directory, before)
        if newest is None:
            raise JournalError(
                f"{segment_path(directory, before)} has lost its first record, although "
                f"{segment_path(directory, links[-1].number).name} goes on from it; {REMEDY}."
            )
    return links[::-1]


def read_head(directory: Path, number: int) -> Head | None:
    """Read a segment's first record; None while it is not there as a whole.

    Raises
    ------
    JournalError
        It is damaged, or a newer phsx wrote it.
    """
    path = segment_path(directory, number)
    try:
        beginning = read_small(path, _MAX_HEAD)
    except OSError as error:
        raise JournalError(f"{path} cannot be read: {error.strerror}.") from error
    line, end, _ = beginning.partition(b"\n")
    if not end and len(beginning) < _MAX_HEAD:
        return None
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        record = None
    if not isinstance(record, dict):
        record = {}
    _check_schema(path, record, line)
    previous = _previous(record, number)
    if previous is not None and not decode([line], previous.seq, 0)[2]:
        return Head(number, record["schema"], previous)
    raise JournalError(f"{path}, line 1 is damaged: it is no segment's first record; {REMEDY}.")


def _check_schema(path: Path, record: Record, line: bytes) -> None:
    # Before the checksum, whose form may be another one in a newer schema.
    schema = record.get("schema")
    if not isinstance(schema, int) or schema <= SCHEMA:
        return
    body, stated = split(line)
    # What this very version seems to have written, with a wrong checksum, is damaged.
    if record.get("phsx") != __version__ or crc32(body) == stated:
        raise NewerSchemaError(
            f"{path} was written by phsx {str(record.get('phsx'))[:40]} in version {schema} of the "
            f"journal's schema. This is phsx {__version__}, which knows versions up to {SCHEMA}: "
            "install a newer phsx to open it."
        )


def _previous(record: Record, number: int) -> Position | None:
    """Return where the segment of this first record goes on from; None where that is nonsense."""
    schema = record.get("schema")
    if record.get("type") != "open" or type(schema) is not int or not 1 <= schema <= SCHEMA:
        return None
    if number == 1:
        return Position()
    fields = record.get("previous")
    if not isinstance(fields, dict):
        return None
    segment, offset, seq = (_natural(fields.get(name)) for name in ("segment", "offset", "seq"))
    crc = fields.get("crc")
    if segment is None or offset is None or seq is None or segment >= number:
        return None
    if not isinstance(crc, str) or not re.fullmatch("[0-9a-f]{8}", crc):
        return None
    return Position(segment, offset, seq, int(crc, 16))


def _natural(value: object) -> int | None:
    return value if type(value) is int and value >= 0 else None
