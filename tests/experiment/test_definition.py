"""`experiment.json`: written whole, read exactly, and never run."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

import phsx
from phsx.exceptions import ChangedError, DirectoryError
from phsx.experiment.definition import FILE, SCHEMA, Definition
from phsx.strategies.plan import Plan
from phsx.testing.spaces import FINITE, LARGE

PLAN = Plan([phsx.Sobol(4), phsx.Random(2)])


@pytest.fixture
def definition():
    space = phsx.Space({"x": phsx.Float(0, 1), "größe": phsx.Categorical(["é", (1, 2), None])})
    plan = Plan([phsx.Sobol(4), phsx.Bayesian(9, x=[0.25, 0.5])])
    return Definition(space, plan, seed=7, maximize=True, objective="score", target={"name": "f"})


def test_comes_back_exactly(definition, tmp_path):
    definition.save(tmp_path)
    assert Definition.load(tmp_path) == definition


@pytest.mark.parametrize("name", [*LARGE, *FINITE])
def test_every_kind_of_space_comes_back(name, tmp_path):
    definition = Definition({**LARGE, **FINITE}[name], PLAN, seed=0)
    definition.save(tmp_path)
    assert Definition.load(tmp_path) == definition


def test_file_is_for_people_and_scripts(definition, tmp_path):
    definition.save(tmp_path)
    text = (tmp_path / FILE).read_text(encoding="utf-8")
    content = json.loads(text)
    assert content["schema"] == SCHEMA and content["phsx"] == phsx.__version__
    assert "größe" in text and text.endswith("}\n") and text.count("\n") > 20
    assert {"python", "numpy", "distributed"} <= content["environment"].keys()
    assert content["created"].startswith("20") and len(content["id"]) == 32


def test_each_has_its_own_id():
    space = phsx.Space({"x": phsx.Float(0, 1)})
    assert Definition(space, PLAN, 0).id != Definition(space, PLAN, 0).id


def test_nothing_but_the_file_is_left(definition, tmp_path):
    definition.save(tmp_path)
    definition.save(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_a_file_that_was_there_is_whole_at_every_moment(definition, tmp_path, monkeypatch):
    definition.save(tmp_path)
    before = (tmp_path / FILE).read_bytes()

    def fail(descriptor):
        raise OSError("the disk is full")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OSError):
        replace(definition, seed=8).save(tmp_path)
    assert (tmp_path / FILE).read_bytes() == before


class TestContinued:
    def test_what_is_not_said_stays(self, definition):
        same = definition.continued(space=None, seed=None, maximize=None, objective=None)
        assert same == definition

    def test_what_is_said_again_is_fine(self, definition):
        assert definition.continued(space=definition.space, seed=7, maximize=True) == definition

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"seed": 8}, "seed=7.*seed=8"),
            ({"maximize": False}, "maximize=True.*maximize=False"),
            ({"objective": "loss"}, "'score'.*'loss'"),
            ({"space": phsx.Space({"x": phsx.Float(0, 2)})}, "(?s)space=.*1.0.*2.0"),
        ],
    )
    def test_a_change_is_refused_with_the_difference(self, definition, change, words):
        with pytest.raises(ChangedError, match=words):
            definition.continued(**change)


class TestReading:
    def test_directory_without(self, tmp_path):
        with pytest.raises(DirectoryError, match=f"no {FILE}"):
            Definition.load(tmp_path)

    def test_newer_schema_says_which_version_wrote_it(self, definition, tmp_path):
        definition.save(tmp_path)
        content = json.loads((tmp_path / FILE).read_text())
        content |= {"schema": SCHEMA + 1, "phsx": "99.0", "something": "new"}
        (tmp_path / FILE).write_text(json.dumps(content))
        with pytest.raises(DirectoryError, match=r"99\.0.*upgrade"):
            Definition.load(tmp_path)

    def test_what_a_later_version_adds_is_left_alone(self, definition, tmp_path):
        definition.save(tmp_path)
        content = json.loads((tmp_path / FILE).read_text())
        (tmp_path / FILE).write_text(json.dumps(content | {"note": "hello"}))
        assert Definition.load(tmp_path) == definition

    @pytest.mark.parametrize("key", ["space", "plan", "seed", "schema", "target", "maximize"])
    def test_missing_key_is_named(self, definition, tmp_path, key):
        definition.save(tmp_path)
        content = json.loads((tmp_path / FILE).read_text())
        del content[key]
        (tmp_path / FILE).write_text(json.dumps(content))
        with pytest.raises(DirectoryError, match=f"'{key}'"):
            Definition.load(tmp_path)
