"""What a target returned, as one number to be searched by and JSON to be kept."""

from __future__ import annotations

import math
import numbers
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

#: Looked up in this order where a mapping has several entries and no objective was named.
OBJECTIVES = ("value", "objective", "loss")

#: An object that is no JSON is kept as its `repr`, up to this many characters.
REPR_LIMIT = 1_000

#: One entry of the extras, as JSON text, is kept up to this many characters.
EXTRA_LIMIT = 100_000

_DEPTH_LIMIT = 32


@dataclass(frozen=True)
class Result:
    """What is kept of a return value.

    Attributes
    ----------
    value : float or None
        The objective, finite. None where there is none, and then `reason` says why.
    extras : dict
        The other entries of a returned mapping, ready for `json.dumps`.
    reason : str or None
        Why the trial failed.
    """

    value: float | None
    extras: dict[str, Any] = field(default_factory=dict)
    reason: str | None = None


def read_result(returned: Any, objective: str | None = None) -> Result:
    """Take the objective and the extras out of a target's return value.

    Parameters
    ----------
    returned : object
        A number (also a NumPy scalar, or an array or tensor with one element), or a mapping with
        the objective and whatever else is to be kept. The objective is the entry that
        `objective` names, else the only entry, else ``"value"``, ``"objective"`` or ``"loss"``.
    objective : str, optional
        Name of the objective in a mapping.

    Returns
    -------
    Result
        Never raises: what cannot be used has a `reason`. JSON values are kept exactly, NumPy's
        are converted, other objects (also NaN and infinities, which JSON has not) are kept as
        their `repr`.

    Examples
    --------
    >>> read_result({"loss": 0.25, "epochs": 3, "model": object}).extras
    {'epochs': 3, 'model': "<class 'object'>"}
    >>> read_result(float("nan")).reason
    'the target returned nan, which is not a finite number'
    """
    if isinstance(returned, Result):  # of a target that knows itself what went wrong
        return returned
    if not isinstance(returned, Mapping):
        return _number(returned, "the target returned")
    try:
        entries = {key if isinstance(key, str) else str(key): returned[key] for key in returned}
    except Exception as error:
        return Result(None, reason=f"the returned mapping cannot be read: {error!r}")
    name = _objective_name(entries, objective)
    extras = {key: to_json(entry) for key, entry in entries.items() if key != name}
    if name is None:
        return Result(None, extras, _no_objective(entries, objective))
    found = _number(entries[name], f"the target returned {name!r}:")
    return Result(found.value, extras, found.reason)


def _objective_name(entries: Mapping[str, Any], objective: str | None) -> str | None:
    if objective is not None:
        return objective if objective in entries else None
    if len(entries) == 1:
        return next(iter(entries))
    return next((name for name in OBJECTIVES if name in entries), None)


def _no_objective(entries: Mapping[str, Any], objective: str | None) -> str:
    has = ", ".join(repr(name) for name in list(entries)[:10]) or "no entry"
    if objective is not None:
        return f"the returned mapping has no entry {objective!r}, the objective: it has {has}"
    cure = f': say which by objective="{next(iter(entries))}"' if entries else ""
    return f"the returned mapping has {has}, and none is known to be the objective{cure}"


def _number(value: Any, subject: str) -> Result:
    """Return a finite float, or the reason why `value` is none."""
    try:
        number = _to_float(value)
    except Exception as error:
        return Result(None, reason=f"{subject} {_repr(value, 80)}, which has no value: {error!r}")
    if number is None:
        kind = "" if value is None else f" ({type(value).__name__})"
        cure = ": return a number, or a mapping with the objective"
        return Result(None, reason=f"{subject} {_repr(value, 80)}{kind}, which is no number{cure}")
    if not math.isfinite(number):
        return Result(None, reason=f"{subject} {number!r}, which is not a finite number")
    return Result(number)


def _to_float(value: Any) -> float | None:
    # Truth values are refused: `return a == b` is a mistake far more often than an objective.
    if isinstance(value, bool) or value is None or isinstance(value, (str, bytes, bytearray)):
        return None
    if isinstance(value, (int, float, Decimal, numbers.Real)):
        return float(value)
    if isinstance(value, (numbers.Complex, list, tuple, set, frozenset)):
        return None
    item = getattr(value, "item", None)
    if callable(item):  # NumPy, PyTorch, JAX, CuPy; more than one element is an error of theirs
        if _elements(value) != 1:
            return None
        inner = item()
        return None if type(inner) is type(value) else _to_float(inner)
    if hasattr(type(value), "__float__") and not hasattr(type(value), "__len__"):
        return float(value)
    return None


def _elements(value: Any) -> int:
    size = getattr(value, "size", 1)
    if callable(size):  # PyTorch's size() is the shape
        size = getattr(value, "numel", lambda: 1)()
    return int(size)


def to_json(value: Any) -> Any:
    """Return `value` as something that `json.dumps` writes and `json.loads` gives back.

    Examples
    --------
    >>> to_json({"shape": (2, 3), "steps": {1: 0.5}, "worst": float("inf")})
    {'shape': [2, 3], 'steps': {'1': 0.5}, 'worst': 'inf'}
    """
    import json  # a trial's process may never need it

    try:
        converted = _convert(value, 0)
        if len(json.dumps(converted, allow_nan=False)) <= EXTRA_LIMIT:
            return converted
    except Exception:
        return _repr(value, REPR_LIMIT)
    return _repr(value, REPR_LIMIT)


def _convert(value: Any, depth: int) -> Any:
    if depth > _DEPTH_LIMIT:
        return _repr(value, REPR_LIMIT)
    if value is None or type(value) in (str, bool, int):
        return value
    if isinstance(value, float):
        number = float(value)
        return number if math.isfinite(number) else repr(number)
    if isinstance(value, (str, int)) and not isinstance(value, bool):
        return str(value) if isinstance(value, str) else int(value)
    if isinstance(value, Mapping):
        return {
            key if type(key) is str else str(key): _convert(entry, depth + 1)
            for key, entry in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [_convert(entry, depth + 1) for entry in value]
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(value, (numpy.generic, numpy.ndarray)):
        return _convert(value.tolist(), depth + 1) if _plain(value) else _repr(value, REPR_LIMIT)
    return _repr(value, REPR_LIMIT)


def _plain(array: Any) -> bool:
    """Tell whether a NumPy value holds numbers, truth values or text, and not too many."""
    return array.dtype.kind in "biufU" and array.size * 2 <= EXTRA_LIMIT


def _repr(value: Any, limit: int) -> str:
    try:
        text = repr(value)
    except Exception as error:
        text = f"<{type(value).__name__}, whose repr raised {type(error).__name__}>"
    return text if len(text) <= limit else f"{text[: limit - 3]}..."
