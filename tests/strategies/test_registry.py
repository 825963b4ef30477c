from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phsx import strategies
from phsx.exceptions import PlanError
from phsx.strategies import Grid, LatinHypercube, Normal, Random, Strategy, Uniform, from_dict
from phsx.strategies.registry import STRATEGIES, strategy_class

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["strategy", "trials", "overrides", "points", "low", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


def test_the_friendly_form() -> None:
    data = {
        "strategy": "random",
        "trials": 20,
        "y": [1.2, 3.4],
        "x": {"strategy": "normal", "mean": 0, "sd": 1},
        "overrides": {"trials": 3},
        "repeats": False,
    }
    expected = Random(20, x=Normal(0, 1), overrides={"y": [1.2, 3.4], "trials": 3})
    assert from_dict(data) == expected


@pytest.mark.parametrize("kind", ["latin_hypercube", "latin-hypercube", "LatinHypercube"])
def test_kinds_are_found_however_they_are_spelt(kind: str) -> None:
    assert strategy_class(kind) is LatinHypercube
    assert from_dict({"strategy": kind, "trials": 3}) == LatinHypercube(3)


def test_lists_in_a_grid_are_axes() -> None:
    assert from_dict({"strategy": "grid", "x": [1, 2]}) == Grid(x=[1, 2])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"strategy": "randon"}, "no strategy 'randon'; did you mean 'random'"),
        ({"strategy": ["random"]}, "must name its strategy"),
        ({"trials": 3}, "must name its strategy"),
        ([], "must be a table"),
        ("random", "must be a table"),
        (None, "must be a table"),
        ({1: 2}, "must be a table"),
        ({"strategy": "explicit"}, "Explicit needs points"),
        ({"strategy": "uniform", "low": 3}, "Uniform needs high"),
        ({"strategy": "random", "trials": 0}, "trials must be at least 1"),
        ({"strategy": "random", "trials": "3"}, "trials must be a whole number"),
        ({"strategy": "random", "repeats": 1}, "repeats"),
        ({"strategy": "random", "overrides": [1]}, "overrides must be a table"),
        ({"strategy": "random", "overrides": {1: 2}}, "overrides must be a table"),
        ({"strategy": "random", "x": {}}, "the override of 'x' must name its strategy"),
        ({"strategy": "random", "x": []}, "'x' is an empty list"),
        ({"strategy": "random", "x": 1, "overrides": {"x": 2}}, "'x' is overridden twice"),
        (
            {"strategy": "random", "x": {"strategy": "uniform", "low": 0, "hihg": 1}},
            "Uniform, has no option 'hihg'; did you mean 'high'",
        ),
        ({"strategy": "random", "x": {"strategy": "random", "y": 1}}, "has no option 'y'"),
        ({"strategy": "random", "x": {"strategy": "random", "trials": 2}}, "leave the number out"),
    ],
)
def test_what_is_no_strategy(data: Any, message: str) -> None:
    with pytest.raises(PlanError, match=message):
        from_dict(data)


@settings(derandomize=True, deadline=None)
@given(json_values)
def test_any_json_is_a_strategy_or_refused(data: Any) -> None:
    try:
        strategy = from_dict({"strategy": "random", "x": data})
    except PlanError:
        return
    assert from_dict(strategy.to_dict()) == strategy


@settings(derandomize=True, deadline=None)
@given(st.sampled_from(sorted(STRATEGIES)), json_values)
def test_any_options_are_a_strategy_or_refused(kind: str, data: Any) -> None:
    options = data if isinstance(data, dict) else {"points": data, "values": data, "trials": data}
    try:
        strategy = from_dict({**options, "strategy": kind})
    except PlanError:
        return
    assert isinstance(strategy, Strategy)
    assert from_dict(strategy.to_dict()) == strategy


def test_deep_json_is_refused() -> None:
    deep: Any = 1
    for _ in range(400):
        deep = [deep]
    with pytest.raises(PlanError, match="nested"):
        from_dict({"strategy": "random", "x": deep})
    table: Any = 1
    for _ in range(400):
        table = {"strategy": "random", "x": table}
    with pytest.raises(PlanError, match="has no option"):
        from_dict(table)


def test_names_of_the_package() -> None:
    for path in STRATEGIES.values():
        name = path.split(":")[1]
        assert getattr(strategies, name).__name__ == name
        assert name in dir(strategies)
    with pytest.raises(AttributeError, match="Nothing"):
        strategies.Nothing  # noqa: B018
    assert Uniform is strategies.Uniform


def test_import_is_light() -> None:
    code = (
        "import sys, phsx.strategies as s; s.Plan.of(s.Random(20, x=s.Normal(0, 1))); "
        "s.Sobol(3), s.Grid(), s.Bayesian(3); "
        "heavy = {'scipy', 'sklearn', 'pandas', 'dask', 'matplotlib'} & set(sys.modules); "
        "sys.exit(', '.join(heavy) or None)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
