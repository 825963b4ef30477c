"""Trials in child processes: what they give, and what is left when they end badly."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from phsx.execution import installation, worker
from phsx.execution.evaluation import Job
from phsx.scratch import Scratch
from phsx.targets.command import Command

ROOT = str(Path(worker.__file__).parents[2])


def wait_for(condition, seconds=10.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        time.sleep(0.005)


def gone(pid):
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def run_script(directory, text, *arguments):
    """Run a script in a process of its own to its end."""
    (directory / "script.py").write_text(text)
    return subprocess.run(
        [sys.executable, "script.py", *arguments],
        cwd=directory,
        env={**os.environ, "PYTHONPATH": ROOT},
        capture_output=True,
        text=True,
        timeout=30,
    )


class TestResults:
    def test_outcome_tells_value_extras_and_where(self, install):
        def target(x):
            return {"score": x**2, "pid": os.getpid()}

        run = install(target)
        before = time.time()
        outcome = run.evaluate(7, x=3.0, attempt=2, objective="score")
        assert (outcome.trial, outcome.attempt) == (7, 2)
        assert (outcome.state, outcome.value) == ("completed", 9.0)
        assert outcome.extras == {"pid": outcome.pid}
        assert outcome.pid != os.getpid()
        assert outcome.host == os.uname().nodename
        assert before <= outcome.started <= outcome.ended <= time.time()
        assert outcome.error is None and outcome.traceback is None
        assert outcome.stdout is None and outcome.stderr is None

    def test_child_is_kept_between_trials(self, install):
        def target(x):
            return {"value": x, "pid": os.getpid()}

        run = install(target)
        pids = {run.evaluate(trial).extras["pid"] for trial in range(5)}
        assert len(pids) == 1

    def test_child_outlives_the_thread_that_asked_for_it(self, install):
        run = install(lambda x: x)
        with ThreadPoolExecutor(1) as pool:
            first = pool.submit(run.evaluate, 0).result(10)
            thread = pool.submit(threading.get_native_id).result(10)
        wait_for(lambda: not os.path.exists(f"/proc/self/task/{thread}"))
        assert run.evaluate(1).pid == first.pid

    def test_unknown_run_is_said_not_raised(self, tmp_path):
        outcome = worker.evaluate(Job("nobody", 1, {"x": 1}, str(tmp_path / "e/trials/1")))
        assert outcome.state == "not_installed"
        assert not list(tmp_path.iterdir())

    def test_installing_again_changes_only_what_differs(self, install):
        run = install(lambda x: x)
        worker.install(run.name, run.package)
        first = run.evaluate(0)
        worker.install(run.name, run.package)
        assert run.evaluate(1).pid == first.pid
        other = install(lambda x: 2 * x)
        worker.install(run.name, other.package)
        assert worker.installed(run.name)
        assert run.evaluate(2).value == 2.0
        wait_for(lambda: gone(first.pid))

    def test_handle_reports_and_knows_its_trial(self, install):
        def target(x, trial):
            (trial.checkpoint_directory / "a.txt").write_text("saved")
            trial.report(1, 0.5)
            trial.report(2, float("nan"))
            return {"value": trial.seed, "params": dict(trial.params), "attempt": trial.attempt}

        reports = []
        run = install(target)
        outcome = run.evaluate(3, x=2.5, seed=11, notify=reports.append)
        assert outcome.value == 11
        assert outcome.extras == {"params": {"x": 2.5}, "attempt": 1}
        assert [(r.run, r.trial, r.step) for r in reports] == [(run.name, 3, 1), (run.name, 3, 2)]
        assert reports[0].value == 0.5 and reports[1].value != reports[1].value
        assert (run.directory(3) / "checkpoints" / "a.txt").read_text() == "saved"

    def test_stop_request_reaches_a_running_trial(self, install):
        def target(x, trial):
            asked_before = trial.should_stop()
            trial.report(0, x)
            while x and not trial.should_stop():
                time.sleep(0.001)
            return {"value": x, "asked before": asked_before}

        run = install(target)
        reported = threading.Event()
        with ThreadPoolExecutor(1) as pool:
            future = pool.submit(run.evaluate, 4, x=1, notify=lambda report: reported.set())
            assert reported.wait(10)
            assert worker.running(run.name) == [(4, 1)]
            assert not worker.stop(run.name, 5)
            assert worker.stop(run.name, 4)
            first = future.result(10)
        assert first.state == "completed"
        assert worker.running(run.name) == []
        assert not worker.stop(run.name, 4)
        second = run.evaluate(5, x=0)
        assert second.pid == first.pid
        assert not second.extras["asked before"]

    def test_without_isolation_it_runs_here(self, install):
        run = install(lambda x: {"value": x, "pid": os.getpid()})
        outcome = run.evaluate(isolate=False)
        assert outcome.extras["pid"] == os.getpid()
        assert run.directory(0).is_dir()

    def test_stop_without_isolation(self, install):
        def target(x, trial):
            trial.report(0, x)
            while not trial.should_stop():
                time.sleep(0.001)
            return x

        run = install(target)
        outcome = run.evaluate(notify=lambda r: worker.stop(run.name, 0), isolate=False)
        assert outcome.state == "completed"


class TestOutput:
    @pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that is always full")
    def test_a_full_disk_is_named(self, install):
        run = install(lambda x: print("hello") or x)
        run.directory(0).mkdir(parents=True)
        (run.directory(0) / "stdout.txt").symlink_to("/dev/full")
        outcome = run.evaluate(0)
        assert outcome.state == "failed" and "No space left on device" in outcome.error
        assert run.evaluate(1).state == "completed"

    def test_all_kinds_of_output_are_in_the_trials_files(self, install, capfd, monkeypatch):
        monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)

        def target(x):
            import ctypes
            import subprocess

            print("python", x)
            print("python error", file=sys.stderr)
            libc = ctypes.CDLL(None)
            libc.puts(b"from C")
            os.write(1, b"descriptor\n")
            subprocess.run(["echo", "grandchild"], check=True)
            sys.stdout.write("no newline")
            libc.printf(b"neither")
            return x

        run = install(target)
        for trial, x in ((0, 1.0), (1, 2.0)):
            assert run.evaluate(trial, x).state == "completed"
            lines = run.stdout(trial).splitlines()
            assert f"python {x}" in lines
            assert {"from C", "descriptor", "grandchild"} <= set(lines)
            assert run.stdout(trial).endswith(("no newlineneither", "neitherno newline"))
            assert run.stderr(trial) == "python error\n"
        out, err = capfd.readouterr()
        assert out == "" and err == ""

    def test_output_can_be_watched_while_the_trial_runs(self, install, monkeypatch):
        monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)

        def target(x, trial):
            import ctypes

            print("begun")
            ctypes.CDLL(None).puts(b"begun in C")
            while not trial.should_stop():
                time.sleep(0.001)
            return x

        run = install(target)
        with ThreadPoolExecutor(1) as pool:
            future = pool.submit(run.evaluate)
            file = run.directory(0) / "stdout.txt"
            wait_for(lambda: file.exists() and file.read_text() == "begun\nbegun in C\n")
            worker.stop(run.name, 0)
            future.result(10)

    def test_later_attempts_are_appended_behind_a_line(self, install):
        run = install(lambda x: print("attempt's output") or x)
        run.evaluate(attempt=1)
        run.evaluate(attempt=2)
        lines = run.stdout().splitlines()
        assert lines[0] == lines[2] == "attempt's output"
        assert lines[1].startswith("--- attempt 2, ")

    def test_a_target_that_closes_or_replaces_its_streams_harms_only_itself(self, install):
        def target(x):
            import io

            if x == 0:
                sys.stdout.close()
                os.close(2)
            if x == 1:
                sys.stdout = io.StringIO()
                sys.__stdout__ = None
            print("seen", x)
            return x

        run = install(target)
        assert "closed file" in run.evaluate(0, x=0).error
        assert run.evaluate(1, x=1).state == "completed"
        assert run.evaluate(2, x=2).state == "completed"
        assert run.stdout(2) == "seen 2\n"

    def test_text_that_utf8_cannot_hold_is_written_all_the_same(self, install):
        run = install(lambda x: print("sign: × surrogate: \ud800") or x)
        assert run.evaluate().state == "completed"
        assert run.stdout() == "sign: × surrogate: \\ud800\n"

    def test_a_directory_that_is_not_visible_gives_tails(self, install, tmp_path):
        def target(x, trial):
            print("far away", x)
            print("error", file=sys.stderr)
            (trial.directory / "file").write_text("x")
            return x

        run = install(target)
        far = tmp_path / "elsewhere" / "trials" / "000000"
        outcome = run.evaluate(directory=str(far))
        assert outcome.state == "completed"
        assert (outcome.stdout, outcome.stderr) == ("far away 1.0\n", "error\n")
        assert not far.parent.parent.exists()

    def test_tails_of_a_trial_that_crashed(self, install, tmp_path):
        run = install(lambda x: print("last words") or os._exit(1))
        outcome = run.evaluate(directory=str(tmp_path / "elsewhere" / "trials" / "000000"))
        assert (outcome.state, outcome.stdout) == ("crashed", "last words\n")

    def test_a_disk_that_takes_no_output(self, install):
        run = install(lambda x: x)
        directory = run.directory(0)
        (directory / "stderr.txt").mkdir(parents=True)
        outcome = run.evaluate(0)
        assert outcome.state == "failed" and "output cannot be written" in outcome.error
        assert run.evaluate(1).state == "completed"


class TestCommands:
    def test_output_and_result(self, install):
        code = "import sys; print('begun'); print('oh', file=sys.stderr); print(sys.argv[1])"
        run = install(Command([sys.executable, "-c", code, "{x}"]))
        for attempt in (1, 2):
            outcome = run.evaluate(x=0.5, attempt=attempt)
            assert (outcome.state, outcome.value) == ("completed", 0.5)
        assert run.stdout().startswith("begun\n0.5\n--- attempt 2, ")
        assert run.stdout().endswith(" ---\nbegun\n0.5\n")
        assert run.stderr().startswith("oh\n---")

    def test_exit_code(self, install):
        code = "import sys; sys.exit('no such ' + sys.argv[1])"
        outcome = install(Command([sys.executable, "-c", code, "{x}"])).evaluate(x="mesh")
        assert outcome.state == "failed" and outcome.traceback is None
        assert "exit code 1" in outcome.error and outcome.error.endswith("no such mesh")


class TestEnvironment:
    def test_threads_follow_the_cores_of_the_trial(self, install, monkeypatch):
        monkeypatch.setenv("OMP_NUM_THREADS", "7")

        def target(x):
            return {"value": int(os.environ["OMP_NUM_THREADS"]), "pid": os.getpid()}

        run = install(target)
        assert run.evaluate(0).value == 7
        two = run.evaluate(1, cores=2)
        again = run.evaluate(2, cores=2)
        three = run.evaluate(3, cores=3)
        assert (two.value, again.value, three.value) == (2, 2, 3)
        assert two.pid == again.pid != three.pid

    def test_working_directory_is_the_masters_in_every_trial(self, install, cwd, tmp_path):
        def target(x):
            here = os.getcwd()
            os.chdir("/")
            return {"value": x, "here": here}

        run = install(target)
        assert [run.evaluate(i).extras["here"] for i in range(2)] == [str(cwd), str(cwd)]

    def test_working_directory_that_does_not_exist_there(self, install):
        run = install(lambda x: {"value": x, "here": os.getcwd()})
        worker.install(run.name, replace(run.package, cwd="/no/such/place", digest="other"))
        assert run.evaluate().extras["here"] == os.getcwd()

    def test_standard_input_is_empty(self, install):
        assert "EOFError" in install(lambda x: input()).evaluate().error

    def test_the_same_phsx_as_the_workers_is_used(self, tmp_path):
        """Also where another one is in front of it on the child's path."""
        other = tmp_path / "other" / "phsx"
        other.mkdir(parents=True)
        (other / "__init__.py").write_text("raise RuntimeError('the wrong phsx')")
        done = run_script(
            tmp_path,
            f"""
import os, sys
from phsx.execution import worker
from phsx.execution.evaluation import Job
from phsx.targets.packing import pack
os.environ["PYTHONPATH"] = {str(other.parent)!r}
os.mkdir("trials")
worker.install("run", pack(lambda x: x, ["x"]))
print(worker.evaluate(Job("run", 0, {{"x": 1.0}}, os.path.abspath("trials/0"))).state)
""",
        )
        assert done.stdout == "completed\n", done.stderr

    def test_the_child_is_light(self, install):
        heavy = {"numpy", "scipy", "sklearn", "pandas", "dask", "distributed", "matplotlib"}
        outcome = install(lambda x: {"value": 0, "loaded": list(sys.modules)}).evaluate()
        assert not heavy & {*outcome.extras["loaded"]}
        assert "phsx.execution.child" in outcome.extras["loaded"]
        assert "phsx.targets.packing" not in outcome.extras["loaded"]

    def test_no_descriptor_of_the_worker_is_inherited(self, install, tmp_path):
        def target(x):
            found = {}
            for name in os.listdir("/proc/self/fd"):
                try:
                    found[name] = os.readlink(f"/proc/self/fd/{name}")
                except OSError:
                    continue
            return {"value": x, "files": found}

        with open(tmp_path / "of the worker", "w"):
            files = install(target).evaluate().extras["files"].values()
        assert not any("of the worker" in file for file in files)
        assert sum(file.startswith("socket:") for file in files) == 1

    def test_copies_of_the_worker_leave_its_children_alone(self, tmp_path):
        done = run_script(
            tmp_path,
            """
import os, sys
from phsx.execution import worker
from phsx.execution.evaluation import Job
from phsx.targets.packing import pack
os.mkdir("trials")
worker.install("run", pack(lambda x: x, ["x"]))
job = Job("run", 0, {"x": 1.0}, os.path.abspath("trials/0"))
first = worker.evaluate(job)
if os.fork() == 0:
    print(worker.evaluate(job).state, flush=True)
    sys.exit(0)             # with exit handlers
os.wait()
print(worker.evaluate(job).pid == first.pid)
""",
        )
        assert done.stdout == "not_installed\nTrue\n", done.stderr

    def test_pools_of_the_target_find_its_functions(self, tmp_path):
        """As in a script, where they are in `__main__`, which in a child is another one."""
        done = run_script(
            tmp_path,
            """
import multiprocessing
from dataclasses import dataclass
from pathlib import Path
from phsx.execution import worker
from phsx.execution.evaluation import Job
from phsx.targets.packing import pack

@dataclass
class Point:
    x: float

SCALE = 10

def part(point):
    return point.x * SCALE

def target(x):
    with multiprocessing.get_context("fork").Pool(2) as pool:
        return sum(pool.map(part, [Point(x), Point(2 * x)]))

if __name__ == "__main__":
    worker.install("run", pack(target, ["x"]))
    outcome = worker.evaluate(Job("run", 0, {"x": 1.0}, str(Path("trials/0").absolute())))
    print(outcome.value, outcome.traceback)
""",
        )
        assert done.stdout == "30.0 None\n", done.stderr


