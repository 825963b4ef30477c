"""The contract of a parameter: its values, their coordinate, their JSON form."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterator, Mapping
from typing import Any, ClassVar, Final

from phsx.exceptions import SpaceError
from phsx.space.condition import Condition, condition
from phsx.space.expr import Expr

#: Stands for "no value was given" where None is a value.
MISSING: Final[Any] = object()


class Parameter(ABC):
    """One thing that may vary. Immutable, hashable, and equal to another by its definition.

    Parameters
    ----------
    when : None, str, or mapping, optional
        When the parameter is active: an expression over earlier parameters, or a mapping from
        earlier parameters to a value or a list of values. One that mentions an inactive parameter
        does not hold.

    Attributes
    ----------
    kind : str
        Its name in JSON.
    dimensions : int
        How many coordinates of the unit cube it has, 0 or 1.
    ordered : bool
        Whether near coordinates mean similar values.
    computed : bool
        Whether its value comes from `compute` rather than from who proposes a point.
    log : bool
        Whether its scale is logarithmic.
    size : int or float
        Number of its values; ``math.inf`` for a continuous one.
    needs : frozenset of str
        Names that its value is computed from.
    """

    kind: ClassVar[str]
    dimensions: int = 1
    ordered: bool = True
    computed: bool = False
    log: bool = False
    size: int | float = math.inf
    needs: frozenset[str] = frozenset()
    when: Expr | None

    def __init__(self, when: Condition = None) -> None:
        self._set(when=condition(when))

    def _set(self, **fields: object) -> None:
        """Set attributes of an object that refuses to be changed."""
        for name, value in fields.items():
            object.__setattr__(self, name, value)

    @abstractmethod
    def check(self, value: object) -> Any:
        """Return a value as the plain Python object that a target is to get.

        Raises
        ------
        SpaceError
            The parameter has no such value.
        """

    @abstractmethod
    def to_unit(self, value: Any) -> float:
        """Return the coordinate, between 0 and 1, of one of its values."""

    @abstractmethod
    def from_unit(self, u: float) -> Any:
        """Return the value of a coordinate between 0 and 1."""

    @abstractmethod
    def values(self) -> Iterator[Any]:
        """Iterate over all values, in their order.

        Raises
        ------
        SpaceError
            The parameter is continuous.
        """

    @abstractmethod
    def options(self) -> dict[str, Any]:
        """Return the arguments that define it as JSON values, without `when` and defaults."""

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> Parameter:
        """Build a parameter from what `options` returned, and `when`."""
        return cls(**options)

    def compute(self, given: Any, point: Mapping[str, Any]) -> Any:
        """Return the value at a point, of a parameter that is `computed`.

        Parameters
        ----------
        given : object
            The value that was proposed, or `MISSING`.
        point : mapping
            The values of earlier parameters.
        """
        raise NotImplementedError

    def active_at(self, point: Mapping[str, Any]) -> bool:
        """Tell whether it is active, given the values of all earlier parameters that are."""
        if not self.needs <= point.keys():
            return False
        when = self.when
        return when is None or (when.names <= point.keys() and when.holds(point))

    def locate(self, value: Any, point: Mapping[str, Any]) -> float:
        """Return the coordinate of a value that lies in a point with these other values."""
        return self.to_unit(value)

    def identity(self, value: Any) -> Hashable:
        """Return a key that only equal values share."""
        return value  # type: ignore[no-any-return]

    def to_dict(self) -> dict[str, Any]:
        """Return the definition as JSON values."""
        definition = {"kind": self.kind, **self.options()}
        if self.when is not None:
            definition["when"] = self.when.source
        return definition

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a {type(self).__name__} cannot be changed; define another.")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"a {type(self).__name__} cannot be changed; define another.")

    def _definition(self) -> Hashable:
        """Return what makes two parameters of one class equal, besides `when`."""
        return tuple(self.options().items())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Parameter):
            return NotImplemented
        return (
            type(self) is type(other)
            and self.when == other.when
            and self._definition() == other._definition()
        )

    def __hash__(self) -> int:
        return hash((type(self), self.when, self._definition()))

    def _arguments(self) -> list[str]:
        """Return the arguments, without `when`, as source text."""
        return [f"{name}={value!r}" for name, value in self.options().items()]

    def __repr__(self) -> str:
        arguments = self._arguments()
        if self.when is not None:
            arguments.append(f"when={self.when.source!r}")
        return f"{type(self).__name__}({', '.join(arguments)})"


def clamp(u: float) -> float:
    """Return a coordinate moved into [0, 1].

    Raises
    ------
    SpaceError
        It is NaN.
    """
    if u != u:
        raise SpaceError("a coordinate in the unit cube is NaN; it has to lie between 0 and 1.")
    return min(max(u, 0.0), 1.0)
