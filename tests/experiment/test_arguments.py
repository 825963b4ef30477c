"""Checks of plain arguments: what passes comes back as it is used."""

from __future__ import annotations

import numpy as np
import pytest

from phsx.exceptions import ConfigurationError
from phsx.experiment import arguments


@pytest.mark.parametrize("value", [3, 3.0, np.float64(3.0)])
def test_numbers(value):
    assert arguments.number("name", value) == 3.0
    assert type(arguments.number("name", value)) is float


@pytest.mark.parametrize("value", [np.int64(3), np.float32(3.0)])
def test_numbers_of_numpy(value):
    assert arguments.number("name", value) == 3.0


@pytest.mark.parametrize("value", [None, "3", True, float("nan"), 1j, [3]])
def test_no_numbers(value):
    with pytest.raises(ConfigurationError, match=r"^name="):
        arguments.number("name", value)


@pytest.mark.parametrize("value", [3, np.int64(3), np.uint8(3)])
def test_whole_numbers(value):
    assert arguments.whole("name", value, 3) == 3
    assert type(arguments.whole("name", value, 0)) is int


@pytest.mark.parametrize("value", [2, -3, 3.0, "3", True, None, np.float64(3)])
def test_no_whole_numbers_of_at_least_3(value):
    with pytest.raises(ConfigurationError, match="name=.*at least 3"):
        arguments.whole("name", value, 3)


def test_number_too_large_for_a_float():
    with pytest.raises(ConfigurationError, match=r"^name=1000.*smaller") as error:
        arguments.number("name", 10**400)
    assert len(str(error.value)) < 200


def test_endless_time_is_no_limit():
    assert arguments.positive("name", float("inf")) is None
    with pytest.raises(ConfigurationError, match=r"^name=inf"):
        arguments.finite("name", float("inf"))


@pytest.mark.parametrize("value", ["no", 1, 0, None, np.bool_(True)])
def test_no_truth_values(value):
    with pytest.raises(ConfigurationError, match="name=.*True or False"):
        arguments.truth("name", value)


@pytest.mark.parametrize("value", [[("a", 1)], "ab", 5])
def test_no_mappings(value):
    with pytest.raises(ConfigurationError, match="name=.*mapping"):
        arguments.mapping("name", value)
    assert arguments.mapping("name", None) == {}


def test_limits():
    assert arguments.positive("name", 1e-9) == 1e-9
    assert arguments.positive("name", None) is None
    assert arguments.finite("name", None) is None
    assert arguments.finite("name", -3) == -3.0
    assert arguments.not_negative("name", 0) == 0.0
    assert (arguments.share("name", 0), arguments.share("name", 1)) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("check", "value"),
    [
        (arguments.positive, 0),
        (arguments.positive, -1),
        (arguments.not_negative, -1e-9),
        (arguments.share, 1.01),
        (arguments.share, -0.01),
    ],
)
def test_out_of_limits(check, value):
    with pytest.raises(ConfigurationError, match=r"^name="):
        check("name", value)


def test_callables():
    assert arguments.callables([print, len]) == (print, len)
    assert arguments.callables(iter([print])) == (print,)
    assert arguments.callables(()) == ()


def test_definition():
    arguments.check_definition(None, None, None)
    arguments.check_definition(0, True, "loss")
