from __future__ import annotations

import pickle

import pytest

from phsx.exceptions import PlanError
from phsx.space import Float, Int, Space
from phsx.strategies import Choice, Explicit, Grid, Random, Sobol, Uniform
from phsx.testing.strategies import request_of


def test_equal_by_what_they_are() -> None:
    assert Random(20, y=[1, 2]) == Random(20, overrides={"y": [1, 2]})
    assert Random(20) != Random(21)
    assert Random(20) != Sobol(20)
    assert Random(20) != 20
    assert Random(20, wait=True) != Random(20)
    assert len({Random(3), Random(3), Random(4)}) == 2


def test_order_of_overrides_does_not_matter() -> None:
    first = Random(5, a=Uniform(0, 1), b=2)
    other = Random(5, b=2, a=Uniform(0, 1))
    assert first == other
    assert hash(first) == hash(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [(1, 1.0), (1, True), (0, False), ("1", 1), ([1], [1.0]), ([1], 1), ([True], [1])],
)
def test_values_of_other_types_are_different(one: object, other: object) -> None:
    assert Random(5, a=one) != Random(5, a=other)


def test_pickles_to_an_equal_one() -> None:
    strategy = Grid(points={"x": 3, "y": [1, 2]}, z=Uniform(0, 1))
    assert pickle.loads(pickle.dumps(strategy)) == strategy


def test_defaults_are_left_out_of_json() -> None:
    assert Random().to_dict() == {"strategy": "random"}
    assert Random(3, repeats=True, wait=True).to_dict() == {
        "strategy": "random",
        "trials": 3,
        "repeats": True,
        "wait": True,
    }


def test_overrides_in_json_are_as_they_were_written() -> None:
    strategy = Random(3, a=1, b=[1, 2], c=None, d=[(8, 8)], e=Choice(["u", "v"]))
    assert strategy.to_dict()["overrides"] == {
        "a": 1,
        "b": [1, 2],
        "c": None,
        "d": [[8, 8]],
        "e": {"strategy": "choice", "values": ["u", "v"]},
    }


def test_repr_reads_as_it_was_written() -> None:
    assert repr(Random(20)) == "Random(20)"
    assert repr(Explicit([{"x": 1}], 1)) == "Explicit(trials=1, points=[{'x': 1}])"
    assert repr(Sobol(8, scramble=False, wait=True)) == "Sobol(8, scramble=False, wait=True)"


@pytest.mark.parametrize("name", ["repeats", "wait", "scramble"])
def test_an_option_that_is_no_flag_is_refused(name: str) -> None:
    with pytest.raises(PlanError, match=f"{name}.*True or False.*overrides"):
        Sobol(8, **{name: [1, 2]})


@pytest.mark.parametrize("trials", [0, -3, True, 2.5, "20", [20], float("nan")])
def test_a_number_of_trials_that_is_none(trials: object) -> None:
    with pytest.raises(PlanError, match="trials must be"):
        Random(trials)  # type: ignore[arg-type]


def test_support_lists_what_a_parameter_can_get() -> None:
    assert Random().support("n", Int(1, 3)) == (1, 2, 3)
    assert Random().support("x", Float(0, 1)) is None
    assert Random().support("n", Int(0, 10**6)) is None


def test_requests_have_a_generator_of_their_own() -> None:
    request = request_of(Space({"x": Float(0, 1)}))
    assert request.rng().random() == request.rng().random()
