import pytest

from phsx.exceptions import SpaceError
from phsx.space import Categorical, Float, Parameter, Space, parameter_from_dict
from phsx.space.kinds import KINDS


def test_every_kind_is_registered_under_its_name():
    found = set()
    pending = [Parameter]
    while pending:
        kind = pending.pop()
        pending.extend(kind.__subclasses__())
        if "kind" in vars(kind):
            found.add(kind)
    assert set(KINDS.values()) == found
    assert all(kind.kind == name for name, kind in KINDS.items())


def test_what_somebody_may_write_in_a_file():
    assert parameter_from_dict({"kind": "float", "low": 0, "high": 1}) == Float(0, 1)
    assert parameter_from_dict(
        {"kind": "categorical", "choices": [[1, 2], "a"], "when": {"k": ["x", "y"]}}
    ) == Categorical([(1, 2), "a"], when="k in ('x', 'y')")


@pytest.mark.parametrize(
    ("definition", "word"),
    [
        (3, "no definition"),
        ([], "no definition"),
        ({}, "no kind of parameter None"),
        ({"kind": "evil"}, "no kind of parameter 'evil'; known are float, int"),
        ({"kind": ["float"]}, "no kind"),
        ({"kind": "float", "low": 0}, "needs the option 'high'"),
        ({"kind": "float", "low": 0, "high": 1, "logg": True}, "did you mean 'log'"),
        ({"kind": "float", "low": 0, "high": 1, "self": 1}, "no option 'self'"),
        ({"kind": "float", "low": 0, "high": 1, "zzz": 1}, "it has low, high"),
        ({"kind": "float", "low": "0", "high": 1}, "has to be a number"),
        ({"kind": "float", "low": 0, "high": 1, "when": [1]}, "no condition"),
        ({"kind": "int", "low": 0, "high": {}}, "has to be a number"),
        ({"kind": "categorical"}, "needs the option 'choices'"),
        ({"kind": "categorical", "choices": "ab"}, "have to be a list"),
        ({"kind": "categorical", "choices": {"a": 1}}, "have to be a list"),
        ({"kind": "categorical", "choices": [{}]}, "cannot be a value"),
        ({"kind": "ordinal", "choices": []}, "nothing to choose"),
        ({"kind": "constant", "value": {"__reduce__": 1}}, "cannot be a value"),
        ({"kind": "expression", "source": "__import__('os')"}, "no function"),
    ],
)
def test_hostile_definitions_are_errors_of_the_space(definition, word):
    with pytest.raises(SpaceError, match=word):
        parameter_from_dict(definition)
    with pytest.raises(SpaceError):
        Space.from_dict({"parameters": [definition]})


@pytest.mark.parametrize(
    "definition",
    [
        None,
        [],
        {},
        {"parameters": {}},
        {"parameters": []},
        {"parameters": [None]},
        {"parameters": [{"kind": "float", "low": 0, "high": 1}]},
        {"parameters": [{"name": 3, "kind": "float", "low": 0, "high": 1}]},
        {"parameters": [{"name": "a.b", "kind": "constant", "value": 1}]},
        {"parameters": [{"name": "a", "kind": "constant", "value": 1}] * 2},
        {"parameters": [{"name": "a", "kind": "constant", "value": 1}], "constraints": 3},
        {"parameters": [{"name": "a", "kind": "constant", "value": 1}], "constraints": [3]},
        {"parameters": [{"name": "a", "kind": "constant", "value": 1}], "constraints": None},
    ],
)
def test_hostile_spaces_are_errors_of_the_space(definition):
    with pytest.raises(SpaceError):
        Space.from_dict(definition)


def test_an_error_in_a_file_names_the_parameter():
    with pytest.raises(SpaceError, match="parameter 'x': Float"):
        Space.from_dict({"parameters": [{"name": "x", "kind": "float", "low": 2, "high": 1}]})
