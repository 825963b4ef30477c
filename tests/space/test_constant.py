import math

import pytest

from phsx.exceptions import SpaceError
from phsx.space import Constant


def test_it_has_one_value_and_no_coordinate():
    constant = Constant("adam")
    assert list(constant.values()) == ["adam"]
    assert (constant.size, constant.dimensions) == (1, 0)
    assert constant.check("adam") == "adam"


def test_lists_become_tuples():
    assert Constant([1, [2]]).value == (1, (2,))


@pytest.mark.parametrize("value", ["sgd", None, 1, 1.0])
def test_other_values_are_refused(value):
    with pytest.raises(SpaceError, match="not the constant True"):
        Constant(True).check(value)


@pytest.mark.parametrize("value", [print, {}, {1}, math.nan, b"a"])
def test_bad_definitions(value):
    with pytest.raises(SpaceError, match=r"^Constant\("):
        Constant(value)
