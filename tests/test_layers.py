"""Imports go downward only, lazy ones inside functions and those for type checkers too."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "phsx"

#: From the top down. A module may import what stands on a lower line, and its own package.
LAYERS = (
    ("phsx.__main__",),
    ("phsx.cli",),
    ("phsx.demo",),
    ("phsx",),  # the public namespace itself
    ("phsx.oneline",),
    ("phsx.analysis",),
    ("phsx.optimizer",),
    ("phsx.experiment",),
    ("phsx.master",),
    ("phsx.clusters",),
    ("phsx.execution",),
    ("phsx.targets",),
    ("phsx.schedulers",),
    ("phsx.strategies",),
    ("phsx.models",),
    ("phsx.journal",),
    ("phsx.state",),
    ("phsx.trial",),
    ("phsx.history",),
    ("phsx.space",),
    ("phsx.scratch",),
    ("phsx.exceptions",),
    ("phsx._version",),
)
LEVELS = {name: level for level, names in enumerate(reversed(LAYERS)) for name in names}

#: May import anything; nobody imports it.
FREE = "phsx.testing"

FILES = sorted(PACKAGE.rglob("*.py"))


def module_of(file: Path) -> str:
    parts = ("phsx", *file.relative_to(PACKAGE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(file): file for file in FILES}


def unit_of(module: str) -> str:
    """Return the layer's name: the first two parts of a module's name."""
    return ".".join(module.split(".")[:2])


def imported(tree: ast.Module, module: str, *, package: bool) -> Iterator[tuple[int, str]]:
    """Yield the line and the full name of every module of phsx that is imported."""
    parents = module.split(".") if package else module.split(".")[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                up = parents[: len(parents) - node.level + 1]
                base = ".".join([*up, base] if base else up)
            for alias in node.names:
                full = f"{base}.{alias.name}"
                yield node.lineno, full if full in MODULES else base
        elif (
            isinstance(node, ast.Call)
            and getattr(node.func, "attr", getattr(node.func, "id", "")) == "import_module"
            and node.args
            and isinstance(node.args[0], ast.Constant)
        ):
            yield node.lineno, str(node.args[0].value)


def wrong(module: str, source: str, *, package: bool) -> list[str]:
    """Return what is wrong with a module's imports."""
    unit, found = unit_of(module), []
    for line, name in imported(ast.parse(source), module, package=package):
        if name.split(".")[0] != "phsx":
            continue
        used = unit_of(name)
        assert used in LEVELS or used == FREE, f"say in LAYERS of this test where {used} belongs"
        if used == FREE != unit:
            found.append(f"{module}:{line} imports {name}; nothing imports phsx.testing")
        elif unit != FREE and used != unit and LEVELS[used] >= LEVELS[unit]:
            found.append(f"{module}:{line} imports {name}, which is not below it")
    return found


def test_every_module_has_its_layer() -> None:
    missing = {unit_of(module) for module in MODULES} - LEVELS.keys() - {FREE}
    assert not missing, f"say in LAYERS of this test where these belong: {sorted(missing)}"


@pytest.mark.parametrize("module", sorted(MODULES))
def test_imports_go_downward(module: str) -> None:
    file = MODULES[module]
    assert not wrong(module, file.read_text(), package=file.name == "__init__.py")


@pytest.mark.parametrize(
    "source",
    [
        "import phsx",
        "import phsx.experiment",
        "from phsx import strategies",
        "from phsx.master.master import Master",
        "from .. import execution",
        "from ..models import gp",
        "def f():\n    from phsx.journal import journal",
        "if TYPE_CHECKING:\n    from phsx.state import State",
        "importlib.import_module('phsx.cli')",
        "from phsx.testing import functions",
    ],
)
def test_upward_import_is_seen(source: str) -> None:
    assert wrong("phsx.space.float", source, package=False)


@pytest.mark.parametrize(
    "source",
    ["from phsx.exceptions import SpaceError", "from .base import Parameter", "import math"],
)
def test_downward_import_is_fine(source: str) -> None:
    assert not wrong("phsx.space.float", source, package=False)
