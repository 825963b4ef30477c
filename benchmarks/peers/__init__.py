"""The optimizers that are compared, each behind the same two methods in a file of its own.

They are imported by name when they are asked for: nobody needs to have installed them all.
"""

from __future__ import annotations

from importlib import import_module

from peers.base import Peer

#: Where each one is.
PEERS = {
    "phsx": "phsx_bayesian:Phsx",
    "random": "random_search:RandomSearch",
    "tpe": "optuna_tpe:OptunaTPE",
    "optuna-gp": "optuna_gp:OptunaGP",
    "botorch": "botorch_gp:BoTorch",
    "botorch-light": "botorch_light:LightBoTorch",
    "smac": "smac_gp:SMAC",
    "deephyper": "deephyper_trees:DeepHyper",
    "cmaes": "cma_es:CMAES",
    "turbo": "botorch_turbo:TuRBO",
}


def peer(name: str) -> type[Peer]:
    """Return the class of an optimizer."""
    module, attribute = PEERS[name].split(":")
    found: type[Peer] = getattr(import_module(f"peers.{module}"), attribute)
    return found