class TestFailures:
    def test_traceback_begins_in_the_target(self, install):
        def inner(x):
            raise ValueError(f"bad x: {x}")

        def target(x):
            return inner(x)

        outcome = install(target).evaluate()
        assert (outcome.state, outcome.error) == ("failed", "ValueError: bad x: 1.0")
        assert outcome.traceback.startswith("Traceback (most recent call last):\n")
        assert "return inner(x)" in outcome.traceback
        assert "phsx/execution" not in outcome.traceback

    def test_whatever_is_raised_is_a_failure(self, install):
        kinds = [SystemExit, KeyboardInterrupt, BaseException, MemoryError, GeneratorExit]

        def target(x):
            raise kinds[x]("no")

        run = install(target)
        outcomes = [run.evaluate(i, x=i) for i in range(len(kinds))]
        assert [outcome.error for outcome in outcomes] == [f"{kind.__name__}: no" for kind in kinds]
        assert {outcome.state for outcome in outcomes} == {"failed"}
        assert len({outcome.pid for outcome in outcomes}) == 1

    def test_sys_exit_zero_is_a_failure_too(self, install):
        assert install(lambda x: sys.exit()).evaluate().error == "SystemExit"

    def test_exceptions_that_nobody_can_pickle_or_print(self, install):
        def target(x):
            class Broken(Exception):
                def __init__(self, a, b):
                    self.lock = threading.Lock()

                def __str__(self):
                    raise RuntimeError("unprintable")

            raise Broken(1, 2)

        outcome = install(target).evaluate()
        assert outcome.state == "failed"
        assert outcome.error.startswith("Broken: ")
        assert "Broken" in outcome.traceback

    def test_results_that_are_no_numbers(self, install):
        results = {
            "None": None,
            "str": "0.5",
            "complex": 1j,
            "nan": float("nan"),
            "inf": float("inf"),
            "list": [1],
        }

        def target(x):
            return results[x]

        run = install(target)
        for trial, part in enumerate(results):
            outcome = run.evaluate(trial, x=part)
            assert outcome.state == "failed" and part in outcome.error
            assert outcome.traceback is None and outcome.value is None

    def test_results_that_nobody_can_pickle(self, install):
        run = install(lambda x: {"loss": 1.0, "lock": threading.Lock()})
        outcome = run.evaluate(objective="loss")
        assert outcome.value == 1.0
        assert "lock" in outcome.extras["lock"]

    def test_a_target_that_cannot_be_loaded_there(self, install):
        class Bomb:
            def __call__(self, x):
                return x

            def __reduce__(self):
                return (exec, (f"import os\nif os.getpid() != {os.getpid()}: import not_there",))

        # Its reduction gives None here, and an error in any other process.
        run = install(lambda x: x, fixed=None)
        bomb = Bomb()
        other = install(lambda x, bomb: x, fixed={"bomb": bomb})
        outcome = other.evaluate()
        assert outcome.state == "failed"
        assert "could not be loaded" in outcome.error and "not_there" in outcome.error
        assert run.evaluate().state == "completed"

    def test_a_target_that_forks_and_returns_twice(self, install):
        def target(x):
            os.fork()
            return x

        run = install(target)
        assert [run.evaluate(i).state for i in range(3)] == ["completed"] * 3

    def test_a_copy_made_by_fork_cannot_report(self, install):
        def target(x, trial):
            if os.fork() == 0:
                try:
                    trial.report(0, 1.0)
                except RuntimeError as error:
                    print(error, flush=True)
                os._exit(0)
            os.wait()
            return x

        run = install(target)
        reports = []
        assert run.evaluate(notify=reports.append).state == "completed"
        assert reports == []
        assert "not in a copy made by fork" in run.stdout()


