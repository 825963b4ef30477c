"""Test functions with known optima, for trying out searches and for benchmarks.

Each is an object with a search space, its least value, and a call by keywords::

    >>> float(round(branin(x=9.42478, y=2.475), 6))
    0.397887
    >>> branin.minimum
    0.397887
    >>> sorted(branin.space.names)
    ['x', 'y']
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from phsx.space import Categorical, Float, Int, Parameter, Space


@dataclass(frozen=True)
class Function:
    """A function to be minimized, whose optimum is known.

    Attributes
    ----------
    name : str
        What it is called.
    space : Space
        Where it is defined.
    minimum : float
        Its least value in the space.
    best : mapping
        A point that has it.
    formula : callable
        The function, of keywords.
    """

    name: str
    space: Space
    minimum: float
    best: Mapping[str, Any]
    formula: Callable[..., float] = field(repr=False)

    def __call__(self, **params: Any) -> float:
        """Return the function's value."""
        return float(self.formula(**params))

    def regret(self, value: float) -> float:
        """Return by how much `value` misses the least value."""
        return value - self.minimum


def moved(function: Function, seed: int) -> Function:
    """Return the same function on ranges that lie elsewhere around its optimum.

    The optimum gets a random place on each axis, at least 0.1 of the range away from its ends and
    from its middle, so that no search finds it by trying symmetric points. The ranges keep their
    size (on logarithmic scales their ratio). Categories stay what they are, and so do parameters
    that are inactive at the optimum. Only for functions that make sense beyond their ranges.

    Examples
    --------
    >>> sphere = Function("sphere", _box(-1, 1, 1), 0.0, {"x0": 0.0}, lambda x0: x0**2)
    >>> there = moved(sphere, seed=0)
    >>> there.space.parameters["x0"]
    Float(-0.5821770123928727, 1.4178229876071273)
    >>> there(**there.best) == there.minimum
    True
    """
    rng = np.random.default_rng(seed)
    parameters = {
        name: _moved(parameter, function.best[name], _aside(rng))
        if name in function.best
        else parameter
        for name, parameter in function.space.parameters.items()
    }
    return replace(function, space=Space(parameters, function.space.constraints))


def _aside(rng: np.random.Generator) -> float:
    """Draw a place on [0, 1] that is neither near its ends nor near its middle."""
    place = float(rng.uniform(0.1, 0.4))
    return place if rng.random() < 0.5 else 1.0 - place


def _moved(parameter: Parameter, best: Any, place: float) -> Parameter:
    """Return a parameter whose best value lies at `place` of its range."""
    if isinstance(parameter, Float) and parameter.log:
        ratio = parameter.high / parameter.low
        low = best / ratio**place
        return Float(low, low * ratio, log=True, when=parameter.when)
    if isinstance(parameter, Float):
        width = parameter.high - parameter.low
        low = best - place * width
        return Float(low, low + width, when=parameter.when)
    if isinstance(parameter, Int) and not parameter.log:
        width = parameter.high - parameter.low
        first = best - round(place * width)
        return Int(first, first + width, when=parameter.when)
    return parameter


def _box(low: float, high: float, dimensions: int) -> Space:
    """Return the cube of parameters x0, x1, ..."""
    box: dict[str, Parameter] = {f"x{i}": Float(low, high) for i in range(dimensions)}
    return Space(box)


def _vector(formula: Callable[[np.ndarray], float]) -> Callable[..., float]:
    """Turn a function of a vector into one of keywords x0, x1, ..."""

    def call(**params: float) -> float:
        return float(formula(np.array([params[f"x{i}"] for i in range(len(params))])))

    return call


def _at(value: float, dimensions: int) -> dict[str, float]:
    return {f"x{i}": value for i in range(dimensions)}


def _branin(x: float, y: float) -> float:
    parabola = y - 5.1 / (4 * math.pi**2) * x**2 + 5 / math.pi * x - 6
    return parabola**2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10


#: Three global optima (Dixon and Szegő, 1978).
branin = Function(
    "branin",
    Space({"x": Float(-5, 10), "y": Float(0, 15)}),
    0.397887,
    {"x": math.pi, "y": 2.275},
    _branin,
)


def _hartmann(
    scales: list[list[float]], centers: list[list[float]]
) -> Callable[[np.ndarray], float]:
    a, p = np.array(scales), 1e-4 * np.array(centers)
    weights = np.array([1.0, 1.2, 3.0, 3.2])
    return lambda x: -float(weights @ np.exp(-(a * (x - p) ** 2).sum(axis=1)))


