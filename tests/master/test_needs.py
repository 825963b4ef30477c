"""What trials ask for: numbers, formulas, functions, and mistakes in them."""

from __future__ import annotations

import numpy as np
import pytest

from phsx.exceptions import ConfigurationError, EvaluationError
from phsx.master.needs import Needs


def test_nothing_by_default():
    needs = Needs()
    assert needs.of({"x": 1}) == {} and not needs.given and needs.always == {}


def test_cores_are_a_resource():
    assert Needs(cores=4).of({}) == {"cores": 4.0} == Needs({"cores": 4}).of({})
    assert Needs(lambda p: {"cores": p["n"]}, cores=4).of({"n": 2}) == {"cores": 2.0}
    assert not Needs(cores=4).given, "nothing is said of devices"


def test_numbers_of_all_kinds():
    assert Needs({"GPU": np.int64(1), "x": np.float32(0.5)}).of({}) == {"GPU": 1.0, "x": 0.5}
    assert Needs({"GPU": 0}).of({}) == {}


def test_formulas():
    needs = Needs({"GPU": "n // 2", "licence": "kind == 'a'"}, names=["n", "kind"])
    assert needs.of({"n": 5, "kind": "b"}) == {"GPU": 2.0}
    assert needs.of({"n": 0, "kind": "a"}) == {"licence": 1.0}
    with pytest.raises(EvaluationError, match="'GPU' has to be a number"):
        needs.of({"n": -5, "kind": "a"})


def test_formula_of_a_parameter_that_is_not_active():
    with pytest.raises(EvaluationError, match="resources= of 'GPU'"):
        Needs({"GPU": "n"}).of({})


def test_functions():
    needs = Needs(lambda p: {"GPU": 1} if p["device"] == "gpu" else {})
    assert needs.of({"device": "gpu"}) == {"GPU": 1.0} and needs.of({"device": "cpu"}) == {}
    assert needs.given and needs.always == {}


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda p: p["nothing"], "raised KeyError: 'nothing', for {'x': 1}"),
        (lambda p: None, "returned None, and not a mapping"),
        (lambda p: {"GPU": "1"}, "'GPU' has to be a number of at least 0, not '1'"),
        (lambda p: {"GPU": -1}, "not -1"),
        (lambda p: {"GPU": float("nan")}, "not nan"),
        (lambda p: {"GPU": True}, "not True"),
        (lambda p: {"GPU": 10**400}, "'GPU' has to be a number"),
        (lambda p: {"GPU": 1.5}, "'GPU' has to be whole, or a share of one"),
        (lambda p: {"cores": 1.5}, "'cores' has to be a whole number"),
        (lambda p: {1: 1}, "1 is no name of a resource"),
    ],
)
def test_functions_that_go_wrong(function, words):
    with pytest.raises(EvaluationError) as caught:
        Needs(function).of({"x": 1})
    assert words in str(caught.value) and str(caught.value).startswith("resources=")


@pytest.mark.parametrize(
    ("resources", "words"),
    [
        ("GPU", "give a mapping such as"),
        (1, "give a mapping such as"),
        ({"GPU": -1}, "'GPU' has to be"),
        ({"": 1}, "no name"),
        ({3: "n"}, "3 is no name"),
        ({"GPU": "n +"}, "resources= of 'GPU'"),
        ({"GPU": "depth"}, "'depth', which is no parameter"),
        ({"GPU": "__import__('os')"}, "resources= of 'GPU'"),
    ],
)
def test_what_can_be_refused_at_once_is(resources, words):
    with pytest.raises(ConfigurationError, match="resources=") as caught:
        Needs(resources, names=["n"])
    assert words in str(caught.value)


def test_cores_twice():
    with pytest.raises(ConfigurationError, match="cores_per_trial= and resources="):
        Needs({"cores": 2}, cores=2)
