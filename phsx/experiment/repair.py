"""Mend the journal of an experiment that was damaged, by a disk or by hand."""

from __future__ import annotations

import os
from bisect import bisect_right
from dataclasses import dataclass
from pathlib import Path

from phsx.exceptions import JournalError
from phsx.experiment import arguments
from phsx.experiment.definition import Definition
from phsx.experiment.results import ResultsTable
from phsx.journal import Journal, Record, Remains
from phsx.state import SearchState


@dataclass(frozen=True)
class Repair:
    """What was found in a journal, and what becomes of it.

    Attributes
    ----------
    damage : str or None
        What is wrong, and where; None for a sound journal, of which nothing is changed.
    unreadable : int
        Lines that cannot be read any more.
    finished : int
        Trials whose results are kept.
    again : tuple of int
        Trials that will be evaluated, for the first time or again.
    lost : tuple of int
        Trials of which nothing is known any more, not even the parameters.
    segment : str or None
        The file in which the journal goes on; None where nothing was written.
    """

    damage: str | None
    unreadable: int = 0
    finished: int = 0
    again: tuple[int, ...] = ()
    lost: tuple[int, ...] = ()
    segment: str | None = None


def repair(directory: str | os.PathLike[str], *, dry_run: bool = False) -> Repair:
    """Mend a damaged journal, so that the experiment can be looked at and run again.

    Everything up to the damage is kept, and every sound record behind it that fits without those
    that are lost. The journal goes on in a new segment; the damaged file stays as it is, and is
    not read any more from the damage on. A last line without its end is no damage: the next run
    mends it.

    Parameters
    ----------
    directory : str or Path
        The experiment's directory.
    dry_run : bool
        Only say what would be done.

    Returns
    -------
    Repair

    Raises
    ------
    DirectoryError
        There is no experiment.
    LeaseError
        Another process is running the experiment.
    JournalError
        The journal cannot be read or written, or a newer phsx wrote it.

    Examples
    --------
    >>> import phsx, tempfile
    >>> experiment = phsx.Experiment(
    ...     tempfile.mkdtemp(),
    ...     target=lambda x: x**2,
    ...     space={"x": phsx.Float(-1, 1)},
    ...     plan=phsx.Grid(x=[-1, 0, 1]),
    ... ).run(cluster="inline", progress=False)
    >>> phsx.repair(experiment.directory).damage is None
    True
    """
    path = arguments.directory_of(directory)
    definition = Definition.load(path)
    dry_run = arguments.truth("dry_run", dry_run)
    rescue = _Rescue(path, len(definition.plan))
    for _ in rescue.remains.batches():
        pass
    if rescue.remains.damage is None:
        return rescue.report(None)
    if dry_run:
        for _ in rescue.remains.rescued(rescue.remains.position.seq + 1):
            pass
        return rescue.report(None)
    rescue = _Rescue(path, len(definition.plan))  # anew, now that nobody else can write
    with Journal.open(
        path, command="phsx repair", replay=lambda record: None, remains=rescue.remains
    ) as journal:
        segment = journal.position.segment
        finished = [rescue.state.trials[number] for number in rescue.state.finished]
        ResultsTable(path, definition.space.names, finished).close()
    return rescue.report(f"journal.{segment}.jsonl")


class _Rescue:
    """Decides which records from behind the damage still make sense."""

    def __init__(self, directory: Path, blocks: int) -> None:
        self.state = SearchState()
        self.remains = Remains(directory, self._apply, self.keep)
        self._blocks = blocks
        self._dropped: set[int] = set()
        self._old: list[int] = []  # numbers of the rescued records as they were, and as they are
        self._new: list[int] = []

    def _apply(self, record: Record) -> None:
        self.state.apply(record)
        if record["type"] == "dropped":
            self._dropped.add(record["id"])

    def keep(self, record: Record, seq: int) -> Record | None:
        """Return a record as it is to be kept under a number; None where it does not fit."""
        kept = {**record, "seq": seq}
        if isinstance(kept.get("seen"), int):
            kept["seen"] = self._renumbered(kept["seen"])
        if not self._makes_sense(kept):
            return None
        try:
            self._apply(kept)
        except JournalError:
            return None
        self._old.append(record["seq"])
        self._new.append(seq)
        return kept

    def _renumbered(self, seen: int) -> int:
        """Return the number that the newest record up to `seen` has now, of those that are kept."""
        place = bisect_right(self._old, seen)
        return self._new[place - 1] if place else min(seen, self.remains.position.seq)

    def _makes_sense(self, record: Record) -> bool:
        """Tell whether a run could go on from this record; what is lost may have explained it."""
        state, fit = self.state, record.get("fit")
        match record["type"]:
            case "trial":
                blocks = self._blocks if state.plan is None else len(state.plan)
                return isinstance(record.get("block"), int) and record["block"] < blocks
            case "running" | "ended":
                trial = state.trials.get(record.get("id", -1))
                return trial is not None and trial.params is not None
            case "fit":
                return bool(fit == len(state.fits))
            case "suggesting":
                return fit is None or (isinstance(fit, int) and fit < len(state.fits))
        return True

    def report(self, segment: str | None) -> Repair:
        """Sum up."""
        if self.remains.damage is None:
            return Repair(None, finished=len(self.state.finished))
        missing = set(range(self.state.next_id)) - set(self.state.trials) - self._dropped
        return Repair(
            damage=self.remains.damage,
            unreadable=self.remains.bad,
            finished=len(self.state.finished),
            again=tuple(self.state.alive),
            lost=tuple(sorted(missing)),
            segment=segment,
        )