#: Four local optima in three dimensions (Dixon and Szegő, 1978).
hartmann3 = Function(
    "hartmann3",
    _box(0, 1, 3),
    -3.862782,
    {"x0": 0.114614, "x1": 0.555649, "x2": 0.852547},
    _vector(
        _hartmann(
            [[3, 10, 30], [0.1, 10, 35], [3, 10, 30], [0.1, 10, 35]],
            [[3689, 1170, 2673], [4699, 4387, 7470], [1091, 8732, 5547], [381, 5743, 8828]],
        )
    ),
)

#: Six dimensions, with a local optimum of -3.2032 that many searches end in.
hartmann6 = Function(
    "hartmann6",
    _box(0, 1, 6),
    -3.322368,
    {
        "x0": 0.20169,
        "x1": 0.150011,
        "x2": 0.476874,
        "x3": 0.275332,
        "x4": 0.311652,
        "x5": 0.6573,
    },
    _vector(
        _hartmann(
            [
                [10, 3, 17, 3.5, 1.7, 8],
                [0.05, 10, 17, 0.1, 8, 14],
                [3, 3.5, 1.7, 10, 17, 8],
                [17, 8, 0.05, 10, 0.1, 14],
            ],
            [
                [1312, 1696, 5569, 124, 8283, 5886],
                [2329, 4135, 8307, 3736, 1004, 9991],
                [2348, 1451, 3522, 2883, 3047, 6650],
                [4047, 8828, 8732, 5743, 1091, 381],
            ],
        )
    ),
)


def _ackley(x: np.ndarray) -> float:
    waves = float(np.exp(np.cos(2 * math.pi * x).mean()))
    return -20 * math.exp(-0.2 * math.sqrt(float((x**2).mean()))) - waves + 20 + math.e


def ackley(dimensions: int = 5) -> Function:
    """Return Ackley's function (1987): a deep hole in a field of shallow ones.

    The cube is off the centre, so that no search finds the optimum by trying its middle.
    """
    return Function(
        f"ackley{dimensions}",
        _box(-10, 20, dimensions),
        0.0,
        _at(0.0, dimensions),
        _vector(_ackley),
    )


