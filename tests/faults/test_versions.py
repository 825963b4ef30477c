"""Workers that have other packages than the master: said once, before the first trial (F27)."""

from __future__ import annotations

import time
import warnings

import pytest

import phsx
from phsx.exceptions import VersionWarning
from phsx.testing.faults import check_exact

# Connections of a cluster that is not the test's own come and go at any time.
pytestmark = pytest.mark.leaks("files")


def install(directory, **versions):
    """Make a directory of installed packages, as pip does."""
    for name, version in versions.items():
        (directory / name).mkdir(parents=True)
        (directory / name / "__init__.py").write_text(f"VERSION = {version!r}\n")
        facts = directory / f"{name}-{version}.dist-info"
        facts.mkdir()
        (facts / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        )
    return str(directory)


def target(x):
    import phsx_test_one  # type: ignore

    if x > 1:
        import phsx_test_two  # type: ignore  # noqa: F401
    return float(phsx_test_one.VERSION)


def test_told_once_by_name_before_the_first_trial(standing, tmp_path, monkeypatch):
    here = install(tmp_path / "here/site-packages", phsx_test_one="2.0", phsx_test_two="1.0")
    there = install(tmp_path / "there/site-packages", phsx_test_one="1.5")
    monkeypatch.syspath_prepend(here)
    cluster = standing(0)
    for _ in range(2):
        cluster.add(directory=there)
    told = []

    def show(message, category, *rest):
        told.append((category, str(message), time.time()))

    experiment = phsx.Experiment(
        tmp_path / "e", target, {"x": phsx.Float(0, 1)}, phsx.Random(6), seed=1
    )
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        monkeypatch.setattr(warnings, "showwarning", show)
        experiment.run(cluster=cluster.address, progress=False)
    check_exact(tmp_path / "e", 6)
    assert [trial.value for trial in experiment.trials] == [1.5] * 6
    assert [category for category, _, _ in told] == [VersionWarning]
    _, text, when = told[0]
    assert "phsx_test_one is 1.5 (here 2.0), phsx_test_two is missing (here 1.0)" in text
    assert "tcp://127.0.0.1:" in text and "numpy" not in text
    assert when <= min(trial.started for trial in experiment.trials)


def test_nothing_is_said_of_equal_workers(standing, tmp_path):
    cluster = standing(1)
    experiment = phsx.Experiment(
        tmp_path / "e", lambda x: x, {"x": phsx.Float(0, 1)}, phsx.Random(2), seed=1
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        experiment.run(cluster=cluster.address, progress=False)
    check_exact(tmp_path / "e", 2)
