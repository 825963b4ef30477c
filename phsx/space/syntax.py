"""From an expression's source to a tree of closures over a whitelist of Python's syntax."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Callable, Mapping
from typing import Any, Final, NoReturn

from phsx.exceptions import EvaluationError, ExpressionError
from phsx.space.arithmetic import BINARY, COMPARE, CONSTANTS, FUNCTIONS, UNARY, bounded, call

Closure = Callable[[Mapping[str, Any]], Any]

LENGTH: Final = 10_000
DEPTH: Final = 100

#: What people try to write, in words.
_FOREIGN: Final[dict[type[ast.AST], str]] = {
    ast.Attribute: "a dot after a name",
    ast.Subscript: "an index in square brackets",
    ast.Lambda: "lambda",
    ast.JoinedStr: "an f-string",
    ast.NamedExpr: "an assignment",
    ast.ListComp: "a comprehension",
    ast.GeneratorExp: "a comprehension",
    ast.SetComp: "a comprehension",
    ast.DictComp: "a comprehension",
    ast.Set: "a set in {}",
    ast.Dict: "a mapping in {}",
    ast.Starred: "a star before a name",
    ast.MatMult: "the operator @",
    ast.BitAnd: "the operator & (write 'and')",
    ast.BitOr: "the operator | (write 'or')",
    ast.BitXor: "the operator ^ (write ** for a power)",
    ast.LShift: "the operator <<",
    ast.RShift: "the operator >>",
    ast.Invert: "the operator ~ (write 'not')",
    ast.Is: "'is' (write ==)",
    ast.IsNot: "'is not' (write !=)",
}


def parse(source: str) -> ast.expr:
    """Parse a source into Python's syntax tree.

    Raises
    ------
    ExpressionError
        It is empty, too long, or no Python expression.
    """
    if not source:
        raise ExpressionError("an expression is empty.")
    if len(source) > LENGTH:
        raise ExpressionError(
            f"the expression that begins with {source[:40]!r} has {len(source)} characters; "
            f"at most {LENGTH} are allowed."
        )
    try:
        return ast.parse(source, mode="eval").body
    except SyntaxError as error:
        where = f" (at character {error.offset})" if error.offset else ""
        raise ExpressionError(
            f"the expression {_short(source)} cannot be read{where}: {error.msg}."
        ) from None
    except (RecursionError, MemoryError):
        raise ExpressionError(
            f"the expression {_short(source)} cannot be read: it is nested too deep."
        ) from None
    except ValueError as error:
        raise ExpressionError(f"the expression {_short(source)} cannot be read: {error}.") from None


class Compiler:
    """Turns a syntax tree into closures, and collects what the tree mentions.

    Attributes
    ----------
    names : set of str
        Names that need a value.
    constants : set of str
        Built-in constants that are used.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        self.names: set[str] = set()
        self.constants: set[str] = set()

    def compile(self, node: ast.expr, depth: int = 0) -> Closure:
        """Return a function from values of the names to the value of `node`."""
        if depth > DEPTH:
            raise ExpressionError(
                f"the expression {_short(self.source)} is nested more than {DEPTH} levels deep; "
                "split it into several Expression parameters."
            )
        method = self._METHODS.get(type(node))
        if method is None:
            self._refuse_foreign(node, node)
        return method(self, node, depth + 1)

    def _refuse(self, node: ast.expr, why: str) -> NoReturn:
        raise ExpressionError(
            f"the expression {_short(self.source)} cannot be used: {why} "
            f"(at character {node.col_offset + 1})."
        )

    def _refuse_foreign(self, node: ast.expr, part: ast.AST) -> NoReturn:
        what = _FOREIGN.get(type(part), type(part).__name__)
        self._refuse(node, f"{what} is not part of the expression language")

    def _constant(self, node: ast.Constant, depth: int) -> Closure:
        value = node.value
        if not (value is None or isinstance(value, (bool, int, float, str))):
            self._refuse(node, f"{value!r} is not a value of the expression language")
        try:
            bounded(value)
        except EvaluationError as error:
            self._refuse(node, str(error))
        return lambda values: value

    def _name(self, node: ast.Name, depth: int) -> Closure:
        name = node.id
        if name in CONSTANTS:
            self.constants.add(name)
            value = CONSTANTS[name]
            return lambda values: value
        self.names.add(name)

        def lookup(values: Mapping[str, Any]) -> Any:
            try:
                return values[name]
            except KeyError:
                raise EvaluationError(f"{name!r} has no value") from None

        return lookup

    def _binary(self, node: ast.BinOp, depth: int) -> Closure:
        function = BINARY.get(type(node.op))
        if function is None:
            self._refuse_foreign(node, node.op)
        left, right = self.compile(node.left, depth), self.compile(node.right, depth)
        return lambda values: function(left(values), right(values))

    def _unary(self, node: ast.UnaryOp, depth: int) -> Closure:
        function = UNARY.get(type(node.op))
        if function is None:
            self._refuse_foreign(node, node.op)
        operand = self.compile(node.operand, depth)
        return lambda values: function(operand(values))

    def _logic(self, node: ast.BoolOp, depth: int) -> Closure:
        parts = [self.compile(value, depth) for value in node.values]
        stop = isinstance(node.op, ast.Or)

        def logic(values: Mapping[str, Any]) -> Any:
            result: Any = None
            for part in parts:
                result = part(values)
                if bool(result) is stop:
                    break
            return result

        return logic

    def _comparison(self, node: ast.Compare, depth: int) -> Closure:
        first = self.compile(node.left, depth)
        links: list[tuple[Callable[[Any, Any], Any], Closure]] = []
        for operation, right in zip(node.ops, node.comparators, strict=True):
            function = COMPARE.get(type(operation))
            if function is None:
                self._refuse_foreign(node, operation)
            if isinstance(operation, (ast.In, ast.NotIn)) and not isinstance(
                right, (ast.Tuple, ast.List)
            ):
                self._refuse(right, "after 'in' comes a list of values in brackets")
            links.append((function, self.compile(right, depth)))

        def compare(values: Mapping[str, Any]) -> bool:
            left = first(values)
            for function, closure in links:
                right = closure(values)
                if not function(left, right):
                    return False
                left = right
            return True

        return compare

    def _choice(self, node: ast.IfExp, depth: int) -> Closure:
        test = self.compile(node.test, depth)
        yes, no = self.compile(node.body, depth), self.compile(node.orelse, depth)
        return lambda values: yes(values) if test(values) else no(values)

    def _call(self, node: ast.Call, depth: int) -> Closure:
        if not isinstance(node.func, ast.Name):
            self._refuse(node, "only functions of the expression language can be called")
        name = node.func.id
        if name not in FUNCTIONS:
            close = difflib.get_close_matches(name, FUNCTIONS, n=1)
            known = f"did you mean {close[0]}?" if close else f"known are {', '.join(FUNCTIONS)}"
            self._refuse(node, f"there is no function {name!r}; {known}")
        if node.keywords:
            self._refuse(node, "functions take no keywords")
        function, least, most = FUNCTIONS[name]
        if not least <= len(node.args) <= most:
            wanted = str(least) if least == most else f"{least} or more"
            self._refuse(node, f"{name}() got {len(node.args)} arguments and takes {wanted}")
        arguments = [self.compile(argument, depth) for argument in node.args]
        return lambda values: call(function, [argument(values) for argument in arguments])

    def _sequence(self, node: ast.Tuple | ast.List, depth: int) -> Closure:
        items = [self.compile(item, depth) for item in node.elts]
        return lambda values: tuple([item(values) for item in items])

    _METHODS: Final[dict[type[ast.expr], Callable[..., Closure]]] = {
        ast.Constant: _constant,
        ast.Name: _name,
        ast.BinOp: _binary,
        ast.UnaryOp: _unary,
        ast.BoolOp: _logic,
        ast.Compare: _comparison,
        ast.IfExp: _choice,
        ast.Call: _call,
        ast.Tuple: _sequence,
        ast.List: _sequence,
    }


def _short(source: str) -> str:
    return repr(source if len(source) <= 80 else source[:77] + "...")
