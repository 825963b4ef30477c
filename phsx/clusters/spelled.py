"""Jobs of a queue system, spelled as text or as a table: for the command line and for files."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from phsx.clusters import systems
from phsx.clusters.batch import SYSTEMS, Batch
from phsx.exceptions import ConfigurationError

#: What a file says of one kind of jobs, or of several.
Tables = Mapping[str, Any] | Sequence[Mapping[str, Any]]

_WORDS = {"true": True, "false": False}


def parse(text: str) -> dict[str, Any]:
    """Return what a text such as ``jobs=8,walltime=02:00:00`` says.

    Raises
    ------
    ConfigurationError
        It is not of that form.

    Examples
    --------
    >>> parse("jobs=0-64,memory=8GB,walltime=02:00:00,tls=false")
    {'jobs': (0, 64), 'memory': '8GB', 'walltime': '02:00:00', 'tls': False}
    """
    found: dict[str, Any] = {}
    for part in filter(None, text.split(",")):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or not name or not value:
            raise ConfigurationError(
                f"{part.strip()!r}: write name=value, with commas between, such as "
                f"jobs=8,memory=8GB,walltime=02:00:00"
            )
        if name in found:
            raise ConfigurationError(f"{name}= is given twice")
        found[name] = _value(name, value)
    return found


def _value(name: str, text: str) -> Any:
    span = re.fullmatch(r"(\d+)-(\d+)", text)
    if name == "jobs" and span:
        return int(span[1]), int(span[2])
    if name in {"memory", "walltime", "queue", "account"}:
        return text
    if re.fullmatch(r"\d+", text):
        return int(text)
    if re.fullmatch(r"\d+\.\d+", text):
        return float(text)
    return _WORDS.get(text.lower(), text)


def describe(system: str, tables: Tables) -> Batch | list[Batch]:
    """Return the jobs that a table describes, such as ``[slurm]`` of a search in a file.

    Of several tables, each describes jobs of another kind.

    Raises
    ------
    ConfigurationError
        It is wrong.
    """
    if system not in SYSTEMS:
        raise ConfigurationError(f"{system!r} is none of {', '.join(SYSTEMS)}")
    function: Callable[..., Batch] = getattr(systems, system)
    if isinstance(tables, Mapping):
        return function(**tables)
    return [function(**table) for table in tables]


def jobs_of(given: Any, tables: Tables | None = None) -> Batch | list[Batch]:
    """Return what `--slurm` says, as text or as a table, and what else a file's table does.

    Parameters
    ----------
    given : str, mapping, or a list of them
        Several are several kinds of jobs.
    tables : mapping, or a list of them, optional
        What a file says. One table is added to each that is given; of several none is.

    Raises
    ------
    ConfigurationError
        It is wrong.

    Examples
    --------
    >>> print(jobs_of("jobs=8,cores=4", {"memory": "8GB", "jobs": 2}))
    8 jobs of slurm with 4 cores
    >>> for batch in jobs_of(["queue=cpu", "queue=gpu,gpus=2"], {"memory": "1GB"}):
    ...     print(batch)
    1 job of slurm with 1 core, in cpu
    1 job of slurm with 1 core, 2 GPUs, in gpu
    """
    known = tables if isinstance(tables, Mapping) else {}
    several = list(given) if isinstance(given, (list, tuple)) else [given]
    try:
        made = [{**known, **_table(one)} for one in several]
        return describe("slurm", made[0] if len(made) == 1 else made)
    except ConfigurationError as error:
        raise ConfigurationError(f"--slurm: {error}") from error


def _table(given: Any) -> Mapping[str, Any]:
    found = parse(given) if isinstance(given, str) else given
    if not isinstance(found, Mapping):
        raise ConfigurationError(f"{given!r}: give text such as 'jobs=8', or a mapping")
    return found
