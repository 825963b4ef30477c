import math

import numpy as np
import pytest

from phsx.exceptions import SpaceError
from phsx.space.value import describe, flag, freeze, identity, real, thaw, whole


@pytest.mark.parametrize(
    ("given", "frozen"),
    [
        (None, None),
        (True, True),
        (np.bool_(True), True),
        (np.int64(3), 3),
        (np.float64(0.5), 0.5),
        (np.str_("a"), "a"),
        ([1, [2, (3,)]], (1, (2, (3,)))),
    ],
)
def test_freeze_gives_plain_python(given, frozen):
    result = freeze(given)
    assert result == frozen
    assert type(result) is type(frozen)


@pytest.mark.parametrize(
    "value", [{}, set(), print, object(), b"a", 1j, math.nan, math.inf, np.zeros(2), "\ud800"]
)
def test_freeze_refuses_what_json_cannot_hold(value):
    with pytest.raises(SpaceError):
        freeze(value)


def test_freeze_refuses_endless_nesting():
    endless = []
    endless.append(endless)
    with pytest.raises(SpaceError, match="nested"):
        freeze(endless)


def test_thaw_undoes_freeze():
    assert thaw(freeze([1, ["a", [None]]])) == [1, ["a", [None]]]


def test_identity_tells_types_apart_inside_tuples():
    values = [1, 1.0, True, "1", None, (1,), (1.0,), (True,), ((1,),)]
    assert len({identity(value) for value in values}) == len(values)
    assert identity((0.0,)) == identity((-0.0,))


@pytest.mark.parametrize("value", [True, np.True_, "1", None, math.nan, -math.inf, 10**400, 1j])
def test_real_refuses(value):
    with pytest.raises(SpaceError, match="^the bound is .* number"):
        real(value, "the bound")


def test_real_has_no_minus_zero():
    assert math.copysign(1, real(-0.0, "it")) == 1


def test_whole():
    assert whole(3.0, "it") == 3
    assert type(whole(np.int32(3), "it")) is int
    for value in (3.5, True, "3", math.inf):
        with pytest.raises(SpaceError, match="^it is"):
            whole(value, "it")


def test_flag():
    assert flag(np.True_, "it") is True
    with pytest.raises(SpaceError, match="True or False"):
        flag(1, "it")


def test_describe_is_short_and_survives_a_broken_repr():
    class Broken:
        def __repr__(self):
            raise RuntimeError("no")

    assert len(describe("a" * 1000)) <= 80
    assert "RuntimeError" in describe(Broken())
    assert describe(np.int64(3)).endswith("(int64)")
    assert "\n" not in describe(np.zeros((2, 2)))
    assert describe(int) == "the class int"
