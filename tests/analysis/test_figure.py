import os
import sys
import warnings
from types import SimpleNamespace

import pytest
from matplotlib import pyplot
from matplotlib.figure import Figure

from phsx import analysis
from phsx.exceptions import ConfigurationError
from phsx.space import Float


@pytest.mark.parametrize("suffix", [".png", ".pdf", ".svg", ".PNG"])
def test_saves_what_the_suffix_says(small, tmp_path, suffix):
    path = tmp_path / f"plot{suffix}"
    analysis.history(small, path=path)
    start = {".png": b"\x89PNG", ".pdf": b"%PDF", ".svg": b"<?xml"}[suffix.lower()]
    assert path.read_bytes().startswith(start)


@pytest.mark.parametrize("name", ["plot.gif", "plot", "plot.png.txt"])
def test_an_unknown_suffix_is_refused_before_anything_is_drawn(small, tmp_path, name):
    with pytest.raises(ConfigurationError, match=r"\.png, \.pdf, \.svg"):
        analysis.worker_timeline(small, path=str(tmp_path / name))
    assert not list(tmp_path.iterdir())
    assert not pyplot.get_fignums()


def test_a_folder_that_is_not_there(small, tmp_path):
    with pytest.raises(ConfigurationError, match=r"no folder '.*missing'.*\.png, \.pdf, \.svg"):
        analysis.history(small, path=tmp_path / "missing" / "plot.png")


def test_a_file_that_cannot_be_written(small, tmp_path):
    path = tmp_path / "plot.png"
    path.mkdir()
    with pytest.raises(ConfigurationError, match=r"Is a directory.*\.png, \.pdf, \.svg"):
        analysis.history(small, path=path)


def test_without_a_path_the_figure_is_pyplots(small):
    ax = analysis.history(small)
    assert ax is pyplot.gca()


def test_many_saved_figures_are_not_kept(small, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(3):
            ax = analysis.history(small, path=tmp_path / "plot.png")
    assert not pyplot.get_fignums()
    assert ax.figure is not None


def test_in_a_notebook_a_saved_figure_is_shown_too(small, tmp_path, monkeypatch):
    shell = SimpleNamespace(kernel=object())
    ipython = SimpleNamespace(get_ipython=lambda: shell)
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    ax = analysis.history(small, path=tmp_path / "plot.png")
    assert ax is pyplot.gca()


@pytest.mark.parametrize(
    "draw",
    [
        analysis.history,
        analysis.parallel_coordinates,
        analysis.worker_timeline,
        lambda e, ax: analysis.parameters(e, "x", "y", ax=ax),
    ],
)
def test_draws_on_the_axes_that_are_given(small, draw):
    figure = Figure()
    one, two = figure.subplots(1, 2)
    assert draw(small, ax=two) is two
    assert not one.has_data()
    assert not pyplot.get_fignums()


def test_an_array_of_axes_is_refused_with_the_cure(small):
    with pytest.raises(ConfigurationError, match=r"axes\[0\]"):
        analysis.history(small, ax=Figure().subplots(1, 2))


def test_a_subfigure_saves_the_whole_figure(small, tmp_path):
    figure = Figure(layout="constrained")
    left, _ = figure.subfigures(1, 2)
    analysis.history(small, ax=left.subplots(), path=tmp_path / "plot.svg")
    assert os.path.getsize(tmp_path / "plot.svg") > 1000


@pytest.mark.parametrize(
    "values",
    [
        [1.0, 2.0, 1.7e308, -1.7e308, 3.0],
        [5e-324, 1e-310, 1.0, 2.0, 3.0],
        [1 + 1e-15 * i for i in range(6)],
        [1e9 + 1e-6 * i for i in range(6)],
        [0.0] * 5 + [1.0],
    ],
)
@pytest.mark.parametrize("maximize", [False, True])
def test_extreme_results_can_be_drawn(fake, values, maximize):
    space = {"x": Float(0, 1), "y": Float(1e-3, 1, log=True)}
    points = zip([0.1, 0.7, 0.3, 0.9, 0.5, 0.2], [0.01, 0.3, 0.002, 0.5, 0.04, 0.9], strict=True)
    records = [
        fake.record({"x": x, "y": y}, value) for (x, y), value in zip(points, values, strict=False)
    ]
    experiment = fake.experiment(space, records, maximize=maximize)
    figure = Figure()
    one, two, three, four = figure.subplots(2, 2).flat
    analysis.history(experiment, ax=one)
    analysis.parameters(experiment, "x", "y", ax=two)
    analysis.parameters(experiment, "x", "y", kind="contour", ax=three)
    analysis.parallel_coordinates(experiment, ax=four)
    figure.draw_without_rendering()
