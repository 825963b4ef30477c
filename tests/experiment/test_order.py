"""What is to be run: a file or a directory, and what else is said."""

from __future__ import annotations

import json
import sys

import pytest

import phsx
from phsx.exceptions import ConfigurationError, PlanError
from phsx.experiment.order import Order

SEARCH = """
target = "ordered:square"
directory = "results/square"
[space]
x = {type = "float", low = -5, high = 5}
[[plan]]
strategy = "random"
trials = 6
[run]
timeout = 60
"""
SLURM = '[slurm]\njobs = 2\nmemory = "2GB"\nqueue = "long"\n'


@pytest.fixture
def file(cwd, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    (cwd / "ordered.py").write_text("def square(x):\n    return x**2\n")
    (cwd / "search.toml").write_text(SEARCH)
    yield cwd / "search.toml"
    sys.modules.pop("ordered", None)


def order(what, **options):
    return Order.of(what, options)


class TestSettings:
    def test_of_the_file(self, file):
        assert order(file).settings() == {"timeout": 60}
        assert order(file).directory == file.parent / "results" / "square"

    def test_options_stand_in_for_them(self, file):
        given = order(file, timeout=5.0, stop_at=None, workers=3)
        assert given.settings() == {"timeout": 5.0, "workers": 3, "cluster": None}

    def test_jobs_of_the_file_and_of_the_options(self, file):
        file.write_text(SEARCH + SLURM)
        batch = order(file, slurm="jobs=3,cores=4").settings()["cluster"]
        assert (batch.jobs, batch.cores, batch.queue) == ((3, 3), 4, "long")
        batch = order(file, slurm={"jobs": (0, 5)}).settings()["cluster"]
        assert (batch.jobs, batch.memory) == ((0, 5), "2GB")
        assert order(file, workers=1).settings()["cluster"] is None
        several = order(file, slurm=["queue=a", {"queue": "b", "gpus": 1}]).settings()["cluster"]
        assert [(one.queue, one.gpus, one.memory) for one in several] == [
            ("a", None, "2GB"),
            ("b", "1", "2GB"),
        ]

    def test_of_a_directory(self, file):
        order(file).make()
        assert order("results/square", timeout=7.0).settings() == {"timeout": 7.0}

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ({"slurm": "jobs=2", "workers": 2}, "--workers and --slurm exclude"),
            ({"slurm": "jobs=2", "cluster": "inline"}, "--cluster and --slurm exclude"),
            ({"slurm": "jobs=0,memory=1GB"}, "--slurm: jobs=0"),
            ({"slurm": "jobs"}, "--slurm: 'jobs'"),
            ({"slurm": [3]}, "--slurm: 3"),
            ({"workers": 2, "cluster": "inline"}, "workers= and cluster="),
            ({"workers": 0}, "workers=0"),
        ],
    )
    def test_mistakes(self, file, options, words):
        with pytest.raises(ConfigurationError, match=words):
            order(file, **options).settings()

    def test_a_script(self, cwd):
        with pytest.raises(ConfigurationError, match=r"search.py is a script; run it with"):
            order("search.py")

    def test_no_file(self, cwd):
        with pytest.raises(ConfigurationError, match=r"nothing.toml cannot be read"):
            order("nothing.toml")


class TestLater:
    def test_what_the_file_said_counts(self, file):
        """It is changed for another search before the job begins."""
        given = Order.from_dict(json.loads(json.dumps(order(file, timeout=5.0).to_dict())))
        file.write_text(SEARCH.replace("results/square", "results/other"))
        assert given.make().directory == file.parent / "results" / "square"
        assert given.settings() == {"timeout": 5.0}

    def test_it_is_gone(self, file):
        given = order(file)
        file.unlink()
        assert given.make().run(cluster="inline", progress=False).total == 6


class TestMore:
    def test_trials_are_added_by_the_run(self, file):
        experiment = order(file).make(4)
        assert experiment.total == 10
        assert phsx.open(experiment.directory).total == 6, "not before it runs"
        experiment.run(cluster="inline", progress=False)
        again = order(experiment.directory).make(2)
        assert again.total == 12 and phsx.open(experiment.directory).total == 10

    def test_where_that_cannot_be(self, file):
        file.write_text(SEARCH.replace('"random"\ntrials = 6', '"grid"\nx = [0.0, 1.0]'))
        with pytest.raises(PlanError, match="no number of trials"):
            order(file).make(4)


class TestPreview:
    def test_of_a_file_makes_nothing(self, file):
        said = order(file, workers=2).preview(4)
        assert "10 trials are left" in said and "local worker processes" in said
        assert not (file.parent / "results").exists()

    def test_of_a_directory(self, file):
        order(file).make().run(cluster="inline", progress=False)
        said = order("results/square", slurm="memory=1GB").preview()
        assert "0 trials are left, 6 have ended" in said and "1 job of slurm" in said
