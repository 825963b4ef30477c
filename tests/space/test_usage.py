import pytest

from phsx.space import Expr
from phsx.space.usage import Comparison


def test_comparisons_with_written_values():
    expr = Expr("a == 'x' and (b > -1 or 2 <= c) and d in (1, 2) and e2 not in [None]")
    assert expr.comparisons == (
        Comparison("a", "==", ("x",), True),
        Comparison("b", ">", (-1,), False),
        Comparison("c", ">=", (2,), False),
        Comparison("d", "in", (1, 2), True),
        Comparison("e2", "not in", (None,), True),
    )


def test_a_chain_is_two_comparisons():
    assert Expr("0 < x < 5").comparisons == (
        Comparison("x", ">", (0,), True),
        Comparison("x", "<", (5,), True),
    )


@pytest.mark.parametrize("source", ["not a == 1", "(a == 1) == True", "1 if a == 1 else 2"])
def test_what_is_inside_something_else_is_not_required(source):
    assert Comparison("a", "==", (1,), False) in Expr(source).comparisons


@pytest.mark.parametrize("source", ["a == b", "a + 1 > 2", "pi > 3", "a > pi", "a == (b, 1)"])
def test_what_is_no_comparison_of_a_name_with_a_written_value(source):
    assert Expr(source).comparisons == ()


def test_numbers_are_the_names_that_are_calculated_with():
    expr = Expr("sin(a) + b ** -c if d == 'x' and not f else (g, pi * h)")
    assert expr.numbers == {"a", "b", "c", "h"}


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("a > 1", set()),
        ("not a", set()),
        ("True", set()),
        ("a", {"a"}),
        ("a and b > 1", {"a"}),
        ("a if c else b", {"a", "b"}),
        ("a + 1", None),
        ("a and 1", None),
        ("1 if a else b", None),
        ("pi", None),
        ("'x'", None),
        ("sin(a)", None),
    ],
)
def test_truth(source, names):
    assert Expr(source).truth == (None if names is None else frozenset(names))
