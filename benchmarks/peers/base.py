"""What every optimizer looks like to the benchmarks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from importlib.metadata import version
from typing import Any, ClassVar

from phsx.space import Space
from phsx.space.choices import Choices
from phsx.space.parameter import Parameter

Params = dict[str, Any]

#: Trials of the initial design, the same for all (64 workers start more before anything is known).
INITIAL = 10


class Peer(ABC):
    """An optimizer that minimizes.

    Parameters
    ----------
    space : Space
        Where to look.
    trials : int
        How many trials there will be.
    seed : int
        Decides everything that is random.
    """

    #: The distributions whose versions are recorded.
    distributions: ClassVar[tuple[str, ...]]
    #: Whether it can handle parameters that are no numbers, or exist only sometimes.
    mixed: ClassVar[bool] = True

    def __init__(self, space: Space, trials: int, seed: int) -> None:
        self.space = space
        self.trials = trials
        self.seed = seed

    @abstractmethod
    def ask(self, trial: int) -> Params:
        """Return the point of a new trial, which counts as running from then on."""

    @abstractmethod
    def tell(self, trial: int, params: Params, value: float) -> None:
        """Take the value of a trial; NaN where it failed."""

    @abstractmethod
    def observe(self, known: list[tuple[Params, float]]) -> None:
        """Take points and values that were not asked for."""

    @classmethod
    def version(cls) -> str:
        """Return what is installed."""
        return ", ".join(f"{name} {version(name)}" for name in cls.distributions)


def numeric(space: Space) -> bool:
    """Tell whether all parameters are numbers that always exist."""
    return all(
        not isinstance(one, Choices) and one.when is None for one in space.parameters.values()
    )


def parents(space: Space, parameter: Parameter) -> dict[str, list[Any]]:
    """Return at which values of which one categorical parent a parameter is active."""
    if parameter.when is None:
        return {}
    (name,) = parameter.when.names
    parent = space.parameters[name]
    return {name: [value for value in parent.values() if parameter.when.holds({name: value})]}
