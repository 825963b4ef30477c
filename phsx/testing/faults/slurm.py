"""Faults of a real Slurm: cancelled jobs, lost nodes, a controller that restarts."""

from __future__ import annotations

import random

from phsx.testing.faults.patience import until
from phsx.testing.slurm import call, queued


def cancel_one(rng: random.Random, states: str = "R") -> str | None:
    """Cancel one of this user's jobs, and return its number; None where there is none."""
    found = queued(states)
    if not found:
        return None
    job = rng.choice(found)
    call("scancel", job)
    return job


class NodeFailure:
    """Sets a node down on which a job runs, and mends it.

    Attributes
    ----------
    node : str or None
        Its name, when it is down.
    """

    def __init__(self) -> None:
        self.node: str | None = None

    def set_down(self, rng: random.Random) -> str:
        """Set a node down on which a job runs; return its name."""
        self.node = rng.choice(until(lambda: queued("R", "%N")))
        call("scontrol", "update", f"nodename={self.node}", "state=down", "reason=test")
        return self.node

    def mend(self) -> None:
        """Let the node be used again."""
        if self.node is not None:
            call("scontrol", "update", f"nodename={self.node}", "state=resume")
            self.node = None
