"""What Categorical and Ordinal share: a list of values."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from typing import Any

import numpy as np

from phsx.exceptions import SpaceError
from phsx.space.bins import Bins
from phsx.space.condition import Condition
from phsx.space.parameter import Parameter, clamp
from phsx.space.value import describe, freeze, identity, thaw


class Choices(Parameter):
    """One of a list of values; see `Categorical` and `Ordinal`.

    Parameters
    ----------
    choices : sequence
        The values: text, numbers, bools, None, or (nested) tuples of these.
    when : str or mapping, optional
        When it is active; see `Parameter`.

    Raises
    ------
    SpaceError
        There are no choices, one is there twice, or cannot be stored.
    """

    choices: tuple[Any, ...]
    _bins: Bins
    _index: dict[Hashable, int]

    def __init__(self, choices: Sequence[Any], *, when: Condition = None) -> None:
        super().__init__(when)
        this = f"{type(self).__name__}({describe(choices)})"
        if not isinstance(choices, (list, tuple, range, np.ndarray)):
            raise SpaceError(f"{this}: write the choices as a list, in [].")
        if len(choices) == 0:
            raise SpaceError(f"{this}: there is nothing to choose from; give at least one choice.")
        frozen = []
        for choice in choices:
            if isinstance(choice, (list, np.ndarray)):
                raise SpaceError(f"{this}: write {describe(choice)} as a tuple, in ().")
            try:
                frozen.append(freeze(choice))
            except SpaceError as error:
                raise SpaceError(f"{this}: {error}") from None
        index: dict[Hashable, int] = {}
        for place, choice in enumerate(frozen):
            if index.setdefault(identity(choice), place) != place:
                raise SpaceError(f"{this}: the choice {choice!r} is there twice.")
        self._set(choices=tuple(frozen), size=len(frozen), _bins=Bins(len(frozen)), _index=index)

    def check(self, value: object) -> Any:
        """Return the choice that a value means: of equal type if there is one."""
        value = freeze(value)
        place = self._index.get(identity(value))
        if place is not None:
            return self.choices[place]
        # 1 may stand for 1.0, but not for True.
        if not isinstance(value, bool):
            for choice in self.choices:
                if not isinstance(choice, bool) and choice == value:
                    return choice
        listed = ", ".join(map(repr, self.choices[:10])) + (", ..." if self.size > 10 else "")
        raise SpaceError(f"{describe(value)} is not among the choices {listed}.")

    def to_unit(self, value: Any) -> float:
        """Return the middle of the choice's bin."""
        return self._bins.centre(self.identity(value))

    def from_unit(self, u: float) -> Any:
        """Return the choice in whose bin a coordinate lies."""
        if not 0.0 <= u <= 1.0:
            u = clamp(u)
        return self.choices[self._bins.index(float(u))]

    def identity(self, value: Any) -> int:
        """Return the place of a value among the choices."""
        try:
            return self._index[identity(value)]
        except (KeyError, TypeError):  # another type, or a list in place of a tuple
            return self._index[identity(self.check(value))]

    def values(self) -> Iterator[Any]:
        """Iterate over the choices."""
        return iter(self.choices)

    def options(self) -> dict[str, Any]:
        """Return the arguments as JSON values."""
        return {"choices": thaw(self.choices)}

    @classmethod
    def from_options(cls, options: Any) -> Choices:
        """Build it from JSON values, where tuples are lists."""
        options = dict(options)
        choices = options.pop("choices", None)
        if not isinstance(choices, list):
            raise SpaceError(f"the choices are {describe(choices)}; they have to be a list.")
        return cls(freeze(choices), **options)

    def _definition(self) -> Hashable:
        return tuple(map(identity, self.choices))

    def _arguments(self) -> list[str]:
        return [repr(list(self.choices))]
