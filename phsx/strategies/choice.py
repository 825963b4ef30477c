"""Random choice from a list, for a parameter."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from phsx.space import Parameter, Space
from phsx.space.value import thaw
from phsx.strategies.base import JSON, Proposal, Request, Strategy
from phsx.strategies.checks import distinct, plain_list
from phsx.strategies.values import check_values


class Choice(Strategy):
    """One of some values of a parameter, at random; one that is listed twice is twice as likely.

    Parameters
    ----------
    values : iterable
        Values of the parameter, at least one.

    Raises
    ------
    PlanError
        There is no value, or something that is none.

    Examples
    --------
    >>> import phsx
    >>> phsx.Random(20, x=phsx.Choice([1, 10, 100]))
    Random(20, overrides={'x': Choice(values=[1, 10, 100])})
    """

    kind: ClassVar[str] = "choice"
    override_only: ClassVar[bool] = True

    def __init__(self, values: Iterable[Any]) -> None:
        super().__init__()
        self.values = plain_list("Choice", "values", values)

    def propose(self, request: Request) -> Proposal:
        """Propose a random value of the list for each parameter."""
        drawn = request.rng().integers(len(self.values), size=len(request.names)).tolist()
        parameters = request.space.parameters
        return Proposal(
            {
                name: parameters[name].check(self.values[index])
                for name, index in zip(request.names, drawn, strict=True)
            }
        )

    def support(self, name: str, parameter: Parameter) -> tuple[Any, ...]:
        """List the values."""
        return distinct(parameter.check(value) for value in self.values)

    def validate(self, space: Space, names: tuple[str, ...]) -> None:
        """Check that every value is one of the parameter's."""
        check_values(space, names, self.values, "Choice")

    def options(self) -> dict[str, JSON]:
        """Return the list of values."""
        return {"values": thaw(self.values)}
