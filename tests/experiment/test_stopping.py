"""Requests to stop a run, by a file in its directory."""

from __future__ import annotations

import json
import threading
import time

import pytest

import phsx
from phsx.exceptions import ConfigurationError, DirectoryError
from phsx.experiment.stopping import FILE, Request, Requests, request_stop
from phsx.journal import Journal, Owner

SPACE = {"x": phsx.Float(0, 1)}


@pytest.fixture
def clock(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr("phsx.experiment.stopping.time.monotonic", lambda: now[0])
    return now


@pytest.fixture
def held(tmp_path):
    """An experiment whose journal this process holds."""
    phsx.Experiment(tmp_path / "e", lambda x: x, SPACE, phsx.Random(2))
    with Journal.open(tmp_path / "e") as journal:
        yield tmp_path / "e", journal.owner


@pytest.mark.parametrize("grace", [None, 0.0, 2.5])
def test_request_is_seen_once(held, clock, grace):
    directory, owner = held
    requests = Requests(directory, owner)
    assert requests.look() is None
    assert request_stop(directory, grace) == owner
    assert requests.look() is None, "it does not look all the time"
    clock[0] += 1.0
    assert requests.look() == Request(grace)
    assert not (directory / FILE).exists()
    clock[0] += 1.0
    assert requests.look() is None


def test_request_for_somebody_else_does_not_count(held, clock):
    directory, owner = held
    request_stop(directory)
    other = Requests(directory, Owner.here("another", 0.5))
    assert other.look() is None
    other.close()
    assert (directory / FILE).exists()
    Requests(directory, owner).close()
    assert not (directory / FILE).exists(), "it came too late"


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "7", "null", '{"nonce": 3}', "[" * 4000, '{"grace": 1}']
)
def test_nonsense_is_no_request(held, clock, content):
    directory, owner = held
    (directory / FILE).write_text(content)
    assert Requests(directory, owner).look() is None


@pytest.mark.parametrize(
    "grace", ["soon", -1, float("inf"), float("nan"), [], True, 10**400], ids=lambda g: str(g)[:5]
)
def test_nonsense_grace_is_the_runs_own(held, clock, grace):
    directory, owner = held
    (directory / FILE).write_text(json.dumps({"nonce": owner.nonce, "grace": grace}))
    assert Requests(directory, owner).look() == Request(None)


def test_nobody_to_be_asked(tmp_path):
    phsx.Experiment(tmp_path / "e", lambda x: x, SPACE, phsx.Random(2))
    assert request_stop(tmp_path / "e") is None
    assert not (tmp_path / "e" / FILE).exists()


def test_wrong_arguments(held, tmp_path):
    with pytest.raises(DirectoryError):
        request_stop(tmp_path)
    for grace in (-1, "1", float("inf")):
        with pytest.raises(ConfigurationError, match="grace"):
            request_stop(held[0], grace)
    (held[0] / FILE).mkdir()
    (held[0] / FILE / "x").touch()
    with pytest.raises(DirectoryError, match=FILE):
        request_stop(held[0])


def test_run_is_stopped(tmp_path):
    """In the midst of its trials; running on afterwards is not stopped by the same request."""
    here, deadline = threading.Event(), time.monotonic() + 20.0

    def target(x, trial):
        here.set()
        if trial.id == 0:
            assert request_stop(tmp_path / "e") is not None
        time.sleep(0.01)
        return x

    experiment = phsx.Experiment(tmp_path / "e", target, SPACE, phsx.Random(500), seed=0)
    experiment.run(cluster="inline", progress=False)
    assert time.monotonic() < deadline
    assert here.is_set() and 1 <= len(experiment.state.finished) < 500
    assert not (tmp_path / "e" / FILE).exists()
    more = experiment.run(cluster="inline", progress=False, max_time=0.05)
    assert len(more.state.finished) >= 2
