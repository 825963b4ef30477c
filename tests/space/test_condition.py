import pytest

from phsx.exceptions import SpaceError
from phsx.space import Expr
from phsx.space.condition import condition


def test_forms_of_a_condition():
    assert condition(None) is None
    assert condition("a > 1") == Expr("a > 1")
    assert condition(Expr("a > 1")) == Expr("a > 1")
    assert condition({"a": "x"}) == Expr("a == 'x'")
    assert condition({"a": ["x", None], "b": -1.5}) == Expr("a in ('x', None) and b == -1.5")


@pytest.mark.parametrize(
    "value",
    ["it's", 'a"b', "back\\slash", "line\nbreak", "ü", 1e-300, -7, True, None, (), (1, ("a",))],
)
def test_any_value_survives_being_written_out(value):
    assert condition({"a": value}).holds({"a": value})
    assert condition({"a": [value]}).holds({"a": value})
    assert not condition({"a": value}).holds({"a": "other"})


@pytest.mark.parametrize(
    ("when", "word"),
    [
        (3, "no condition"),
        (["a"], "no condition"),
        (True, "no condition"),
        ({}, "names no parameter"),
        ({"a": []}, "empty"),
        ({"a": {1}}, "list"),
        ({"a": range(3)}, "list"),
        ({"a b": 1}, "'a b'"),
        ({1: 1}, "names 1"),
        ({"a": print}, "cannot be a value"),
        ("a >", "cannot be read"),
    ],
)
def test_what_is_no_condition(when, word):
    with pytest.raises(SpaceError, match=word):
        condition(when)
