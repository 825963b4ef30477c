"""Damaged journals: mended with as few trials lost as can be, and run on."""

from __future__ import annotations

import json
import os
import random
import shutil

import pytest

import phsx
from phsx.exceptions import DirectoryError, JournalError, LeaseError, RecoveryWarning
from phsx.journal import Journal, Owner, read

SPACE = {"x": phsx.Float(0, 1), "n": phsx.Int(1, 3)}
INLINE = {"cluster": "inline", "progress": False}
EVALUATED = []


def target(x, n, trial):
    EVALUATED.append(trial.id)
    return x * n


def search(directory, trials=8, second=4):
    return phsx.Experiment(
        directory, target, SPACE, [phsx.Random(trials), phsx.Sobol(second)], seed=3
    )


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """An experiment of two runs, the first of which was killed: two segments."""
    directory = tmp_path_factory.mktemp("repair") / "whole"
    search(directory).run(max_time=1e-9, **INLINE)
    search(directory).run(stop_at=0.05, **INLINE)
    lines = (directory / "journal.jsonl").read_bytes().splitlines(keepends=True)
    (directory / "journal.jsonl").write_bytes(b"".join(lines[:-1]))
    with pytest.warns(RecoveryWarning):
        search(directory).run(**INLINE)
    assert sorted(path.name for path in directory.glob("journal*")) == [
        "journal.2.jsonl",
        "journal.jsonl",
    ]
    assert len(lines) > 20, "the first segment has most of it"
    return directory


@pytest.fixture
def broken(whole, tmp_path):
    """Copy the experiment, and let a test change a file of its journal."""

    def make(change, name="journal.jsonl"):
        directory = tmp_path / "broken"
        shutil.rmtree(directory, ignore_errors=True)
        shutil.copytree(whole, directory)
        path = directory / name
        data = change(path.read_bytes())
        if data is None:
            path.unlink()
        else:
            path.write_bytes(data)
        return directory

    return make


def lines_changed(**at):
    """Return a change of lines by their number from 1."""

    def change(data):
        lines = data.splitlines(keepends=True)
        for number, edit in at.items():
            lines[int(number[1:]) - 1] = edit(lines[int(number[1:]) - 1])
        return b"".join(lines)

    return change


def spoil(line):
    return line.replace(b'"t":', b'"T":')


def number_of(data, kind, which=0):
    """Return the number of the line of a journal that holds a record."""
    kinds = [json.loads(line)["type"] for line in data.splitlines()]
    return [n for n, each in enumerate(kinds, 1) if each == kind][which]