class TestDeaths:
    def test_exit_says_its_code(self, install):
        def target(x):
            if x:
                os._exit(3)
            return {"value": 1.0, "pid": os.getpid()}

        run = install(target)
        outcome = run.evaluate(0, x=1)
        assert outcome.state == "crashed" and "exited with code 3" in outcome.error
        assert 0 < outcome.started <= outcome.ended
        after = run.evaluate(1, x=0)
        assert after.state == "completed" and after.pid != outcome.pid

    def test_segfault_says_where(self, install):
        def target(x):
            import ctypes

            return ctypes.string_at(0)

        outcome = install(target).evaluate()
        assert outcome.state == "crashed"
        assert "signal 11 (SIGSEGV" in outcome.error
        assert "in target" in outcome.traceback
        assert outcome.traceback.startswith("Fatal Python error: Segmentation fault")

    def test_kill_from_outside_hints_at_memory(self, install):
        def target(x):
            os.kill(os.getpid(), signal.SIGKILL)

        outcome = install(target).evaluate()
        assert outcome.state == "crashed"
        assert "SIGKILL" in outcome.error and "somebody killed it, or it was out of memory" in (
            outcome.error
        )

    def test_kill_for_lack_of_memory_is_named(self, install, monkeypatch):
        """By the system's own count of such kills, which goes up meanwhile."""
        counts = iter([3, 4])
        monkeypatch.setattr("phsx.execution.children.out_of_memory_kills", lambda: next(counts))
        outcome = install(lambda x: os.kill(os.getpid(), signal.SIGKILL)).evaluate()
        assert outcome.state == "crashed"
        assert "out of memory: since it was started" in outcome.error
        assert "somebody" not in outcome.error

    @pytest.mark.parametrize("wait", [True, False])
    def test_a_child_that_died_while_idle_is_replaced_silently(self, install, wait):
        run = install(lambda x: x)
        first = run.evaluate(0)
        os.kill(first.pid, signal.SIGKILL)
        if wait:
            wait_for(lambda: gone(first.pid))
        second = run.evaluate(1)
        assert second.state == "completed" and second.pid != first.pid

    def test_a_child_that_dies_as_the_job_arrives_does_not_count(self, install):
        """It is stopped, so that it cannot begin the job, and killed."""
        run = install(lambda x: x)
        first = run.evaluate(0)
        os.kill(first.pid, signal.SIGSTOP)
        with ThreadPoolExecutor(1) as pool:
            future = pool.submit(run.evaluate, 1)
            wait_for(lambda: worker.running(run.name) == [(1, 1)])
            os.kill(first.pid, signal.SIGKILL)
            outcome = future.result(10)
        assert outcome.state == "completed" and outcome.pid != first.pid

    def test_a_child_that_never_gets_to_the_trial(self, install):
        class Deadly:
            def __reduce__(self):
                return (exec, (f"import os\nif os.getpid() != {os.getpid()}: os._exit(5)",))

        run = install(lambda x, deadly: x, fixed={"deadly": Deadly()})
        outcome = run.evaluate()
        assert outcome.state == "crashed"
        assert "exited with code 5" in outcome.error and "loaded the target" in outcome.error

    def test_a_target_that_closes_every_descriptor(self, install):
        def target(x):
            if x:
                os.closerange(3, 1000)
            return x

        run = install(target)
        assert run.evaluate(0, x=1).state == "crashed"
        assert run.evaluate(1, x=0).state == "completed"

    @pytest.mark.parametrize("own_session", [False, True])
    def test_grandchildren_die_with_the_child(self, install, own_session):
        def target(x, trial):
            import subprocess

            sleeper = subprocess.Popen(["sleep", "60"], start_new_session=own_session)
            (trial.directory / "pid").write_text(str(sleeper.pid))
            os._exit(0)

        run = install(target)
        assert run.evaluate().state == "crashed"
        wait_for(lambda: gone(int((run.directory(0) / "pid").read_text())))


