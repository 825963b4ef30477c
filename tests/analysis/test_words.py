from hypothesis import given, settings
from hypothesis import strategies as st

from phsx.analysis.words import choice_labels, number, shorten, tick_labels, wrap


@settings(derandomize=True, deadline=None)
@given(st.text(max_size=60), st.integers(4, 30))
def test_shortened_text_fits(text, limit):
    assert len(shorten(text, limit)) <= limit


@settings(derandomize=True, deadline=None)
@given(st.text(alphabet="ab_ c", max_size=80), st.integers(5, 20), st.integers(1, 4))
def test_wrapped_text_fits(text, width, lines):
    rows = wrap(text, width, lines).split("\n")
    assert len(rows) <= lines
    assert all(len(row) <= width for row in rows)


def test_wrapping_loses_nothing_that_fits():
    assert wrap("hidden_layer_activation", 13).replace("\n", "") == "hidden_layer_activation"


@settings(derandomize=True, deadline=None)
@given(st.floats(1e-12, 1e12), st.booleans())
def test_numbers_read_back_to_four_digits(value, negative):
    value = -value if negative else value
    text = number(value).replace("−", "-")
    assert abs(float(text) - value) <= 1e-3 * abs(value)


def test_ticks_that_differ_late_have_different_labels():
    labels = tick_labels([0.12345678, 0.12345679, 0.1234568])
    assert len(set(labels)) == 3


def test_choices_are_told_apart_by_type_and_where_long_names_differ_in_the_middle():
    assert choice_labels([1, "1", True, 1.0, None]) == ["1", "'1'", "True", "1.0", "None"]
    long = [f"resnet_with_{n}_layers_and_everything_else_the_same" for n in (18, 34)]
    labels = choice_labels(long, 20)
    assert len(set(labels)) == 2
    assert all(len(label) <= 20 for label in labels)
