"""What both samplers of Optuna share: its ask-and-tell interface."""

from __future__ import annotations

import math
import warnings
from typing import Any

import optuna

from peers.base import Params, Peer
from phsx.space import Float, Int, Space
from phsx.space.choices import Choices
from phsx.space.parameter import Parameter

optuna.logging.set_verbosity(optuna.logging.ERROR)
warnings.filterwarnings("ignore", module="optuna")


class OptunaStudy(Peer):
    """A study that is asked and told; running trials are running in it too."""

    distributions = ("optuna",)

    def __init__(self, space: Space, trials: int, seed: int) -> None:
        super().__init__(space, trials, seed)
        self.study = optuna.create_study(sampler=self.sampler())
        self.running: dict[int, optuna.Trial] = {}

    def sampler(self) -> optuna.samplers.BaseSampler:
        raise NotImplementedError

    def ask(self, trial: int) -> Params:
        asked = self.running[trial] = self.study.ask()
        params: Params = {}
        for name, parameter in self.space.parameters.items():
            if not parameter.active_at(params):
                continue
            if isinstance(parameter, Choices):
                params[name] = asked.suggest_categorical(name, list(parameter.values()))
                continue
            if not isinstance(parameter, (Int, Float)):
                raise TypeError(f"{parameter!r} has no counterpart in Optuna")
            suggest = asked.suggest_int if isinstance(parameter, Int) else asked.suggest_float
            params[name] = suggest(name, parameter.low, parameter.high, log=parameter.log)
        return self.space.check(params)

    def tell(self, trial: int, params: Params, value: float) -> None:
        asked = self.running.pop(trial)
        if math.isnan(value):
            self.study.tell(asked, state=optuna.trial.TrialState.FAIL)
        else:
            self.study.tell(asked, value)

    def observe(self, known: list[tuple[Params, float]]) -> None:
        for params, value in known:
            made = {name: _distribution(self.space.parameters[name]) for name in params}
            self.study.add_trial(
                optuna.trial.create_trial(params=params, distributions=made, value=value)
            )


def _distribution(parameter: Parameter) -> Any:
    if isinstance(parameter, Choices):
        return optuna.distributions.CategoricalDistribution(list(parameter.values()))
    if isinstance(parameter, Int):
        return optuna.distributions.IntDistribution(
            parameter.low, parameter.high, log=parameter.log
        )
    if isinstance(parameter, Float):
        return optuna.distributions.FloatDistribution(
            parameter.low, parameter.high, log=parameter.log
        )
    raise TypeError(f"{parameter!r} has no counterpart in Optuna")
