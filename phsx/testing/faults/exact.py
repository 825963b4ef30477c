"""Whether a search is exact: every trial once, each with one terminal record."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

from phsx.journal import read
from phsx.state import SearchState
from phsx.trial import TrialState


def ends(directory: str | os.PathLike[str]) -> Counter[int]:
    """Count the terminal records of each trial in an experiment's journal."""
    records = read(directory).records
    return Counter(record["id"] for record in records if record["type"] == "ended")


def completed(directory: str | os.PathLike[str]) -> set[int]:
    """Return the trials that have completed by now; none where there is no journal yet."""
    if not (Path(directory) / "journal.jsonl").exists():
        return set()
    state = SearchState().replay(read(directory).records)
    return {n for n in state.finished if state.trials[n].state is TrialState.COMPLETED}


def check_exact(directory: str | os.PathLike[str], trials: int) -> SearchState:
    """Fail unless there are `trials` trials, numbered without a gap, and each has ended once.

    No attempt may begin after a trial's end either.

    Returns
    -------
    SearchState
        What the journal adds up to, for further checks.
    """
    records = read(directory).records
    found = ends(directory)
    assert found == Counter(range(trials)), f"terminal records by trial: {sorted(found.items())}"
    over: set[int] = set()
    for record in records:
        if record["type"] == "ended":
            over.add(record["id"])
        elif record["type"] == "running":
            assert record["id"] not in over, f"trial {record['id']} was evaluated again"
    state = SearchState().replay(records)
    assert sorted(state.trials) == list(range(trials))
    return state
