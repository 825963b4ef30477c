"""Jobs of a queue system, spelled as text or as a table: for the command line and for files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from phsx.clusters import systems
from phsx.clusters.batch import SYSTEMS, Batch
from phsx.exceptions import ConfigurationError

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


def describe(system: str, table: Mapping[str, Any]) -> Batch:
    """Return the jobs that a table describes, such as ``[slurm]`` of a search in a file.

    Raises
    ------
    ConfigurationError
        It is wrong.
    """
    if system not in SYSTEMS:
        raise ConfigurationError(f"{system!r} is none of {', '.join(SYSTEMS)}")
    batch: Batch = getattr(systems, system)(**table)
    return batch


def jobs_of(given: str | Mapping[str, Any], table: Mapping[str, Any] | None = None) -> Batch:
    """Return what `--slurm` says, as text or as a table, and what else a file's table does.

    Raises
    ------
    ConfigurationError
        It is wrong.

    Examples
    --------
    >>> print(jobs_of("jobs=8,cores=4", {"memory": "8GB", "jobs": 2}))
    8 jobs of slurm with 4 cores
    """
    try:
        said = parse(given) if isinstance(given, str) else given
        return describe("slurm", {**(table or {}), **said})
    except ConfigurationError as error:
        raise ConfigurationError(f"--slurm: {error}") from error
