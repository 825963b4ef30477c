"""What a new trial may know of the others: everything, or what is the same whatever the timing."""

from __future__ import annotations

from phsx.state import SearchState
from phsx.trial import Trial, TrialState


class Knowledge:
    """A trial knows every result there is, and every trial that is on its way.

    Parameters
    ----------
    state : SearchState
        Read only; always up to date.
    """

    def __init__(self, state: SearchState) -> None:
        self._state = state
        self._told = 0

    def end(self, trial: int) -> int | None:
        """Return the id below which results are known; None for all there are."""
        return None

    def ready(self, trial: int, *, learns: bool) -> bool:
        """Tell whether a trial with this id may be created; `learns`: from results."""
        return True

    def observed(self, trial: int) -> int:
        """Count the completed trials that it knows."""
        return self._state.count(TrialState.COMPLETED)

    def news(self, trial: int) -> list[Trial]:
        """Return the ended trials that it knows and no trial asked for before knew, in order."""
        new = self._state.finished[self._told :]
        self._told += len(new)
        return [self._state.trials[number] for number in new]

    def pending(self, trial: int) -> list[Trial]:
        """Return the trials whose parameters it knows and whose results it does not know."""
        alive = map(self._state.trials.__getitem__, self._state.alive)
        return [other for other in alive if other.params is not None]


class FixedKnowledge(Knowledge):
    """A trial knows the results of all trials but the `lag` before it, in the order of their ids.

    So `lag` trials may run at once, and each waits until all that it may know is there. That
    makes a search the same whatever the timing: which of two trials ends first changes nothing.

    Parameters
    ----------
    state : SearchState
        Read only; always up to date.
    lag : int
        At least 1.
    """

    def __init__(self, state: SearchState, lag: int) -> None:
        super().__init__(state)
        self._lag = lag
        self._counted = self._observed = 0

    def end(self, trial: int) -> int:
        """Return the id below which results are known."""
        return max(0, trial - self._lag + 1)

    def ready(self, trial: int, *, learns: bool) -> bool:
        """Tell whether all points before it are known, and the results that it learns from."""
        if self._state.count(TrialState.SUGGESTING):
            return False
        oldest = next(iter(self._state.alive), trial)
        return not learns or oldest >= self.end(trial)

    def observed(self, trial: int) -> int:
        """Count the completed trials that it knows."""
        while self._counted < self.end(trial):
            other = self._state.trials.get(self._counted)  # ids of dropped trials may be missing
            self._observed += other is not None and other.state is TrialState.COMPLETED
            self._counted += 1
        return self._observed

    def news(self, trial: int) -> list[Trial]:
        """Return the trials that it knows and no trial asked for before knew, in order."""
        first, self._told = self._told, max(self._told, self.end(trial))
        numbers = range(first, self._told)
        return [self._state.trials[number] for number in numbers if number in self._state.trials]

    def pending(self, trial: int) -> list[Trial]:
        """Return the trials whose parameters it knows and whose results it does not know."""
        numbers = range(self.end(trial), trial)
        return [self._state.trials[number] for number in numbers if number in self._state.trials]
