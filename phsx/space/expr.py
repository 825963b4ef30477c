"""An expression over parameters, in a small safe language; never Python's `eval`."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from phsx.exceptions import EvaluationError, ExpressionError
from phsx.space.arithmetic import bounded
from phsx.space.syntax import Closure, Compiler, parse
from phsx.space.value import describe


class Expr:
    """A formula such as ``"sin(x) * n"``, parsed once.

    The language is a part of Python's: numbers, strings, True, False, None, tuples; ``+ - * / //
    % **``; comparisons, also chained and with ``in``; ``and``, ``or``, ``not``; ``a if c else b``;
    the functions sin cos tan asin acos atan atan2 sinh cosh tanh exp log log2 log10 sqrt abs min
    max round floor ceil int float pow hypot; the constants pi and e.

    Parameters
    ----------
    source : str
        The formula.

    Attributes
    ----------
    source : str
        The formula, without surrounding blanks.
    names : frozenset of str
        The names that need a value.
    constants : frozenset of str
        Which of ``pi`` and ``e`` it uses.

    Raises
    ------
    ExpressionError
        The source is not in the language.

    Examples
    --------
    >>> Expr("2 * x + 1").evaluate({"x": 3})
    7
    >>> sorted(Expr("sin(x) * n").names)
    ['n', 'x']
    """

    __slots__ = ("_run", "_tree", "constants", "names", "source")

    source: str
    names: frozenset[str]
    constants: frozenset[str]
    _run: Closure
    _tree: ast.expr

    def __init__(self, source: str) -> None:
        if not isinstance(source, str):
            raise ExpressionError(f"an expression has to be text, not {describe(source)}.")
        self.source = source.strip()
        self._tree = parse(self.source)
        compiler = Compiler(self.source)
        self._run = compiler.compile(self._tree)
        self.names = frozenset(compiler.names)
        self.constants = frozenset(compiler.constants)

    def evaluate(self, values: Mapping[str, Any]) -> Any:
        """Return the value for these values of the names.

        Raises
        ------
        EvaluationError
            There is none: a division by zero, a logarithm of a negative number, a name without a
            value, a result that is not finite, complex, or huge.
        """
        try:
            return bounded(self._run(values))
        except EvaluationError as error:
            reason = str(error)
        except (ArithmeticError, ValueError, TypeError, RecursionError) as error:
            reason = str(error) or type(error).__name__
        raise EvaluationError(f"the expression {self.source!r} has no value: {reason}.")

    def holds(self, values: Mapping[str, Any]) -> bool:
        """Tell whether the value is True; without a value, or a name's, it is not."""
        try:
            return self._run(values) is True
        except (EvaluationError, ArithmeticError, ValueError, TypeError, RecursionError):
            return False

    def __eq__(self, other: object) -> bool:
        return self.source == other.source if isinstance(other, Expr) else NotImplemented

    def __hash__(self) -> int:
        return hash((Expr, self.source))

    def __repr__(self) -> str:
        return f"Expr({self.source!r})"

    def __reduce__(self) -> tuple[type[Expr], tuple[str]]:
        return Expr, (self.source,)
