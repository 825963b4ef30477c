import math

import numpy as np
import pytest

from phsx.analysis.scale import Scale
from phsx.space import Categorical, Constant, Expression, Float, Int, Ordinal


def of(parameter, values=()):
    return Scale.of("p", parameter, list(values))


def test_a_float_has_its_whole_domain():
    scale = of(Float(-5, 10), [0.0, 1.0])
    assert (scale.kind, scale.low, scale.high, scale.pitch) == ("linear", -5, 10, 0)
    assert scale.unit(np.array([-5.0, 2.5, 10.0])).tolist() == [0, 0.5, 1]


def test_what_was_tried_beyond_the_domain_is_on_the_axis():
    assert of(Float(0, 1), [1.5]).high == 1.5


def test_logarithmic():
    scale = of(Float(1e-4, 1.0, log=True))
    assert scale.kind == "log"
    assert scale.unit(np.array([1e-4, 1e-2, 1.0])) == pytest.approx([0, 0.5, 1])
    assert scale.from_unit(np.array([0.25])) == pytest.approx([1e-3])
    assert scale.ticks()[1] == ["1e−4", "0.001", "0.01", "0.1", "1"]


def test_powers_of_two():
    scale = of(Int(8, 512, log=True))
    assert scale.ticks()[1] == ["8", "32", "128", "512"]
    assert scale.fixed
    assert not of(Int(8, 500, log=True)).fixed


def test_few_integers_are_spread_and_have_a_tick_each():
    scale = of(Int(1, 6))
    assert (scale.low, scale.high, scale.pitch) == (0.5, 6.5, 1)
    assert scale.ticks() == ([1, 2, 3, 4, 5, 6], ["1", "2", "3", "4", "5", "6"])


def test_steps():
    assert of(Int(0, 100, step=25)).ticks()[1] == ["0", "25", "50", "75", "100"]
    assert of(Float(0, 1, step=0.25)).ticks()[1] == ["0", "0.25", "0.5", "0.75", "1"]
    assert of(Float(0, 1, step=0.001)).pitch == 0


def test_many_integers_are_numbers():
    scale = of(Int(1, 1000))
    assert (scale.pitch, scale.low, scale.high) == (0, 1, 1000)


@pytest.mark.parametrize("kind", [Categorical, Ordinal])
def test_choices(kind):
    scale = of(kind(["a", "b", "c"]), ["c", None, "a"])
    assert (scale.kind, scale.low, scale.high) == ("choices", -0.5, 2.5)
    positions = scale.positions(["c", None, "a"])
    assert positions[[0, 2]].tolist() == [2, 0]
    assert math.isnan(positions[1])
    assert scale.ticks() == ([0, 1, 2], ["a", "b", "c"])


def test_choices_of_several_types_are_told_apart():
    scale = of(Categorical([1, True, 1.0, "1", (1, 2)]))
    assert scale.positions([True, 1.0, 1, (1, 2), "1"]).tolist() == [1, 2, 0, 4, 3]


def test_whole_numbers_that_pandas_made_floats():
    assert of(Categorical([16, 32])).positions([32.0, math.nan])[0] == 1


def test_none_may_be_a_choice():
    scale = of(Categorical([None, "l2"]))
    assert scale.positions([None, "l2", math.nan]).tolist() == [0, 1, 0]
    scale = of(Categorical([None, "l2"], when="x > 0"))
    positions = scale.positions([None, "l2", math.nan])
    assert positions[:2].tolist() == [0, 1]
    assert math.isnan(positions[2])


def test_very_many_choices_have_fewer_ticks():
    ticks, labels = of(Categorical([f"c{i}" for i in range(200)])).ticks()
    assert len(ticks) == len(labels) <= 18
    assert ticks[1] == 12
    assert labels[1] == "c12"


def test_computed_numbers_have_the_domain_they_came_to():
    scale = of(Expression("x * 2"), [2.0, 4.0])
    assert (scale.kind, scale.low, scale.high) == ("linear", 2, 4)
    assert of(Expression("10 ** x"), [10.0**i for i in range(-6, 1)]).kind == "log"


def test_computed_words_are_choices():
    scale = of(Expression("'a' if x else 'b'"), ["b", "a", "b"])
    assert scale.choices == ("a", "b")


@pytest.mark.parametrize(
    ("parameter", "values"),
    [(Constant(3), [3, 3]), (Constant("adam"), ["adam"]), (Expression("x"), [])],
)
def test_degenerate_parameters_have_an_axis(parameter, values):
    scale = of(parameter, values)
    assert scale.low < scale.high
    assert np.isfinite(scale.unit(scale.positions(values))).all()
    assert len(scale.ticks()[0]) == len(scale.ticks()[1])


def test_spread_is_bounded_and_stays_when_trials_are_added():
    scale = of(Int(0, 100, step=25))
    shifts = scale.spread(np.arange(100), 0.3, stream=1)
    assert np.abs(shifts).max() <= 0.3 * 25
    assert np.ptp(shifts) > 10
    assert scale.spread(np.array([7, 40]), 0.3, stream=1).tolist() == shifts[[7, 40]].tolist()
    assert scale.spread(np.arange(100), 0.3, stream=2).tolist() != shifts.tolist()
    assert not of(Float(0, 1)).spread(np.arange(5), 0.3, stream=0).any()
