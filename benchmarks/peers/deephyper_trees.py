"""DeepHyper's centralized Bayesian optimization with extra trees."""

from __future__ import annotations

import logging
import math
import warnings
from tempfile import TemporaryDirectory
from typing import Any

import ConfigSpace as cs
from deephyper.hpo import CBO, HpProblem

from peers.base import INITIAL, Params, Peer
from peers.configspace import active, conditions, hyperparameter
from phsx.space import Float, Space
from phsx.space.parameter import Parameter

logging.getLogger("deephyper").setLevel(logging.ERROR)
warnings.filterwarnings("ignore", module="deephyper")
warnings.filterwarnings("ignore", module="sklearn")


def _logarithmic(parameter: Parameter) -> bool:
    return isinstance(parameter, Float) and parameter.log


def _given(value: Any) -> bool:
    """Tell whether a value is that of an active parameter."""
    return isinstance(value, float) and not math.isnan(value)


def _linear(name: str, parameter: Parameter) -> Any:
    """Return a hyper-parameter, on the unit interval where it is logarithmic.

    DeepHyper rounds logarithmic floats of conditional spaces to just outside their bounds, and
    fails. To trees and uniform draws the two are the same.
    """
    if _logarithmic(parameter):
        return cs.UniformFloatHyperparameter(name, 0.0, 1.0)
    return hyperparameter(name, parameter)


class DeepHyper(Peer):
    """`CBO`, its defaults (extra trees, UCB with a decaying parameter)."""

    distributions = ("deephyper",)

    def __init__(self, space: Space, trials: int, seed: int) -> None:
        super().__init__(space, trials, seed)
        self.directory = TemporaryDirectory()
        problem = HpProblem()
        made = {
            name: problem.add_hyperparameter(_linear(name, one))
            for name, one in space.parameters.items()
        }
        problem.add_conditions(conditions(space, made))
        self.search = CBO(
            problem,
            random_state=seed,
            log_dir=self.directory.name,
            surrogate_model="ET",
            n_initial_points=INITIAL,
            checkpoint_history_to_csv=False,
        )
        self.running: dict[int, dict[str, Any]] = {}

    def ask(self, trial: int) -> Params:
        (asked,) = self.search.ask(1)
        self.running[trial] = asked
        values = {
            name: one.from_unit(asked[name])
            if _logarithmic(one) and _given(asked[name])
            else asked[name]
            for name, one in self.space.parameters.items()
        }
        return active(self.space, values)

    def tell(self, trial: int, params: Params, value: float) -> None:
        result = "F" if math.isnan(value) else -value
        self.search.tell([(self.running.pop(trial), result)])

    def observe(self, known: list[tuple[Params, float]]) -> None:
        self.search.tell([(self.values(params), -value) for params, value in known])

    def values(self, params: Params) -> dict[str, Any]:
        """Return the values of a point in DeepHyper's terms; only of points with all parameters."""
        parameters = self.space.parameters
        return {
            name: parameters[name].to_unit(value) if _logarithmic(parameters[name]) else value
            for name, value in params.items()
        }
