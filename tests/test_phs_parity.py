"""Every feature of PHS in phsx; `docs/phs.md` is the table that these tests stand behind."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pytest

import phsx

WORKERS = 2


def griewank(x: float, y: float) -> float:
    return (x * x + y * y) / 4000 - math.cos(x) * math.cos(y / math.sqrt(2)) + 1


def total(**params: Any) -> float:
    return float(sum(value for value in params.values() if not isinstance(value, str)))


def search(directory: Path | str, plan: Any, space: Any = None, **options: Any) -> Any:
    """Run a small search in this process and return the experiment."""
    experiment = phsx.Experiment(
        directory,
        target=options.pop("target", total),
        space=space or {"x": phsx.Float(-5, 5, digits=3), "y": phsx.Float(-5, 5, digits=3)},
        plan=plan,
        seed=options.pop("seed", 0),
        **options,
    )
    experiment.run(cluster="inline", progress=False)
    return experiment


def column(experiment: Any, name: str) -> list[Any]:
    return [trial.params[name] for trial in experiment.trials]


# ---------------------------------------------------------------- parameter definition: data types


def test_data_types(cwd: Path) -> None:
    """`set_data_types_and_order([('x', float), ('n', int), ('s', str), ('b', bool)])`."""
    space = {
        "x": phsx.Float(0, 1),
        "n": phsx.Int(1, 7),
        "s": phsx.Categorical(["string1", "string2", "string3"]),
        "b": phsx.Categorical([True, False]),
    }
    types: list[dict[str, type]] = []

    def target(**params: Any) -> float:
        types.append({name: type(value) for name, value in params.items()})
        return 0.0

    search("e", [phsx.Random(5)], space, target=target)
    assert types == [{"x": float, "n": int, "s": str, "b": bool}] * 5


def test_many_parameters_alike(cwd: Path) -> None:
    """`set_data_types_and_order_listed(parameter_list, datatype_for_all=float)`."""
    space = {f"p{i}": phsx.Float(0, 1) for i in range(8)}
    experiment = search("e", [phsx.Random(3)], space)
    assert all(len(trial.params) == 8 for trial in experiment.trials)


def test_expr_chosen_from_a_list(cwd: Path) -> None:
    """`('f', 'expr')` with `{'type': 'random_from_list', 'lst': ['math.sin(x)', ...]}`."""
    space = {"x": phsx.Float(-5, 5), "f": phsx.Expression(["sin(x)", "cos(x)", "tan(x)"])}
    experiment = search("e", [phsx.Random(12)], space)
    formulas = (math.sin, math.cos, math.tan)
    chosen = [
        [formula for formula in formulas if trial.params["f"] == pytest.approx(formula(x))]
        for trial in experiment.trials
        for x in [trial.params["x"]]
    ]
    assert all(chosen)
    assert {formula for names in chosen for formula in names} == set(formulas)


def test_expr_uses_what_stands_above_it(cwd: Path) -> None:
    """The order of `set_data_types_and_order`: an expression sees the parameters before it."""
    space = {"x": phsx.Float(0, 1), "n": phsx.Int(1, 5), "f": phsx.Expression("sin(x) * n")}
    experiment = search("e", [phsx.Random(5)], space)
    for trial in experiment.trials:
        assert trial.params["f"] == math.sin(trial.params["x"]) * trial.params["n"]
    with pytest.raises(phsx.exceptions.SpaceError, match="x"):
        phsx.Space({"f": phsx.Expression("sin(x)"), "x": phsx.Float(0, 1)})


# ---------------------------------------------------------------- parameter definition: strategies


def test_explicit(cwd: Path) -> None:
    """`{'type': 'explicit', 'value': 2.5}`."""
    experiment = search("e", [phsx.Explicit([{"x": 2.5, "y": -3.12}, {"x": 0.5, "y": 1.0}])])
    assert column(experiment, "x") == [2.5, 0.5]
    assert column(experiment, "y") == [-3.12, 1.0]


def test_random(cwd: Path) -> None:
    """`{'type': 'random', 'bounds': [-5, 5], 'distribution': 'uniform', 'round_digits': 1}`."""
    space = {"x": phsx.Float(-5, 5, digits=1), "n": phsx.Int(1, 7)}
    experiment = search("e", [phsx.Random(20)], space)
    assert all(-5 <= x <= 5 and x == round(x, 1) for x in column(experiment, "x"))
    assert set(column(experiment, "n")) <= set(range(1, 8))
    narrow = search("narrow", [phsx.Random(10, x=phsx.Uniform(-2, 2))], space)
    assert all(-2 <= x <= 2 for x in column(narrow, "x"))


def test_random_from_list(cwd: Path) -> None:
    """`{'type': 'random_from_list', 'lst': [1.2, 3.4, 5.4, 6.3]}`."""
    values = [1.2, 3.4, 4.4, -2.3]
    experiment = search("e", [phsx.Random(20, y=phsx.Choice(values))])
    assert set(column(experiment, "y")) == set(values)
    assert column(experiment, "y") != values * 5
    in_turn = search("in_turn", [phsx.Random(8, y=values)])
    assert column(in_turn, "y") == values * 2


def test_bayesian(cwd: Path) -> None:
    """`{'type': 'bayesian', 'bounds': [-5, 5], 'round_digits': 3}`."""
    plan = [phsx.Random(10), phsx.Bayesian(10)]
    experiment = search("e", plan, target=lambda x, y: (x - 1) ** 2 + (y + 2) ** 2)
    values = [trial.value for trial in experiment.trials]
    assert min(values[10:]) < min(values[:10])
    assert min(values) < 0.1
    assert all(x == round(x, 3) for x in column(experiment, "x"))
    assert all(trial.suggestion is not None for trial in experiment.trials[10:])


def test_strategies_mixed_per_parameter(cwd: Path) -> None:
    """A set with `'x': {'type': 'bayesian', ...}, 'y': {'type': 'random', ...}`."""
    plan = [phsx.Random(6), phsx.Bayesian(8, y=phsx.Uniform(-4, -3))]
    experiment = search("e", plan, target=lambda x, y: (x - 1) ** 2)
    assert all(-4 <= y <= -3 for y in column(experiment, "y")[6:])
    assert min(abs(x - 1) for x in column(experiment, "x")[6:]) < 0.2


def test_strategies_mixed_per_set(cwd: Path) -> None:
    """Several calls of `add_individual_parameter_set(number_of_sets=..., set=...)`."""
    plan = [phsx.Explicit([{"x": 0.0, "y": 0.0}]), phsx.Random(3), phsx.Bayesian(2, x=1.5)]
    experiment = search("e", plan)
    assert [trial.strategy for trial in experiment.trials] == [
        "explicit",
        *["random"] * 3,
        *["bayesian"] * 2,
    ]
    assert [trial.block for trial in experiment.trials] == [0, 1, 1, 1, 2, 2]
    assert column(experiment, "x")[4:] == [1.5, 1.5]


def test_prevent_duplicate(cwd: Path) -> None:
    """`prevent_duplicate=True`, here across blocks and for Bayesian suggestions too."""
    space = {"a": phsx.Int(1, 3), "b": phsx.Categorical(["u", "v", "w"])}
    experiment = search("e", [phsx.Random(6), phsx.Bayesian(3)], space)
    points = {tuple(trial.params.values()) for trial in experiment.trials}
    assert len(points) == len(experiment.trials) == 9
    again = search("again", [phsx.Random(30, repeats=True)], space)  # prevent_duplicate=False
    assert len(again.trials) == 30


def test_definition_is_exported(cwd: Path) -> None:
    """`export_parameter_definitions(export_path=...)`: as JSON, and read back exactly."""
    plan = [phsx.Random(2, y=[1.5, 2.5])]
    experiment = search("e", plan)
    stored = json.loads(Path("e/experiment.json").read_text())
    assert phsx.Space.from_dict(stored["space"]) == experiment.space
    assert stored["plan"]
    assert phsx.open("e").space == experiment.space
    kept = "".join(file.read_text() for file in Path("e/source").rglob("*") if file.is_file())
    assert "def total(" in kept


# ---------------------------------------------------------------- experiment definition


def test_target_with_one_argument(cwd: Path) -> None:
    """`def target(parameter)`: a single argument gets all parameters, as a mapping."""

    def target(parameter: dict[str, float]) -> float:
        return parameter["x"] + parameter["y"]

    experiment = search("e", [phsx.Explicit([{"x": 1.0, "y": 2.0}])], target=target)
    assert experiment.best.value == 3.0


def test_defined_without_computing(cwd: Path) -> None:
    """`ExperimentDefinition(...)` makes the directory; computing is a step of its own."""
    phsx.Experiment(
        "e", target=griewank, space={"x": phsx.Float(-5, 5), "y": 1.0}, plan=[phsx.Random(3)]
    )
    assert Path("e/experiment.json").is_file()
    assert len(phsx.open("e").to_dataframe()) == 0


def test_existing_directory_is_not_overwritten(cwd: Path) -> None:
    """ "directory ... already exists. Please choose a different experiment directory."."""
    search("e", [phsx.Random(2)])
    with pytest.raises(phsx.exceptions.ChangedError):
        search("e", [phsx.Random(2)], {"z": phsx.Float(0, 1)})
    Path("other").mkdir()
    Path("other/thesis.txt").write_text("years of work")
    with pytest.raises(phsx.exceptions.DirectoryError):
        search("other", [phsx.Random(2)])
    assert [file.name for file in Path("other").iterdir()] == ["thesis.txt"]


# ---------------------------------------------------------------- compute definition, on workers

SPACE = {"x": phsx.Float(-5, 5, digits=3), "y": phsx.Float(-5, 5, digits=3)}
PLAN = [
    phsx.Random(7),
    phsx.Explicit([{"x": 0.0, "y": 0.0}]),  # the optimum: the first run stops here
    phsx.Bayesian(3, wait=True),
    phsx.Random(3),
]
TRIALS = 14


def on_workers(x: float, y: float, trial: Any) -> dict[str, float]:
    """Print, also from a child process, write into the trial's directory, and return."""
    print(f"x is {x} and y is {y}")
    subprocess.run(["echo", "from a child process"], check=True)
    sys.stderr.write("a complaint\n")
    (Path(trial.directory) / "point.json").write_text(json.dumps([x, y]))
    return {"value": griewank(x, y), "pid": os.getpid()}


