"""All strategies by their kind, imported when they are asked for."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from phsx.exceptions import PlanError
from phsx.strategies.base import Strategy
from phsx.strategies.checks import close

#: The place of every strategy: a new one is a file and a line here.
STRATEGIES = {
    "explicit": "phsx.strategies.explicit:Explicit",
    "grid": "phsx.strategies.grid:Grid",
    "random": "phsx.strategies.random:Random",
    "sobol": "phsx.strategies.sobol:Sobol",
    "halton": "phsx.strategies.halton:Halton",
    "latin_hypercube": "phsx.strategies.latin_hypercube:LatinHypercube",
    "bayesian": "phsx.strategies.bayesian:Bayesian",
    "uniform": "phsx.strategies.uniform:Uniform",
    "log_uniform": "phsx.strategies.log_uniform:LogUniform",
    "normal": "phsx.strategies.normal:Normal",
    "choice": "phsx.strategies.choice:Choice",
    "values": "phsx.strategies.values:Values",
}


def strategy_class(kind: str) -> type[Strategy]:
    """Return the class of a kind, such as "latin_hypercube", "latin-hypercube", "LatinHypercube".

    Raises
    ------
    PlanError
        There is no such strategy.
    """
    wanted = _folded(kind)
    for known, path in STRATEGIES.items():
        if _folded(known) == wanted:
            module, name = path.split(":")
            found: type[Strategy] = getattr(import_module(module), name)
            return found
    raise PlanError(
        f"there is no strategy {kind!r}{close(kind, STRATEGIES)}; there are {', '.join(STRATEGIES)}"
    )


def _folded(kind: str) -> str:
    return kind.replace("-", "").replace("_", "").lower()


def from_dict(data: Mapping[str, Any]) -> Strategy:
    """Read a strategy from JSON or TOML values.

    Keys that are options of the strategy are its options, all others override the parameter of
    their name: with a value, a list of values, or a mapping that is a strategy itself.

    Raises
    ------
    PlanError
        It is not a strategy, or a wrong one.

    Examples
    --------
    >>> from_dict({"strategy": "random", "trials": 20, "y": [1.2, 3.4]})
    Random(20, overrides={'y': Values([1.2, 3.4])})
    """
    return _read(data, "a block", nested=False)


def _read(data: object, what: str, nested: bool) -> Strategy:
    if not isinstance(data, Mapping) or not all(isinstance(key, str) for key in data):
        raise PlanError(
            f"{what} must be a table such as {{'strategy': 'random', 'trials': 20}}, not "
            f"{data!r:.80}"
        )
    kind = data.get("strategy")
    if not isinstance(kind, str):
        raise PlanError(
            f"{what} must name its strategy, such as 'strategy': 'random', in {data!r:.200}"
        )
    cls = strategy_class(kind)
    known = _options(cls)
    options = {key: value for key, value in data.items() if key in known and key != "overrides"}
    overrides = data.get("overrides", {})
    if not isinstance(overrides, Mapping) or not all(isinstance(name, str) for name in overrides):
        raise PlanError(
            f"{what}: overrides must be a table from parameters to values, not {overrides!r:.80}"
        )
    extra = {key: value for key, value in data.items() if key not in known and key != "strategy"}
    twice = sorted(extra.keys() & overrides.keys())
    if twice:
        raise PlanError(f"{what}: parameter {twice[0]!r} is overridden twice, in two places")
    extra |= overrides
    if extra and (nested or "overrides" not in known):
        raise PlanError(
            f"{what}, {cls.__name__}, has no option {sorted(extra)[0]!r}"
            f"{close(sorted(extra)[0], known)}; it has {', '.join(sorted(known))}"
        )
    if extra:
        options["overrides"] = {
            name: _read(value, f"the override of {name!r}", nested=True)
            if isinstance(value, Mapping)
            else value
            for name, value in extra.items()
        }
    return _made(cls, what, options)


def _made(cls: type[Strategy], what: str, options: dict[str, Any]) -> Strategy:
    missing = [
        name
        for name, parameter in inspect.signature(cls).parameters.items()
        if parameter.default is parameter.empty
        and parameter.kind is not parameter.VAR_KEYWORD
        and name not in options
    ]
    if missing:
        raise PlanError(f"{what}: {cls.__name__} needs {' and '.join(missing)}")
    return cls(**options)


def _options(cls: type[Strategy]) -> list[str]:
    parameters = inspect.signature(cls).parameters.values()
    return [one.name for one in parameters if one.kind is not one.VAR_KEYWORD]
