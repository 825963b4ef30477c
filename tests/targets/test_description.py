from __future__ import annotations

import functools
import math
import sys

import pytest

from phsx.exceptions import TargetError
from phsx.targets.command import Command
from phsx.targets.description import describe, load, sources


class Model:
    def __call__(self, x):
        return x

    def method(self, x):
        return x


def target(x):
    return x


class TestDescribe:
    @pytest.mark.parametrize(
        ("subject", "kind", "name"),
        [
            (target, "function", "target"),
            (lambda x: x, "lambda", "TestDescribe.<lambda>"),
            (Model().method, "method", "Model.method"),
            (Model(), "callable", "Model"),
            (functools.partial(target), "partial", "target"),
            (math.sin, "builtin", "sin"),
            (Command(["echo", "{x}"]), "command", "echo"),
        ],
    )
    def test_kinds(self, subject, kind, name):
        found = describe(subject)
        assert (found["kind"], found["name"]) == (kind, name)

    def test_where_it_comes_from(self):
        found = describe(target)
        assert found["qualname"] == "target"
        assert found["module"] == __name__
        assert found["file"] == __file__
        assert describe(Model().method)["qualname"] == "Model.method"

    def test_is_json(self):
        import json

        command = Command(["echo", ["--x", "{x}"]], result=lambda directory: 0)
        assert json.loads(json.dumps(describe(command))) == describe(command)


class TestLoad:
    def test_a_module_beside_the_file(self, tmp_path, monkeypatch):
        monkeypatch.setattr(sys, "path", list(sys.path))
        (tmp_path / "beside_it_abc.py").write_text("class A:\n    f = staticmethod(lambda x: x)\n")
        try:
            assert load("beside_it_abc:A.f", tmp_path)(3) == 3
        finally:
            sys.modules.pop("beside_it_abc", None)

    @pytest.mark.parametrize(
        ("reference", "parts"),
        [
            ("math", ["'module:function'"]),
            ("math:", ["'module:function'"]),
            (":f", ["'module:function'"]),
            ("a b:f", ["'module:function'"]),
            ("no_such_module_abc:f", ["no module 'no_such_module_abc'", "installed here"]),
            ("math:no_such", ["math has no 'no_such'"]),
            ("math:pi", ["not callable", "float"]),
            ("math.sub:f", ["no module 'math.sub'"]),
        ],
    )
    def test_errors(self, reference, parts):
        with pytest.raises(TargetError) as raised:
            load(reference)
        assert all(part in str(raised.value) for part in parts), str(raised.value)

    @pytest.mark.parametrize(
        ("code", "part"),
        [
            ("import no_such_module_abc", "needs the module 'no_such_module_abc'"),
            ("raise RuntimeError('at import')", "RuntimeError: at import"),
            ("def f(:", "SyntaxError"),
        ],
    )
    def test_modules_that_cannot_be_imported(self, tmp_path, monkeypatch, code, part):
        monkeypatch.setattr(sys, "path", list(sys.path))
        (tmp_path / "broken_abc.py").write_text(code)
        with pytest.raises(TargetError, match=part):
            load("broken_abc:f", tmp_path)


class TestSources:
    def test_this_module_is_among_them(self):
        found = sources(target)
        name = __name__.replace(".", "/") + ".py"
        assert "def test_this_module_is_among_them" in found[name]

    def test_files_of_a_command(self, cwd):
        (cwd / "sim.py").write_text("print(1)")
        (cwd / "data.bin").write_bytes(b"\xff\xfe\x00")
        found = sources(Command([sys.executable, "sim.py", "data.bin", "{x}"]))
        assert found == {"sim.py": "print(1)"}