class Searched(NamedTuple):
    """An experiment that was run on two pools, and what was seen on the way."""

    experiment: Any
    monitored: list[Any]
    csv_lines: list[int]
    incomplete: pd.DataFrame
    finished: pd.DataFrame

    @property
    def completed_first(self) -> pd.DataFrame:
        """What the first run, on two worker processes, has completed."""
        return self.incomplete[self.incomplete["state"] == "completed"]


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Searched]:
    directory = tmp_path_factory.mktemp("phs") / "experiment"
    experiment = phsx.Experiment(directory, target=on_workers, space=SPACE, plan=PLAN, seed=3)
    monitored: list[Any] = []
    csv_lines: list[int] = []

    def monitor(trial: Any) -> None:
        monitored.append(trial)
        csv_lines.append(len((directory / "results.csv").read_text().splitlines()))

    experiment.run(workers=WORKERS, stop_at=1e-9, callbacks=[monitor], progress=False)
    incomplete = experiment.to_dataframe()
    experiment.run(cluster="inline", callbacks=[monitor], progress=False)
    yield Searched(experiment, monitored, csv_lines, incomplete, experiment.to_dataframe())


def test_local_processes(searched: Searched) -> None:
    """`parallelization='local_processes', local_processes_num_workers=2`."""
    first = searched.completed_first
    assert 1 <= first["worker"].nunique() <= WORKERS
    assert os.getpid() not in set(first["pid"])
    expected = [griewank(x, y) for x, y in zip(first["x"], first["y"], strict=True)]
    assert first["value"].tolist() == pytest.approx(expected)


