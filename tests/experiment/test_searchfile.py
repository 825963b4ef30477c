"""Searches in TOML files."""

from __future__ import annotations

import inspect
import sys

import pytest

import phsx
from phsx.exceptions import ConfigurationError, DefinitionError
from phsx.experiment.searchfile import RUN_KEYS, SearchFile
from phsx.strategies.plan import Plan

FULL = """
target = "model:train"
directory = "results/train"
seed = 1
maximize = true
objective = "score"
constraints = ["depth * rate <= 4"]

[space]
depth = {type = "int", low = 1, high = 12}
rate = {type = "float", low = 1e-4, high = 1.0, log = true}
momentum = {type = "float", low = 0.0, high = 0.99, when = "depth > 3"}
kind = {type = "categorical", choices = ["a", "b"]}
size = {type = "ordinal", choices = [8, 16, 32]}
area = {type = "expression", source = "depth * rate"}
data = "digits"

[[plan]]
strategy = "random"
trials = 3
kind = ["a", "b"]

[[plan]]
strategy = "latin-hypercube"
trials = 2
rate = {strategy = "log_uniform", low = 1e-3, high = 1e-2}

[run]
cluster = "inline"
timeout = 600
"""

MODEL = """
def train(depth, rate, kind, size, area, data, momentum=None):
    return {"score": depth * rate, "area": area}
"""


@pytest.fixture
def beside(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "model.py").write_text(MODEL)
    (tmp_path / "train.toml").write_text(FULL)
    yield tmp_path
    sys.modules.pop("model", None)


def test_everything_it_can_say(beside):
    search = SearchFile.read(beside / "train.toml")
    made = search.experiment
    assert made["directory"] == beside / "results" / "train"
    assert (made["seed"], made["maximize"], made["objective"]) == (1, True, "score")
    assert made["target"].__name__ == "train"
    expected = phsx.Space(
        {
            "depth": phsx.Int(1, 12),
            "rate": phsx.Float(1e-4, 1.0, log=True),
            "momentum": phsx.Float(0.0, 0.99, when="depth > 3"),
            "kind": phsx.Categorical(["a", "b"]),
            "size": phsx.Ordinal([8, 16, 32]),
            "area": phsx.Expression("depth * rate"),
            "data": "digits",
        },
        constraints=["depth * rate <= 4"],
    )
    assert made["space"] == expected
    assert made["plan"] == Plan(
        [
            phsx.Random(3, kind=["a", "b"]),
            phsx.LatinHypercube(2, rate=phsx.LogUniform(1e-3, 1e-2)),
        ]
    )
    assert search.run == {"cluster": "inline", "timeout": 600}


def test_runs_and_goes_on(beside):
    search = SearchFile.read(beside / "train.toml")
    experiment = search.make()
    experiment.run(**search.run, progress=False)
    assert [trial.params["kind"] for trial in experiment.trials[:3]] == ["a", "b", "a"]
    assert all(trial.params["data"] == "digits" for trial in experiment.trials)
    assert experiment.best.value == max(trial.value for trial in experiment.trials)
    assert len(SearchFile.read(beside / "train.toml").make().trials) == 5


def test_reading_makes_no_directory(beside):
    SearchFile.read(beside / "train.toml")
    assert {path.name for path in beside.iterdir()} - {"__pycache__"} == {"model.py", "train.toml"}


def test_directory_is_named_after_the_file(beside):
    text = FULL.replace('directory = "results/train"\n', "")
    (beside / "my search.toml").write_text(text)
    assert (
        SearchFile.read(beside / "my search.toml").experiment["directory"] == beside / "my search"
    )


def test_absolute_directory(beside, tmp_path):
    text = FULL.replace("results/train", str(tmp_path / "elsewhere"))
    (beside / "train.toml").write_text(text)
    assert SearchFile.read(beside / "train.toml").experiment["directory"] == tmp_path / "elsewhere"


@pytest.mark.parametrize(
    "command",
    ['["echo", "{x}"]', '"echo {x}"', '{argv = ["echo", "{x}"], env = {A = "1"}}'],
)
def test_command_in_place_of_a_target(tmp_path, command):
    (tmp_path / "c.toml").write_text(
        f"command = {command}\n[space]\nx = {{type = 'float', low = 0, high = 1}}\n"
        f"[[plan]]\nstrategy = 'random'\ntrials = 2\n"
    )
    search = SearchFile.read(tmp_path / "c.toml")
    assert isinstance(search.experiment["target"], phsx.Command)
    experiment = search.make()
    experiment.run(cluster="inline", progress=False)
    assert all(trial.value == trial.params["x"] for trial in experiment.trials)


def test_single_block_as_a_table(tmp_path):
    (tmp_path / "c.toml").write_text(
        "command = 'echo {x}'\n[space]\nx = {type = 'int', low = 1, high = 3}\n"
        "[plan]\nstrategy = 'grid'\n"
    )
    assert SearchFile.read(tmp_path / "c.toml").experiment["plan"] == Plan([phsx.Grid()])


def test_target_is_found_beside_the_file_from_anywhere(beside, tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert SearchFile.read(beside / "train.toml").experiment["target"].__name__ == "train"


def test_settings_are_those_of_run():
    known = set(inspect.signature(phsx.Experiment.run).parameters)
    assert RUN_KEYS < known and {"workers", "cluster", "timeout", "max_time"} <= RUN_KEYS
    assert not {"self", "background", "callbacks"} & RUN_KEYS


def test_errors_name_the_file(beside):
    (beside / "train.toml").write_text(FULL.replace("high = 12", "high = 0"))
    with pytest.raises(DefinitionError, match="depth") as error:
        SearchFile.read(beside / "train.toml")
    assert any("train.toml" in note for note in error.value.__notes__)
    with pytest.raises(ConfigurationError, match=r"nowhere\.toml"):
        SearchFile.read(beside / "nowhere.toml")


class TestJobs:
    """A table named like a queue system says whose jobs are to run the search."""

    def read(self, beside, table, run=""):
        path = beside / "train.toml"
        path.write_text(FULL.replace('cluster = "inline"\n', run) + table)
        return SearchFile.read(path)

    def test_slurm(self, beside):
        search = self.read(beside, '[slurm]\njobs = [0, 64]\nmemory = "8GB"\ncores = 4')
        assert search.run["cluster"] == phsx.slurm((0, 64), memory="8GB", cores=4)
        assert search.run["timeout"] == 600

    def test_wrong_words_are_named_with_the_file(self, beside):
        with pytest.raises(ConfigurationError, match="jobs=0") as caught:
            self.read(beside, '[slurm]\njobs = 0\nmemory = "8GB"')
        assert "train.toml" in "".join(caught.value.__notes__)

    @pytest.mark.parametrize(
        ("table", "run"),
        [
            ("[slurm]\njobs = 1", "workers = 2\n"),
            ("[slurm]\njobs = 1", 'cluster = "inline"\n'),
            ("[slurm]\njobs = 1\n[pbs]\njobs = 1", ""),
        ],
    )
    def test_one_pool_alone(self, beside, table, run):
        with pytest.raises(ConfigurationError, match="exclude each other"):
            self.read(beside, table, run)
