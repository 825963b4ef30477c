"""Experiments in this process: made, run, continued, extended, opened, looked at."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import threading
import time
import warnings
from pathlib import Path

import pandas as pd
import pytest

import phsx
from phsx.exceptions import ChangedError, ExhaustedWarning, RecoveryWarning
from phsx.experiment.experiment import Experiment
from phsx.journal import Journal, read
from phsx.testing.virtual_executor import VirtualExecutor
from phsx.trial import TrialState

SPACE = {"x": phsx.Float(-5, 5, digits=4), "n": phsx.Int(1, 3)}
PLAN = [phsx.Sobol(4), phsx.Random(2)]
INLINE = {"cluster": "inline", "progress": False}


def square(x, n):
    return x**2 * n


def make(directory, target=square, space=None, plan=None, **options):
    options.setdefault("seed", 1)
    return Experiment(directory, target, space or SPACE, plan or PLAN, **options)


@pytest.fixture
def done(tmp_path):
    return make(tmp_path / "done").run(**INLINE)


class TestMaking:
    def test_directory_holds_everything(self, tmp_path):
        experiment = make(tmp_path / "deep" / "er")
        assert experiment.directory == tmp_path / "deep" / "er" and experiment.name == "er"
        assert (experiment.directory / "experiment.json").is_file()
        files = (experiment.directory / "source").rglob("*.py")
        source = "".join(path.read_text() for path in files)
        assert "def square" in source
        assert (experiment.seed, experiment.maximize, experiment.objective) == (1, False, "value")
        assert experiment.total == 6 and experiment.trials == [] and experiment.best is None

    def test_relative_directory_stays_where_it_was(self, cwd, tmp_path, monkeypatch):
        experiment = make("e")
        (tmp_path / "other").mkdir()
        monkeypatch.chdir(tmp_path / "other")
        experiment.run(**INLINE)
        assert (cwd / "e" / "results.csv").is_file()

    @pytest.mark.parametrize("name", [".gitignore", ".DS_Store"])
    def test_harmless_files_may_be_there(self, tmp_path, name):
        (tmp_path / name).touch()
        make(tmp_path)

    def test_empty_directory_may_be_there(self, tmp_path):
        make(tmp_path).run(**INLINE)

    @pytest.mark.parametrize("left", ["nothing", "definition", "temporary file"])
    def test_a_beginning_that_was_interrupted_is_made_again(self, tmp_path, left):
        """The process was killed before the definition was in its place, or after it."""
        whole, directory = make(tmp_path / "whole").directory, tmp_path / "e"
        directory.mkdir()
        if left == "definition":
            shutil.copy(whole / "experiment.json", directory)
        elif left == "temporary file":
            text = (whole / "experiment.json").read_text()
            (directory / ".experiment.json.4711").write_text(text[:100])
        make(directory).run(**INLINE)
        assert list((directory / "source").rglob("*.py"))

    def test_seed_is_drawn_and_kept(self, tmp_path):
        seeds = {make(tmp_path / f"e{n}", seed=None).seed for n in range(4)}
        assert len(seeds) == 4
        assert make(tmp_path / "e0", seed=None).seed in seeds

    def test_one_strategy_is_a_plan(self, tmp_path):
        assert len(make(tmp_path / "e", plan=phsx.Random(3)).plan) == 1

    def test_repr(self, done):
        assert repr(done) == "<phsx experiment 'done': 6 trials have ended>"


class TestRunning:
    def test_results(self, done):
        assert [trial.id for trial in done.trials] == list(range(6))
        for trial in done.trials:
            assert trial.state is TrialState.COMPLETED
            assert trial.value == square(**trial.params)
        assert done.best.value == min(trial.value for trial in done.trials)

    def test_run_returns_the_experiment(self, tmp_path):
        experiment = make(tmp_path / "e")
        assert experiment.run(**INLINE) is experiment

    def test_nothing_left_to_do(self, done):
        before = done.to_dataframe()
        done.run(**INLINE)
        pd.testing.assert_frame_equal(done.to_dataframe(), before)

    def test_finished_experiment_starts_no_workers(self, done, monkeypatch):
        monkeypatch.setattr("phsx.clusters.connect._local", None)
        done.run(workers=2, progress=False)

    def test_maximize(self, tmp_path):
        experiment = make(tmp_path / "e", maximize=True).run(**INLINE)
        assert experiment.best.value == max(trial.value for trial in experiment.trials)
        assert phsx.open(tmp_path / "e").best == experiment.best

    def test_objective_by_its_name_and_what_else_is_returned(self, tmp_path):
        def target(x, n):
            return {"loss": x, "score": n, "size": [1, {"a": None}], "tuple": (1, 2)}

        experiment = make(tmp_path / "e", target, objective="score").run(**INLINE)
        trial = experiment.trials[0]
        assert trial.value == trial.params["n"]
        assert trial.result == {
            "loss": trial.params["x"],
            "size": [1, {"a": None}],
            "tuple": [1, 2],
        }
        assert experiment.objective == "score"

    def test_fixed_arguments(self, tmp_path):
        data = object()
        seen = []

        def target(x, n, data, more=3):
            seen.append((data, more))
            return x

        make(tmp_path / "e", target, fixed={"data": data, "more": 4}).run(**INLINE)
        assert seen == [(data, 4)] * 6

    def test_trial_handle(self, tmp_path):
        seen = []

        def target(x, n, trial):
            seen.append((trial.id, trial.attempt, trial.seed, trial.directory, dict(trial.params)))
            (trial.directory / "mine.txt").write_text(str(x))
            trial.report(0, x)
            return x

        experiment = make(tmp_path / "e", target).run(**INLINE)
        assert [one[:2] for one in seen] == [(number, 1) for number in range(6)]
        assert len({one[2] for one in seen}) == 6
        for number, _, _, directory, params in seen:
            assert directory == tmp_path / "e" / "trials" / f"{number:06d}"
            assert float((directory / "mine.txt").read_text()) == params["x"]
        assert experiment.state.reports[0] == [(0, experiment.trials[0].value)]

    def test_returned_values_of_all_kinds(self, tmp_path):
        """F8: what is no number fails the trial with a reason, and a model never sees NaN."""
        import numpy as np

        values = [
            np.float32(0.5),
            np.int64(2),
            np.array(1.0),
            float("nan"),
            float("inf"),
            None,
            "3",
            1j,
            [1.0],
            {},
            object(),
            {"value": float("nan")},
            True,
        ]
        experiment = make(
            tmp_path / "e", lambda x, n, trial: values[trial.id], plan=phsx.Random(len(values))
        )
        experiment.run(max_failed=1.0, **INLINE)
        states = [trial.state.value for trial in experiment.trials]
        assert states == ["completed"] * 3 + ["failed"] * 10
        assert all(len(trial.error) > 10 for trial in experiment.trials[3:])

    @pytest.mark.parametrize(
        "error",
        [ValueError("é\n\0"), SystemExit(3), MemoryError(), RecursionError(), AssertionError()],
    )
    def test_errors_of_the_target(self, tmp_path, error):
        def target(x, n, trial):
            if trial.id == 1:
                raise error
            return x

        experiment = make(tmp_path / "e", target).run(**INLINE)
        failed = experiment.trials[1]
        assert failed.state is TrialState.FAILED and type(error).__name__ in failed.error
        assert "raise error" in failed.traceback and "phsx/execution" not in failed.traceback
        assert sum(trial.state == "completed" for trial in experiment.trials) == 5

    def test_text_that_is_no_unicode(self, tmp_path):
        """Such as a file's name in another encoding; the search goes on, now and later."""
        name = os.fsdecode(b"caf\xe9.txt")
        experiment = make(tmp_path / "e", lambda x, n: {"value": x, "file": name})
        experiment.run(**INLINE)
        assert len(experiment.trials) == 6

    def test_very_large_results(self, tmp_path):
        """More than a journal's line may hold is no reason to end the search."""
        large = {f"k{number}": "v" * 99_000 for number in range(700)}
        experiment = make(tmp_path / "e", lambda x, n: {"value": x, **large}, plan=phsx.Random(1))
        experiment.run(**INLINE)
        assert experiment.trials[0].state.terminal

    def test_used_up_space_ends_with_a_warning(self, tmp_path):
        with pytest.warns(ExhaustedWarning, match="block 0.*no untried point is left"):
            experiment = make(
                tmp_path / "e", lambda n: n, {"n": phsx.Int(1, 3)}, phsx.Random(9)
            ).run(**INLINE)
        assert len(experiment.trials) == experiment.total == 3

    def test_callbacks_hear_of_each_trial_after_it_is_in_the_table(self, tmp_path):
        rows = []
        experiment = make(tmp_path / "e")

        def callback(trial):
            text = (experiment.directory / "results.csv").read_text()
            rows.append((trial.id, f"\n{trial.id}," in text))

        experiment.run(callbacks=[callback], **INLINE)
        assert rows == [(number, True) for number in range(6)]

    def test_results_csv_has_what_the_dataframe_has(self, done):
        table = pd.read_csv(done.directory / "results.csv", index_col="trial")
        frame = done.to_dataframe()
        for name in ("x", "n", "value", "state", "attempt"):
            assert table[name].tolist() == frame[name].tolist(), name

    def test_deleted_table_is_made_again(self, done):
        table = done.directory / "results.csv"
        text = table.read_text()
        table.unlink()
        done.add_trials(1).run(**INLINE)
        assert table.read_text().startswith(text)

    def test_own_executor(self, tmp_path):
        """A class of one's own may stand behind `cluster=`."""
        executor = VirtualExecutor(3)
        experiment = make(tmp_path / "e").run(cluster=executor, progress=False)
        assert executor.closed and len({trial.worker for trial in experiment.trials}) == 3