def test_worker_path(searched: Searched) -> None:
    """`provide_worker_path=True`: `parameter['worker_save_path']`, here `trial.directory`."""
    for trial in searched.experiment.trials:
        folder = searched.experiment.directory / "trials" / f"{trial.id:06d}"
        assert json.loads((folder / "point.json").read_text()) == list(trial.params.values())


def test_redirected_output(searched: Searched) -> None:
    """`redirect_stdout=True`: of each trial its own, of child processes too."""
    trials = searched.experiment.trials
    for trial in [trials[number] for number in searched.completed_first.index]:
        folder = searched.experiment.directory / "trials" / f"{trial.id:06d}"
        assert (folder / "stdout.txt").read_text().splitlines() == [
            f"x is {trial.params['x']} and y is {trial.params['y']}",
            "from a child process",
        ]
        assert (folder / "stderr.txt").read_text() == "a complaint\n"


def test_monitor_functions(searched: Searched) -> None:
    """`monitor_func_name_with_args`: called once with every result, as it comes in."""
    assert sorted(trial.id for trial in searched.monitored) == list(range(TRIALS))
    assert all(trial.value is not None for trial in searched.monitored)


def test_results_appended_as_they_come(searched: Searched) -> None:
    """`results/result_frame.csv`, for `watch` and for pandas."""
    first = searched.csv_lines[0]
    assert first < TRIALS + 1, "the table was written at the end only"
    assert searched.csv_lines == sorted(searched.csv_lines)
    frame = pd.read_csv(searched.experiment.directory / "results.csv", index_col="trial")
    assert len(frame) == TRIALS
    pd.testing.assert_series_equal(frame["value"].sort_index(), searched.finished["value"])


