"""Packages that cannot be unpickled everywhere."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from phsx.targets.package import Package


@dataclass(frozen=True)
class Trap(Package):
    """A package that does something wherever it is unpickled.

    Attributes
    ----------
    text : str
        An expression that is evaluated there.

    Examples
    --------
    >>> import pickle
    >>> pickle.loads(pickle.dumps(Trap("harmless", b"", text="1 + 1"))).name
    'harmless'
    >>> pickle.loads(pickle.dumps(Trap("harmful", b"", text="1 / 0")))
    Traceback (most recent call last):
    ZeroDivisionError: division by zero
    """

    text: str = "None"

    @classmethod
    def around(cls, package: Package, text: str) -> Trap:
        """Return a trap that is a good package otherwise."""
        values = {one.name: getattr(package, one.name) for one in fields(package)}
        return cls(**values, text=text)

    def __reduce__(self) -> Any:
        return (spring, (vars(self),))


def spring(values: dict[str, Any]) -> Trap:
    """Evaluate a trap's text, and restore the trap."""
    eval(values["text"])  # noqa: S307 - what it is for
    return Trap(**values)
