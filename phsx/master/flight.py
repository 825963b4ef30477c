"""An evaluation that is on its way."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Flight:
    """An evaluation that is on its way, and what has become known of it.

    Attributes
    ----------
    trial : int
    worker : str
    submitted : float
        When, by the executor's clock, as all other times here.
    from_checkpoint : int or None
        Step of the trial's newest checkpoint at that time.
    saved : float
        When it has saved a checkpoint last, or was submitted.
    asked, asked_again : float or None
        When it was asked to save itself: first, and last.
    started : bool
        Whether the worker has said so: its death may be the trial's fault.
    mentioned : bool
        Whether it was mentioned as being slow.
    """

    trial: int
    worker: str
    submitted: float
    from_checkpoint: int | None = None
    saved: float = 0.0
    asked: float | None = None
    asked_again: float | None = None
    started: bool = False
    mentioned: bool = False

    def __post_init__(self) -> None:
        """Begin to count."""
        self.saved = self.saved or self.submitted