class TestGoingOn:
    def test_with_everything_said_again(self, done):
        again = make(done.directory)
        assert [trial.value for trial in again.trials] == [trial.value for trial in done.trials]
        again.run(**INLINE)
        assert len(again.trials) == 6

    def test_with_the_target_alone(self, tmp_path):
        make(tmp_path / "e")
        experiment = Experiment(tmp_path / "e", target=square).run(**INLINE)
        assert len(experiment.trials) == 6

    def test_without_the_target_where_it_is_known(self, cwd, monkeypatch):
        (cwd / "my_model.py").write_text("def f(x, n):\n    return x * n\n")
        monkeypatch.syspath_prepend(str(cwd))
        import my_model

        make("e", my_model.f)
        monkeypatch.undo()
        assert len(phsx.open(cwd / "e").run(**INLINE).trials) == 6

    def test_trials_are_added_to_the_last_block(self, done):
        whole = make(done.directory.parent / "whole", plan=[phsx.Sobol(4), phsx.Random(5)])
        whole.run(**INLINE)
        done.add_trials(3).run(**INLINE)
        assert [t.params for t in done.trials] == [t.params for t in whole.trials]
        assert phsx.open(done.directory).plan == whole.plan

    def test_blocks_are_added(self, done):
        done.extend(phsx.Sobol(2)).extend([phsx.Random(1), phsx.Grid(1, x=[0.0], n=1)])
        assert done.total == 10
        done.run(**INLINE)
        assert [trial.block for trial in done.trials] == [0] * 4 + [1] * 2 + [2] * 2 + [3, 4]
        assert len(phsx.open(done.directory).plan) == 5

    def test_longer_plan_in_the_script(self, done):
        again = make(done.directory, plan=[phsx.Sobol(4), phsx.Random(4), phsx.Sobol(1)])
        assert len(again.run(**INLINE).trials) == 9

    def test_shorter_plan_in_the_script_takes_nothing_away(self, done):
        done.add_trials(2).run(**INLINE)
        again = make(done.directory).run(**INLINE)
        assert len(again.trials) == again.total == 8

    def test_what_was_added_is_kept_though_nobody_runs_it(self, done):
        done.add_trials(5)
        assert phsx.open(done.directory).total == 11
        assert len(phsx.open(done.directory).extend(phsx.Sobol(1)).plan) == 3
        assert phsx.open(done.directory).total == 12

    def test_longer_plan_in_the_script_that_is_extended_too(self, done):
        again = make(done.directory, plan=[phsx.Sobol(4), phsx.Random(4)])
        again.extend(phsx.Sobol(1))
        assert phsx.open(done.directory).total == 9

    def test_another_space_is_refused_with_the_difference(self, done):
        with pytest.raises(ChangedError, match="space"):
            make(done.directory, space={**SPACE, "n": phsx.Int(1, 4)})

    def test_plan_that_somebody_else_has_grown(self, done):
        """An object that was made before does not take trials away."""
        old = make(done.directory)
        done.add_trials(3).run(**INLINE)
        old.run(**INLINE)
        assert len(old.trials) == 9

    def test_plan_that_somebody_else_has_grown_is_known(self, done):
        old = make(done.directory)
        done.add_trials(3).run(**INLINE)
        assert old.total == phsx.open(done.directory).total == 9

    def test_failed_trials_are_not_run_again(self, tmp_path):
        calls = []

        def target(x, n, trial):
            calls.append(trial.id)
            if trial.id == 1:
                raise ValueError
            return x

        make(tmp_path / "e", target).run(**INLINE)
        make(tmp_path / "e", target).run(**INLINE)
        assert calls == list(range(6))

    def test_stopped_experiment_goes_on(self, tmp_path):
        experiment = make(tmp_path / "e", plan=phsx.Sobol(8))
        experiment.run(stop_at=1000.0, **INLINE)
        assert 1 <= len(experiment.state.finished) < 8
        experiment.run(**INLINE)
        whole = make(tmp_path / "whole", plan=phsx.Sobol(8)).run(**INLINE)
        assert [t.params for t in experiment.trials] == [t.params for t in whole.trials]

    def test_the_model_goes_on_from_every_record(self, tmp_path):
        """F13 on the real journal and the real model: the file cut behind any of its lines."""
        plan = [phsx.Random(3), phsx.Bayesian(3, initial=3)]
        whole = make(tmp_path / "whole", plan=plan).run(**INLINE)
        lines = (whole.directory / "journal.jsonl").read_bytes().splitlines(keepends=True)
        first = next(n for n, line in enumerate(lines) if b'"suggesting"' in line) - 3
        for cut in [1, 2, 4, *range(first, len(lines), 2)]:
            directory = tmp_path / f"cut-{cut}"
            directory.mkdir()
            shutil.copy(whole.directory / "experiment.json", directory)
            (directory / "journal.jsonl").write_bytes(b"".join(lines[:cut]))
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", RecoveryWarning)
                again = make(directory, plan=plan).run(**INLINE)
            assert [t.params for t in again.trials] == [t.params for t in whole.trials], cut
            assert [t.value for t in again.trials] == [t.value for t in whole.trials]


