"""The journal's lines: one JSON object each, numbered, with checksums that chain.

A line is ``{"seq":7,"t":1700000000.5,"type":"…",…,"crc":"0a1b2c3d"}``. The checksum is the CRC-32
of everything before ``,"crc"``, started with the checksum of the line before, so that a line which
is changed, lost, doubled or moved shows at once. It stands last and has a fixed width: a reader
compares 18 bytes and needs to parse nothing for it. Lines are plain ASCII.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn
from zlib import crc32

from phsx.exceptions import JournalError

#: Version of the journal's schema that this phsx writes, and the newest that it reads.
SCHEMA = 1

#: Longest line in bytes. Bounds the memory that a hostile or damaged file can cost a reader.
MAX_LINE = 64 * 2**20

#: Names that every record has, or that the format needs for itself.
RESERVED = frozenset({"seq", "t", "type", "crc"})

#: Records that the journal writes itself.
OWN_TYPES = frozenset({"open", "close"})

Record = dict[str, Any]

_SUFFIX = b',"crc":"%08x"}'
_SUFFIX_LENGTH = len(_SUFFIX % 0)
_STATED = re.compile(rb',"crc":"([0-9a-f]{8})"\}')
_MAX_DEPTH = 100


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_ENCODER = json.JSONEncoder(allow_nan=False, check_circular=False, separators=(",", ":"))
_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)


def encode(record: Record, crc: int) -> tuple[bytes, int]:
    r"""Return the line of a plain record and its checksum, given the checksum of the line before.

    Parameters
    ----------
    record : dict
        What `plain` returned, with at least one entry.
    crc : int
        Checksum of the line before; 0 for the first line of a segment.

    Examples
    --------
    >>> line, crc = encode({"seq": 1, "t": 0.5, "type": "note"}, 0)
    >>> line
    b'{"seq":1,"t":0.5,"type":"note","crc":"8f55a534"}\n'
    """
    try:
        body = _ENCODER.encode(record)[:-1].encode("ascii")
    except ValueError as error:  # an integer of more digits than Python converts
        raise JournalError(f"A {record.get('type')!r} record has no JSON form: {error}.") from error
    if len(body) > MAX_LINE - 64:
        raise JournalError(
            f"A {record.get('type')!r} record of {len(body):,} bytes is too long for the journal "
            f"(at most {MAX_LINE:,}). Keep large results in the trial's own directory."
        )
    crc = crc32(body, crc)
    return b"%s%s\n" % (body, _SUFFIX % crc), crc


def decode(lines: Sequence[bytes], seq: int, crc: int) -> tuple[list[Record], int, str | None]:
    """Check and parse lines (without their line ends) that follow record `seq` of checksum `crc`.

    Returns
    -------
    records : list of dict
        The records of the good lines up to the first bad one.
    crc : int
        Checksum of the last good line.
    damage : str or None
        What is wrong with the line after the last good one; None when all are good.
    """
    bodies: list[bytes] = []
    checksums = [crc]
    damage = None
    for line in lines:
        body = line[:-_SUFFIX_LENGTH]
        crc = crc32(body, crc)
        if line[-_SUFFIX_LENGTH:] != _SUFFIX % crc:
            damage = "its checksum does not fit"
            break
        bodies.append(body)
        checksums.append(crc)
    records = _parse(bodies, seq)
    if records is None:
        records, reason = _parse_singly(bodies, seq)
        damage = reason or damage
    return records, checksums[len(records)], damage


def split(line: bytes) -> tuple[bytes, int | None]:
    """Return the text that a line's checksum is of, and the checksum that it states, if any.

    Examples
    --------
    >>> split(b'{"seq":1,"t":0.5,"type":"note","crc":"8f55a534"}')
    (b'{"seq":1,"t":0.5,"type":"note"', 2404754740)
    """
    stated = _STATED.fullmatch(line[-_SUFFIX_LENGTH:])
    return line[:-_SUFFIX_LENGTH], int(stated[1], 16) if stated else None


def seal(body: bytes, crc: int) -> bytes:
    """Return the line of a text and its checksum; the reverse of `split`."""
    return body + _SUFFIX % crc


def _parse(bodies: list[bytes], seq: int) -> list[Record] | None:
    """Parse many lines in one call, which is twice as fast and lets them share their keys."""
    if not bodies:
        return []
    try:
        records: list[Record] = _DECODER.decode((b"[%s}]" % b"},".join(bodies)).decode())
    except (ValueError, RecursionError):
        return None
    if len(records) != len(bodies):
        return None
    for record in records:
        seq += 1
        if (
            type(record) is not dict
            or record.get("seq") != seq
            or type(record.get("type")) is not str
            or type(record.get("t")) is not float
        ):
            return None
    return records


def _parse_singly(bodies: list[bytes], seq: int) -> tuple[list[Record], str | None]:
    """Parse line by line, up to the first that is not as it should be, and say why."""
    records: list[Record] = []
    for body in bodies:
        seq += 1
        parsed = _parse([body], seq - 1)
        if parsed is None:
            return records, f"it is not a record with the number {seq}"
        records += parsed
    return records, None


def plain(value: object, where: str, depth: int = 0) -> Any:
    """Return `value` as a reader will get it back, or say which part of it has no JSON form.

    Tuples become lists, subclasses of str, int and float what they derive from, mappings dicts.

    Parameters
    ----------
    value : object
        None, a bool, int, finite float, str, or lists, tuples and mappings of them.
    where : str
        Name of the field, for the message.

    Raises
    ------
    JournalError
        NaN, an infinity, a key that is no string, or a type that JSON does not have.

    Examples
    --------
    >>> plain({"x": (1, 2.5)}, "params")
    {'x': [1, 2.5]}
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise JournalError(
                f"The field {where} is {float(value)}, which JSON does not have; "
                "write null or a string in its place."
            )
        return float(value)
    if isinstance(value, int):
        return int(value)
    if depth >= _MAX_DEPTH:
        raise JournalError(f"The field {where} is nested more than {_MAX_DEPTH} levels deep.")
    if isinstance(value, Mapping):
        return {
            _key(key, where): plain(item, f"{where}.{key}", depth + 1)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [plain(item, f"{where}[{i}]", depth + 1) for i, item in enumerate(value)]
    raise JournalError(
        f"The field {where} is of type {type(value).__name__}, which JSON does not have; "
        "convert it to a number, a string, a list or a dict."
    )


def _key(key: object, where: str) -> str:
    if isinstance(key, str):
        return str.__str__(key)
    raise JournalError(
        f"The field {where} has the key {key!r}, which is no string; "
        "JSON would silently make it one, so convert it yourself."
    )
