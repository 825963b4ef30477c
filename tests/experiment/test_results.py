"""Trials as a table: `results.csv` while it grows, and data frames."""

from __future__ import annotations

import csv
import io
import math

import pandas as pd
import pytest

from phsx.experiment.results import FILE, FIXED, ResultsTable, header, table, to_dataframe
from phsx.trial import Suggestion, Trial, TrialState

DONE = TrialState.COMPLETED


def trial(number, params=None, value=1.0, result=None, **fields):
    fields.setdefault("state", DONE)
    return Trial(
        number,
        0,
        number,
        "random",
        params={"x": 0.5} if params is None else params,
        value=value,
        result=result or {},
        attempt=1,
        worker="tls://w:1",
        started=1.5,
        ended=2.5,
        **fields,
    )


@pytest.fixture
def read(tmp_path):
    def rows():
        with (tmp_path / FILE).open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    return rows


class TestFile:
    def test_header_is_there_before_the_first_trial(self, tmp_path, read):
        ResultsTable(tmp_path, ["x", "y"], [])
        text = (tmp_path / FILE).read_text()
        assert text.splitlines() == [",".join(["trial", "x", "y", *FIXED])]
        assert read() == []

    def test_a_row_per_trial_as_it_finishes(self, tmp_path, read):
        results = ResultsTable(tmp_path, ["x"], [])
        for number in range(3):
            results.append(trial(number, {"x": number / 7}, value=number / 3))
            rows = read()
            assert len(rows) == number + 1
            assert float(rows[-1]["x"]) == number / 7 and float(rows[-1]["value"]) == number / 3
        assert [row["trial"] for row in rows] == ["0", "1", "2"]
        assert {row["state"] for row in rows} == {"completed"}

    def test_appending_does_not_write_anew(self, tmp_path):
        results = ResultsTable(tmp_path, ["x"], [])
        with (tmp_path / FILE).open() as reader:  # as `tail -f` holds it
            reader.readlines()
            results.append(trial(0))
            assert len(reader.readlines()) == 1

    def test_new_column_at_the_moment_it_is_known(self, tmp_path, read):
        results = ResultsTable(tmp_path, ["x"], [])
        results.append(trial(0))
        results.append(trial(1, result={"accuracy": 0.9}))
        results.append(trial(2, result={"loss": 3, "accuracy": 0.8}))
        results.append(trial(3))
        rows = read()
        assert [row["accuracy"] for row in rows] == ["", "0.9", "0.8", ""]
        assert [row["loss"] for row in rows] == ["", "", "3", ""]
        assert list(rows[0])[:5] == ["trial", "x", "value", "state", "accuracy"]
        assert not [path for path in tmp_path.iterdir() if path.name != FILE], "a file is left over"

    def test_readers_never_see_half_a_table(self, tmp_path):
        results = ResultsTable(tmp_path, ["x"], [])
        for number in range(50):
            results.append(trial(number, result={f"k{number}": "v" * 1000}))
            text = (tmp_path / FILE).read_text(encoding="utf-8")
            assert text.endswith("\n") and len(text.splitlines()) == number + 2

    def test_rebuilt_from_the_journals_trials(self, tmp_path, read):
        (tmp_path / FILE).write_text("somebody,edited\nthis,file\n")
        ResultsTable(tmp_path, ["x"], [trial(4), trial(2, result={"k": 1})])
        assert [(row["trial"], row["k"]) for row in read()] == [("4", ""), ("2", "1")]

    @pytest.mark.parametrize(
        "text",
        ["a,b", 'say "hi"', "two\nlines", "two\r\nlines", "größer ≥ 😀", " spaces ", "=1+1", "\t"],
    )
    def test_any_text_comes_back(self, tmp_path, read, text):
        results = ResultsTable(tmp_path, ["c"], [])
        results.append(trial(0, {"c": text}, result={text or "k": text}, error=text))
        (row,) = read()
        assert (row["c"], row["error"], row[text]) == (text, text, text)

    def test_text_that_is_no_unicode(self, tmp_path, read):
        """As in an OSError of a file whose name is not UTF-8; the journal takes it."""
        results = ResultsTable(tmp_path, ["x"], [])
        results.append(trial(0, error="No such file: 'caf\udce9.txt'"))
        (row,) = read()
        assert row["error"].startswith("No such file: 'caf")

    @pytest.mark.parametrize(
        ("value", "cell"),
        [
            (0.1 + 0.2, "0.30000000000000004"),
            (1e-300, "1e-300"),
            (True, "True"),
            (None, ""),
            (12345678901234567890, "12345678901234567890"),
            ((1, (2, "a")), '[1, [2, "a"]]'),
            ({"k": [1]}, '{"k": [1]}'),
        ],
    )
    def test_values_as_they_are_written(self, tmp_path, read, value, cell):
        ResultsTable(tmp_path, ["p"], [trial(0, {"p": value})])
        assert read()[0]["p"] == cell

    def test_inactive_parameters_are_empty(self, tmp_path, read):
        ResultsTable(tmp_path, ["x", "y"], [trial(0, {"y": 2})])
        assert (read()[0]["x"], read()[0]["y"]) == ("", "2")

    def test_failed_trials_have_their_reason(self, tmp_path, read):
        failed = trial(0, value=None, state=TrialState.FAILED, error="ValueError: no")
        ResultsTable(tmp_path, ["x"], [failed])
        row = read()[0]
        assert (row["value"], row["state"], row["error"]) == ("", "failed", "ValueError: no")

    def test_suggestions_have_their_times(self, tmp_path, read):
        suggestion = Suggestion(3, 1, 0, "tls://v:2", 1.0, 1.25)
        ResultsTable(tmp_path, ["x"], [trial(0, suggestion=suggestion)])
        row = read()[0]
        assert (row["suggest_worker"], row["suggest_started"], row["suggest_ended"]) == (
            "tls://v:2",
            "1.0",
            "1.25",
        )

    @pytest.mark.parametrize("key", ["value", "state", "x", "trial", "error"])
    def test_columns_have_different_names(self, tmp_path, key):
        """Whatever the target returns; what phsx says of a trial keeps its name."""
        results = ResultsTable(tmp_path, ["x"], [])
        results.append(trial(0, {"x": 0.25}, value=3.5, result={key: "mine", "k": 1}))
        with (tmp_path / FILE).open(newline="") as file:
            names, cells = csv.reader(file)
        assert len(set(names)) == len(names) == len(cells)
        row = dict(zip(names, cells, strict=True))
        assert (row["trial"], row["x"], row["value"], row["state"]) == (
            "0",
            "0.25",
            "3.5",
            "completed",
        )


