"""What an expression says of its names, read off its syntax tree without values."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from phsx.space.arithmetic import CONSTANTS

_SYMBOLS: Final[dict[type[ast.cmpop], str]] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.In: "in",
    ast.NotIn: "not in",
}
_MIRRORED: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
_UNKNOWN: Final[Any] = object()


@dataclass(frozen=True)
class Comparison:
    """A name compared with values that are written out.

    Attributes
    ----------
    name : str
        The name, on the left of the operator.
    operator : str
        Such as ``"=="`` or ``"not in"``.
    values : tuple
        What it is compared with; several for ``in`` and ``not in``.
    required : bool
        Whether the whole expression can only be True where the comparison is.
    """

    name: str
    operator: str
    values: tuple[Any, ...]
    required: bool


def comparisons(node: ast.expr, required: bool = True) -> Iterator[Comparison]:
    """Iterate over all comparisons of a name with written values."""
    if isinstance(node, ast.BoolOp):
        both = isinstance(node.op, ast.And)
        for part in node.values:
            yield from comparisons(part, required and both)
    elif isinstance(node, ast.Compare):
        operands = [node.left, *node.comparators]
        for left, operation, right in zip(operands, node.ops, operands[1:], strict=False):
            yield from _pair(left, _SYMBOLS[type(operation)], right, required)
            yield from comparisons(left, False)
        yield from comparisons(operands[-1], False)
    else:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                yield from comparisons(child, False)


def _pair(left: ast.expr, symbol: str, right: ast.expr, required: bool) -> Iterator[Comparison]:
    if _is_name(right) and not _is_name(left):
        left, right, symbol = right, left, _MIRRORED.get(symbol, symbol)
    if not isinstance(left, ast.Name) or not _is_name(left):
        return
    value = _literal(right)
    if value is not _UNKNOWN:
        values = value if symbol in ("in", "not in") else (value,)
        yield Comparison(left.id, symbol, values, required)


def numbers(node: ast.expr) -> Iterator[str]:
    """Iterate over the names that are calculated with, so that they have to be numbers."""
    operands: list[ast.expr] = []
    if isinstance(node, ast.BinOp):
        operands = [node.left, node.right]
    elif isinstance(node, ast.UnaryOp) and not isinstance(node.op, ast.Not):
        operands = [node.operand]
    elif isinstance(node, ast.Call):
        operands = node.args
    yield from (operand.id for operand in operands if isinstance(operand, ast.Name))
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr):
            yield from numbers(child)


def truth(node: ast.expr) -> frozenset[str] | None:
    """Return the names that have to be True or False for the whole to be; None if it never is."""
    if isinstance(node, ast.Compare):
        return frozenset()
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return frozenset()
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        return frozenset()
    if isinstance(node, ast.Name) and _is_name(node):
        return frozenset((node.id,))
    parts: list[ast.expr] = []
    if isinstance(node, ast.BoolOp):
        parts = node.values
    elif isinstance(node, ast.IfExp):
        parts = [node.body, node.orelse]
    needed = [truth(part) for part in parts]
    if not needed or None in needed:
        return None
    return frozenset().union(*(names for names in needed if names))


def _is_name(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id not in CONSTANTS


def _literal(node: ast.expr) -> Any:
    """Return the value that is written, or a mark that there is none."""
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        value = _literal(node.operand)
        return -value if isinstance(value, (int, float)) else _UNKNOWN
    if isinstance(node, (ast.Tuple, ast.List)):
        values = tuple(_literal(item) for item in node.elts)
        return _UNKNOWN if any(value is _UNKNOWN for value in values) else values
    return _UNKNOWN