class TestBackground:
    def test_handle(self, tmp_path):
        go, here = threading.Event(), threading.Event()

        def target(x, n):
            here.set()
            assert go.wait(20)
            return x

        experiment = make(tmp_path / "e", target)
        run = experiment.run(background=True, **INLINE)
        assert here.wait(20)
        assert run.running and run.progress.ended == 0 and run.progress.total == 6
        assert run.wait(0.0) is False
        # Looking at it meanwhile, here and from elsewhere.
        assert experiment.state.count(TrialState.RUNNING) == 1
        assert phsx.open(tmp_path / "e").state.count(TrialState.RUNNING) == 1
        assert len(experiment.to_dataframe()) == 1
        go.set()
        assert run.wait(20) is True
        assert not run.running and len(experiment.trials) == 6
        experiment.add_trials(1).run(**INLINE)
        assert len(experiment.trials) == 7

    def test_stop(self, tmp_path):
        experiment = make(tmp_path / "e", lambda x, n: time.sleep(0.01) or x, plan=phsx.Random(500))
        run = experiment.run(background=True, **INLINE)
        while run.progress.ended < 2:
            time.sleep(0.001)
        run.stop()
        assert 2 <= len(experiment.state.finished) < 500
        assert experiment.state.count(TrialState.RUNNING) == 0

    def test_error(self, tmp_path):
        def target(x, n):
            raise ValueError("always")

        run = make(tmp_path / "e", target).run(background=True, **INLINE)
        with pytest.raises(phsx.exceptions.SearchFailedError, match="always"):
            run.wait(20)

    def test_progress_is_shown(self, tmp_path, capsys):
        make(tmp_path / "e").run(cluster="inline")
        assert "e: 6 of 6 trials, 0 running, 0 failed, best" in capsys.readouterr().err

    def test_reason_of_an_early_end_is_shown(self, tmp_path, capsys):
        make(tmp_path / "e").run(cluster="inline", stop_at=1000)
        assert "ended early, trial 0 reached" in capsys.readouterr().err


