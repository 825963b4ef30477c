"""Small search spaces of every kind, for tests that have to hold on all of them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from phsx.space import Categorical, Expression, Float, Int, Ordinal, Space

#: Spaces without end, or with far more points than a test takes.
LARGE: Mapping[str, Space] = MappingProxyType(
    {
        "continuous": Space({"x": Float(-5, 5), "y": Float(1e-4, 10, log=True)}),
        "mixed": Space(
            {
                "x": Float(0, 1),
                "n": Int(1, 1000, log=True),
                "kind": Categorical(["a", "b", None, 2, 2.0, True]),
                "size": Ordinal([(8, 8), (16, 16), (32, 8)]),
                "step": Float(0, 1, step=0.01),
                "constant": "seven",
            }
        ),
        "conditional": Space(
            {
                "model": Categorical(["svm", "forest"]),
                "kernel": Categorical(["rbf", "poly"], when={"model": "svm"}),
                "degree": Int(2, 5, when={"kernel": "poly"}),
                "c": Float(1e-3, 1e3, log=True, when={"model": "svm"}),
                "depth": Int(1, 20, when={"model": "forest"}),
                "share": Float(0.1, 1, when="model == 'forest'"),
            }
        ),
        "constrained": Space(
            {
                "x": Float(0, 1),
                "y": Float(0, 1),
                "n": Int(1, 6),
                "f": Expression(["sin(x) * n", "x - y"]),
                "g": Expression("log(x)"),
            },
            constraints=["x + y < 1", "n * y < 3"],
        ),
    }
)

#: Spaces that a test can use up.
FINITE: Mapping[str, Space] = MappingProxyType(
    {
        "choices": Space({"a": Categorical(["x", "y", "z"]), "n": Int(1, 3)}),
        "one point": Space({"a": Categorical(["x"])}),
        "conditional": Space(
            {
                "a": Categorical(["x", "y"]),
                "n": Int(1, 4, when={"a": "x"}),
                "m": Int(1, 3, when="n > 2"),
                "t": Float(0, 1, step=0.5),
            }
        ),
        "constrained": Space(
            {"n": Int(1, 6), "m": Int(1, 6), "s": Expression("n + m")},
            constraints=["s % 3 == 0", "n < m or n == 6"],
        ),
    }
)
