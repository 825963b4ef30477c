"""SMAC3's Gaussian process."""

from __future__ import annotations

import logging
import math
import warnings
from tempfile import TemporaryDirectory

import ConfigSpace as cs
from smac import BlackBoxFacade, Scenario
from smac.runhistory import StatusType, TrialInfo, TrialValue

from peers.base import INITIAL, Params, Peer
from peers.configspace import active, conditions, hyperparameter
from phsx.space import Space

logging.getLogger("smac").setLevel(logging.ERROR)
warnings.filterwarnings("ignore", module="smac")
warnings.filterwarnings("ignore", module="sklearn")


class SMAC(Peer):
    """`BlackBoxFacade`, each point evaluated once."""

    distributions = ("smac",)

    def __init__(self, space: Space, trials: int, seed: int) -> None:
        super().__init__(space, trials, seed)
        self.directory = TemporaryDirectory()
        made = {name: hyperparameter(name, one) for name, one in space.parameters.items()}
        configurations = cs.ConfigurationSpace(seed=seed)
        configurations.add(*made.values(), *conditions(space, made))
        scenario = Scenario(
            configurations,
            deterministic=True,
            n_trials=trials,
            seed=seed,
            output_directory=self.directory.name,
        )
        self.facade = BlackBoxFacade(
            scenario,
            lambda config, seed=0: 0.0,  # never called: trials are asked for and told
            initial_design=BlackBoxFacade.get_initial_design(
                scenario, n_configs=INITIAL, max_ratio=1.0
            ),
            intensifier=BlackBoxFacade.get_intensifier(scenario, max_config_calls=1),
            logging_level=False,
            overwrite=True,
        )
        self.running: dict[int, TrialInfo] = {}

    def ask(self, trial: int) -> Params:
        info = self.running[trial] = self.facade.ask()
        return active(self.space, dict(info.config))

    def tell(self, trial: int, params: Params, value: float) -> None:
        self._tell(self.running.pop(trial), value)

    def observe(self, known: list[tuple[Params, float]]) -> None:
        for params, value in known:
            configuration = cs.Configuration(self.facade.scenario.configspace, values=params)
            self._tell(TrialInfo(configuration, seed=0), value)

    def _tell(self, info: TrialInfo, value: float) -> None:
        failed = math.isnan(value)
        status = StatusType.CRASHED if failed else StatusType.SUCCESS
        cost = 1e10 if failed else value
        self.facade.tell(info, TrialValue(cost=cost, status=status), save=False)
