"""Three searches one after the other in one process leave nothing (F28)."""

from __future__ import annotations

import gc
import os
import threading
import time
from collections import Counter

import psutil
import pytest

import phsx


def held():
    """Count what this process holds: threads by name, descriptors and sockets; and its children."""
    me = psutil.Process()
    names = (t.name.rstrip("0123456789-_") for t in threading.enumerate())
    files = Counter()
    for entry in os.listdir("/proc/self/fd"):
        try:
            files[os.readlink(f"/proc/self/fd/{entry}").split(":")[0]] += 1
        except OSError:
            continue
    return Counter(names), files, {child.pid for child in me.children(recursive=True)}


# The first search begins what Dask keeps for the next one: its loop, its pools.
@pytest.mark.leaks("threads", "files")
def test_nothing_is_left_after_three_searches(tmp_path):
    def target(x, trial):
        trial.report(0, x)
        return x

    def search(name):
        plan = [phsx.Random(4), phsx.Bayesian(2, initial=3)]
        experiment = phsx.Experiment(tmp_path / name, target, {"x": phsx.Float(0, 1)}, plan, seed=1)
        experiment.run(workers=2, progress=False)
        assert len(experiment.state.finished) == 6

    strangers = held()[2]  # of other tests, such as the tracker that multiprocessing keeps
    search("first")
    before = held()
    for name in ("second", "third", "fourth"):
        search(name)
    deadline = time.monotonic() + 10
    while True:
        gc.collect()
        after = held()
        more = [now - then for then, now in zip(before[:2], after[:2], strict=True)]
        if not any(more) and after[2] <= strangers:
            break
        assert time.monotonic() < deadline, (more, after[2] - strangers)
        time.sleep(0.05)
