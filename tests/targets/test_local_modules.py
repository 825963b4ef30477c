from __future__ import annotations

import sys
from types import ModuleType

import pytest

from phsx.targets import local_modules
from phsx.targets.local_modules import is_local, local_sources


@pytest.fixture
def project(tmp_path, monkeypatch):
    def add(name, file, text=""):
        path = tmp_path / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        module = ModuleType(name)
        module.__file__ = str(path)
        monkeypatch.setitem(sys.modules, name, module)
        return path

    return add


def test_what_is_local(tmp_path):
    import json

    assert is_local(tmp_path / "a.py")
    assert is_local(__file__)
    assert not is_local(json.__file__)
    assert not is_local(pytest.__file__)
    assert not is_local(tmp_path / "env/lib/python3/site-packages/a.py")


def test_modules_by_their_import_names(project):
    project("mine_abc", "mine_abc.py", "A = 1")
    project("space_abc.inner", "space_abc/inner.py", "B = 1")
    project("compiled_abc", "compiled_abc.so", "binary")
    project("not a name", "odd.py", "C = 1")
    found = local_sources(None)
    assert found["mine_abc.py"] == "A = 1"
    assert found["space_abc/inner.py"] == "B = 1"
    assert not {"compiled_abc.so", "odd.py"} & found.keys()
    assert not any(name.startswith(("phsx/", "pytest/", "json/")) for name in found)


def test_packages_are_whole(project):
    root = project("pack_abc", "pack_abc/__init__.py", "").parent
    for name in ("late.py", "sub/deep.py", "__pycache__/x.py", ".git/y.py", "data.txt"):
        path = root / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("L = 1")
    found = {name for name in local_sources(None) if name.startswith("pack_abc")}
    assert found == {"pack_abc/__init__.py", "pack_abc/late.py", "pack_abc/sub/deep.py"}


def test_directories_that_hold_too_much_are_not_walked(project, monkeypatch):
    monkeypatch.setattr(local_modules, "_ENTRY_LIMIT", 2)
    root = project("pack_abc", "pack_abc/__init__.py", "").parent
    for i in range(3):
        (root / f"m{i}.py").write_text("")
    assert {name for name in local_sources(None) if "pack_abc" in name} == {"pack_abc/__init__.py"}


def test_the_targets_own_come_first_where_not_all_fit(project, monkeypatch):
    project("a_abc", "a_abc.py", "x" * 60)
    project("z_abc", "z_abc.py", "x" * 60)
    monkeypatch.setattr(local_modules, "SIZE_LIMIT", 100)

    def target():
        return 0

    target.__module__ = "z_abc"
    found = local_sources(target)
    assert "z_abc.py" in found and "a_abc.py" not in found


def test_unreadable_files_are_left_out(project):
    project("latin_abc", "latin_abc.py").write_bytes(b"# \xff")
    project("gone_abc", "gone_abc.py").unlink()
    assert not {"latin_abc.py", "gone_abc.py"} & local_sources(None).keys()