def files(directory):
    return {path: path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def run_on(directory, repaired, whole):
    """Run a repaired experiment to its end, and check what became of its trials."""
    before = phsx.open(directory)
    finished = set(before.state.finished)
    assert len(finished) == repaired.finished
    results = {number: before.state.trials[number].value for number in finished}
    truth = phsx.open(whole)
    for number, value in results.items():
        assert truth.state.trials[number].value == value
        assert truth.state.trials[number].params == before.state.trials[number].params
    EVALUATED.clear()
    after = search(directory)
    after.run(**INLINE)
    assert not finished & set(EVALUATED), "what is kept is not evaluated again"
    assert len(EVALUATED) == len(set(EVALUATED))
    assert set(repaired.again) <= set(EVALUATED)
    assert not after.state.alive
    missing = set(range(after.state.next_id)) - set(after.state.trials)
    assert missing == set(repaired.lost) and len(after.trials) + len(missing) >= after.total
    records = read(directory).records
    assert [record["seq"] for record in records] == list(range(1, len(records) + 1))
    assert phsx.repair(directory).damage is None
    rows = (directory / "results.csv").read_text().splitlines()
    assert len(rows) == 1 + len(after.state.finished)


def test_sound_journal_is_left_alone(whole):
    before = files(whole)
    repaired = phsx.repair(whole)
    assert repaired == phsx.Repair(None, finished=12)
    assert files(whole) == before


def test_torn_end_is_no_damage(broken):
    directory = broken(lambda data: data[:-5], "journal.2.jsonl")
    before = files(directory)
    assert phsx.repair(directory).damage is None
    assert files(directory) == before


def test_what_is_no_experiment_is_refused(tmp_path):
    for directory in (tmp_path, tmp_path / "nowhere", None, "a\0b"):
        with pytest.raises(DirectoryError):
            phsx.repair(directory)
    assert list(tmp_path.iterdir()) == []


def test_damaged_result_alone_is_lost(broken, whole):
    """The lines behind it are proved by the checksum that it states."""
    number = number_of((whole / "journal.jsonl").read_bytes(), "ended", 2)
    directory = broken(lines_changed(**{f"l{number}": spoil}))
    with pytest.raises(JournalError, match="phsx repair"):
        _ = phsx.open(directory).trials
    before = files(directory)
    planned = phsx.repair(directory, dry_run=True)
    assert files(directory) == before
    repaired = phsx.repair(directory)
    assert f"journal.jsonl, line {number} is damaged" in repaired.damage
    assert "phsx repair" not in repaired.damage
    assert (repaired.finished, len(repaired.again), repaired.lost) == (11, 1, ())
    assert (repaired.unreadable, repaired.segment) == (1, "journal.3.jsonl")
    assert planned == phsx.Repair(**{**vars(repaired), "segment": None})
    kept = files(directory)
    assert all(kept[path] == content for path, content in before.items() if "journal" in path.name)
    run_on(directory, repaired, whole)
    assert EVALUATED == list(repaired.again)


def test_damaged_checksum_loses_nothing(broken, whole):
    """The next line proves that the text is as it was written."""
    number = number_of((whole / "journal.jsonl").read_bytes(), "ended", 2)
    directory = broken(lines_changed(**{f"l{number}": lambda line: line[:-5] + b'zz"}\n'}))
    repaired = phsx.repair(directory)
    assert (repaired.finished, repaired.again, repaired.lost) == (12, (), ())
    assert repaired.unreadable == 0
    run_on(directory, repaired, whole)
    assert EVALUATED == []


def test_trial_of_which_nothing_is_known_is_lost(broken, whole):
    number = number_of((whole / "journal.jsonl").read_bytes(), "trial", 2)
    directory = broken(lines_changed(**{f"l{number}": spoil}))
    repaired = phsx.repair(directory)
    assert (repaired.finished, repaired.lost) == (11, (2,))
    run_on(directory, repaired, whole)


def test_several_bad_lines(broken, whole):
    data = (whole / "journal.jsonl").read_bytes()
    numbers = [number_of(data, "ended", which) for which in (1, 2, 5)]
    directory = broken(lines_changed(**{f"l{number}": spoil for number in numbers}))
    repaired = phsx.repair(directory)
    assert (repaired.finished, repaired.unreadable) == (9, 3)
    run_on(directory, repaired, whole)


def test_run_of_bad_lines(broken, whole):
    number = number_of((whole / "journal.jsonl").read_bytes(), "ended", 2)
    directory = broken(
        lines_changed(
            **{f"l{n}": lambda line: b"\0" * 40 + b"\n" for n in range(number, number + 3)}
        )
    )
    repaired = phsx.repair(directory)
    # Nothing states the checksum before the next line, which is taken as lost with them.
    assert repaired.finished >= 9
    run_on(directory, repaired, whole)


@pytest.mark.parametrize("name", ["journal.jsonl", "journal.2.jsonl"])
def test_first_record_of_a_segment(broken, whole, name):
    directory = broken(lines_changed(l1=spoil), name)
    with pytest.raises(JournalError):
        _ = phsx.open(directory).trials
    repaired = phsx.repair(directory)
    assert f"{name}, line 1" in repaired.damage
    assert (repaired.finished, repaired.lost) == (12, ())
    run_on(directory, repaired, whole)


@pytest.mark.parametrize("name", ["journal.jsonl", "journal.2.jsonl"])
def test_segment_that_is_gone(broken, whole, name):
    directory = broken(lambda data: None, name)
    repaired = phsx.repair(directory)
    if name == "journal.2.jsonl":
        assert repaired.damage is None, "nothing tells that it was there"
        return
    assert "journal.jsonl cannot be read" in repaired.damage
    run_on(directory, repaired, whole)


def test_older_segment_that_was_cut_off(broken, whole):
    directory = broken(lambda data: data[: len(data) // 2])
    repaired = phsx.repair(directory)
    assert "journal.2.jsonl, which goes on from it" in repaired.damage
    assert 0 < repaired.finished < 12
    run_on(directory, repaired, whole)


def test_sound_record_that_does_not_fit(whole, tmp_path):
    """As a master with a bug would leave it: every reader refuses the journal."""
    directory = tmp_path / "e"
    shutil.copytree(whole, directory)
    with Journal.open(directory) as journal:
        journal.append("ended", id=99)
        journal.append("note", text="after it")
    with pytest.raises(JournalError, match="phsx repair"):
        _ = phsx.open(directory).trials
    repaired = phsx.repair(directory)
    assert "does not fit" in repaired.damage and repaired.finished == 12
    assert repaired.unreadable == 0
    assert "note" in [record["type"] for record in read(directory).records]
    run_on(directory, repaired, whole)


def test_numbers_of_what_suggestions_knew_follow(tmp_path):
    experiment = phsx.Experiment(tmp_path / "e", target, SPACE, phsx.Bayesian(8, initial=4), seed=1)
    experiment.run(**INLINE)
    journal = experiment.directory / "journal.jsonl"
    data = journal.read_bytes()
    number = number_of(data, "ended", 5)
    journal.write_bytes(lines_changed(**{f"l{number}": spoil})(data))
    assert phsx.repair(experiment.directory).finished == 7
    old = {record["seq"]: record for record in map(json.loads, data.splitlines())}
    new = {record["seq"]: record for record in read(experiment.directory).records}
    suggesting = [record for record in new.values() if record["type"] == "suggesting"]
    assert len(suggesting) == 4
    for record in suggesting:
        (before,) = [
            r for r in old.values() if r["type"] == "suggesting" and r["id"] == record["id"]
        ]
        seen = old[before["seen"] - (before["seen"] == number)]
        assert (new[record["seen"]]["type"], new[record["seen"]]["t"]) == (seen["type"], seen["t"])
    phsx.Experiment(experiment.directory, target).run(**INLINE)
    assert len(phsx.open(experiment.directory).state.finished) == 8


def test_every_part_of_the_journal(broken, whole):
    """Flip a bit anywhere: all but what the line was about is kept, and the search runs on."""
    random.seed(7)
    for name in ("journal.jsonl", "journal.2.jsonl"):
        size = (whole / name).stat().st_size
        for place in sorted(random.sample(range(size - 1), 25)):
            flipped = 1 << random.randrange(8)

            def flip(data, place=place, flipped=flipped):
                return data[:place] + bytes([data[place] ^ flipped]) + data[place + 1 :]

            directory = broken(flip, name)
            with pytest.raises(JournalError):
                _ = phsx.open(directory).trials
            repaired = phsx.repair(directory)
            assert repaired.finished >= 10, (name, place)
            run_on(directory, repaired, whole)


def test_truncated_and_damaged(broken, whole):
    random.seed(8)
    size = (whole / "journal.2.jsonl").stat().st_size
    for place in random.sample(range(size), 10):
        directory = broken(lambda data, place=place: data[:place], "journal.2.jsonl")
        journal = directory / "journal.jsonl"
        number = number_of(journal.read_bytes(), "running", 1)
        journal.write_bytes(lines_changed(**{f"l{number}": spoil})(journal.read_bytes()))
        repaired = phsx.repair(directory)
        assert repaired.damage is not None
        run_on(directory, repaired, whole)


def test_repaired_again(broken, whole):
    data = (whole / "journal.jsonl").read_bytes()
    directory = broken(lines_changed(**{f"l{number_of(data, 'ended', 3)}": spoil}))
    assert phsx.repair(directory).finished == 11
    third = directory / "journal.3.jsonl"
    number = number_of(third.read_bytes(), "ended", 1)
    third.write_bytes(lines_changed(**{f"l{number}": spoil})(third.read_bytes()))
    repaired = phsx.repair(directory)
    assert (repaired.finished, repaired.segment) == (10, "journal.4.jsonl")
    run_on(directory, repaired, whole)


def test_newer_journal_is_not_damaged(broken):
    def newer(data):
        return data.replace(b'"schema":1,"phsx":"', b'"schema":9,"phsx":"9.', 1)

    directory = broken(newer, "journal.2.jsonl")
    before = files(directory)
    with pytest.raises(JournalError, match="install a newer phsx"):
        phsx.repair(directory)
    assert files(directory) == before


def test_running_experiment_is_refused(whole, tmp_path):
    directory = tmp_path / "e"
    shutil.copytree(whole, directory)
    with Journal.open(directory):
        journal = directory / "journal.jsonl"
        journal.write_bytes(lines_changed(l3=spoil)(journal.read_bytes()))
        before = files(directory)
        with pytest.raises(LeaseError, match=str(os.getpid())):
            phsx.repair(directory)
        assert phsx.repair(directory, dry_run=True).damage is not None
        assert files(directory) == before


def test_lease_of_the_dead_is_taken_over(broken, whole):
    directory = broken(lines_changed(l5=spoil))
    lease = Owner.here("gone", 0.5).to_dict() | {"pid": 2**22 + 1, "start": 1}
    (directory / "lease.json").write_text(json.dumps(lease))
    repaired = phsx.repair(directory)
    assert repaired.segment == "journal.3.jsonl"
    run_on(directory, repaired, whole)
