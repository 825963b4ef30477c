"""What a trial asks of the slot that it runs on, from its parameters."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from phsx.exceptions import ConfigurationError, DefinitionError, EvaluationError
from phsx.execution.resources import CORES, amounts
from phsx.space.expr import Expr

Function = Callable[[Mapping[str, Any]], Any]


class Needs:
    """What trials ask for.

    Parameters
    ----------
    resources : callable, mapping or None
        ``f(params)`` that returns a mapping from names to amounts; or the mapping itself, with
        numbers, or formulas of parameters as text.
    cores : int, optional
        Threads of each trial; by default its slot's share.
    names : collection of str, optional
        The parameters, which formulas may mention.

    Raises
    ------
    ConfigurationError
        They are wrong.

    Examples
    --------
    >>> needs = Needs({"licence": 1, "GPU": "1 if device == 'gpu' else 0"})
    >>> needs.of({"device": "gpu"}), needs.of({"device": "cpu"})
    ({'licence': 1.0, 'GPU': 1.0}, {'licence': 1.0})
    """

    def __init__(
        self,
        resources: Any = None,
        cores: int | None = None,
        names: Collection[str] | None = None,
    ) -> None:
        #: What all trials ask for.
        self.always: dict[str, float] = {} if cores is None else {CORES: float(cores)}
        self._function: Function | None = None
        self._formulas: dict[str, Expr] = {}
        #: Whether anything was said of resources, so that a trial sees no device it has not asked.
        self.given = resources is not None
        if callable(resources):
            self._function = resources
        elif resources is not None:
            self._read(resources, names)

    def _read(self, resources: Any, names: Collection[str] | None) -> None:
        if not isinstance(resources, Mapping):
            raise ConfigurationError(
                f"resources={resources!r}: give a mapping such as {{'GPU': 1}}, or a function of a "
                f"trial's parameters that returns one"
            )
        if CORES in resources and self.always:
            raise ConfigurationError(
                "cores_per_trial= and resources={'cores': ...} are the same; give one of them"
            )
        for name, amount in resources.items():
            if isinstance(amount, str):
                self._formulas[name] = _formula(name, amount, names)
        numbers = {n: amount for n, amount in resources.items() if n not in self._formulas}
        try:
            self.always |= amounts(numbers)
        except EvaluationError as error:
            raise ConfigurationError(f"resources={resources!r}: {error}") from error

    @property
    def varies(self) -> bool:
        """Whether trials may ask for more than all of them do."""
        return bool(self._function or self._formulas)

    def of(self, params: Mapping[str, Any]) -> dict[str, float]:
        """Return what a trial with these parameters asks for, by name; without zeros.

        Raises
        ------
        EvaluationError
            A formula has no value, the function has raised, or returned no such mapping.
        """
        asked = dict(self.always)
        for name, formula in self._formulas.items():
            try:
                value = formula.evaluate(params)
                asked |= amounts({name: int(value) if isinstance(value, bool) else value})
            except EvaluationError as error:
                raise EvaluationError(f"resources= of {name!r}: {error}") from error
        if self._function is not None:
            asked |= self._call(self._function, params)
        return {name: amount for name, amount in asked.items() if amount}

    def _call(self, function: Function, params: Mapping[str, Any]) -> dict[str, float]:
        try:
            returned = function(dict(params))
        except Exception as error:  # whatever a user's function raises
            raise EvaluationError(
                f"resources= raised {type(error).__name__}: {error}, for {dict(params)}"
            ) from error
        if not isinstance(returned, Mapping):
            raise EvaluationError(
                f"resources= returned {returned!r}, and not a mapping such as {{'GPU': 1}}"
            )
        try:
            return amounts(returned)
        except EvaluationError as error:
            raise EvaluationError(f"resources= returned {returned!r}: {error}") from error


def _formula(name: Any, source: str, names: Collection[str] | None) -> Expr:
    if not isinstance(name, str) or not name:
        raise ConfigurationError(f"resources=: {name!r} is no name of a resource")
    try:
        formula = Expr(source)
    except DefinitionError as error:
        raise ConfigurationError(f"resources= of {name!r}: {error}") from error
    unknown = sorted(formula.names - set(names)) if names is not None else []
    if unknown:
        raise ConfigurationError(
            f"resources= of {name!r}: {source!r} mentions {unknown[0]!r}, which is no parameter of "
            f"the space"
        )
    return formula
