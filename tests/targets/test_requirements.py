"""Which installed packages a target needs."""

from __future__ import annotations

import functools
import importlib
import sys

import numpy as np
import pandas as pd
import pytest

from phsx.targets.requirements import BASE, differences, requirements


def more(target):
    return sorted(requirements(target).keys() - set(BASE))


def frame(x):
    return pd.DataFrame({"x": [x]})


class Model:
    def fit(self, x):
        return frame(x)

    @staticmethod
    def plain(x):
        return pd.Series([x])

    def __call__(self, x):
        return self.fit(x)


def test_what_phsx_needs_itself():
    assert set(requirements(abs)) == set(BASE)
    assert requirements(abs)["numpy"] == ("numpy", np.__version__)


@pytest.mark.parametrize(
    "target",
    [
        frame,
        lambda x: frame(x),
        lambda x: [frame(y) for y in x],
        functools.partial(frame, 1),
        functools.partial(max, key=frame),
        Model(),
        Model().fit,
        Model.plain,
    ],
)
def test_what_is_mentioned_at_some_remove(target):
    assert "pandas" in more(target)


def test_in_a_closure():
    def outer(module):
        return lambda x: module.Series([x])

    assert "pandas" in more(outer(pd))


def test_imports_within(monkeypatch):
    def target(x):
        import json

        import sklearn.svm
        from yaml_that_is_not_here import load  # type: ignore

        return json, sklearn, load

    assert requirements(target)["sklearn"][0] == "scikit-learn"
    assert not {"json", "yaml_that_is_not_here"} & requirements(target).keys()


def test_all_of_the_local_module_that_is_imported(tmp_path, monkeypatch):
    (tmp_path / "own_model.py").write_text(
        "import own_helper\ndef train(x):\n    return x\ndef main():\n    pass\n"
    )
    (tmp_path / "own_helper.py").write_text("import matplotlib\n")
    monkeypatch.syspath_prepend(tmp_path)
    try:
        assert more(importlib.import_module("own_model").train) == ["matplotlib"]
    finally:
        for name in ("own_model", "own_helper"):
            sys.modules.pop(name, None)


def test_objects_that_answer_for_everything():
    class Odd:
        def __getattr__(self, name):
            raise RuntimeError(name)

    odd = Odd()
    assert set(requirements(lambda x: odd)) >= set(BASE)


def test_differences():
    wanted = {
        "numpy": ("numpy", np.__version__),
        "scipy": ("scipy", "0.1"),
        "nowhere": ("nowhere", "1"),
        "json": ("a-distribution-without-records", "1"),
    }
    import scipy

    assert differences(wanted) == {"scipy": scipy.__version__, "nowhere": None}
