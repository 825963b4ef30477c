"""An expression over parameters, in a small safe language; never Python's `eval`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from phsx.exceptions import EvaluationError, ExpressionError
from phsx.space.arithmetic import bounded
from phsx.space.syntax import Closure, Compiler, parse
from phsx.space.usage import Comparison, comparisons, numbers, truth
from phsx.space.value import describe

_FAILURES: Final = (EvaluationError, ArithmeticError, ValueError, TypeError, RecursionError)


@dataclass(frozen=True)
class _Compiled:
    run: Closure
    names: frozenset[str]
    constants: frozenset[str]
    numbers: frozenset[str]
    truth: frozenset[str] | None
    comparisons: tuple[Comparison, ...]


@lru_cache(maxsize=1024)
def _compile(source: str) -> _Compiled:
    """Parse and compile once per process, however often a space is sent there."""
    tree = parse(source)
    compiler = Compiler(source)
    run = compiler.compile(tree)
    return _Compiled(
        run,
        frozenset(compiler.names),
        frozenset(compiler.constants),
        frozenset(numbers(tree)) - compiler.constants,
        truth(tree),
        tuple(comparisons(tree)),
    )


class Expr:
    """A formula such as ``"sin(x) * n"``, parsed once.

    The language is a part of Python's: numbers, text, True, False, None, tuples; ``+ - * / // %
    **``; comparisons, also chained and with ``in``; ``and``, ``or``, ``not``; ``a if c else b``;
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
    numbers : frozenset of str
        The names that it calculates with.
    truth : frozenset of str or None
        The names that have to be True or False for its value to be; None where it never is.
    comparisons : tuple of Comparison
        Where it compares a name with values.

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

    __slots__ = ("comparisons", "constants", "names", "numbers", "run", "source", "truth")

    def __init__(self, source: str) -> None:
        if not isinstance(source, str):
            raise ExpressionError(f"an expression has to be text, not {describe(source)}.")
        self.source = source.strip()
        compiled = _compile(self.source)
        self.run = compiled.run
        self.names = compiled.names
        self.constants = compiled.constants
        self.numbers = compiled.numbers
        self.truth = compiled.truth
        self.comparisons = compiled.comparisons

    def evaluate(self, values: Mapping[str, Any]) -> Any:
        """Return the value for these values of the names.

        Raises
        ------
        EvaluationError
            There is none: a division by zero, a logarithm of a negative number, a name without a
            value, a result that is not finite, complex, or huge.
        """
        try:
            return bounded(self.run(values))
        except _FAILURES as error:
            reason = str(error) or type(error).__name__
        raise EvaluationError(f"the expression {self.source!r} has no value: {reason}.")

    def holds(self, values: Mapping[str, Any]) -> bool:
        """Tell whether the value is True; without a value, or a name's, it is not."""
        try:
            return self.run(values) is True
        except _FAILURES:
            return False

    def __eq__(self, other: object) -> bool:
        return self.source == other.source if isinstance(other, Expr) else NotImplemented

    def __hash__(self) -> int:
        return hash((Expr, self.source))

    def __repr__(self) -> str:
        return f"Expr({self.source!r})"

    def __reduce__(self) -> tuple[type[Expr], tuple[str]]:
        return Expr, (self.source,)
