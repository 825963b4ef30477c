"""Finished trials as a table: `results.csv`, which grows while a search runs, and pandas."""

from __future__ import annotations

import csv
import io
import json
import logging
import os
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from phsx.exceptions import SpaceError
from phsx.space import Space
from phsx.trial import Trial

if TYPE_CHECKING:
    import pandas as pd

logger = logging.getLogger(__name__)

FILE = "results.csv"
#: Seconds after which a table that could not be written is tried again.
RETRY = 30.0
#: Columns after the parameters.
FIXED = (
    "value",
    "state",
    "strategy",
    "block",
    "attempt",
    "worker",
    "started",
    "ended",
    "suggest_worker",
    "suggest_started",
    "suggest_ended",
    "error",
)


#: Names that a parameter cannot have.
RESERVED = frozenset({"trial", *FIXED})


def check_names(space: Space) -> None:
    """Refuse parameters that have the name of something that is told of every trial.

    Raises
    ------
    SpaceError
        There is one.
    """
    for name in space.names:
        if name in RESERVED:
            raise SpaceError(
                f"parameter {name!r}: results have a column of that name already; call the "
                f"parameter {name + '_'!r}, for instance"
            )


def row(trial: Trial) -> list[Any]:
    """Return a trial's values of the columns `FIXED`, None where there is none."""
    suggestion = trial.suggestion
    return [
        trial.value,
        trial.state.value,
        trial.strategy,
        trial.block,
        trial.attempt,
        trial.worker,
        trial.started,
        trial.ended,
        suggestion and suggestion.worker,
        suggestion and suggestion.started,
        suggestion and suggestion.ended,
        trial.error,
    ]


def header(names: Iterable[str], extras: Iterable[str]) -> list[str]:
    """Return the names of the columns of a table."""
    names = list(names)
    return ["trial", *names, *FIXED[:2], *(column_of(key, names) for key in extras), *FIXED[2:]]


def column_of(key: str, names: Iterable[str]) -> str:
    """Return the column for something a target returned; another where the name is in use."""
    return f"result.{key}" if key in RESERVED or key in names else key


def line(trial: Trial, names: Iterable[str], extras: Iterable[str]) -> list[Any]:
    """Return one trial as a row of a table, as text where it is no scalar."""
    params: Mapping[str, Any] = trial.params or {}
    fixed = row(trial)
    cells = [
        trial.id,
        *(params.get(name) for name in names),
        *fixed[:2],
        *(trial.result.get(key) for key in extras),
        *fixed[2:],
    ]
    return [_cell(cell) for cell in cells]


def table(trials: Iterable[Trial], names: Iterable[str]) -> list[list[Any]]:
    """Return trials as rows, the first of which has the columns' names."""
    rows, names = list(trials), list(names)
    extras = _extras(rows)
    return [header(names, extras), *(line(trial, names, extras) for trial in rows)]


def _extras(trials: Iterable[Trial]) -> list[str]:
    return list(dict.fromkeys(key for trial in trials for key in trial.result))


class ResultsTable:
    """`results.csv`: one row per finished trial, appended as it finishes.

    It is derived from the journal and never read by phsx; where a target returns something new,
    the file is written anew with that column, at once for whoever reads it. So a search never
    ends because it cannot be written: that is logged once, and mended later.

    Parameters
    ----------
    directory : Path
        The experiment's directory.
    names : iterable of str
        The parameters.
    trials : iterable of Trial
        Those that have finished already.
    """

    def __init__(self, directory: Path, names: Iterable[str], trials: Iterable[Trial]) -> None:
        self._path = directory / FILE
        self._names = tuple(names)
        self._trials = list(trials)
        self._extras = _extras(self._trials)
        self._stale = True
        self._again = 0.0
        self._warned = False
        self._write(self._rewrite)

    def append(self, trial: Trial) -> None:
        """Add a trial."""
        self._trials.append(trial)
        new = [key for key in trial.result if key not in self._extras]
        self._extras += new
        if not new and not self._stale:
            self._write(lambda: self._add(trial))
        elif not self._stale or time.monotonic() >= self._again:
            self._write(self._rewrite)

    def close(self) -> None:
        """Write what could not be written before, if it can be now."""
        if self._stale:
            self._write(self._rewrite)

    def _write(self, action: Callable[[], None]) -> None:
        try:
            action()
        except OSError as error:
            # What is there may end in the middle of a line: later the whole is written anew.
            self._stale, self._again = True, time.monotonic() + RETRY
            if not self._warned:
                logger.warning(
                    "%s cannot be written (%s); the search goes on, and the file is written anew "
                    "when that is possible",
                    self._path,
                    error.strerror or error,
                )
            self._warned = True
        else:
            self._stale = False

    def _add(self, trial: Trial) -> None:
        with self._open(self._path, "a") as file:
            file.write(self._lines([trial]))

    def _rewrite(self) -> None:
        temporary = self._path.with_name(f".{FILE}.{os.getpid()}")
        try:
            with self._open(temporary, "w") as file:
                csv.writer(file).writerow(header(self._names, self._extras))
                file.write(self._lines(self._trials))
            temporary.replace(self._path)
        except OSError:
            with suppress(OSError):
                temporary.unlink()
            raise

    @staticmethod
    def _open(path: Path, mode: str) -> IO[str]:
        # A file's name that is no UTF-8, in a message say, is no reason to end a search.
        return path.open(mode, encoding="utf-8", errors="backslashreplace", newline="")

    def _lines(self, trials: Iterable[Trial]) -> str:
        lines = io.StringIO()
        rows = (line(trial, self._names, self._extras) for trial in trials)
        csv.writer(lines).writerows(rows)
        return lines.getvalue()


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, (dict, list, tuple)):
        return json.dumps(value)
    return value


def to_dataframe(trials: Iterable[Trial], names: Iterable[str]) -> pd.DataFrame:
    """Return trials as a data frame; see `phsx.Experiment.to_dataframe`."""
    import pandas as pd

    rows = list(trials)
    names = list(names)
    extras = dict.fromkeys(key for trial in rows for key in trial.result)
    columns: list[tuple[str, pd.Series]] = []
    index = pd.Index([trial.id for trial in rows], name="trial")

    def column(name: str, values: list[Any], kind: Any = None) -> None:
        columns.append((name, pd.Series(values, index=index, name=name, dtype=kind)))

    for name in names:
        column(name, [(trial.params or {}).get(name) for trial in rows])
    for number, name in enumerate(FIXED):
        values = [row(trial)[number] for trial in rows]
        numeric = name in {"value", "started", "ended", "suggest_started", "suggest_ended"}
        if numeric:
            values = [float("nan") if value is None else float(value) for value in values]
        column(name, values, float if numeric else None)
    for key in extras:
        column(column_of(key, names), [trial.result.get(key) for trial in rows])
    frame = pd.concat([series for _, series in columns], axis=1)
    frame.columns = pd.Index([name for name, _ in columns])
    return frame
