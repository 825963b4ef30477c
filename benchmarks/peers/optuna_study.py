"""What both samplers of Optuna share: its ask-and-tell interface."""

from __future__ import annotations

import math
import warnings

import optuna

from peers.base import Params, Peer
from phsx.space import Float, Int, Space
from phsx.space.choices import Choices

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
            elif isinstance(parameter, Int):
                params[name] = asked.suggest_int(
                    name, parameter.low, parameter.high, log=parameter.log
                )
            elif isinstance(parameter, Float):
                params[name] = asked.suggest_float(
                    name, parameter.low, parameter.high, log=parameter.log
                )
            else:
                raise TypeError(f"{parameter!r} has no counterpart in Optuna")
        return self.space.check(params)

    def tell(self, trial: int, params: Params, value: float) -> None:
        asked = self.running.pop(trial)
        if math.isnan(value):
            self.study.tell(asked, state=optuna.trial.TrialState.FAIL)
        else:
            self.study.tell(asked, value)
