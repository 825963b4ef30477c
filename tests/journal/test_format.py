import json
import math
from enum import Enum

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from phsx.exceptions import JournalError
from phsx.journal.format import decode, encode, plain

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=()))
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def lines(*records):
    crc, made = 0, []
    for record in records:
        line, crc = encode(record, crc)
        made.append(line)
    return made


def stripped(made):
    return [line.rstrip(b"\n") for line in made]


def same(a, b):
    """Equal, with types and the signs of zeros."""
    return repr(a) == repr(b)


@given(st.lists(values, max_size=4))
def test_every_value_is_read_as_it_was_written(fields):
    records = [{"seq": i, "t": 0.1, "type": "a", "v": v} for i, v in enumerate(fields, start=1)]
    read, _, damage = decode(stripped(lines(*records)), 0, 0)
    assert damage is None
    assert same(read, records)


@given(values)
def test_plain_values_stay_as_they_are(value):
    assert same(plain(value, "v"), value)


def test_a_line_is_one_ascii_object_whatever_the_text():
    line = lines({"seq": 1, "t": 0.5, "type": "a", "text": "ä\n\u2028\x00\ud800"})[0]
    assert line.isascii()
    assert line.count(b"\n") == 1
    assert json.loads(line)["text"] == "ä\n\u2028\x00\ud800"


def test_subclasses_become_what_json_has():
    class Color(str, Enum):  # noqa: UP042 - its str() is not its value  # noqa: UP042 - its str() is not its value
        RED = "red"

    given = {"c": Color.RED, "f": np.float64(0.1), "s": np.str_("x"), "t": (1, (2,))}
    made = plain(given, "v")
    assert same(made, {"c": "red", "f": 0.1, "s": "x", "t": [1, [2]]})
    assert type(made["c"]) is str


@pytest.mark.parametrize(
    ("value", "where"),
    [
        ({"a": [1.0, math.nan]}, r"v\.a\[1\] is nan"),
        (math.inf, "v is inf"),
        (np.float64("-inf"), "v is -inf"),
        ({"a": {1: 2}}, r"v\.a has the key 1"),
        ({None: 2}, "v has the key None"),
        ([np.int64(1)], r"v\[0\] is of type int64"),
        (b"bytes", "v is of type bytes"),
        ({1, 2}, "v is of type set"),
        (object(), "v is of type object"),
    ],
)
def test_what_json_does_not_have_is_refused_by_name(value, where):
    with pytest.raises(JournalError, match=where):
        plain(value, "v")


def test_a_value_that_holds_itself_is_refused():
    value = []
    value.append(value)
    with pytest.raises(JournalError, match="nested more than"):
        plain(value, "v")


def test_an_integer_without_a_decimal_form_is_refused():
    with pytest.raises(JournalError, match="'a' record has no JSON form"):
        encode({"type": "a", "n": 10**5000}, 0)


def test_a_record_that_is_too_long_is_refused(monkeypatch):
    monkeypatch.setattr("phsx.journal.format.MAX_LINE", 1000)
    with pytest.raises(JournalError, match="too long for the journal"):
        encode({"type": "a", "text": "x" * 1000}, 0)


three = [{"seq": i, "t": 0.5, "type": "a", "x": i / 7} for i in (1, 2, 3)]


@pytest.mark.parametrize(
    ("order", "good"),
    [((0, 2), 1), ((0, 0), 1), ((1, 0), 0), ((0, 2, 1), 1), ((0, 1, 2), 3), ((1,), 0)],
)
def test_lost_doubled_and_moved_lines_show(order, good):
    made = stripped(lines(*three))
    records, _, damage = decode([made[i] for i in order], 0, 0)
    assert records == three[:good]
    assert (damage is None) == (good == len(order))


def forged(*bodies):
    """Lines of right checksums and wrong content."""
    crc, made = 0, []
    from zlib import crc32

    for body in bodies:
        crc = crc32(body, crc)
        made.append(body + b',"crc":"%08x"}' % crc)
    return made


good = b'{"seq":1,"t":0.5,"type":"a"'


@pytest.mark.parametrize(
    "body",
    [
        b'{"seq":3,"t":0.5,"type":"a"',
        b'{"seq":2,"t":0.5,"type":["a"]',
        b'{"seq":2,"t":0.5',
        b'{"seq":2,"type":"a"',
        b'{"seq":2,"t":NaN,"type":"a"',
        b'{"seq":2,"t":0.5,"type":"a","x":Infinity',
        b'[{"seq":2,"t":0.5,"type":"a"',
        b'{"seq":2,"t":0.5,"type":"a"},{"seq":3,"t":0.5,"type":"a"',
        b'{"seq":2,"t":0.5,"type":"a\xff"',
        b'{"seq":2,"t":0.5,"type":"a","x":' + b"[" * 100_000,
        b'{"seq":2,"t":0.5,"type":"a","x":' + b"9" * 10_000,
        b"",
    ],
)
def test_right_checksums_do_not_excuse_wrong_content(body):
    records, _, damage = decode(forged(good, body, b'{"seq":3,"t":0.5,"type":"a"'), 0, 0)
    assert [record["seq"] for record in records] == [1]
    assert damage == "it is not a record with the number 2"


def test_two_lines_cannot_pass_for_one_another():
    """Their halves would make two objects when they are parsed together."""
    first = b'{"seq":1,"t":0.5,"type":"a"},{"seq":2,"t":0.5,"type":"a","x":[1'
    records, _, damage = decode(forged(first, b"2]"), 0, 0)
    assert records == []
    assert damage
