"""Follows an experiment that somebody else runs, through its directory alone."""

from __future__ import annotations

import time

from phsx.experiment.experiment import Experiment
from phsx.experiment.run import Progress, progress_of
from phsx.experiment.submission import Submission
from phsx.journal import Vigil
from phsx.trial import Trial

#: Seconds without a heartbeat after which nobody lives any more.
DEAD = 60.0
#: Seconds between two looks at the queue while nobody runs the experiment.
QUEUE = 5.0


class Following:
    """Looks, again and again, at how an experiment goes on. It changes nothing.

    Parameters
    ----------
    experiment : Experiment

    Attributes
    ----------
    note : str
        What is to be said of who runs it, or is about to.
    """

    def __init__(self, experiment: Experiment) -> None:
        self._experiment = experiment
        self._vigil: Vigil | None = None
        self._seen = 0
        self._asked = float("-inf")
        self._waits = False
        self.note = ""

    @property
    def progress(self) -> Progress:
        """How far it is."""
        experiment = self._experiment
        return progress_of(experiment.state, experiment.total, maximize=experiment.maximize)

    @property
    def complete(self) -> bool:
        """Whether there is nothing left to do."""
        experiment = self._experiment
        return experiment.state.complete(experiment.plan.sizes(experiment.space))

    def news(self, most: int) -> list[Trial]:
        """Return trials that have ended since the last call; only the newest of very many."""
        state = self._experiment.state
        found = state.finished[max(self._seen, len(state.finished) - most) :]
        self._seen = len(state.finished)
        return [state.trials[number] for number in found]

    def look(self) -> bool:
        """Tell whether somebody runs it, or a job in the queue is about to."""
        while self._vigil is None or self._vigil.changed:
            self._vigil = Vigil(self._experiment.directory, DEAD)
            self._vigil.look()
        lives = self._vigil.look()
        if self._vigil.changed:
            return self.look()
        if lives is not False:
            self.note = f"running in {self._vigil.owner or 'an unknown process'}"
            self._asked = float("-inf")
            return True
        now = time.monotonic()
        if now - self._asked >= QUEUE:
            self._asked, self._waits = now, self._in_queue()
        return self._waits

    def _in_queue(self) -> bool:
        submission = Submission.load(self._experiment.directory)
        entry = None if submission is None else submission.entry()
        if submission is None or entry is None:
            return False
        self.note = f"job {submission.job} is {entry}"
        return True