class TestOpening:
    def test_shows_the_same(self, done):
        opened = phsx.open(done.directory)
        assert opened.trials == done.trials and opened.best == done.best
        assert (opened.space, opened.plan, opened.seed) == (done.space, done.plan, done.seed)
        pd.testing.assert_frame_equal(opened.to_dataframe(), done.to_dataframe())

    def test_changes_nothing(self, done):
        def files():
            return {path: path.stat().st_mtime_ns for path in done.directory.rglob("*")}

        before = files()
        opened = phsx.open(done.directory)
        assert len(opened.to_dataframe()) == 6 and opened.best and repr(opened) and opened.total
        assert files() == before

    def test_follows_what_is_written(self, tmp_path):
        experiment = make(tmp_path / "e", plan=phsx.Random(2))
        opened = phsx.open(tmp_path / "e")
        assert opened.trials == []
        experiment.run(**INLINE)
        assert len(opened.trials) == 2
        experiment.add_trials(1).run(**INLINE)
        assert len(opened.trials) == 3

    def test_runs_and_unpickles_nothing(self, done, monkeypatch):
        """F30: somebody else's directory, with hostile files in it."""
        (done.directory / "source" / "evil.py").write_text("raise SystemExit('it ran')")
        (done.directory / "target.pkl").write_bytes(b"cos\nabort\n(tR.")
        content = json.loads((done.directory / "experiment.json").read_text())
        content["target"] = {"kind": "function", "module": "evil", "qualname": "f", "file": "/x"}
        (done.directory / "experiment.json").write_text(json.dumps(content))

        def refuse(*arguments, **options):
            raise AssertionError("something was loaded")

        for name in ("load", "loads", "Unpickler"):
            monkeypatch.setattr(pickle, name, refuse)
        monkeypatch.setattr("importlib.import_module", refuse)
        opened = Experiment(done.directory)
        assert len(opened.trials) == 6 and opened.best is not None

    def test_records_that_a_takeover_made_void_are_forgotten(self, done, tmp_path):
        """A reader has seen what an older master wrote after it had lost its lease."""
        opened = phsx.open(done.directory)
        assert len(opened.trials) == 6
        journal = done.directory / "journal.jsonl"
        whole = journal.read_bytes()
        # As the new master found it: without the last two records.
        lines = whole.splitlines(keepends=True)
        journal.write_bytes(b"".join(lines[:-2]))
        with pytest.warns(RecoveryWarning), Journal.open(done.directory):
            pass
        assert (done.directory / "journal.2.jsonl").exists()
        journal.write_bytes(whole)  # the older one goes on for a moment
        assert len(read(done.directory).records) > 0
        assert [t.id for t in opened.trials] == [t.id for t in phsx.open(done.directory).trials]

    def test_symbolic_link_to_an_experiment(self, done, tmp_path):
        (tmp_path / "link").symlink_to(done.directory)
        assert len(phsx.open(tmp_path / "link").trials) == 6

    def test_moved_directory(self, done, tmp_path):
        moved = shutil.move(done.directory, tmp_path / "elsewhere")
        assert len(phsx.open(moved).trials) == 6
        again = make(Path(moved)).add_trials(1)
        assert len(again.run(**INLINE).trials) == 7


class TestDataframe:
    def test_columns(self, done):
        frame = done.to_dataframe()
        assert list(frame.columns)[:4] == ["x", "n", "value", "state"]
        assert frame["value"].idxmin() == done.best.id

    def test_conditional_parameters_are_missing_where_inactive(self, tmp_path):
        space = {
            "k": phsx.Categorical(["a", "b"]),
            "x": phsx.Float(0, 1, when={"k": "a"}),
        }
        experiment = make(tmp_path / "e", lambda k, x=0.5: x, space, phsx.Random(8)).run(**INLINE)
        frame = experiment.to_dataframe()
        assert (frame["x"].isna() == (frame["k"] == "b")).all()
        assert set(frame["k"]) == {"a", "b"}
