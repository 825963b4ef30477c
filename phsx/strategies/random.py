"""Random search."""

from __future__ import annotations

from typing import ClassVar

from phsx.strategies.base import JSON, Proposal, Request, Strategy


class Random(Strategy):
    """Independent points, uniform in the unit cube.

    So a logarithmic parameter is log-uniform, and all choices of a categorical one are equally
    likely.

    Parameters
    ----------
    trials : int, optional
        How many trials the block has; None goes on as long as it is asked.
    repeats, wait, overrides, **parameters
        See `Strategy`.

    References
    ----------
    Bergstra & Bengio, "Random search for hyper-parameter optimization", JMLR 13 (2012) 281-305.

    Examples
    --------
    >>> import phsx
    >>> phsx.Random(20, y=[1.2, 3.4, 5.4])
    Random(20, overrides={'y': Values([1.2, 3.4, 5.4])})
    """

    kind: ClassVar[str] = "random"

    def propose(self, request: Request) -> Proposal:
        """Propose uniform random values."""
        parameters = request.space.parameters
        unit = request.rng().random(len(request.names)).tolist()
        return Proposal(
            {
                name: parameters[name].from_unit(u)
                for name, u in zip(request.names, unit, strict=True)
            }
        )

    def options(self) -> dict[str, JSON]:
        """Return nothing: random search has no options."""
        return {}
