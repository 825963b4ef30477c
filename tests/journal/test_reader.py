"""Readers: whole journals, growing ones, torn and damaged ones (F14, F15, F30)."""

import json
import os
import random
import shutil

import pytest

from phsx.exceptions import DirectoryError, JournalError, RecoveryWarning
from phsx.journal import Follower, Journal, read
from phsx.journal.format import encode


def types(records):
    return [record["type"] for record in records]


def write(directory, count, start=0):
    with Journal.open(directory) as journal:
        for i in range(start, start + count):
            journal.append("a", i=i, x=i / 7, text="ä\n")
            journal.commit()


def forget(journal):
    """What a SIGKILL leaves: the lease of a dead process, no last word."""
    lease = (journal._directory / "lease.json").read_bytes()
    journal._abandon()
    (journal._directory / "lease.json").write_bytes(lease)


@pytest.fixture
def two_segments(tmp_path):
    directory = tmp_path / "two"
    directory.mkdir()
    journal = Journal.open(directory)
    for i in range(6):
        journal.append("a", i=i, x=i / 7)
    journal.commit()
    forget(journal)
    with pytest.warns(RecoveryWarning):
        write(directory, 4, start=6)
    assert [r["seq"] for r in read(directory).records] == list(range(1, 14))
    return directory


def test_a_directory_without_a_journal_is_empty(tmp_path):
    reading = read(tmp_path)
    assert (reading.records, reading.segment, reading.seq, reading.torn) == ([], 0, 0, 0)
    assert Follower(tmp_path).poll() == []


def test_a_missing_directory_is_named(tmp_path):
    with pytest.raises(DirectoryError, match="nowhere cannot be opened"):
        read(tmp_path / "nowhere")


def test_reading_changes_nothing(two_segments):
    def state():
        return {p.name: (p.read_bytes(), p.stat().st_mtime_ns) for p in two_segments.iterdir()}

    before = state()
    read(two_segments)
    Follower(two_segments).poll()
    assert state() == before


def test_a_reading_says_where_it_ends(two_segments):
    reading = read(two_segments)
    newest = (two_segments / "journal.2.jsonl").read_bytes()
    last = newest.splitlines()[-1]
    assert (reading.segment, reading.offset, reading.seq) == (2, len(newest), 13)
    assert last.endswith(b'"crc":"%08x"}' % reading.crc)


def test_lines_longer_than_a_chunk(tmp_path, monkeypatch):
    monkeypatch.setattr("phsx.journal.reader._CHUNK", 7)
    with Journal.open(tmp_path) as journal:
        made = [journal.append("a", text="x" * n) for n in (0, 5, 1000)]
        journal.commit()
    assert read(tmp_path).records[1:-1] == made


def test_a_line_without_end_that_is_longer_than_any_record_is_refused(tmp_path, monkeypatch):
    write(tmp_path, 1)
    monkeypatch.setattr("phsx.journal.reader.MAX_LINE", 1000)
    monkeypatch.setattr("phsx.journal.reader._CHUNK", 100)
    with (tmp_path / "journal.jsonl").open("ab") as file:
        file.write(b"x" * 2000)
    with pytest.raises(JournalError, match="line 4 is damaged: it is longer than any record"):
        read(tmp_path)


# Following


def test_following_sees_each_record_once_across_segments(tmp_path):
    follower = Follower(tmp_path)
    assert follower.poll() == []
    journal = Journal.open(tmp_path)
    assert types(follower.poll()) == ["open"]
    journal.append("a")
    assert follower.poll() == []
    journal.append("b")
    journal.commit()
    assert types(follower.poll()) == ["a", "b"]
    assert follower.poll() == []
    journal.append("c")
    journal.commit()
    forget(journal)
    with pytest.warns(RecoveryWarning):
        journal = Journal.open(tmp_path)
    journal.append("d")
    journal.commit()
    assert types(follower.poll()) == ["c", "open", "d"]
    journal.close()
    assert types(follower.poll()) == ["close"]
    assert follower.generation == 0
    assert follower.position.segment == 2


def test_following_a_line_that_grows(tmp_path):
    write(tmp_path, 1)
    follower = Follower(tmp_path)
    follower.poll()
    end = follower.position
    line, _ = encode({"seq": end.seq + 1, "t": 0.5, "type": "grown"}, end.crc)
    with (tmp_path / "journal.jsonl").open("ab", buffering=0) as file:
        for i, byte in enumerate(line):
            assert (follower.poll(), follower.torn) == ([], i)
            file.write(bytes([byte]))
    assert types(follower.poll()) == ["grown"]
    assert follower.torn == 0


def test_batches_are_the_records_in_pieces(tmp_path, monkeypatch):
    monkeypatch.setattr("phsx.journal.reader._CHUNK", 300)
    write(tmp_path, 20)
    batches = list(Follower(tmp_path).batches())
    assert len(batches) > 5
    assert sum(batches, []) == read(tmp_path).records


