"""Targets of all kinds, packed by one process and run by another that shares nothing with it."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

import phsx
from phsx.exceptions import TargetError
from phsx.targets.package import Package
from phsx.targets.packing import pack

ROOT = str(Path(phsx.__file__).parents[1])

PACK = """
import pickle, sys
from phsx.targets.packing import pack
with open(sys.argv[1], "wb") as file:
    pickle.dump(pack(target, ["x"], fixed=globals().get("fixed")), file)
for name in ("distributed", "dask", "numpy"):
    assert name not in sys.modules, name
"""

LOAD = """
import pickle, sys
with open(sys.argv[1], "rb") as file:
    package = pickle.load(file)
package.write_sources(sys.argv[2])
package.extend_path(sys.argv[2])
print(package.load().call({"x": 3}, None))
assert sys.path[-1] == sys.argv[2]
"""


def python(*arguments, cwd):
    environment = {**os.environ, "PYTHONPATH": ROOT}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def elsewhere(tmp_path):
    """Pack in a project directory, move it away, and run the target in a new process."""
    project = tmp_path / "project"
    project.mkdir()

    def go(files, moved=True):
        for name, text in files.items():
            path = project / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text + (PACK if name == "script.py" else ""))
        python(str(project / "script.py"), str(tmp_path / "package"), cwd=tmp_path)
        if moved:
            project.rename(tmp_path / "not visible there")
        (tmp_path / "other").mkdir()
        return python(
            "-c", LOAD, str(tmp_path / "package"), str(tmp_path / "sources"), cwd=tmp_path / "other"
        )

    return go


class TestOtherProcesses:
    def test_everything_that_a_script_defines(self, elsewhere):
        script = """
import math
from dataclasses import dataclass, field
from enum import Enum
@dataclass
class Point:
    x: float
    rest: list = field(default_factory=list)
class Kind(Enum):
    A = 1
class Base:
    def scaled(self): return self.x * SCALE
class Derived(Base):
    def __init__(self, x): self.x = x
    def scaled(self): return super().scaled() + 1
SCALE = 10
def helper(x): return Derived(x).scaled() + Kind.A.value + math.floor(Point(x).x)
def target(x, trial=None): return helper(x)
"""
        assert elsewhere({"script.py": script}) == "35"

    def test_other_callables_of_a_script(self, elsewhere):
        script = """
import functools
def make(n):
    def inner(x): return x * n
    return inner
class M:
    n = 5
    def method(self, x): return x * self.n
    def __call__(self, x): return x * self.n
parts = [lambda x: x * 5, make(5), functools.partial(lambda x, n: x * n, n=5), M().method, M()]
def target(x, data): return [part(x) for part in parts] + data
fixed = {"data": [M.n]}
"""
        assert elsewhere({"script.py": script}) == "[15, 15, 15, 15, 15, 5]"

    def test_modules_and_packages_beside_the_script(self, elsewhere):
        files = {
            "script.py": "from helpers import target\nimport project\n",
            "helpers.py": "from project.model import scale\n"
            "def target(x):\n    import project.late as late\n    return scale(x) + late.ONE\n",
            "project/__init__.py": "",
            "project/model.py": "from . import deep\ndef scale(x): return deep.FIVE * x\n",
            "project/deep/__init__.py": "FIVE = 5\n",
            "project/late.py": "ONE = 1\n",  # not loaded when the target is packed
        }
        assert elsewhere(files) == "16"

    def test_the_masters_own_files_are_used_where_they_exist(self, elsewhere):
        files = {
            "script.py": "from helpers import target\n",
            "helpers.py": "from pathlib import Path\n"
            "def target(x): return Path(__file__).parent.name\n",
        }
        assert elsewhere(files, moved=False) == "project"

    def test_what_is_installed_is_never_hidden_by_what_was_sent(self, tmp_path):
        package = replace(pack(len, ["obj"]), sources={"json.py": "raise RuntimeError"})
        package.write_sources(tmp_path / "sources")
        code = f"""
