"""Searches whose trials take the time that a test wants, and a seed that a failure tells."""

from __future__ import annotations

import os

import pytest

from phsx.testing.faults import Held, StandingCluster, until

#: Decides when faults come; another one with PHSX_FAULT_SEED.
SEED = int(os.environ.get("PHSX_FAULT_SEED", "4"))


@pytest.fixture
def hold(tmp_path):
    """Start held searches; those that have not ended are stopped after the test."""
    held = []

    def start(trials, **options):
        held.append(Held(tmp_path / f"search{len(held)}", trials, **options))
        return held[-1]

    yield start
    for one in held:
        one.close()


@pytest.fixture
def standing():
    """Start clusters of somebody's, which end after the test."""
    clusters = []

    def start(workers, **options):
        clusters.append(StandingCluster(workers, **options))
        return clusters[-1]

    yield start
    for one in clusters:
        one.close()


@pytest.fixture
def wait():
    return until


@pytest.fixture
def fault_seed():
    """Return the seed of the faults, which pytest shows when the test fails."""
    print(f"PHSX_FAULT_SEED={SEED}")
    return SEED
