"""The page on reliability has all faults, and the tests that it names exist."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reliability.md").read_text()


def functions(path):
    # Not by ast.parse: what the fault tests left to the garbage collector writes tracebacks when it
    # goes, and two parsers at once break Python before 3.11.8 (python/cpython issue 106905).
    return set(re.findall(r"^ *def (\w+)\(", (ROOT / path).read_text(), re.MULTILINE))


def test_every_fault_has_a_row():
    assert re.findall(r"^\| (F\d+) \|", PAGE, re.MULTILINE) == [f"F{n}" for n in range(1, 31)]


def test_named_tests_exist():
    named = re.findall(r"`([\w/]+\.py)::(\w+)`", PAGE)
    assert len(named) > 60
    assert [(path, test) for path, test in named if test not in functions(path)] == []


def test_every_fault_test_is_in_the_table():
    tests = {
        (f"tests/faults/{path.name}", name)
        for path in Path(__file__).parent.glob("test_*.py")
        if path.name != Path(__file__).name
        for name in functions(f"tests/faults/{path.name}")
        if name.startswith("test_")
    }
    contract = "phsx/testing/faults/contract.py"
    tests |= {(contract, name) for name in functions(contract) if name.startswith("test_")}
    assert tests <= set(re.findall(r"`([\w/]+\.py)::(\w+)`", PAGE))
