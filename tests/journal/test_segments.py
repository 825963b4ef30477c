import json
import shutil
from pathlib import Path

import pytest

from phsx.exceptions import JournalError, RecoveryWarning
from phsx.journal import Journal, Position, read
from phsx.journal.format import encode
from phsx.journal.segments import chain, read_head, segment_numbers, segment_path

GOLDEN = Path(__file__).with_name("golden")


def head(directory, number, **fields):
    record = {"seq": 1, "t": 0.5, "type": "open", "schema": 1} | fields
    segment_path(directory, number).write_bytes(encode(record, 0)[0])


def previous(segment, offset=0, seq=0, crc="00000000"):
    return {"segment": segment, "offset": offset, "seq": seq, "crc": crc}


def test_only_their_own_names_are_segments(tmp_path):
    names = ["journal.jsonl", "journal.2.jsonl", "journal.10.jsonl"]
    others = ["journal.1.jsonl", "journal.02.jsonl", "journal.x.jsonl", ".journal.3.jsonl.a.tmp"]
    for name in names + others:
        (tmp_path / name).touch()
    assert segment_numbers(tmp_path) == [1, 2, 10]
    assert [segment_path(tmp_path, n).name for n in (1, 2, 10)] == names


def test_the_newest_segment_says_which_others_count(tmp_path):
    head(tmp_path, 1)
    end = read(tmp_path)
    at = previous(1, end.offset, end.seq, f"{end.crc:08x}")
    head(tmp_path, 2, seq=2, previous=at)  # a taker that another one overtook
    head(tmp_path, 4, seq=2, previous=at)
    segment_path(tmp_path, 5).write_bytes(b'{"seq":3')  # one that did not get far
    assert [link.number for link in chain(tmp_path, {})] == [1, 4]
    assert [r["seq"] for r in read(tmp_path).records] == [1, 2]


def test_a_segment_number_that_was_begun_is_not_used_again(tmp_path):
    with Journal.open(tmp_path) as journal:
        journal.append("a")
    segment_path(tmp_path, 2).touch()
    with pytest.warns(RecoveryWarning), Journal.open(tmp_path) as journal:
        journal.append("b")
    assert segment_path(tmp_path, 2).read_bytes() == b""
    assert read(tmp_path).segment == 3
    types = [record["type"] for record in read(tmp_path).records]
    assert types == ["open", "a", "close", "open", "b", "close"]


def test_newer_schemas_are_refused_saying_who_wrote_them(tmp_path):
    head(tmp_path, 1, schema=2, phsx="9.8.7")
    with pytest.raises(JournalError, match=r"written by phsx 9\.8\.7 in version 2 .* newer phsx"):
        read(tmp_path)
    # Also where even the form of the lines has changed.
    segment_path(tmp_path, 1).write_text('{"type":"open","schema":3,"phsx":"9.9"}\n')
    with pytest.raises(JournalError, match=r"written by phsx 9\.9 in version 3"):
        Journal.open(tmp_path)
    assert not (tmp_path / "lease.json").exists()


@pytest.mark.parametrize(
    "fields",
    [
        {"type": "a"},
        {"schema": 0},
        {"schema": None},
        {"schema": "1"},
        {"previous": None},
        {"previous": []},
        {"previous": previous(2)},
        {"previous": previous(3)},
        {"previous": previous(-1)},
        {"previous": previous(1, offset=-1)},
        {"previous": previous(1, seq="1")},
        {"previous": previous(1, crc=1)},
        {"previous": previous(1, crc="0x00000")},
        {"previous": previous(0, seq=5)},
    ],
)
def test_first_records_that_make_no_sense_are_refused(tmp_path, fields):
    head(tmp_path, 2, **({"previous": previous(0)} | fields))
    with pytest.raises(JournalError, match=r"journal\.2\.jsonl, line 1 is damaged"):
        read_head(tmp_path, 2)


def test_a_segment_that_goes_on_from_an_unfinished_one_is_refused(tmp_path):
    head(tmp_path, 2, previous=previous(1))
    segment_path(tmp_path, 1).write_bytes(b'{"seq"')
    with pytest.raises(JournalError, match=r"journal\.jsonl has lost its first record"):
        read(tmp_path)


def test_positions_are_json():
    assert Position(1, 2, 3, 255).to_dict() == previous(1, 2, 3, "000000ff")


@pytest.mark.parametrize("directory", sorted(GOLDEN.iterdir()), ids=lambda path: path.name)
def test_journals_of_every_schema_open(directory):
    expected = json.loads((directory / "expected.json").read_text())
    assert repr(read(directory).records) == repr(expected)


@pytest.mark.parametrize("directory", sorted(GOLDEN.iterdir()), ids=lambda path: path.name)
def test_journals_of_every_schema_are_continued(directory, tmp_path):
    shutil.copytree(directory, tmp_path / "copy")
    with Journal.open(tmp_path / "copy") as journal:
        journal.append("more")
    records = read(tmp_path / "copy").records
    known = json.loads((directory / "expected.json").read_text())
    assert records[: len(known)] == known
    assert [record["type"] for record in records[len(known) :]] == ["open", "more", "close"]