class TestTimeouts:
    def test_stopped_process_is_ended_too(self, install):
        """It takes no notice of SIGTERM."""
        run = install(lambda x: os.kill(os.getpid(), signal.SIGSTOP))
        assert run.evaluate(timeout=0.1).state == "timed_out"

    def test_timeout_frees_the_slot(self, install):
        def target(x):
            if x:
                time.sleep(60)
            return x

        run = install(target)
        run.evaluate(0, x=0)
        begin = time.monotonic()
        outcome = run.evaluate(1, x=1, timeout=0.1)
        assert time.monotonic() - begin < 5
        assert outcome.state == "timed_out" and "timeout=0.1 s" in outcome.error
        assert gone(outcome.pid)
        assert run.evaluate(2, x=0, timeout=20).state == "completed"

    def test_timeout_of_c_code_that_holds_the_gil(self, install):
        def target(x):
            import ctypes

            return ctypes.PyDLL(None).usleep(60_000_000)

        outcome = install(target).evaluate(timeout=0.1)
        assert outcome.state == "timed_out"
        assert outcome.ended - outcome.started < 5

    def test_timeout_ends_what_the_target_has_started(self, install):
        def target(x, trial):
            import subprocess

            sleeper = subprocess.Popen(["sleep", "60"])
            (trial.directory / "pid").write_text(str(sleeper.pid))
            sleeper.wait()

        run = install(target)
        run.evaluate(0, timeout=0.3)
        wait_for(lambda: gone(int((run.directory(0) / "pid").read_text())))

    def test_a_target_that_ignores_sigterm(self, install):
        def target(x):
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            time.sleep(60)

        outcome = install(target).evaluate(timeout=0.1)
        assert outcome.state == "timed_out" and gone(outcome.pid)

    def test_a_target_may_save_something_on_sigterm(self, install):
        def target(x, trial):
            def save(number, frame):
                (trial.directory / "saved").write_text("yes")
                os._exit(0)

            signal.signal(signal.SIGTERM, save)
            time.sleep(60)

        run = install(target)
        assert run.evaluate(timeout=0.1).state == "timed_out"
        assert (run.directory(0) / "saved").read_text() == "yes"

    def test_time_to_load_does_not_count(self, install):
        class Slow:
            def __reduce__(self):
                code = f"import os, time\nif os.getpid() != {os.getpid()}: time.sleep(0.3)"
                return (exec, (code,))

        run = install(lambda x, slow: x, fixed={"slow": Slow()})
        assert run.evaluate(timeout=0.2).state == "completed"

    def test_forced_stop_of_a_command_ends_the_program(self, install):
        code = "import os, time; open('pid', 'w').write('%d.' % os.getpid()); time.sleep(60)"
        run = install(Command([sys.executable, "-c", code, "{x}"]))
        file = run.directory(0) / "pid"
        with ThreadPoolExecutor(1) as pool:
            future = pool.submit(run.evaluate)
            wait_for(lambda: file.exists() and file.read_text().endswith("."))
            assert worker.stop(run.name, 0, force=True)
            assert future.result(10).state == "stopped"
        wait_for(lambda: gone(int(file.read_text()[:-1])))

    def test_forced_stop_does_not_wait(self, install):
        def target(x, trial):
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            trial.report(0, x)
            time.sleep(60)

        taken = []

        def force(report):
            begin = time.monotonic()
            assert worker.stop(run.name, 0, force=True)
            taken.append(time.monotonic() - begin)

        run = install(target)
        outcome = run.evaluate(notify=force)
        assert outcome.state == "stopped" and "on request" in outcome.error
        assert taken[0] < 0.3


