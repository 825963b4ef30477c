"""Walltimes as queue systems write them, in seconds and back."""

from __future__ import annotations

import re
from datetime import timedelta

from phsx.exceptions import ConfigurationError

#: Days, and up to three numbers.
_FORM = re.compile(r"(?:(\d+)-)?(\d+)(?::(\d+))?(?::(\d+))?")


def seconds_of(walltime: str, system: str = "slurm") -> float | None:
    """Return how many seconds a walltime is, as a queue system understands it.

    Parameters
    ----------
    walltime : str
        Slurm: ``MM``, ``MM:SS``, ``HH:MM:SS``, ``D-HH``, ``D-HH:MM``, ``D-HH:MM:SS``. LSF: ``MM``,
        ``HH:MM``. Others: seconds, or ``HH:MM:SS``.
    system : str

    Returns
    -------
    float or None
        None for what has no known form; such as Slurm's ``UNLIMITED``.

    Examples
    --------
    >>> seconds_of("02:00:00"), seconds_of("1-12"), seconds_of("90"), seconds_of("soon")
    (7200.0, 129600.0, 5400.0, None)
    """
    match = _FORM.fullmatch(walltime.strip())
    if match is None:
        return None
    days, *texts = match.groups()
    numbers = [int(text) for text in texts if text is not None]
    if days is not None:
        hours, minutes, seconds = [*numbers, 0, 0][:3]
    elif len(numbers) == 3:
        hours, minutes, seconds = numbers
    elif system == "lsf":
        hours, minutes, seconds = [0, *numbers, 0][-3:]
    elif system == "slurm":
        hours, minutes, seconds = 0, *[*numbers, 0][:2]
    else:
        hours, minutes, seconds = [0, 0, *numbers][-3:]
    return float(((int(days or 0) * 24 + hours) * 60 + minutes) * 60 + seconds)


def walltime_of(value: object, system: str = "slurm") -> str | None:
    """Return a walltime as text for a queue system.

    Parameters
    ----------
    value : str, timedelta or None
    system : str

    Raises
    ------
    ConfigurationError
        It is neither, or nothing that the system understands.

    Examples
    --------
    >>> walltime_of(timedelta(hours=30)), walltime_of("02:00:00")
    ('30:00:00', '02:00:00')
    """
    if value is None:
        return None
    if isinstance(value, timedelta):
        minutes, seconds = divmod(int(value.total_seconds()), 60)
        hours, minutes = divmod(minutes, 60)
        if system == "lsf":
            return f"{hours:02d}:{minutes + bool(seconds):02d}"
        return f"{hours:02d}:{minutes:02d}:{seconds:02d}"
    if isinstance(value, str) and (seconds_of(value, system) or value.upper() == "UNLIMITED"):
        return value
    raise ConfigurationError(
        f"walltime={value!r}: give a time as text, such as '02:00:00' for two hours or "
        f"'1-12:00:00' for a day and a half, or a datetime.timedelta"
    )