def zombie(directory, number, types):
    """Append what an older master would write to its segment, with right checksums."""
    path = directory / ("journal.jsonl" if number == 1 else f"journal.{number}.jsonl")
    last = json.loads(path.read_bytes().splitlines()[-1])
    seq, crc = last["seq"], int(last["crc"], 16)
    with path.open("ab") as file:
        for kind in types:
            seq += 1
            line, crc = encode({"seq": seq, "t": 0.5, "type": kind}, crc)
            file.write(line)


def test_records_of_an_older_master_are_ignored(two_segments):
    before = read(two_segments)
    zombie(two_segments, 1, ["zombie", "zombie"])
    assert read(two_segments) == before
    write(two_segments, 1)
    assert "zombie" not in types(read(two_segments).records)


def test_a_follower_that_saw_records_of_an_older_master_begins_again(tmp_path):
    write(tmp_path, 2)
    follower = Follower(tmp_path)
    assert len(follower.poll()) == 4
    shutil.copytree(tmp_path, tmp_path / "other")
    zombie(tmp_path, 1, ["zombie"])
    assert types(follower.poll()) == ["zombie"]
    # The takeover happened before that record, and is seen after it.
    os.remove(tmp_path / "other" / "journal.jsonl")
    at = {"segment": 1, "offset": follower.position.offset, "seq": 4}
    at["offset"] = len(b"".join((tmp_path / "journal.jsonl").read_bytes().splitlines(True)[:-1]))
    crc = json.loads((tmp_path / "journal.jsonl").read_bytes().splitlines()[-2])["crc"]
    record = {"seq": 5, "t": 0.5, "type": "open", "schema": 1, "previous": at | {"crc": crc}}
    (tmp_path / "journal.2.jsonl").write_bytes(encode(record, 0)[0])
    assert types(follower.poll()) == ["open", "a", "a", "close", "open"]
    assert follower.generation == 1
    assert follower.poll() == []


# Torn and damaged journals


@pytest.mark.parametrize("records", [1, 3])
def test_cut_off_at_every_byte_of_the_last_records(two_segments, tmp_path, records):
    """F14: the torn record alone is left out, and what is written later can be read."""
    path = two_segments / "journal.2.jsonl"
    data = path.read_bytes()
    whole = read(two_segments).records
    ends = [i + 1 for i, byte in enumerate(data) if byte == 10]
    for cut in reversed(range(ends[-1 - records], len(data))):
        os.truncate(path, cut)
        kept = whole[: len(whole) - sum(end > cut for end in ends)]
        reading = read(two_segments)
        assert reading.records == kept
        assert reading.torn == cut - max(end for end in ends if end <= cut)
        if cut % 31 == 0 or cut in ends:
            copy = tmp_path / f"cut{cut}"
            shutil.copytree(two_segments, copy)
            with pytest.warns(RecoveryWarning, match="cut off" if reading.torn else "not closed"):
                write(copy, 1)
            again = read(copy)
            assert again.records[: len(kept)] == kept
            assert types(again.records[len(kept) :]) == ["open", "a", "close"]
            assert again.segment == 3
            assert (copy / "journal.2.jsonl").read_bytes() == data[:cut]


def test_a_journal_cut_off_in_its_very_first_record(tmp_path):
    write(tmp_path, 1)
    path = tmp_path / "journal.jsonl"
    first = path.read_bytes().splitlines()[0]
    for cut in (0, 1, len(first)):
        directory = tmp_path / str(cut)
        directory.mkdir()
        (directory / "journal.jsonl").write_bytes(first[:cut])
        assert read(directory).records == []
        with pytest.warns(RecoveryWarning):
            write(directory, 1)
        reading = read(directory)
        assert [r["seq"] for r in reading.records] == [1, 2, 3]
        assert reading.segment == 2


def put(path, at, byte):
    with path.open("r+b", buffering=0) as file:
        file.seek(at)
        file.write(bytes([byte]))


def test_a_thousand_flipped_bits(two_segments):
    """F15: each is refused, or looks like a last record without its end."""
    whole = read(two_segments).records
    paths = sorted(two_segments.glob("journal*.jsonl"))
    rng = random.Random(1)
    torn = 0
    for _ in range(1000):
        path = rng.choice(paths)
        data = path.read_bytes()
        at = rng.randrange(len(data))
        put(path, at, data[at] ^ 1 << rng.randrange(8))
        try:
            reading = read(two_segments)
        except JournalError as error:
            assert "phsx repair" in str(error) or "newer phsx" in str(error)
            assert str(two_segments) in str(error)
        else:
            torn += 1
            assert at == len(data) - 1, "only the end of the last line may look torn"
            assert reading.records == whole[:-1]
            assert reading.torn
        put(path, at, data[at])
    assert torn < 10


