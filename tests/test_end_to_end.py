"""Whole searches on real worker processes."""

from __future__ import annotations

import functools
import json
import math
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import psutil
import pytest

import phsx
from phsx.clusters.local import local_cluster
from phsx.exceptions import ChangedWarning, RecoveryWarning, SearchFailedError
from phsx.journal import read
from phsx.state import SearchState
from phsx.trial import TrialState

ROOT = str(Path(phsx.__file__).parents[1])

#: Six parameters of all kinds, some of them conditional, and constraints among them.
SPACE = phsx.Space(
    {
        "model": phsx.Categorical(["svm", "forest", "linear"]),
        "rate": phsx.Float(1e-4, 1.0, log=True, when={"model": ["svm", "linear"]}),
        "degree": phsx.Int(2, 5, when={"model": "svm"}),
        "depth": phsx.Int(1, 60, log=True, when={"model": "forest"}),
        "share": phsx.Float(0.1, 1.0, step=0.05),
        "size": phsx.Ordinal([8, 16, 32, 64, 128]),
        "cost": phsx.Expression("share * size"),
        "seed": 7,
    },
    constraints=["cost <= 70", "degree * rate < 2", "depth + size < 150"],
)


def loss(model, share, size, cost, seed, rate=None, degree=None, depth=None):
    assert seed == 7 and cost == share * size
    offset = {"svm": 0.0, "forest": 0.2, "linear": 0.5}[model]
    return (
        offset
        + (share - 0.6) ** 2
        + 0.01 * abs(math.log2(size) - 5)
        + (0.0 if rate is None else (math.log10(rate) + 2) ** 2 / 10)
        + (0.0 if depth is None else (depth - 12) ** 2 / 1000)
        + (0.0 if degree is None else 0.02 * abs(degree - 3))
    )


def check_points(experiment):
    """No invalid point, no repeat, each trial once."""
    space = experiment.space
    for trial in experiment.trials:
        given = {name: trial.params[name] for name in space.dimensions if name in trial.params}
        assert space.check(given) == trial.params
        assert space.satisfies(trial.params)
    keys = Counter(space.key(trial.params) for trial in experiment.trials)
    assert set(keys.values()) == {1}
    ends = Counter(r["id"] for r in read(experiment.directory).records if r["type"] == "ended")
    assert ends == Counter(range(len(experiment.trials)))