class TestUnwritable:
    """The disk is full, or somebody's spreadsheet has the file: a search does not end for that."""

    @pytest.fixture(autouse=True)
    def clock(self, monkeypatch):
        now = [1000.0]
        monkeypatch.setattr("phsx.experiment.results.time.monotonic", lambda: now[0])
        return now

    @pytest.fixture
    def broken(self, monkeypatch):
        """Let writing fail as long as it is set, after a part of a line."""
        full, write = [False], ResultsTable._lines

        def lines(table, trials):
            if full[0]:
                with table._path.open("a") as file:
                    file.write("5,0.5")
                raise OSError(28, "No space left on device")
            return write(table, trials)

        monkeypatch.setattr(ResultsTable, "_lines", lines)
        return full

    def test_is_said_once_and_mended_later(self, tmp_path, read, broken, clock, caplog):
        results = ResultsTable(tmp_path, ["x"], [])
        results.append(trial(0))
        broken[0] = True
        for number in range(1, 4):
            results.append(trial(number))
            clock[0] += 100.0
        assert caplog.text.count("No space left on device") == 1
        broken[0] = False
        results.append(trial(4))
        assert [row["trial"] for row in read()] == ["0", "1", "2", "3", "4"]
        results.append(trial(5))
        assert [row["trial"] for row in read()] == ["0", "1", "2", "3", "4", "5"]

    def test_is_not_tried_with_every_trial(self, tmp_path, broken, clock, monkeypatch):
        results = ResultsTable(tmp_path, ["x"], [])
        broken[0] = True
        tried = []
        rewrite = results._rewrite
        monkeypatch.setattr(results, "_rewrite", lambda: tried.append(1) or rewrite())
        for number in range(50):
            results.append(trial(number))
        assert tried == []
        clock[0] += 31.0
        results.append(trial(50))
        assert tried == [1]

    def test_closing_writes_what_is_missing(self, tmp_path, read, broken):
        results = ResultsTable(tmp_path, ["x"], [])
        broken[0] = True
        results.append(trial(0, result={"k": 1}))
        broken[0] = False
        results.append(trial(1))
        results.close()
        assert [(row["trial"], row["k"]) for row in read()] == [("0", "1"), ("1", "")]
        assert not [path for path in tmp_path.iterdir() if path.name != FILE], "a file is left over"


