"""What a plot needs to know of an experiment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import pandas

    from phsx.space import Space


class Searched(Protocol):
    """Anything that was searched and can be looked at: an experiment, finished or running.

    An `objective` (what the result is called) and a `name` (for titles) are used where there are
    such attributes; an `Optimizer` has none.
    """

    @property
    def space(self) -> Space:
        """The search space."""

    @property
    def maximize(self) -> bool:
        """Whether a larger result is better."""

    def to_dataframe(self) -> pandas.DataFrame:
        """One row per trial (the index is its id): parameters, then value, state and the rest."""
