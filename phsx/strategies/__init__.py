"""Search strategies: where to look next.

Each is a pure function from what is known to the next point, in a file of its own. They are
imported when they are first asked for, so that this package stays light.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from phsx.strategies.base import ModelStrategy, Proposal, Request, Strategy
from phsx.strategies.registry import STRATEGIES, from_dict, strategy_class

if TYPE_CHECKING:
    from phsx.strategies.bayesian import Bayesian as Bayesian
    from phsx.strategies.choice import Choice as Choice
    from phsx.strategies.explicit import Explicit as Explicit
    from phsx.strategies.grid import Grid as Grid
    from phsx.strategies.halton import Halton as Halton
    from phsx.strategies.latin_hypercube import LatinHypercube as LatinHypercube
    from phsx.strategies.log_uniform import LogUniform as LogUniform
    from phsx.strategies.mixing import model_of as model_of
    from phsx.strategies.mixing import propose as propose
    from phsx.strategies.normal import Normal as Normal
    from phsx.strategies.plan import Plan as Plan
    from phsx.strategies.random import Random as Random
    from phsx.strategies.sobol import Sobol as Sobol
    from phsx.strategies.uniform import Uniform as Uniform
    from phsx.strategies.values import Values as Values

__all__ = [
    "STRATEGIES",
    "ModelStrategy",
    "Proposal",
    "Request",
    "Strategy",
    "from_dict",
    "strategy_class",
]

_LAZY = {path.split(":")[1]: path for path in STRATEGIES.values()} | {
    "Plan": "phsx.strategies.plan:Plan",
    "model_of": "phsx.strategies.mixing:model_of",
    "propose": "phsx.strategies.mixing:propose",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _LAZY[name].split(":")
    return getattr(import_module(module), attribute)


def __dir__() -> list[str]:
    return sorted([*globals(), *_LAZY])