def wait_for(condition, seconds=60.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        time.sleep(0.01)


class TestMixedConditionalSpace:
    PLAN = (phsx.Sobol(12), phsx.Random(8, share=[0.2, 0.6, 1.0]), phsx.Bayesian(20))

    def test_on_two_workers(self, tmp_path):
        experiment = phsx.Experiment(tmp_path / "e", loss, SPACE, self.PLAN, seed=5)
        assert experiment.run(workers=2, progress=False) is experiment
        assert len(experiment.trials) == 40
        check_points(experiment)
        assert {trial.state.value for trial in experiment.trials} == {"completed"}
        assert {trial.params["share"] for trial in experiment.trials[12:20]} == {0.2, 0.6, 1.0}
        suggested = [trial for trial in experiment.trials if trial.suggestion is not None]
        assert len(suggested) == 20
        assert {t.suggestion.worker for t in suggested} <= {t.worker for t in experiment.trials}
        early = min(trial.value for trial in experiment.trials[:20])
        assert experiment.best.value <= early
        # What is on the disk is what was seen.
        assert phsx.open(tmp_path / "e").trials == experiment.trials
        logs = "".join(path.read_text() for path in (tmp_path / "e").glob("logs/*"))
        assert "Traceback" not in logs and "ERROR" not in logs, logs

    @pytest.mark.parametrize("pool", [{"cluster": "inline"}, {"workers": 2}], ids=str)
    def test_three_hundred(self, tmp_path, pool):
        plan = [phsx.Sobol(80), phsx.LatinHypercube(80), phsx.Random(80), phsx.Bayesian(60)]
        experiment = phsx.Experiment(tmp_path / "e", loss, SPACE, plan, seed=5)
        experiment.run(**pool, progress=False)
        assert len(experiment.trials) == 300
        check_points(experiment)
        assert {trial.params["model"] for trial in experiment.trials} == {"svm", "forest", "linear"}


def test_inline_and_one_worker_give_the_same_trials(tmp_path):
    plan = [phsx.Random(4), phsx.Sobol(4), phsx.Bayesian(6, initial=3)]
    one, other = (
        phsx.Experiment(tmp_path / name, loss, SPACE, plan, seed=9) for name in ("one", "other")
    )
    one.run(cluster="inline", progress=False)
    other.run(workers=1, progress=False)
    assert [t.params for t in one.trials] == [t.params for t in other.trials]
    assert [t.value for t in one.trials] == [t.value for t in other.trials]
    assert [f.values for f in one.state.fits] == [f.values for f in other.state.fits]
    assert [t.suggestion and t.suggestion.seen for t in one.trials].count(None) == 8


# ---------------------------------------------------------------- killed masters

SCRIPT = """
import sys, time
from pathlib import Path
import phsx

COUNT = Path(sys.argv[1])

def target(x, y, trial):
    with open(COUNT / f"{trial.id}", "a") as file:
        file.write(f"began {trial.attempt}\\n")
    time.sleep(0.05)
    with open(COUNT / f"{trial.id}", "a") as file:
        file.write("ended\\n")
    return (x - 1) ** 2 + y

if __name__ == "__main__":
    phsx.Experiment(
        "search",
        target=target,
        space={"x": phsx.Float(-5, 5), "y": phsx.Int(0, 3)},
        plan=[phsx.Random(16), phsx.Bayesian(8)],
        seed=2,
    ).run(workers=int(sys.argv[2]), progress=False)
"""


class TestKilledMaster:
    """F11 and item 6: SIGKILL half way, then on with another number of workers."""

    @pytest.fixture
    def script(self, cwd):
        (cwd / "script.py").write_text(SCRIPT)
        (cwd / "count").mkdir()
        processes = []

        def start(workers):
            processes.append(
                subprocess.Popen(
                    [sys.executable, "script.py", "count", str(workers)],
                    env=os.environ | {"PYTHONPATH": ROOT},
                    stderr=subprocess.PIPE,
                    text=True,
                )
            )
            return processes[-1]

        yield start
        for process in processes:
            if process.poll() is None:
                process.kill()
            process.communicate()

    @staticmethod
    def completed():
        path = Path("search")
        if not (path / "journal.jsonl").exists():
            return set()
        state = SearchState().replay(read(path).records)
        return {n for n in state.finished if state.trials[n].state is TrialState.COMPLETED}

    def test_goes_on_with_another_number_of_workers(self, script, cwd):
        process = script(2)
        wait_for(lambda: len(self.completed()) >= 10)
        family = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        process.wait()
        _, alive = psutil.wait_procs(family, timeout=20)
        assert alive == [], "nothing of it goes on evaluating"
        done = self.completed()
        assert 10 <= len(done) < 24
        for number in done:
            with (cwd / "count" / str(number)).open("a") as file:
                file.write("recorded\n")
        process = script(3)
        assert process.wait(60) == 0, process.stderr.read()
        assert done <= self.completed(), "progress never goes back"
        assert self.completed() == set(range(24))
        told = {int(path.name): path.read_text() for path in (cwd / "count").iterdir()}
        assert sorted(told) == list(range(24))
        for number, text in told.items():
            assert "began" not in text.partition("recorded")[2], f"{number} was evaluated again"
        assert sum(text.count("began") for text in told.values()) <= 24 + 2
        experiment = phsx.open("search")
        check_points(experiment)
        assert all(trial.deaths == 0 for trial in experiment.trials)

    def test_takeover_is_told(self, script, cwd):
        process = script(1)
        wait_for(lambda: len(self.completed()) >= 2)
        process.kill()
        process.wait()

        def target(x, y, trial):
            return x

        experiment = phsx.Experiment("search", target)
        with (
            pytest.warns(ChangedWarning, match="code of the target"),
            pytest.warns(RecoveryWarning, match=str(process.pid)),
        ):
            experiment.run(cluster="inline", progress=False, stop_at=1e9)


# ---------------------------------------------------------------- targets, on a shared cluster


@pytest.fixture(scope="module")
def cluster():
    with local_cluster(2) as cluster:
        cluster.wait_for_workers(2, timeout=60)
        yield cluster


@pytest.fixture
def search(cluster, tmp_path):
    """Run a small search on the shared workers and return the experiment."""

    def run(target, trials=3, space=None, **options):
        settings = {
            name: options.pop(name)
            for name in ("timeout", "isolate", "max_failed", "callbacks", "cores_per_trial")
            if name in options
        }
        experiment = phsx.Experiment(
            tmp_path / "e",
            target,
            space or {"x": phsx.Float(1, 2), "n": phsx.Int(1, 3)},
            phsx.Random(trials),
            seed=3,
            **options,
        )
        return experiment.run(cluster=cluster, progress=False, **settings)

    return run


def values(experiment):
    return [(trial.params["x"], trial.params["n"], trial.value) for trial in experiment.trials]


class Model:
    def __init__(self, factor):
        self.factor = factor

    def evaluate(self, x, n):
        return self.factor * x * n

    def __call__(self, x, n):
        return self.factor * x + n


@pytest.mark.leaks("files")
class TestTargets:
    def test_lambda(self, search):
        for x, n, value in values(search(lambda x, n: x + n)):
            assert value == x + n

    def test_closure_over_data_and_functions(self, search):
        table = {1: 10.0, 2: 20.0, 3: 30.0}

        def helper(x):
            return x * offset

        offset = 5
        for x, n, value in values(search(lambda x, n: helper(x) + table[n])):
            assert value == x * 5 + table[n]

    def test_partial(self, search):
        def target(x, n, power, scale=1.0):
            return scale * x**power + n

        for x, n, value in values(search(functools.partial(target, power=2, scale=3.0))):
            assert value == 3.0 * x**2 + n

    def test_method(self, search):
        for x, n, value in values(search(Model(4).evaluate)):
            assert value == 4 * x * n

    def test_object_that_is_called(self, search):
        for x, n, value in values(search(Model(4))):
            assert value == 4 * x + n

    def test_one_mapping(self, search):
        for x, n, value in values(search(lambda config: config["x"] * config["n"])):
            assert value == x * n

    def test_module_beside_the_script(self, search, tmp_path, monkeypatch):
        folder = tmp_path / "project"
        folder.mkdir()
        (folder / "beside_helper.py").write_text("def twice(x):\n    return 2 * x\n")
        (folder / "beside_model.py").write_text(
            "from beside_helper import twice\n\ndef train(x, n):\n    return twice(x) + n\n"
        )
        monkeypatch.syspath_prepend(str(folder))
        import beside_model

        for x, n, value in values(search(beside_model.train)):
            assert value == 2 * x + n

    def test_fixed_data(self, search):
        data = list(range(1000))
        experiment = search(lambda x, n, data: x + data[n], fixed={"data": data})
        for x, n, value in values(experiment):
            assert value == x + n

    def test_command(self, search):
        command = phsx.Command([sys.executable, "-c", "print({x} * {n})"])
        for x, n, value in values(search(command)):
            assert value == pytest.approx(x * n)

    def test_mapping_with_more(self, search):
        experiment = search(lambda x, n: {"loss": x, "pid": os.getpid(), "list": [n]})
        for trial in experiment.trials:
            assert trial.result["list"] == [trial.params["n"]]
            assert trial.result["pid"] != os.getpid()

    def test_maximize(self, search):
        experiment = search(lambda x, n: x, maximize=True)
        assert experiment.best.value == max(value for *_, value in values(experiment))

    def test_report_and_handle(self, search, tmp_path):
        def target(x, n, trial):
            for step in range(3):
                trial.report(step, x + step)
            (trial.directory / "mine.json").write_text(json.dumps([trial.id, trial.seed]))
            return x

        experiment = search(target)
        for trial in experiment.trials:
            x = trial.params["x"]
            assert experiment.state.reports[trial.id] == [(0, x), (1, x + 1), (2, x + 2)]
            folder = experiment.directory / "trials" / f"{trial.id:06d}"
            assert json.loads((folder / "mine.json").read_text())[0] == trial.id


NOTEBOOK = """
import json, sys
import phsx

FACTOR = 3
class Helper:
    def scale(self, x):
        return FACTOR * x
def half(x):
    return x / 2
def target(x):
    return Helper().scale(half(x))
experiment = phsx.Experiment("e", target, {"x": phsx.Float(0, 1)}, phsx.Random(3), seed=0)
run = experiment.run(workers=1, background=True, progress=False)
assert run.progress.total == 3
run.wait()
print(json.dumps([[t.params["x"], t.value, t.error] for t in experiment.trials]))
"""


def test_main_module_as_in_a_notebook(cwd):
    """Functions and classes of a `__main__` without a file, and a run in the background."""
    process = subprocess.run(
        [sys.executable, "-"],
        input=NOTEBOOK,
        capture_output=True,
        text=True,
        timeout=90,
        env=os.environ | {"PYTHONPATH": ROOT},
    )
    assert process.returncode == 0, process.stderr
    assert process.stderr == ""
    for x, value, error in json.loads(process.stdout):
        assert value == pytest.approx(3 * x / 2), error


def test_script_without_a_guard_and_its_output(cwd):
    """No `if __name__ == "__main__"` is needed: workers do not import the script."""
    (cwd / "script.py").write_text(
        "import phsx\n"
        "print('the script runs')\n"
        "f = phsx.minimize(lambda x: x**2, {'x': phsx.Float(-1, 1)}, trials=4, workers=2, seed=1)\n"
        "print(len(f.trials), f.best.state)\n"
    )
    process = subprocess.run(
        [sys.executable, "-W", "error", "script.py"],
        capture_output=True,
        text=True,
        timeout=90,
        env=os.environ | {"PYTHONPATH": ROOT},
    )
    assert process.stdout == "the script runs\n4 completed\n", process.stderr
    lines = process.stderr.splitlines()
    assert lines[0].endswith("0 of 4 trials, 0 running, 0 failed, no result yet")
    assert "4 of 4 trials" in lines[-1]
    assert all("trials" in line for line in lines), "something else was said"


# ---------------------------------------------------------------- what trials write, and their ends


@pytest.mark.leaks("files")
class TestTrialDirectory:
    def test_output_of_each_trial_is_its_own_whoever_writes_it(self, search):
        def target(x, n, trial):
            print(f"print {trial.id}")
            os.write(1, f"write {trial.id}\n".encode())
            subprocess.run(["sh", "-c", f"echo child {trial.id}; (echo grandchild {trial.id} >&2)"])
            sys.stderr.write(f"error {trial.id}\n")
            return x

        experiment = search(target, trials=6)
        for number in range(6):
            folder = experiment.directory / "trials" / f"{number:06d}"
            out, err = ((folder / name).read_text() for name in ("stdout.txt", "stderr.txt"))
            assert out == f"print {number}\nwrite {number}\nchild {number}\n"
            assert err == f"grandchild {number}\nerror {number}\n"

    def test_output_of_a_trial_that_crashes(self, search):
        def target(x, n, trial):
            print("last words")
            os.kill(os.getpid(), signal.SIGSEGV)

        experiment = search(target, trials=1)
        trial = experiment.trials[0]
        folder = experiment.directory / "trials" / "000000"
        assert trial.state is TrialState.FAILED and "SIGSEGV" in trial.error
        assert (trial.attempt, trial.deaths) == (4, 3)
        assert (folder / "stdout.txt").read_text().count("last words") == 4
        assert "Segmentation fault" in (folder / "stderr.txt").read_text()


@pytest.mark.leaks("files")
class TestEnds:
    def test_timeout(self, search):
        def target(x, n, trial):
            if trial.id % 2:
                time.sleep(60)
            return x

        began = time.monotonic()
        experiment = search(target, trials=4, timeout=0.5, max_failed=1.0)
        assert [trial.state.value for trial in experiment.trials] == ["completed", "timed_out"] * 2
        assert "0.5" in experiment.trials[1].error
        assert time.monotonic() - began < 20

    def test_exceptions_of_all_kinds(self, search):
        class Unpicklable(Exception):
            def __reduce__(self):
                raise TypeError("never")

        def target(x, n, trial):
            if trial.id == 1:
                raise Unpicklable("é")
            if trial.id == 2:
                raise SystemExit(3)
            if trial.id == 3:
                raise KeyboardInterrupt
            return x

        experiment = search(target, trials=8, max_failed=1.0)
        states = [trial.state.value for trial in experiment.trials]
        assert states == ["completed", *["failed"] * 3, *["completed"] * 4]
        for trial, name in zip(
            experiment.trials[1:4], ["Unpicklable", "SystemExit", "KeyboardInterrupt"], strict=True
        ):
            assert name in trial.error and "in target" in trial.traceback

    def test_most_trials_fail(self, search):
        def target(x, n):
            raise ValueError("never")

        with pytest.raises(SearchFailedError, match="ValueError: never"):
            search(target, trials=20)

    def test_callbacks(self, search):
        seen = []
        experiment = search(lambda x, n: x, trials=5, callbacks=[seen.append])
        assert sorted(trial.id for trial in seen) == list(range(5))
        assert {trial.id: trial for trial in seen} == {t.id: t for t in experiment.trials}

    def test_without_isolation(self, search):
        experiment = search(lambda x, n: {"value": x, "pid": os.getpid()}, isolate=False)
        assert all(trial.state == "completed" for trial in experiment.trials)
        assert len({trial.result["pid"] for trial in experiment.trials}) <= 2

    def test_cores(self, search):
        names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")
        experiment = search(
            lambda x, n: {"value": x, "cores": [os.environ.get(name) for name in names]},
            cores_per_trial=3,
        )
        assert experiment.trials[0].result["cores"] == ["3", "3"]


@pytest.mark.leaks("files")
def test_background_run_is_watched_and_stopped(cluster, tmp_path):
    def target(x):
        time.sleep(0.02)
        return x

    experiment = phsx.Experiment(
        tmp_path / "e", target, {"x": phsx.Float(0, 1)}, phsx.Random(5000), seed=0
    )
    run = experiment.run(cluster=cluster, background=True, progress=False)
    assert run.wait(0.0) is False and run.running
    wait_for(lambda: run.progress.ended >= 4)
    assert experiment.best is not None and len(experiment.to_dataframe()) >= 4
    assert phsx.open(tmp_path / "e").best is not None
    run.stop(grace=5.0)
    assert not run.running and 4 <= run.progress.ended < 5000
    counted = Counter(trial.state for trial in experiment.trials)
    assert set(counted) <= {TrialState.COMPLETED, TrialState.WAITING}
    assert repr(run).startswith("<phsx run, ended:")


def test_worker_that_is_killed_in_the_middle_of_a_trial(tmp_path):
    """F1: the trial runs again, everything is there once, and nothing stays behind."""

    def target(x, trial):
        if trial.id == 2 and trial.attempt == 1:
            trial.report(0, os.getppid())
            time.sleep(60)
        return x

    experiment = phsx.Experiment(
        tmp_path / "e", target, {"x": phsx.Float(0, 1)}, phsx.Random(8), seed=0
    )
    run = experiment.run(workers=2, background=True, progress=False)
    wait_for(lambda: 2 in experiment.state.reports)
    ((_, worker),) = experiment.state.reports[2]
    os.kill(int(worker), signal.SIGKILL)
    assert run.wait(60)
    assert {trial.state.value for trial in experiment.trials} == {"completed"}
    assert len(experiment.trials) == 8
    # What Dask does with an evaluation for a worker that is dead: tests/execution/test_dask.py.
    assert experiment.trials[2].attempt >= 2 and experiment.trials[2].deaths >= 1
    assert all(trial.deaths == 0 for trial in experiment.trials if trial.id != 2)
