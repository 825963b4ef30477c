"""What phsx costs per trial, beside a bare loop over Dask futures.

    python benchmarks/overhead.py [--trials 1000] [--workers 2]

Three figures come out of one run, since machines differ and are noisy:

1. The rate of a no-op target, with and without a child process per slot, beside the rate of a
   bare loop on the same workers that submits a suggestion and an evaluation per trial, placed, and
   does nothing else: no journal, no child process.
2. The CPU time per trial of the master's own thread and of the client's loop, around the
   hundredth trial and at the end, with the scheduler in a process of its own; the scheduler's too.
"""

from __future__ import annotations

import argparse
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import distributed

import phsx
from phsx.clusters.local import local_cluster
from phsx.clusters.scheduler import SETTINGS


def noop(x: float, y: float) -> float:
    return x + y


def suggest(number: int) -> dict[str, float]:
    return {"x": number * 0.5, "y": 1.0}


def evaluate(params: dict[str, float]) -> float:
    distributed.secede()
    return params["x"] + params["y"]


def bare(client: distributed.Client, trials: int) -> float:
    """Return trials per second of a loop without phsx."""
    done: queue.SimpleQueue = queue.SimpleQueue()
    workers = list(client.nthreads())
    run = time.monotonic_ns()

    def submit(number: int, worker: str) -> None:
        placed = {"workers": [worker], "allow_other_workers": True, "pure": False}
        point = client.submit(suggest, number, key=f"suggest-{run}-{number}", **placed)
        future = client.submit(evaluate, point, key=f"evaluate-{run}-{number}", **placed)
        future.add_done_callback(lambda future: done.put((future, worker)))

    began = time.perf_counter()
    for number, worker in enumerate(workers):
        submit(number, worker)
    started = len(workers)
    for _ in range(trials):
        future, worker = done.get()
        future.result()
        if started < trials:
            submit(started, worker)
            started += 1
    return trials / (time.perf_counter() - began)


def searched(client: distributed.Client, trials: int, *, isolate: bool) -> float:
    """Return trials per second of a random search with phsx."""
    with tempfile.TemporaryDirectory() as directory:
        experiment = phsx.Experiment(
            Path(directory) / "noop",
            target=noop,
            space={"x": phsx.Float(0, 1), "y": phsx.Float(0, 1)},
            plan=phsx.Random(trials),
            seed=0,
        )
        experiment.run(cluster=client, isolate=isolate, progress=False)
        frame = experiment.to_dataframe()
        assert (frame.state == "completed").all()
        return trials / (frame.ended.max() - frame.started.min())


def thread_times() -> dict[str, float]:
    """Return the CPU seconds of each thread of this process, by name."""
    return {
        f"{thread.name}-{thread.native_id}": task_time("self", str(thread.native_id))
        for thread in threading.enumerate()
    }


def task_time(process: str, task: str) -> float:
    """Return the CPU seconds of one thread, to the nanosecond."""
    try:
        return int(Path(f"/proc/{process}/task/{task}/schedstat").read_text().split()[0]) / 1e9
    except (FileNotFoundError, ProcessLookupError):
        return 0.0


def process_time(pid: int) -> float:
    """Return the CPU seconds of all threads of a process."""
    tasks = [path.name for path in Path(f"/proc/{pid}/task").iterdir()]
    return sum(task_time(str(pid), task) for task in tasks)


class Watch:
    """Notes CPU times every 50 trials."""

    def __init__(self, scheduler: int) -> None:
        self.scheduler = scheduler
        self.count = 0
        self.times: dict[int, tuple[float, float]] = {}

    def __call__(self, trial: phsx.Trial) -> None:
        self.count += 1
        if self.count % 50 == 0:
            own = sum(
                used
                for name, used in thread_times().items()
                if name.startswith(("phsx-master", "MainThread", "IO loop", "Dask-Callback"))
            )
            self.times[self.count] = (own, process_time(self.scheduler))

    def per_trial(self, first: int, last: int, which: int) -> float:
        """Return the CPU milliseconds per trial between two counts."""
        return (self.times[last][which] - self.times[first][which]) / (last - first) * 1e3


def cpu_per_trial(trials: int, workers: int) -> dict[str, float]:
    """Return CPU milliseconds per trial, around the hundredth trial and at the end."""
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "scheduler.json"
        environment = os.environ | {
            f"DASK_{name.upper().replace('.', '__').replace('-', '_')}": str(value)
            for name, value in SETTINGS.items()
        }
        scheduler = subprocess.Popen(
            [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1"]
            + ["--port", "0", "--no-dashboard", "--dashboard-address", "127.0.0.1:0"]
            + ["--scheduler-file", str(file)],
            stderr=subprocess.DEVNULL,
            env=environment,
        )
        others = [
            subprocess.Popen(
                [sys.executable, "-m", "distributed.cli.dask_worker", "--scheduler-file"]
                + [str(file), "--nthreads", "1", "--no-nanny", "--no-dashboard"]
                + ["--local-directory", directory],
                stderr=subprocess.DEVNULL,
            )
            for _ in range(workers)
        ]
        try:
            while not file.exists():
                time.sleep(0.05)
            with distributed.Client(scheduler_file=str(file)) as client:
                client.wait_for_workers(workers)
                watch = Watch(scheduler.pid)
                experiment = phsx.Experiment(
                    Path(directory) / "noop",
                    target=noop,
                    space={"x": phsx.Float(0, 1), "y": phsx.Float(0, 1)},
                    plan=phsx.Random(trials),
                    seed=0,
                )
                experiment.run(cluster=client, progress=False, callbacks=[watch])
        finally:
            for process in [*others, scheduler]:
                process.terminate()
                process.wait()
    return {
        f"{who}, trials {first} to {last}: ms": watch.per_trial(first, last, which)
        for which, who in enumerate(("master", "scheduler"))
        for first, last in ((50, 150), (trials - 100, trials))
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    figures: dict[str, float] = {}
    cluster = local_cluster(arguments.workers)
    with distributed.Client(cluster) as client:
        client.wait_for_workers(arguments.workers)
        bare(client, 100)  # warm
        searched(client, 100, isolate=True)
        rates: dict[str, list[float]] = {"bare": [], "isolate": [], "no child": []}
        for _ in range(3):  # in turn, so that a slow minute of the machine hits all alike
            rates["bare"].append(bare(client, arguments.trials))
            rates["isolate"].append(searched(client, arguments.trials, isolate=True))
            rates["no child"].append(searched(client, arguments.trials, isolate=False))
    cluster.close()
    for name, found in rates.items():
        figures[f"{name}: trials/s"] = sorted(found)[1]
    figures["isolate / bare"] = figures["isolate: trials/s"] / figures["bare: trials/s"]
    figures["no child / bare"] = figures["no child: trials/s"] / figures["bare: trials/s"]
    figures |= cpu_per_trial(arguments.trials, arguments.workers)
    print(json.dumps({name: round(value, 3) for name, value in figures.items()}, indent=2))


if __name__ == "__main__":
    main()
