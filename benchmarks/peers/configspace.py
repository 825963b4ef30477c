"""A space in terms of ConfigSpace, which SMAC3 and DeepHyper use."""

from __future__ import annotations

from typing import Any

import ConfigSpace as cs

from peers.base import parents
from phsx.space import Float, Int, Space
from phsx.space.choices import Choices
from phsx.space.parameter import Parameter


def hyperparameter(name: str, parameter: Parameter) -> Any:
    """Return one parameter."""
    if isinstance(parameter, Choices):
        return cs.CategoricalHyperparameter(name, list(parameter.values()))
    if isinstance(parameter, Int):
        return cs.UniformIntegerHyperparameter(
            name, parameter.low, parameter.high, log=parameter.log
        )
    if isinstance(parameter, Float):
        return cs.UniformFloatHyperparameter(name, parameter.low, parameter.high, log=parameter.log)
    raise TypeError(f"{parameter!r} has no counterpart in ConfigSpace")


def conditions(space: Space, made: dict[str, Any]) -> list[Any]:
    """Return when which of the parameters that were made are active."""
    return [
        cs.InCondition(made[name], made[parent], values)
        for name, parameter in space.parameters.items()
        for parent, values in parents(space, parameter).items()
    ]


def active(space: Space, values: dict[str, Any]) -> dict[str, Any]:
    """Return the active ones among values, as plain Python objects."""
    params: dict[str, Any] = {}
    for name, parameter in space.parameters.items():
        if parameter.active_at(params):
            value = values[name]
            params[name] = value.item() if hasattr(value, "item") else value
    return space.check(params)