class TestManyAtOnce:
    def test_eight_threads_have_a_child_each(self, install):
        def target(x, trial):
            print(f"trial {trial.id}")
            return {"value": x, "pid": os.getpid()}

        run = install(target)
        with ThreadPoolExecutor(8) as pool:
            outcomes = list(pool.map(lambda i: run.evaluate(i, x=float(i)), range(64)))
        assert [outcome.value for outcome in outcomes] == [float(i) for i in range(64)]
        assert 1 <= len({outcome.pid for outcome in outcomes}) <= 8
        assert all(run.stdout(i) == f"trial {i}\n" for i in range(64))

    def test_a_target_that_holds_the_gil_stalls_nobody(self, install):
        def target(x):
            import ctypes

            ctypes.PyDLL(None).usleep(400_000)
            return x

        run = install(target)
        longest = 0.0
        with ThreadPoolExecutor(1) as pool:
            future = pool.submit(run.evaluate)
            last = time.monotonic()
            while not future.done():
                time.sleep(0.001)
                longest = max(longest, time.monotonic() - last)
                last = time.monotonic()
        assert longest < 0.3

    def test_uninstalling_ends_idle_and_busy_children(self, install):
        def target(x, trial):
            trial.report(0, os.getpid())
            if x:
                time.sleep(60)
            return {"value": x, "pid": os.getpid()}

        run = install(target)
        pids = []
        started = threading.Event()

        def heard(report):
            pids.append(int(report.value))
            started.set()

        with ThreadPoolExecutor(2) as pool:
            busy = pool.submit(run.evaluate, 0, x=1, notify=heard)
            assert started.wait(10)
            pids.append(run.evaluate(1, x=0).pid)
            worker.uninstall(run.name)
            assert busy.result(10).state == "stopped"
        assert len(set(pids)) == 2 and all(gone(pid) for pid in pids)
        assert not worker.installed(run.name)
        assert run.evaluate(2).state == "not_installed"
        worker.uninstall(run.name)

    def test_exit_handlers_of_targets_run_when_idle_children_end(self, install, tmp_path):
        def target(x):
            import atexit

            atexit.register((tmp_path / "farewell").touch)
            return x

        run = install(target)
        run.evaluate()
        worker.uninstall(run.name)
        assert (tmp_path / "farewell").exists()

    def test_a_run_whose_master_vanished_is_uninstalled(self, install, monkeypatch):
        monkeypatch.setattr(installation, "IDLE_LIMIT", 0.2)
        run = install(lambda x: x)
        outcome = run.evaluate()
        wait_for(lambda: not worker.installed(run.name))
        wait_for(lambda: gone(outcome.pid))

    def test_a_long_trial_keeps_its_run_installed(self, install, monkeypatch):
        monkeypatch.setattr(installation, "IDLE_LIMIT", 0.02)
        run = install(lambda x: time.sleep(0.3) or x)
        assert run.evaluate().state == "completed"

    def test_a_failing_listener_ends_the_trial(self, install):
        def target(x, trial):
            trial.report(0, x)
            time.sleep(60)

        def notify(report):
            raise RuntimeError("deaf")

        run = install(target)
        with pytest.raises(RuntimeError, match="deaf"):
            run.evaluate(notify=notify)
        assert worker.running(run.name) == []

    def test_large_data_is_sent_once(self, install):
        data = os.urandom(20_000_000)

        def target(x, data):
            return len(data) + x

        run = install(target, fixed={"data": data})
        first = run.evaluate(0, x=1)
        assert first.value == 20_000_001
        begin = time.perf_counter()
        for trial in range(1, 21):
            assert run.evaluate(trial, x=0).pid == first.pid
        assert (time.perf_counter() - begin) / 20 < 0.02


