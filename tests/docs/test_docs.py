"""The documentation is right: its code runs, its links lead somewhere, its tests exist."""

from __future__ import annotations

import ast
import json
import linecache
import re
import tomllib
import types
from pathlib import Path
from typing import NamedTuple

import pytest
from click.testing import CliRunner

import phsx
from phsx.cli import main

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"^```(.*?)$\n(.*?)^```$", re.MULTILINE | re.DOTALL)
#: Budgets that make sense to a reader, and what is enough to see that the code is right.
BUDGETS = {
    r"Bayesian\(\d\d\b": "Bayesian(5",
    r"trials=\d\d\b": "trials=6",
    r"workers=4": "workers=2",
}
LINK = re.compile(r"!?\[[^\]]*\]\(([^)#]+)(?:#[^)]*)?\)")


class Block(NamedTuple):
    info: str
    line: int
    code: str


def blocks(page: Path, language: str) -> list[Block]:
    text = page.read_text()
    found = [
        Block(match[1].strip(), text.count("\n", 0, match.start(2)), match[2])
        for match in FENCE.finditer(text)
    ]
    return [block for block in found if block.info.split()[:1] == [language]]


WITH_CODE = [page for page in PAGES if blocks(page, "python")]


def name_of(page: Path) -> str:
    return page.stem


@pytest.mark.parametrize("page", WITH_CODE, ids=name_of)
def test_python_blocks_run(page: Path, cwd: Path) -> None:
    """All blocks of a page run one after the other, as in a script; `no-run` leaves one out."""
    module = types.ModuleType(f"docs_{page.stem.replace('-', '_')}")
    for block in blocks(page, "python"):
        code = block.code
        for long, short in BUDGETS.items():
            code = re.sub(long, short, code)
        tree = ast.parse(code)
        if "no-run" in block.info:
            continue
        file = f"<{page.name}:{block.line}>"
        # Targets are sent with their source, which is looked up here.
        linecache.cache[file] = (len(code), None, code.splitlines(True), file)
        exec(compile(tree, file, "exec"), vars(module))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_toml_blocks_can_be_read(page: Path) -> None:
    for block in blocks(page, "toml"):
        assert tomllib.loads(block.code)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    text = FENCE.sub("", page.read_text())
    for target in LINK.findall(text):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_search_in_a_file(cwd: Path) -> None:
    """The page on the command line: its model, its file and its commands."""
    page = ROOT / "docs" / "command-line.md"
    (model,), (search,) = blocks(page, "python"), blocks(page, "toml")
    Path("model.py").write_text(model.code)
    Path("search.toml").write_text(search.code)
    commands = [
        line.split()[1:]
        for block in blocks(page, "sh")
        for line in block.code.splitlines()
        if line.startswith("phsx ")
    ]
    assert len(commands) == 3
    for command in commands:
        if command[0] == "run":  # in this process, which takes less time
            command = [part for part in command if part not in ("--workers", "4")]
            command += ["--cluster", "inline", "--quiet"]
        result = CliRunner().invoke(main, command)
        assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["params"]["depth"] in range(1, 13)
    assert len(phsx.open("results/train").trials) == 35


def test_parity_tests_exist_and_are_all_listed() -> None:
    tree = ast.parse((ROOT / "tests" / "test_phs_parity.py").read_text())
    tests = {
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }
    listed = set(re.findall(r"`(test_\w+)`", (ROOT / "docs" / "phs.md").read_text()))
    assert listed == tests


def test_readme_tells_the_two_commands() -> None:
    text = (ROOT / "README.md").read_text()
    assert "make demo" in text
    assert "make test" in text


def test_every_package_is_in_the_architecture() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    packages = {file.parent.name for file in (ROOT / "phsx").glob("*/__init__.py")}
    assert not {name for name in packages if f"`{name}`" not in text}
