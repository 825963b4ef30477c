from __future__ import annotations

import pytest

from phsx.exceptions import TargetError
from phsx.targets.arguments import check_placeholders, fill, placeholders, read_arguments


def test_texts_numbers_and_paths(tmp_path):
    assert read_arguments(["a", 1, 0.5, tmp_path, ["--x", "{x}"]]) == (
        "a",
        "1",
        "0.5",
        str(tmp_path),
        ("--x", "{x}"),
    )


@pytest.mark.parametrize("bad", [None, True, {"a": 1}, b"x", "nul\0", [["nested"]]])
def test_other_things_are_refused(bad):
    with pytest.raises(TargetError, match="an argument of a command"):
        read_arguments(["a", bad])


@pytest.mark.parametrize(
    "bad", ["{}", "{0}", "{x.y}", "{x[0]}", "{x!r}", "{x:{y}}", "{x", "x}", '{"a": 1}', "{x y}"]
)
def test_braces_that_are_no_parameters(bad):
    with pytest.raises(TargetError, match="braces"):
        placeholders(bad)


def test_values_are_written_as_in_json():
    values = {"s": "a b'$HOME", "f": 0.1, "i": 3, "b": True, "n": None, "t": (1, "x")}
    line = fill([f"{{{name}}}" for name in values], values)
    assert line == ["a b'$HOME", "0.1", "3", "true", "null", '[1, "x"]']
    assert fill(["{f:.3e}|{i:04d}"], values) == ["1.000e-01|0003"]
    assert fill(["{{f}}"], values) == ["{f}"]


def test_values_are_not_filled_again():
    assert fill(["{x}-{y}"], {"x": "{y}", "y": "{x}"}) == ["{y}-{x}"]


def test_inactive_parameters_drop_their_argument():
    arguments = ["sim", "--a={x},{y}", ("--flag", "--y", "{y}"), "{x}"]
    assert fill(arguments, {"x": 1}) == ["sim", "1"]
    assert fill(arguments, {"x": 1, "y": 2}) == ["sim", "--a=1,2", "--flag", "--y", "2", "1"]


@pytest.mark.parametrize(
    ("arguments", "options", "part"),
    [
        (["a", "{z}"], {}, "{z}, which is no parameter of the space"),
        (["a", "{rat}", "{x}"], {"names": ["x", "rate"]}, "did you mean {rate}"),
        (["a", "{x}"], {"names": ["x", "y"]}, "does not use the parameter 'y'"),
        (["a", "--x", "{x}"], {"optional": ["x"]}, "would leave '--x' alone"),
    ],
)
def test_errors(arguments, options, part):
    options = {"names": ["x"], "optional": [], "special": ["seed"], "in_file": False, **options}
    with pytest.raises(TargetError) as raised:
        check_placeholders(arguments, **options)
    assert part in str(raised.value)


def test_what_is_right_passes():
    check_placeholders(["a", "{seed}", ("--x", "{x}")], ["x"], ["x"], ["seed"], False)
    check_placeholders(["a"], ["x", "y"], [], [], True)