import sys
from phsx.targets.package import Package
Package("a", b"").extend_path({str(tmp_path / "sources")!r})
import json
print(json.dumps(1))
"""
        assert python("-c", code, cwd=tmp_path) == "1"


class TestPackage:
    def test_digest_tells_packages_apart(self):
        one, same, other = (pack(lambda x, n=n: n * x, ["x"]) for n in (1, 1, 2))
        assert one.digest == same.digest != other.digest
        assert len(one.digest) == 64

    def test_another_python_is_refused(self):
        package = replace(pack(len, ["obj"]), python=(2, 7))
        with pytest.raises(TargetError, match=r"packed by Python 2\.7"):
            package.load()

    @pytest.mark.parametrize("name", ["../a.py", "/tmp/a.py", "a/../../b.py"])
    def test_sources_stay_inside(self, tmp_path, name):
        package = Package("a", b"", {name: "x"})
        with pytest.raises(TargetError, match="outside"):
            package.write_sources(tmp_path / "sources")
        assert not (tmp_path / "a.py").exists()

    def test_import_directories(self, tmp_path, monkeypatch):
        before, after = tmp_path / "before", tmp_path / "after"
        before.mkdir()
        monkeypatch.setattr(sys, "path", [str(before), *sys.path, str(after), str(after)])
        package = pack(len, ["obj"])
        assert package.before[0] == str(before)
        assert package.after[-1] == str(after)
        assert not any("site-packages" in entry for entry in package.before + package.after)
        monkeypatch.setattr(sys, "path", ["/usr/lib/x"])
        package.extend_path(str(tmp_path / "sources"))
        assert sys.path[0] == str(before)
        assert sys.path[-1] == str(tmp_path / "sources")
        assert str(after) not in sys.path  # does not exist
        package.extend_path(str(tmp_path / "sources"))
        assert len(sys.path) == len(set(sys.path))

    def test_cells_of_a_notebook_are_in_tracebacks(self):
        import linecache
        import traceback

        name = "/tmp/ipykernel_1/123.py"
        text = "def target(x):\n    return 1 / x\n"
        linecache.cache[name] = (len(text), None, text.splitlines(True), name)
        space = {"__name__": "__main__"}
        exec(compile(text, name, "exec"), space)
        try:
            package = pack(space["target"], ["x"])
        finally:
            del linecache.cache[name]
        assert package.cells == {name: text}
        try:
            with pytest.raises(ZeroDivisionError) as raised:
                package.load().call({"x": 0}, None)
            assert "return 1 / x" in "".join(traceback.format_tb(raised.tb))
        finally:
            linecache.cache.pop(name, None)

    def test_an_unusable_target_is_refused(self):
        with pytest.raises(TargetError, match="'y'"):
            pack(lambda x, y: 0, ["x"])


LOCK = threading.Lock()


def uses_lock(x):
    def inner():
        return LOCK

    return inner()


# Picklable by name, but not by value: as in a script or notebook.
uses_lock.__module__ = "__main__"


class Holder:
    def __init__(self, lock):
        self.settings = {"lock": [lock]}

    def method(self, x):
        return x


def hold(lock):
    return lambda x: lock


def as_default(x, lock=LOCK):
    return x


as_default.__module__ = "__main__"


class Stubborn:
    def __reduce__(self):
        return (Stubborn.fail, ())

    @staticmethod
    def fail():
        raise RuntimeError("not here")


class TestWhatCannotBeSent:
    @pytest.mark.parametrize(
        ("target", "fixed", "part"),
        [
            (uses_lock, None, "the global variable 'LOCK' (of type lock)"),
            (hold(threading.Lock()), None, "the variable 'lock' of its closure (of type lock)"),
            (hold(i for i in "abc"), None, "closure (of type generator)"),
            (Holder(threading.Lock()).method, None, "entry 0 (of type lock), in the entry 'lock'"),
            (as_default, None, "a default of its arguments (of type lock)"),
            (lambda x, d: x, {"d": [threading.Lock()]}, "lock), in fixed['d']"),
        ],
    )
    def test_is_named(self, target, fixed, part):
        with pytest.raises(TargetError) as raised:
            pack(target, ["x"], fixed=fixed)
        assert part in str(raised.value)
        assert "create it inside the target" in str(raised.value)

    def test_open_files(self, tmp_path):
        with open(tmp_path / "a", "wb") as file, pytest.raises(TargetError, match="'file'"):
            pack(lambda x: file.write(x), ["x"])

    def test_what_pickles_but_does_not_unpickle(self):
        with pytest.raises(TargetError, match="not unpickled .RuntimeError: not here"):
            pack(lambda x, s: x, ["x"], fixed={"s": Stubborn()})

    def test_streams_in_memory_can(self):
        buffer = io.BytesIO(b"abc")
        assert pack(lambda x: buffer.getvalue(), ["x"]).load().call({"x": 1}, None) == b"abc"