def test_additional_information(searched: Searched) -> None:
    """`additional_information_frame.csv`: started, ended, worker and state of each set."""
    frame = searched.finished
    assert (frame["ended"] >= frame["started"]).all()
    assert frame["worker"].notna().all()
    assert set(frame["state"]) == {"completed"}


def test_incomplete_experiment_is_resumed_with_another_pool(searched: Searched) -> None:
    """State 'incomplete': only what is missing is computed, here on one slot instead of two."""
    done, after = searched.completed_first, searched.finished
    assert 1 <= len(done) < TRIALS
    assert len(after) == TRIALS
    columns = ["x", "y", "value", "worker", "started", "ended", "attempt"]
    pd.testing.assert_frame_equal(after.loc[done.index, columns], done[columns])
    assert set(after["worker"]) > set(done["worker"])


def test_wait_for_all_earlier_results(searched: Searched) -> None:
    """`bayesian_wait_for_all=True`: a block that begins when all earlier trials have ended."""
    frame = searched.finished
    waiting = frame["block"] == 2
    assert waiting.sum() == 3
    assert frame["started"][waiting].min() >= frame["ended"][frame["block"] < 2].max()


def test_finished_experiment_has_nothing_to_do(searched: Searched) -> None:
    """State 'finished': "Nothing to do, all parameter sets have been computed."."""
    searched.experiment.run(cluster="inline", progress=False)
    pd.testing.assert_frame_equal(searched.experiment.to_dataframe(), searched.finished)


def test_each_bayesian_set_waits_for_all(cwd: Path) -> None:
    """`bayesian_wait_for_all` to the letter: every suggestion knows all results before it."""
    plan = [phsx.Random(4), *[phsx.Bayesian(1, wait=True)] * 3]
    experiment = search("e", plan)
    for trial in experiment.trials[4:]:
        assert trial.suggestion.ended >= experiment.trials[trial.id - 1].ended


def test_existing_dask_cluster(cwd: Path) -> None:
    """`parallelization='dask'`: somebody's cluster, which is neither restarted nor closed."""
    from distributed import Client, LocalCluster

    with (
        LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address="127.0.0.1:0") as cluster,
        Client(cluster) as client,
    ):
        kept = client.submit(lambda: "somebody's result", key="kept", pure=False)
        assert kept.result() == "somebody's result"
        started = client.run(os.getpid)
        experiment = phsx.Experiment(
            "e", target=griewank, space=SPACE, plan=[phsx.Random(3), phsx.Bayesian(2)], seed=0
        )
        experiment.run(cluster=cluster.scheduler_address, progress=False)
        assert len(experiment.to_dataframe()) == 5
        assert client.run(os.getpid) == started
        assert kept.result() == "somebody's result"
        # The suggestions of the model were computed on the worker.
        frame = experiment.to_dataframe()
        assert set(frame["suggest_worker"].dropna()) <= set(frame["worker"])


# ---------------------------------------------------------------- post processing

PLOTS = {
    "result_evolution": lambda e, path: phsx.plot.history(e, path=path),
    "plot_3d": lambda e, path: phsx.plot.parameters(e, "x", "y", path=path),
    "plot_3d_contour": lambda e, path: phsx.plot.parameters(e, "x", "y", kind="contour", path=path),
    "create_worker_timeline": lambda e, path: phsx.plot.worker_timeline(e, path=path),
    "create_parameter_combination": lambda e, path: phsx.plot.parallel_coordinates(e, path=path),
}


@pytest.mark.parametrize("suffix", ["png", "pdf"])
@pytest.mark.parametrize("name", PLOTS)
def test_post_processing(searched: Searched, name: str, suffix: str, cwd: Path) -> None:
    """`PostProcessing(experiment_dir=...)` and its four plots, from the directory alone."""
    path = cwd / f"{name}.{suffix}"
    PLOTS[name](phsx.open(searched.experiment.directory), path)
    assert path.stat().st_size > 5_000


def test_result_on_an_axis(searched: Searched) -> None:
    """`plot_3d(first='x', second='result', third='y')`: the table has everything as columns."""
    frame = phsx.open(searched.experiment.directory).to_dataframe()
    ax = frame.plot.scatter("x", "value", c="y", colormap="viridis")
    assert len(ax.collections[0].get_offsets()) == TRIALS
