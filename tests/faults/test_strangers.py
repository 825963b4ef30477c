"""An experiment directory from a stranger: looking at it runs nothing and writes nothing (F30)."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

import phsx
from phsx.cli import main
from phsx.exceptions import PhsxError
from phsx.journal.format import encode

# Of Matplotlib, on characters that its font does not have.
pytestmark = pytest.mark.filterwarnings("ignore:Glyph:UserWarning")

EVIL = "__import__('os').system('touch PWNED')"
NAMES = ["../../x", "/tmp/phsx-pwned", "a\nb", "$(touch PWNED)", "$\\input{x}$", "\x1b[31m", "=1+1"]


def tree(root):
    """Return every file below a directory with its content."""
    return {
        str(path.relative_to(root)): path.read_bytes() if path.is_file() else b""
        for path in sorted(root.rglob("*"))
    }


@pytest.fixture
def directory(tmp_path):
    """A finished search, of which a stranger has made something."""
    home = tmp_path / "a" / "b"
    home.mkdir(parents=True)

    def target(k, x):
        print("\x1b]0;owned\x07")
        return {"value": x, **dict.fromkeys(NAMES, 1.0)}

    space = {"x": phsx.Float(0, 1), "k": phsx.Categorical(NAMES)}
    experiment = phsx.Experiment(home / "e", target, space, phsx.Random(6), seed=1)
    experiment.run(cluster="inline", progress=False)
    return experiment.directory


def change(directory, **fields):
    path = directory / "experiment.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def rewrite(directory, edit):
    """Change the records of the journal, whose checksums a stranger can compute as well as we."""
    path, crc, lines = directory / "journal.jsonl", 0, []
    for text in path.read_text().splitlines():
        record = json.loads(text)
        del record["crc"]
        edit(record)
        line, crc = encode(record, crc)
        lines.append(line)
    path.write_bytes(b"".join(lines))


def look(directory, cwd):
    """Do all that looks at an experiment, in a directory of its own; errors may be phsx's only."""
    commands = [
        ["status", directory],
        ["status", directory, "--json"],
        ["best", directory],
        ["show", directory],
        ["show", directory, "0"],
        ["export", directory],
        ["verify", directory],
        ["repair", directory, "--dry-run"],
        ["plot", directory, "--output", cwd / "plots"],
    ]
    said = []
    for command in commands:
        result = CliRunner().invoke(main, [str(word) for word in command])
        assert result.exception is None or isinstance(result.exception, SystemExit), command
        said.append(result.output)
    try:
        phsx.open(directory).to_dataframe()
    except PhsxError as error:
        said.append(str(error))
    return said


@pytest.fixture
def guarded(directory, cwd, tmp_path, monkeypatch):
    """Look at the directory; fail where something ran, was unpickled, or was written elsewhere."""

    def refuse(*arguments, **options):
        raise AssertionError(f"something ran: {arguments}")

    def check():
        elsewhere = tmp_path / "a" / "b"
        before = tree(elsewhere)
        with monkeypatch.context() as patch:
            for name in ("load", "loads", "Unpickler"):
                patch.setattr(pickle, name, refuse)
            patch.setattr(os, "system", refuse)
            patch.setattr(subprocess, "Popen", refuse)
            said = look(directory, cwd)
        after = tree(elsewhere)
        assert {name for name in after if after[name] != before.get(name)} == set()
        assert not list(tmp_path.rglob("PWNED")) and not Path("/tmp/phsx-pwned").exists()
        assert "evil" not in sys.modules
        return said

    return check


def test_names_and_texts_are_data(guarded):
    said = guarded()
    assert "6 trials" in "".join(said) or "6 of 6" in "".join(said)
    assert not any("\x1b" in text for text in said[:4]), "it steers the terminal"


@pytest.mark.parametrize("text", [EVIL, "x.__class__", "(lambda: 1)()", "open('/etc/passwd')"])
@pytest.mark.parametrize("where", ["constraint", "expression"])
def test_expressions_call_nothing(directory, guarded, text, where):
    path = directory / "experiment.json"
    space = json.loads(path.read_text())["space"]
    if where == "constraint":
        space["constraints"] = [text]
    else:
        space["parameters"].append({"name": "e", "kind": "expression", "text": text})
    change(directory, space=space)
    guarded()
    with pytest.raises(PhsxError):
        phsx.open(directory)


def test_target_and_sources_are_not_imported(directory, guarded):
    (directory / "source").mkdir(exist_ok=True)
    (directory / "source" / "evil.py").write_text(f"{EVIL}\nraise SystemExit")
    (directory / "sitecustomize.py").write_text(EVIL)
    (directory / "target.pkl").write_bytes(b"cos\nabort\n(tR.")
    change(directory, target={"kind": "function", "module": "evil", "qualname": "f", "file": "/x"})
    guarded()


def test_journal_that_names_what_it_should_not(directory, guarded):
    def edit(record):
        if record["type"] == "ended":
            record["worker"] = "../../../x"
            record["traceback"] = "\x1b[2J"
            record["error"] = "\x1b[2J../../x"
            record["result"] = {"../../x": EVIL, "value": "twice"}
        if record["type"] == "trial":
            record["strategy"] = "../../x"

    rewrite(directory, edit)
    guarded()


def test_trials_with_impossible_numbers(directory, guarded):
    def edit(record):
        if record["type"] in ("trial", "running", "ended") and record["id"] == 3:
            record["id"] = "../../x"

    rewrite(directory, edit)
    guarded()


def test_links_to_elsewhere(directory, guarded, tmp_path):
    precious = tmp_path / "a" / "precious"
    precious.write_text("precious")
    for name in ("results.csv", "plots", "stop.json"):
        path = directory / name
        if path.exists():
            path.unlink()
        path.symlink_to(precious)
    guarded()
    assert precious.read_text() == "precious"
    shutil.rmtree(directory)