def test_a_first_record_without_end_hides_nothing_behind_it(tmp_path):
    with Journal.open(tmp_path) as journal:
        journal.append("a", text="x" * 2**17)
    path = tmp_path / "journal.jsonl"
    put(path, path.read_bytes().index(b"\n"), ord(" "))
    with pytest.raises(JournalError, match="line 1 is damaged"):
        read(tmp_path)


def test_every_flip_of_the_last_byte_looks_torn(two_segments):
    path = two_segments / "journal.2.jsonl"
    data = path.read_bytes()
    for bit in range(8):
        path.write_bytes(data[:-1] + bytes([data[-1] ^ 1 << bit]))
        assert read(two_segments).torn


def test_a_damaged_line_is_named_and_what_came_before_can_be_had(two_segments):
    path = two_segments / "journal.jsonl"
    lines = path.read_bytes().splitlines(True)
    path.write_bytes(b"".join(lines[:3]) + b"garbage\n" + b"".join(lines[3:]))
    follower = Follower(two_segments)
    batches = follower.batches()
    assert [r["seq"] for r in next(batches)] == [1, 2, 3]
    with pytest.raises(JournalError, match=r"journal\.jsonl, line 4 is damaged: its checksum"):
        next(batches)
    assert follower.position.offset == sum(map(len, lines[:3]))
    with pytest.raises(JournalError, match="line 4"):
        follower.poll()


def test_damage_refuses_a_writer_and_leaves_no_lease(two_segments):
    path = two_segments / "journal.2.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"i":7', b'"i":8'))
    with pytest.raises(JournalError, match=r"journal\.2\.jsonl, line 3 is damaged"):
        Journal.open(two_segments)
    assert not (two_segments / "lease.json").exists()


def test_a_journal_that_becomes_shorter_while_followed(tmp_path):
    write(tmp_path, 3)
    follower = Follower(tmp_path)
    follower.poll()
    path = tmp_path / "journal.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(True)[:3]))
    with pytest.raises(JournalError, match="has become shorter"):
        follower.poll()


@pytest.mark.parametrize("cut", [1, 50, 10_000])
def test_an_older_segment_that_lost_its_end_is_refused(two_segments, cut):
    path = two_segments / "journal.jsonl"
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(JournalError, match=r"journal\.jsonl (is not as|has lost its first)"):
        read(two_segments)


def test_a_missing_older_segment_is_refused(two_segments):
    (two_segments / "journal.jsonl").unlink()
    with pytest.raises(JournalError, match=r"journal\.jsonl cannot be read: No such file"):
        read(two_segments)


# Directories of strangers (F30)


def test_pipes_devices_and_directories_are_refused_at_once(tmp_path):
    path = tmp_path / "journal.jsonl"
    for make in (os.mkfifo, os.mkdir, lambda path: os.symlink("/dev/zero", path)):
        make(path)
        with pytest.raises(JournalError, match="cannot be read: not a regular file"):
            read(tmp_path)
        path.rmdir() if path.is_dir() else path.unlink()


def test_a_journal_that_points_outside_is_read_but_never_written(tmp_path):
    real, linked = tmp_path / "real", tmp_path / "linked"
    real.mkdir(), linked.mkdir()
    write(real, 1)
    before = (real / "journal.jsonl").read_bytes()
    (linked / "journal.jsonl").symlink_to(real / "journal.jsonl")
    assert len(read(linked).records) == 3
    with pytest.raises(JournalError, match="cannot be written"):
        Journal.open(linked)
    assert (real / "journal.jsonl").read_bytes() == before
    assert sorted(os.listdir(linked)) == ["journal.jsonl"]


def test_hostile_records_are_data_or_damage(tmp_path):
    write(tmp_path, 1)
    end = read(tmp_path)
    hostile = {"type": "open", "owner": {"pid": "x"}, "schema": {}, "previous": [], "__class__": 1}
    line, crc = encode({"seq": 4, "t": 0.5} | hostile, end.crc)
    with (tmp_path / "journal.jsonl").open("ab") as file:
        file.write(line)
    assert read(tmp_path).records[-1]["owner"] == {"pid": "x"}
    with pytest.warns(RecoveryWarning, match="unknown master"):
        write(tmp_path, 1)
    deep, _ = encode({"seq": 5, "t": 0.5, "type": "x"}, crc)
    deep = deep.replace(b'"x"', b'"x","y":' + b"[" * 10**5)
    other = tmp_path / "journal.3.jsonl"
    other.write_bytes(deep)
    with pytest.raises(JournalError, match=r"journal\.3\.jsonl, line 1 is damaged"):
        read(tmp_path)
