"""The public name space: complete, documented, and nothing besides."""

from __future__ import annotations

import inspect
import types

import pytest

import phsx

PROMISED = """
    Float Int Categorical Ordinal Constant Expression Space
    Explicit Grid Random Sobol Halton LatinHypercube Bayesian
    Uniform LogUniform Normal Choice
    Experiment Optimizer Command minimize open plot
    PhsxError DefinitionError SpaceError ExpressionError PlanError TargetError ConfigurationError
    EvaluationError ExhaustedError ExperimentError DirectoryError ChangedError LeaseError
    JournalError ClusterError SearchFailedError
    PhsxWarning ModelWarning ExhaustedWarning RecoveryWarning
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
    for name in phsx.__all__:  # what is lazy becomes an attribute when it was used
        getattr(phsx, name)
    leaked = {
        name
        for name, thing in vars(phsx).items()
        if not name.startswith("_") and not isinstance(thing, types.ModuleType)
    }
    assert leaked <= set(phsx.__all__) | {"annotations"}


def test_dir_shows_the_public_names() -> None:
    assert set(phsx.__all__) <= set(dir(phsx))


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="Floot"):
        phsx.Floot  # noqa: B018


def test_star_import_gives_all() -> None:
    names: dict[str, object] = {}
    exec("from phsx import *", names)
    assert set(phsx.__all__) <= set(names)
