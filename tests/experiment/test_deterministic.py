"""A deterministic search gives the same trials whatever the timing, on any number of workers."""

from __future__ import annotations

import pytest

import phsx
from phsx.exceptions import ConfigurationError
from phsx.execution.inline import InlineExecutor

SPACE = {"x": phsx.Float(-2, 2), "kind": phsx.Categorical(["a", "b"])}
PLAN = [phsx.Sobol(5), phsx.Bayesian(7, initial=4)]


def loss(x, kind):
    return (x - 0.3) ** 2 + (kind == "b")


@pytest.fixture
def make(tmp_path):
    def make(name, plan=PLAN):
        return phsx.Experiment(tmp_path / name, loss, SPACE, plan, seed=3)

    return make


def points(experiment):
    return [(trial.params, trial.value) for trial in experiment.trials]


def test_workers_and_inline_give_the_same_trials(make):
    workers = make("workers").run(workers=3, deterministic=True, progress=False)
    inline = make("inline").run(cluster="inline", deterministic=3, progress=False)
    assert points(workers) == points(inline)
    assert workers.state.lag == inline.state.lag == 3
    assert phsx.verify(workers.directory).identical
    assert phsx.verify(inline.directory).identical
    usual = make("usual").run(cluster="inline", progress=False)
    assert points(usual) != points(inline), "there each trial knows all that came before"


def test_the_number_stays_with_the_search(make):
    whole = make("whole").run(cluster="inline", deterministic=3, progress=False)
    make("e", [phsx.Sobol(5), phsx.Bayesian(3, initial=4)]).run(
        cluster="inline", deterministic=3, progress=False
    )
    more = make("e").run(cluster="inline", deterministic=True, progress=False)
    assert points(more) == points(whole)
    with pytest.raises(ConfigurationError, match="deterministic with 3 trials at once"):
        make("e").run(cluster="inline", deterministic=4, progress=False)


def test_a_cluster_does_not_tell_how_many(make):
    with pytest.raises(ConfigurationError, match="such as deterministic=16"):
        make("e").run(cluster=InlineExecutor(), deterministic=True, progress=False)
    make("e").run(cluster=InlineExecutor(), deterministic=2, progress=False)


@pytest.mark.parametrize("wrong", [0, -1, 1.5, "yes", None])
def test_wrong_number(make, wrong):
    with pytest.raises(ConfigurationError, match="deterministic="):
        make("e").run(cluster="inline", deterministic=wrong, progress=False)
