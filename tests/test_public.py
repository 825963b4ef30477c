"""The public name space: complete, documented, and nothing besides."""

from __future__ import annotations

import inspect

import pytest

import phsx

PROMISED = """
    Float Int Categorical Ordinal Constant Expression Space
    Explicit Grid Random Sobol Halton LatinHypercube Bayesian
    Uniform LogUniform Normal Choice
    Experiment Optimizer Command minimize open plot exceptions
""".split()


@pytest.mark.parametrize("name", PROMISED)
def test_promised_name_is_public(name: str) -> None:
    assert name in phsx.__all__


@pytest.mark.parametrize("name", sorted(getattr(phsx, "__all__", ())))
def test_public_name_exists_and_is_documented(name: str) -> None:
    thing = getattr(phsx, name)
    if not isinstance(thing, str):
        assert inspect.getdoc(thing), f"phsx.{name} has no docstring"


def test_all_has_no_doubles() -> None:
    assert len(set(phsx.__all__)) == len(phsx.__all__)


def test_nothing_else_leaks() -> None:
    assert sorted(dir(phsx)) == sorted(phsx.__all__)
    assert not [name for name in phsx.__all__ if name.startswith("_") and name != "__version__"]


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="Floot"):
        phsx.Floot  # noqa: B018


def test_star_import_gives_all() -> None:
    names: dict[str, object] = {}
    exec("from phsx import *", names)
    assert set(phsx.__all__) <= set(names)


def test_exceptions_are_one_tree_and_listed_in_its_picture() -> None:
    errors = phsx.exceptions
    found = {
        name: thing
        for name, thing in vars(errors).items()
        if inspect.isclass(thing) and thing.__module__ == errors.__name__
    }
    assert len(found) > 10
    for name, thing in found.items():
        roots = (errors.PhsxError, errors.PhsxWarning, errors.TrialInterrupted)
        assert issubclass(thing, roots), name
        assert name in str(errors.__doc__), name
