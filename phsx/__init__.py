"""phsx: parallel black-box optimization of any Python function, on Dask.

Everything public is here; nothing is imported before it is used, so that ``import phsx`` is
immediate.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from phsx._version import __version__

if TYPE_CHECKING:
    from phsx import analysis as plot
    from phsx import exceptions
    from phsx.clusters.systems import htcondor, lsf, oar, pbs, sge, slurm
    from phsx.experiment.experiment import Experiment
    from phsx.experiment.experiment import open_experiment as open
    from phsx.experiment.repair import Repair, repair
    from phsx.experiment.replay import verify
    from phsx.experiment.submission import Submission, submit
    from phsx.experiment.verification import Verification
    from phsx.oneline import minimize
    from phsx.optimizer import Optimizer
    from phsx.space import Categorical, Constant, Expression, Float, Int, Ordinal, Space
    from phsx.strategies import (
        Bayesian,
        Choice,
        Explicit,
        Grid,
        Halton,
        LatinHypercube,
        LogUniform,
        Normal,
        Random,
        Sobol,
        Uniform,
    )
    from phsx.targets.command import Command
    from phsx.trial import Trial, TrialState

_HOMES = {
    "phsx.clusters.systems": ("htcondor", "lsf", "oar", "pbs", "sge", "slurm"),
    "phsx.experiment.experiment": ("Experiment",),
    "phsx.experiment.repair": ("Repair", "repair"),
    "phsx.experiment.replay": ("verify",),
    "phsx.experiment.submission": ("Submission", "submit"),
    "phsx.experiment.verification": ("Verification",),
    "phsx.oneline": ("minimize",),
    "phsx.optimizer": ("Optimizer",),
    "phsx.space": ("Categorical", "Constant", "Expression", "Float", "Int", "Ordinal", "Space"),
    "phsx.strategies": (
        "Bayesian",
        "Choice",
        "Explicit",
        "Grid",
        "Halton",
        "LatinHypercube",
        "LogUniform",
        "Normal",
        "Random",
        "Sobol",
        "Uniform",
    ),
    "phsx.targets.command": ("Command",),
    "phsx.trial": ("Trial", "TrialState"),
}
_WHERE = {name: (module, name) for module, names in _HOMES.items() for name in names} | {
    "open": ("phsx.experiment.experiment", "open_experiment"),
    "plot": ("phsx.analysis", None),
    "exceptions": ("phsx.exceptions", None),
}

__all__ = [
    "Bayesian",
    "Categorical",
    "Choice",
    "Command",
    "Constant",
    "Experiment",
    "Explicit",
    "Expression",
    "Float",
    "Grid",
    "Halton",
    "Int",
    "LatinHypercube",
    "LogUniform",
    "Normal",
    "Optimizer",
    "Ordinal",
    "Random",
    "Repair",
    "Sobol",
    "Space",
    "Submission",
    "Trial",
    "TrialState",
    "Uniform",
    "Verification",
    "__version__",
    "exceptions",
    "htcondor",
    "lsf",
    "minimize",
    "oar",
    "open",
    "pbs",
    "plot",
    "repair",
    "sge",
    "slurm",
    "submit",
    "verify",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    try:
        module, attribute = _WHERE[name]
    except KeyError:
        raise AttributeError(f"module 'phsx' has no attribute {name!r}") from None
    home = import_module(module)
    value = home if attribute is None else getattr(home, attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
