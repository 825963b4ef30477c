"""What is left of damaged journals: told line by line, by the checksums that chain."""

import pytest

from phsx.exceptions import JournalError, LeaseError
from phsx.journal import Journal, Position, Remains, read
from phsx.journal.segments import segment_path


def keep(record, seq):
    return {**record, "seq": seq}


@pytest.fixture
def journal(tmp_path):
    """A journal of one segment: an "open", the records 0 to 7, a "close"."""
    with Journal.open(tmp_path, clock=lambda: 0.5) as made:
        for i in range(8):
            made.append("a", i=i)
    return segment_path(tmp_path, 1)


def edit(path, change):
    lines = path.read_bytes().splitlines(keepends=True)
    change(lines)
    path.write_bytes(b"".join(lines))


def look(path, apply=lambda record: None, rescue=keep):
    """Return what is left, and the numbers of the records before and behind the damage."""
    remains = Remains(path.parent, apply, rescue)
    before = [record.get("i") for batch in remains.batches() for record in batch]
    behind = [record["i"] for record in remains.rescued(remains.position.seq + 1)]
    return remains, before[1:], behind


def test_nothing_is_wrong(journal):
    remains, before, behind = look(journal)
    end = read(journal.parent)
    assert remains.damage is None and remains.torn == remains.bad == 0
    assert remains.position == Position(end.segment, end.offset, end.seq, end.crc)
    assert (before[:-1], behind) == (list(range(8)), [])


def test_no_journal_at_all(tmp_path):
    remains = Remains(tmp_path, lambda record: None, keep)
    assert list(remains.batches()) == [] and remains.damage is None


def spoil_text(lines):
    lines[3] = lines[3].replace(b'"i":2', b'"i":7')


def spoil_checksum(lines):
    lines[3] = lines[3][:-4] + b'?"}\n'


def join_two(lines):
    lines[3] = lines[3].replace(b"\n", b"\r")


def split_one(lines):
    lines[3] = lines[3].replace(b",", b"\n", 1)


def lose_one(lines):
    del lines[3]


def double_one(lines):
    lines.insert(3, lines[3])


def spoil_two(lines):
    spoil_text(lines)
    lines[4] = lines[4].replace(b'"a"', b'"b"')


@pytest.mark.parametrize(
    ("change", "before", "behind", "bad"),
    [
        (spoil_text, [0, 1], [3, 4, 5, 6, 7], 1),
        (spoil_checksum, [0, 1], [2, 3, 4, 5, 6, 7], 0),
        (join_two, [0, 1], [4, 5, 6, 7], 1),
        (split_one, [0, 1], [3, 4, 5, 6, 7], 2),
        (lose_one, [0, 1], [4, 5, 6, 7], 1),
        (double_one, [0, 1, 2], [3, 4, 5, 6, 7], 1),
        (spoil_two, [0, 1], [4, 5, 6, 7], 2),
    ],
)
def test_kinds_of_damage(journal, change, before, behind, bad):
    edit(journal, change)
    remains, found, rescued = look(journal)
    assert (found, rescued, remains.bad) == (before, behind, bad)
    assert f"line {len(before) + 2} is damaged" in remains.damage
    assert remains.torn > 0, "or somebody would go on behind the damage"


def test_record_that_does_not_fit(journal):
    def apply(record):
        if record.get("i") == 4:
            raise JournalError("it does not fit; `phsx repair` shows what can be kept")

    remains, before, behind = look(journal, apply)
    assert before == [0, 1, 2, 3] and behind == [4, 5, 6, 7]
    assert remains.damage.endswith("line 6 is damaged: it does not fit")
    assert remains.bad == 0


def test_a_journal_goes_on_from_its_remains(journal):
    edit(journal, spoil_text)
    content = journal.read_bytes()
    remains = Remains(
        journal.parent, lambda r: None, lambda r, n: None if r["i"] == 5 else keep(r, n)
    )
    with Journal.open(journal.parent, remains=remains) as after:
        assert after.position.segment == 2
        after.append("a", i=8)
    assert journal.read_bytes() == content
    records = read(journal.parent).records
    assert [record["seq"] for record in records] == list(range(1, len(records) + 1))
    found = [record["i"] for record in records if record["type"] == "a"]
    assert found == [0, 1, 3, 4, 6, 7, 8]
    assert {record["t"] for record in records if record.get("i") in (3, 4, 6, 7)} == {0.5}


def test_rescued_records_are_there_with_the_segment_or_not_at_all(journal, monkeypatch):
    edit(journal, spoil_text)
    before = sorted(path.name for path in journal.parent.iterdir())

    def fail(record, seq):
        if record["i"] == 6:
            raise OSError(28, "No space left on device")
        return keep(record, seq)

    remains = Remains(journal.parent, lambda record: None, fail)
    with pytest.raises(JournalError, match="No space left"):
        Journal.open(journal.parent, remains=remains)
    assert sorted(path.name for path in journal.parent.iterdir()) == before


def test_somebody_else_was_faster(journal):
    edit(journal, spoil_text)
    remains = Remains(journal.parent, lambda record: None, keep)
    list(remains.batches())
    assert list(remains.batches()) == [], "once"
    Journal.open(journal.parent, remains=Remains(journal.parent, lambda record: None, keep)).close()
    with pytest.raises(LeaseError, match="meanwhile"):
        list(remains.batches())