def _rosenbrock(x: np.ndarray) -> float:
    return float((100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum())


def rosenbrock(dimensions: int = 4) -> Function:
    """Return Rosenbrock's function (1960): a long curved valley."""
    return Function(
        f"rosenbrock{dimensions}",
        _box(-2, 3, dimensions),
        0.0,
        _at(1.0, dimensions),
        _vector(_rosenbrock),
    )


def _griewank(x: np.ndarray) -> float:
    waves = np.cos(x / np.sqrt(np.arange(1, len(x) + 1)))
    return float((x**2).sum() / 4000 - waves.prod() + 1)


def griewank(dimensions: int = 2) -> Function:
    """Return Griewank's function (1981): waves of equal height on a shallow bowl."""
    return Function(
        f"griewank{dimensions}",
        _box(-5, 5, dimensions),
        0.0,
        _at(0.0, dimensions),
        _vector(_griewank),
    )


def _levy(x: np.ndarray) -> float:
    w = 1 + (x - 1) / 4
    inner = ((w[:-1] - 1) ** 2 * (1 + 10 * np.sin(math.pi * w[:-1] + 1) ** 2)).sum()
    last = (w[-1] - 1) ** 2 * (1 + math.sin(2 * math.pi * w[-1]) ** 2)
    return float(math.sin(math.pi * w[0]) ** 2 + inner + last)


def levy(dimensions: int = 4) -> Function:
    """Return Levy's function (Laguna and Martí, 2005): ridges that cross."""
    return Function(
        f"levy{dimensions}",
        _box(-10, 10, dimensions),
        0.0,
        _at(1.0, dimensions),
        _vector(_levy),
    )


def _michalewicz(x: np.ndarray) -> float:
    steps = np.arange(1, len(x) + 1)
    return -float((np.sin(x) * np.sin(steps * x**2 / math.pi) ** 20).sum())


#: Five dimensions, each with narrow valleys on a plain (Michalewicz, 1992).
michalewicz5 = Function(
    "michalewicz5",
    _box(0, math.pi, 5),
    -4.687658,
    {"x0": 2.202906, "x1": 1.570796, "x2": 1.284992, "x3": 1.923058, "x4": 1.720470},
    _vector(_michalewicz),
)


def _styblinski(x: np.ndarray) -> float:
    return float((x**4 - 16 * x**2 + 5 * x).sum() / 2 + 39.16616570377142 * len(x))


def styblinski(dimensions: int = 3) -> Function:
    """Return the function of Styblinski and Tang (1990): two valleys along each axis."""
    return Function(
        f"styblinski{dimensions}",
        _box(-5, 5, dimensions),
        0.0,
        _at(-2.903534027771177, dimensions),
        _vector(_styblinski),
    )


_OFFSETS = {"red": 0.6, "green": 0.0, "blue": 0.3, "grey": 1.0}


def _mixed(x: float, rate: float, layers: int, colour: str) -> float:
    # What is best for x depends on the category, and the rate counts on its logarithm.
    center = {"red": 0.2, "green": 0.7, "blue": 0.4, "grey": 0.5}[colour]
    depth = (layers - 6) ** 2 / 25
    return (
        _OFFSETS[colour]
        + 4 * (x - center) ** 2
        + (math.log10(rate) + 2.5) ** 2
        + depth * (1 + x)
        - 0.2 * math.cos(9 * (x - center))
        + 0.2
    )


#: Two floats (one logarithmic), an integer and a category.
mixed = Function(
    "mixed",
    Space(
        {
            "x": Float(0, 1),
            "rate": Float(1e-5, 1, log=True),
            "layers": Int(1, 12),
            "colour": Categorical(list(_OFFSETS)),
        }
    ),
    0.0,
    {"x": 0.7, "rate": 10**-2.5, "layers": 6, "colour": "green"},
    _mixed,
)


def _conditional(
    kernel: str,
    cost: float,
    gamma: float | None = None,
    degree: int | None = None,
    shift: float | None = None,
) -> float:
    total = (math.log10(cost) - 1) ** 2 / 4
    if kernel == "linear":
        return total + 1.0
    if gamma is None:
        raise ValueError("gamma is active unless the kernel is linear")
    total += (math.log10(gamma) + 2 - 0.3 * math.log10(cost)) ** 2
    if kernel == "rbf":
        return total
    if degree is None or shift is None:
        raise ValueError("degree and shift are active where the kernel is poly")
    return total + 0.3 + 0.2 * abs(degree - 3) + (shift - 0.25) ** 2


#: The shape of a support vector machine's space: some parameters exist for some kernels only.
conditional = Function(
    "conditional",
    Space(
        {
            "kernel": Categorical(["linear", "rbf", "poly"]),
            "cost": Float(1e-3, 1e4, log=True),
            "gamma": Float(1e-5, 10, log=True, when={"kernel": ["rbf", "poly"]}),
            "degree": Int(2, 5, when={"kernel": "poly"}),
            "shift": Float(0, 1, when={"kernel": "poly"}),
        }
    ),
    0.0,
    {"kernel": "rbf", "cost": 10.0, "gamma": 10**-1.7},
    _conditional,
)


def _rates(rate: float, decay: float, width: float) -> float:
    a, b, c = math.log10(rate) + 2.2, math.log10(decay) + 4.7, math.log10(width) - 1.4
    # A valley along rate * decay, with a cliff where the rate is too large for the width.
    cliff = max(0.0, a + 0.5 * c - 0.8)
    return (a + 0.6 * b) ** 2 + 0.05 * b**2 + 0.3 * (c - 0.4 * b) ** 2 + 5 * cliff


#: Three floats on logarithmic scales, that count on their logarithms and depend on each other.
rates = Function(
    "rates",
    Space(
        {
            "rate": Float(1e-6, 1, log=True),
            "decay": Float(1e-8, 1e-1, log=True),
            "width": Float(1, 1e4, log=True),
        }
    ),
    0.0,
    {"rate": 10**-2.2, "decay": 10**-4.7, "width": 10**1.4},
    _rates,
)

_ROUTES, _STOPS = "abcd", ["north", "east", "south", "west", "home"]
_TABLES = np.random.default_rng(45).random((4, 5)), np.random.default_rng(46).random((4, 4, 5, 5))


def _stops(**params: str) -> float:
    at = [_STOPS.index(params[name]) for name in _ROUTES]
    alone, pairs = _TABLES
    total = sum(alone[i, at[i]] for i in range(4))
    total += sum(pairs[i, j, at[i], at[j]] for i in range(4) for j in range(i)) / 2
    return float(total)


#: Four categories of five choices, each of which counts alone and together with each other one.
stops = Function(
    "stops",
    Space({name: Categorical(_STOPS) for name in _ROUTES}),
    2.454343170276097,
    {"a": "east", "b": "south", "c": "north", "d": "home"},
    _stops,
)