class TestDeathOfTheWorker:
    SCRIPT = """
import os, subprocess, sys, threading, time
from phsx.execution import worker
from phsx.execution.evaluation import Job
from phsx.targets.packing import pack

def target(x, trial):
    import ctypes, subprocess
    sleeper = subprocess.Popen(["sleep", "60"])
    trial.report(sleeper.pid, os.getpid())
    if x:
        ctypes.PyDLL(None).sleep(60)     # holds the GIL: nothing in the child notices anything
    sleeper.wait()

def notify(report):
    os.write(1, f"{report.step} {int(report.value)}\\n".encode())     # whole, from two threads

root = sys.argv[1]
os.makedirs(root + "/trials")
worker.install("run", pack(target, ["x"]))
print(worker._runs["run"]._scratch.path, flush=True)
for i in range(2):
    job = Job("run", i, {"x": i}, f"{root}/trials/{i}")
    # Threads that end before the children: the kernel's signal comes with the spawner's end only.
    threading.Thread(target=worker.evaluate, args=(job, notify), daemon=True).start()
sys.stdin.read()
"""

    @pytest.fixture
    def victim(self, tmp_path):
        script = tmp_path / "worker_script.py"
        script.write_text(self.SCRIPT)
        with subprocess.Popen(
            [sys.executable, str(script), str(tmp_path / "experiment")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": ROOT},
            text=True,
        ) as process:
            process.scratch = process.stdout.readline().strip()
            lines = [process.stdout.readline().split() for _ in range(2)]
            process.grandchildren, process.children = (
                [int(line[column]) for line in lines] for column in (0, 1)
            )
            yield process
            process.kill()
            for pid in process.grandchildren:
                if not gone(pid):
                    os.kill(pid, signal.SIGKILL)

    @staticmethod
    def guard(victim):
        (guard,) = (
            process
            for process in psutil.Process(victim.pid).children()
            if process.cmdline()[-1].endswith("guard.py")
        )
        return guard

    def test_the_guard_stays_until_it_is_gone(self, victim):
        """A batch system signals all processes of a job, and kills them some time later."""
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            self.guard(victim).send_signal(number)
        victim.kill()
        victim.wait(20)
        for pid in victim.children + victim.grandchildren:
            wait_for(lambda pid=pid: gone(pid))
        wait_for(lambda: not os.path.exists(victim.scratch))

    @pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, None])
    def test_nothing_outlives_it(self, victim, number):
        pids = victim.children + victim.grandchildren
        assert len(pids) == 4 and not any(gone(pid) for pid in pids)
        assert os.path.isdir(victim.scratch)
        if number is None:
            victim.stdin.close()
        else:
            victim.send_signal(number)
        victim.wait(20)
        for pid in pids:
            wait_for(lambda pid=pid: gone(pid))
        wait_for(lambda: not os.path.exists(victim.scratch))

    def test_children_die_by_the_kernel_where_the_guard_is_dead_too(self, victim):
        self.guard(victim).kill()
        victim.kill()
        for pid in victim.children:
            wait_for(lambda pid=pid: gone(pid))
        victim.wait(20)
        assert os.path.isdir(victim.scratch)
        Scratch().remove()
        assert not os.path.exists(victim.scratch), "the next one removes it"
