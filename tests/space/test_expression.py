import pytest

from phsx.exceptions import EvaluationError, SpaceError
from phsx.space import Expr, Expression
from phsx.space.parameter import MISSING


def test_one_formula_is_computed():
    parameter = Expression("x * n")
    assert (parameter.dimensions, parameter.size) == (0, 1)
    assert parameter.needs == {"x", "n"}
    assert parameter.compute(MISSING, {"x": 2, "n": 3}) == 6


def test_several_formulas_are_a_choice():
    parameter = Expression(["x + 1", "x * n"])
    assert (parameter.dimensions, parameter.size, parameter.ordered) == (1, 2, False)
    assert parameter.needs == {"x", "n"}
    assert parameter.from_unit(0.9) == Expr("x * n")
    point = {"x": 2, "n": 5}
    for given in (Expr("x * n"), "x * n", 10, 10.0):
        value = parameter.compute(given, point)
        assert value == 10
        assert type(value) is int


def test_a_value_is_located_at_the_first_formula_that_has_it():
    parameter = Expression(["x + 2", "x * 2", "x"])
    assert parameter.locate(4, {"x": 2}) == parameter.to_unit("x + 2")
    assert parameter.locate(6, {"x": 3}) == parameter.to_unit("x * 2")
    assert parameter.locate(Expr("x"), {"x": 3}) == parameter.to_unit("x")


def test_a_value_wins_over_a_formula_that_reads_the_same():
    parameter = Expression(["'a'", "a"])
    assert parameter.compute("a", {"a": 7}) == "a"
    assert parameter.compute(Expr("a"), {"a": 7}) == 7


def test_given_values_agree_up_to_rounding():
    parameter = Expression("x / 3")
    assert parameter.compute(0.333333333333, {"x": 1}) == 1 / 3
    with pytest.raises(SpaceError, match="0.3333 is not the value of 'x / 3'"):
        parameter.compute(0.3333, {"x": 1})


def test_true_is_not_one():
    with pytest.raises(SpaceError, match="not the value"):
        Expression("x > 1").compute(1, {"x": 2})


def test_a_formula_without_a_value():
    with pytest.raises(EvaluationError, match="'1 / x' has no value"):
        Expression("1 / x").compute(MISSING, {"x": 0})
    with pytest.raises(EvaluationError):
        Expression("1 / x").compute(5, {"x": 0})


def test_none_of_several_is_given():
    with pytest.raises(SpaceError, match="choose one of 'x', '2 \\* x'"):
        Expression(["x", "2 * x"]).compute(MISSING, {"x": 1})
    with pytest.raises(SpaceError, match="not one of the formulas"):
        Expression(["x", "2 * x"]).compute("3 * x", {"x": 1})
    with pytest.raises(SpaceError, match="not the value of"):
        Expression(["x", "2 * x"]).compute(7, {"x": 1})


@pytest.mark.parametrize(
    ("source", "word"),
    [
        ("", "empty"),
        ([], "list of formulas"),
        (3, "list of formulas"),
        (None, "list of formulas"),
        ({"x"}, "list of formulas"),
        ([3], "has to be text"),
        (["x", " x"], "twice"),
        ("x.y", "a dot"),
    ],
)
def test_bad_definitions(source, word):
    with pytest.raises(SpaceError, match=word):
        Expression(source)
