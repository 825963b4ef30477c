"""Transforms of the objective's values before they are modelled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from phsx.history import FloatArray

#: Values further above the third quartile than this many times its distance from the best are
#: drawn in: a single 1e300 would otherwise flatten all other values to one.
_REACH = 100.0

_LIMIT = 1e300  # sums of squares are formed after scaling, differences must not overflow


#: What values may be made into. "standard": standardized. "power": made as normal as a Yeo-Johnson
#: power makes them. "bent" and "log": those far above the best are drawn in by a logarithm.
FORMS = ("standard", "power", "bent", "log")

#: Of forms with a logarithm: which share of the values the measure spans, from the best on, and
#: after how many measures the logarithm begins. "log" shows most of what differs among good values.
_BENDS = {"bent": (0.5, 2.0), "log": (0.25, 0.0)}


@dataclass(frozen=True)
class Outputs:
    """Standardize values, after an optional transform.

    Objectives often have a few good values, which are to be told apart, and others that are worse
    by decades. As they are, these alone would decide what is modelled.

    Attributes
    ----------
    ceiling : float
        Larger values are set to it.
    center, scale : float
        What is subtracted and divided by: mean and standard deviation of the values, drawn in.
    power : float or None
        The Yeo-Johnson exponent, or None for none.
    shift, spread : float
        Mean and standard deviation after the power transform.
    low, knee, measure : float
        Between `low` and `knee` values stay what they are; what they are outside of it is replaced
        by its logarithm, in units of `measure`.

    References
    ----------
    Yeo and Johnson (2000), "A new family of power transformations to improve normality or
    symmetry", equation 2.1. Cowen-Rivers et al. (2022), "HEBO", on its use in optimization.
    Eriksson and Poloczek (2021), "Scalable constrained Bayesian optimization", section 4, on
    logarithms to both sides (there for constraints).

    Examples
    --------
    >>> outputs = Outputs.of(np.array([1.0, 2.0, 3.0]))
    >>> outputs.forward(np.array([2.0])).tolist()
    [0.0]
    >>> values = np.array([0.46, 0.461, 0.465, 0.468, 0.47, 4.2, 9.0])
    >>> Outputs.of(values, "bent").forward(values).round(1).tolist()
    [-0.8, -0.8, -0.6, -0.5, -0.4, 1.5, 1.7]
    """

    ceiling: float
    center: float
    scale: float
    power: float | None = None
    shift: float = 0.0
    spread: float = 1.0
    low: float = -_LIMIT
    knee: float = _LIMIT
    measure: float = 1.0

    @classmethod
    def of(cls, values: FloatArray, form: str = "standard") -> Outputs:
        """Learn the transform of one of the `FORMS` from finite `values`, shape (n,), n >= 1."""
        values = np.clip(values, -_LIMIT, _LIMIT)
        ceiling = _ceiling(values)
        clipped = np.minimum(values, ceiling)
        bend = _bend(clipped, *_BENDS[form]) if form in _BENDS else _STRAIGHT
        bent = _bent(clipped, *bend)
        center, scale = _moments(bent)
        if form != "power" or len(values) < 3:
            return cls(ceiling, center, scale, None, 0.0, 1.0, *bend)
        standard = (bent - center) / scale
        power = _exponent(standard)
        shift, spread = _moments(yeo_johnson(standard, power))
        return cls(ceiling, center, scale, power, shift, spread)

    def forward(self, values: FloatArray) -> FloatArray:
        """Transform finite values."""
        clipped = np.clip(values, -_LIMIT, min(self.ceiling, _LIMIT))
        bent = _bent(clipped, self.low, self.knee, self.measure)
        standard = (bent - self.center) / self.scale
        if self.power is None:
            return np.asarray(standard)
        return np.asarray((yeo_johnson(standard, self.power) - self.shift) / self.spread)

    def backward(self, standard: FloatArray) -> FloatArray:
        """Undo `forward` (but for the ceiling)."""
        if self.power is not None:
            standard = inverse_yeo_johnson(standard * self.spread + self.shift, self.power)
        bent = standard * self.scale + self.center
        return _straightened(bent, self.low, self.knee, self.measure)

    def to_dict(self) -> dict[str, float | None]:
        """Return the transform as JSON values."""
        return dict(vars(self))

    @classmethod
    def from_dict(cls, data: Mapping[str, float | None]) -> Outputs:
        """Rebuild a transform from `to_dict`."""
        return cls(**data)  # type: ignore[arg-type]


def _ceiling(values: FloatArray) -> float:
    lowest, quartile = float(values.min()), float(np.quantile(values, 0.75))
    return min(quartile + _REACH * (quartile - lowest), _LIMIT) if quartile > lowest else _LIMIT


def _moments(values: FloatArray) -> tuple[float, float]:
    """Mean and standard deviation without overflow; 1 for the latter where nothing varies."""
    largest = float(np.abs(values).max())
    if largest == 0.0:
        return 0.0, 1.0
    reduced = values / largest
    mean, deviation = float(reduced.mean()), float(reduced.std())
    if deviation <= 1e-13 or deviation * largest == 0.0:
        return mean * largest, max(largest, 1.0)
    return mean * largest, deviation * largest


#: The bend of values that are not drawn in: low, knee, measure.
_STRAIGHT = (-_LIMIT, _LIMIT, 1.0)


def _bend(values: FloatArray, share: float, measures: float) -> tuple[float, float, float]:
    """Low, knee and measure, where a share of the values spans one measure."""
    low = float(values.min())
    above = values - low
    most = float(above.max())
    if most == 0.0:
        return _STRAIGHT
    measure = max(float(np.quantile(above, share)), 1e-9 * most)
    return low, low + measures * measure, measure


def _bent(values: FloatArray, low: float, knee: float, measure: float) -> FloatArray:
    """Replace what values are above the knee, or below the least, by its logarithm."""
    above, below = np.maximum(values - knee, 0.0), np.maximum(low - values, 0.0)
    drawn = np.log1p(above / measure) - np.log1p(below / measure)
    return np.asarray(np.clip(values, low, knee) + measure * drawn)


def _straightened(values: FloatArray, low: float, knee: float, measure: float) -> FloatArray:
    """Inverse of `_bent`; values beyond its range give the largest finite answers."""
    above, below = np.maximum(values - knee, 0.0), np.maximum(low - values, 0.0)
    with np.errstate(over="ignore"):
        far = measure * (np.expm1(above / measure) - np.expm1(below / measure))
    return np.asarray(np.clip(values, low, knee) + np.clip(far, -_LIMIT, _LIMIT))


def yeo_johnson(values: FloatArray, power: float | FloatArray) -> FloatArray:
    """Yeo-Johnson transform, increasing in `values` for every `power` (they are broadcast).

    Examples
    --------
    >>> yeo_johnson(np.array([-1.0, 0.0, 3.0]), 1.0).tolist()
    [-1.0, 0.0, 3.0]
    """
    # ((1 + |v|)^p - 1) / p, which is log(1 + |v|) at 0.
    power = np.where(values >= 0.0, power, 2.0 - power)
    logarithm = np.log1p(np.abs(values))
    nothing = np.abs(power) < 1e-9
    divisor = np.where(nothing, 1.0, power)
    size = np.where(nothing, logarithm, np.expm1(divisor * logarithm) / divisor)
    return np.asarray(np.copysign(size, values))


def inverse_yeo_johnson(values: FloatArray, power: float) -> FloatArray:
    """Inverse of `yeo_johnson`; values beyond its range give the largest finite answers.

    Examples
    --------
    >>> values = np.array([-2.0, 0.5])
    >>> bool(np.allclose(inverse_yeo_johnson(yeo_johnson(values, 0.3), 0.3), values))
    True
    """
    result = np.empty_like(values)
    positive = values >= 0.0
    result[positive] = _inverse_power(values[positive], power)
    result[~positive] = -_inverse_power(-values[~positive], 2.0 - power)
    return result


def _inverse_power(values: FloatArray, power: float) -> FloatArray:
    if abs(power) < 1e-9:
        return np.asarray(np.expm1(np.minimum(values, 700.0)))
    logarithm = np.log1p(np.maximum(power * values, -1.0 + 1e-15)) / power
    return np.asarray(np.expm1(np.minimum(logarithm, 700.0)))


def _exponent(values: FloatArray) -> float:
    """Exponent of the largest likelihood on a grid over [-1, 2] (finer: nothing is gained)."""
    powers = np.linspace(-1.0, 2.0, 31)
    spreads = yeo_johnson(values, powers[:, None]).std(axis=1)
    usable = spreads > 1e-12
    if not usable.any():
        return 1.0
    powers, spreads = powers[usable], spreads[usable]
    signs = float((np.sign(values) * np.log1p(np.abs(values))).sum())
    likelihoods = (powers - 1.0) * signs - len(values) * np.log(spreads)
    return float(powers[likelihoods.argmax()])