class TestTable:
    def test_header_comes_first_and_fits_the_rows(self):
        rows = table([trial(0), trial(1, result={"k": 2})], ["x", "y"])
        assert rows[0] == header(["x", "y"], ["k"])
        assert {len(row) for row in rows} == {len(rows[0])}
        text = io.StringIO()
        csv.writer(text).writerows(rows)
        frame = pd.read_csv(io.StringIO(text.getvalue()), index_col="trial")
        assert frame["k"].tolist()[1] == 2.0

    def test_nothing_yet(self):
        assert table([], ["x"]) == [header(["x"], [])]


class TestDataframe:
    def test_a_column_per_parameter_then_what_became_of_it(self):
        trials = [trial(3, {"x": 0.5, "c": "a"}), trial(5, {"x": 0.7, "c": "b"}, result={"k": 1})]
        frame = to_dataframe(trials, ["x", "c"])
        assert list(frame.columns) == ["x", "c", *FIXED, "k"]
        assert frame.index.tolist() == [3, 5] and frame.index.name == "trial"
        assert frame["x"].tolist() == [0.5, 0.7] and frame["c"].tolist() == ["a", "b"]
        assert frame["state"].tolist() == ["completed"] * 2
        assert frame.loc[5, "k"] == 1

    def test_columns_have_types_to_reckon_with(self):
        trials = [trial(0, {"x": 0.5, "n": 3}), trial(1, {"x": 1.5, "n": 4}, value=2)]
        frame = to_dataframe(trials, ["x", "n"])
        for name in ("x", "value", "started", "ended"):
            assert frame[name].dtype == float, name
        assert frame["n"].dtype == int
        assert (frame["ended"] - frame["started"]).tolist() == [1.0, 1.0]

    def test_missing_values(self):
        pending = Trial(0, 0, 0, "bayesian", state=TrialState.SUGGESTING)
        frame = to_dataframe([pending, trial(1, {"y": 1})], ["x", "y"])
        assert frame["x"].isna().all()
        assert math.isnan(frame.loc[0, "value"]) and math.isnan(frame.loc[0, "suggest_started"])
        assert frame["state"].tolist() == ["suggesting", "completed"]

    def test_columns_of_an_empty_table_have_their_types_too(self):
        assert to_dataframe([], ["x"])["value"].dtype == float

    def test_empty(self):
        frame = to_dataframe([], ["x"])
        assert len(frame) == 0 and list(frame.columns) == ["x", *FIXED]

    def test_mixed_values_stay_as_they_are(self):
        values = [1, "a", None, (1, 2), True]
        frame = to_dataframe([trial(n, {"p": v}) for n, v in enumerate(values)], ["p"])
        assert frame["p"].tolist() == values

    @pytest.mark.parametrize("key", ["value", "state", "x", "worker"])
    def test_names_that_clash_are_there_once(self, key):
        frame = to_dataframe([trial(0, {"x": 0.5}, result={key: "mine", "k": 1})], ["x"])
        assert frame.columns.is_unique
        assert (frame.loc[0, "value"], frame.loc[0, "x"], frame.loc[0, "state"]) == (
            1.0,
            0.5,
            "completed",
        )
        assert frame.loc[0, "k"] == 1
