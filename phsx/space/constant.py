"""A value that is the same in every trial."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from typing import Any, ClassVar

from phsx.exceptions import SpaceError
from phsx.space.condition import Condition
from phsx.space.parameter import MISSING, Parameter
from phsx.space.value import describe, freeze, identity, thaw


class Constant(Parameter):
    """A value that is the same in every trial, and is passed to the target with the others.

    Parameters
    ----------
    value : str, int, float, bool, None or tuple of these
        The value.
    when : str or mapping, optional
        When it is passed; see `Parameter`.

    Raises
    ------
    SpaceError
        The value cannot be stored.

    Examples
    --------
    >>> Constant(28).from_unit(0.5)
    28
    """

    kind: ClassVar[str] = "constant"
    dimensions = 0
    computed = True
    size = 1

    value: Any

    def __init__(self, value: Any, *, when: Condition = None) -> None:
        super().__init__(when)
        try:
            self._set(value=freeze(value))
        except SpaceError as error:
            raise SpaceError(f"Constant({describe(value)}): {error}") from None

    def check(self, value: object) -> Any:
        """Return the constant if the value equals it."""
        if identity(freeze(value)) != identity(self.value):
            raise SpaceError(f"{describe(value)} is not the constant {self.value!r}.")
        return self.value

    def compute(self, given: Any, point: Mapping[str, Any]) -> Any:
        """Return the constant."""
        return self.value if given is MISSING else self.check(given)

    def to_unit(self, value: Any) -> float:
        """Return 0.5: a constant has no coordinate of its own."""
        return 0.5

    def from_unit(self, u: float) -> Any:
        """Return the constant, for any coordinate."""
        return self.value

    def values(self) -> Iterator[Any]:
        """Iterate over the one value."""
        return iter((self.value,))

    def options(self) -> dict[str, Any]:
        """Return the arguments as JSON values."""
        return {"value": thaw(self.value)}

    def _definition(self) -> Hashable:
        return identity(self.value)

    def _arguments(self) -> list[str]:
        return [repr(self.value)]
