from __future__ import annotations

import json
import math
from collections import OrderedDict
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phsx.targets.result import EXTRA_LIMIT, REPR_LIMIT, Result, read_result, to_json


class Tensor:
    """Behaves as PyTorch's: `size()` is a method, and `item()` needs one element."""

    def __init__(self, *values):
        self.values = values

    def size(self):
        return (len(self.values),)

    def numel(self):
        return len(self.values)

    def item(self):
        if len(self.values) != 1:
            raise RuntimeError("a Tensor with 2 elements cannot be converted to Scalar")
        return self.values[0]


class Floatish:
    def __float__(self):
        return 2.5


class TestNumbers:
    @pytest.mark.parametrize(
        "returned",
        [
            2.5,
            np.float64(2.5),
            np.float32(2.5),
            np.array(2.5),
            np.array([2.5]),
            np.array([[2.5]], dtype=np.float16),
            Tensor(2.5),
            Tensor(np.float32(2.5)),
            Decimal("2.5"),
            Fraction(5, 2),
            Floatish(),
        ],
    )
    def test_are_converted(self, returned):
        result = read_result(returned)
        assert result == Result(2.5, {}, None)
        assert type(result.value) is float

    @pytest.mark.parametrize("returned", [3, np.int64(3), np.uint8(3), np.array(3)])
    def test_integers(self, returned):
        assert read_result(returned).value == 3.0

    @pytest.mark.parametrize(
        ("returned", "part"),
        [
            (None, "None"),
            ("0.5", "'0.5' (str)"),
            (b"0.5", "(bytes)"),
            (True, "True (bool)"),
            (np.True_, "(bool"),
            (1j, "(complex)"),
            (np.complex128(1j), "(complex128)"),
            (math.nan, "nan, which is not a finite number"),
            (-math.inf, "-inf, which is not a finite number"),
            (np.float64("nan"), "nan"),
            (Decimal("inf"), "inf"),
            ([1.0], "(list)"),
            ((1.0, 2.0), "(tuple)"),
            ({1.0}, "(set)"),
            (np.array([1.0, 2.0]), "(ndarray)"),
            (np.array([]), "(ndarray)"),
            (np.datetime64("2026-01-01"), "(datetime64)"),
            (Tensor(1.0, 2.0), "(Tensor)"),
            (10**400, "OverflowError"),
            (print, "no number"),
            (iter([]), "no number"),
        ],
    )
    def test_what_is_none_has_a_reason(self, returned, part):
        result = read_result(returned)
        assert result.value is None and result.extras == {}
        assert part in result.reason
        assert len(result.reason) < 400


class Hostile(dict):
    def __getitem__(self, key):
        raise RuntimeError("no")


class Unprintable:
    def __repr__(self):
        raise RuntimeError("no")

    def __float__(self):
        raise RuntimeError("neither")


class TestMappings:
    @pytest.mark.parametrize(
        ("returned", "objective", "value", "extras"),
        [
            ({"anything": 1.5}, None, 1.5, {}),
            ({"value": 1.5, "loss": 2}, None, 1.5, {"loss": 2}),
            ({"loss": 1.5, "epochs": 3}, None, 1.5, {"epochs": 3}),
            ({"objective": 1.5, "loss": 2}, None, 1.5, {"loss": 2}),
            ({"loss": 2, "auc": 1.5}, "auc", 1.5, {"loss": 2}),
            (OrderedDict(loss=np.float32(1.5)), None, 1.5, {}),
        ],
    )
    def test_objective_is_found(self, returned, objective, value, extras):
        assert read_result(returned, objective) == Result(value, extras, None)

    def test_a_number_is_the_named_objective(self):
        assert read_result(1.5, "auc").value == 1.5

    @pytest.mark.parametrize(
        ("returned", "objective", "part"),
        [
            ({"a": 1, "b": 2}, None, 'objective="a"'),
            ({"a": 1, "b": 2}, "c", "no entry 'c', the objective: it has 'a', 'b'"),
            ({}, None, "no entry"),
            ({"loss": math.nan, "n": 1}, None, "'loss': nan, which is not a finite"),
            ({"loss": None}, None, "'loss': None"),
            (Hostile(a=1), None, "cannot be read"),
            ({"loss": Unprintable()}, None, "whose repr raised RuntimeError"),
        ],
    )
    def test_reasons(self, returned, objective, part):
        result = read_result(returned, objective)
        assert result.value is None and part in result.reason

    def test_extras_of_a_failure_are_kept(self):
        assert read_result({"loss": math.nan, "n": 1}).extras == {"n": 1}


class TestExtras:
    def test_numpy_is_converted(self):
        given = {
            "f": np.float32(0.5),
            "i": np.int8(3),
            "b": np.True_,
            "s": np.str_("text"),
            "a": np.arange(4).reshape(2, 2),
            "nan": np.float64("nan"),
        }
        assert to_json(given) == {
            "f": 0.5,
            "i": 3,
            "b": True,
            "s": "text",
            "a": [[0, 1], [2, 3]],
            "nan": "nan",
        }

    def test_other_objects_are_kept_as_text(self):
        found = to_json({"path": Path("a"), "set": {1}, "bytes": b"x", 5: None, "o": [object]})
        assert found == {
            "path": "PosixPath('a')",
            "set": "{1}",
            "bytes": "b'x'",
            "5": None,
            "o": ["<class 'object'>"],
        }
        assert "whose repr raised" in to_json(Unprintable())

    def test_what_is_too_large_is_cut(self):
        assert len(to_json(b"x" * 10_000)) == REPR_LIMIT
        assert len(to_json("x" * 2 * EXTRA_LIMIT)) == REPR_LIMIT
        assert len(to_json(np.zeros(10**6))) <= REPR_LIMIT

    def test_cycles_and_depth(self):
        cycle = []
        cycle.append(cycle)
        deep = [1]
        for _ in range(5_000):
            deep = [deep]
        for value in (cycle, {"a": cycle}, deep):
            json.dumps(to_json(value), allow_nan=False)

    @settings(deadline=None, max_examples=60)
    @given(
        st.recursive(
            st.none()
            | st.booleans()
            | st.integers()
            | st.floats(allow_nan=False, allow_infinity=False)
            | st.text(),
            lambda inner: (
                st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4)
            ),
            max_leaves=12,
        )
    )
    def test_json_is_kept_exactly(self, value):
        found = json.loads(json.dumps(to_json(value), allow_nan=False))
        assert found == value and repr(found) == repr(value)
