"""Values that the user decides: one for all trials of a block, or several in turn."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from phsx.exceptions import PlanError, SpaceError
from phsx.space import Parameter, Space
from phsx.space.value import thaw
from phsx.strategies.base import JSON, Proposal, Request, Strategy
from phsx.strategies.checks import distinct, flag, plain_list


class Values(Strategy):
    """The values of a list in turn, by the number of the trial in its block.

    What a list or a single value among a block's overrides stands for.

    Parameters
    ----------
    values : iterable
        Values of the parameter, at least one. Choices that are tuples may be written as lists.
    single : bool
        Whether it was written as one value instead of a list.

    Examples
    --------
    >>> from phsx.strategies import Random
    >>> Random(20, y=[1.2, 3.4]).overrides["y"]
    Values([1.2, 3.4])
    """

    kind: ClassVar[str] = "values"
    override_only: ClassVar[bool] = True

    def __init__(self, values: Iterable[Any], *, single: bool = False) -> None:
        super().__init__()
        self.values = plain_list("Values", "values", values)
        self.single = flag("Values", "single", single) and len(self.values) == 1

    def propose(self, request: Request) -> Proposal:
        """Propose the value whose turn it is."""
        value = self.values[request.index % len(self.values)]
        parameters = request.space.parameters
        return Proposal({name: parameters[name].check(value) for name in request.names})

    def support(self, name: str, parameter: Parameter) -> tuple[Any, ...]:
        """List the values."""
        return distinct(parameter.check(value) for value in self.values)

    def validate(self, space: Space, names: tuple[str, ...]) -> None:
        """Check that every value is one of the parameter's."""
        check_values(space, names, self.values, "its override")

    def options(self) -> dict[str, JSON]:
        """Return the list of values."""
        options: dict[str, JSON] = {"values": thaw(self.values)}
        return options | ({"single": True} if self.single else {})

    def as_override(self) -> JSON:
        """Return the list of values, or the single value."""
        return self.values[0] if self._scalar else thaw(self.values)

    @property
    def _scalar(self) -> bool:
        # A tuple by itself would be read as a list of values.
        return self.single and not isinstance(self.values[0], tuple)

    def __repr__(self) -> str:
        return f"Values({[*self.values]!r})"


def check_values(space: Space, names: tuple[str, ...], values: Iterable[Any], where: str) -> None:
    """Raise `PlanError` where one of `values` is none of the named parameters'."""
    for name in names:
        for value in values:
            try:
                space.parameters[name].check(value)
            except SpaceError as error:
                raise PlanError(
                    f"parameter {name!r} cannot have the value {value!r} of {where}: {error}"
                ) from error
