"""Log expected improvement, sound where the improvement itself is far below 1e-300.

Ament, Daulton, Eriksson, Balandat and Bakshy (2023), "Unexpected improvements to expected
improvement for Bayesian optimization", section 4.1 and appendix A.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import erfcx

from phsx.history import FloatArray

_LOG_SQRT_2PI = 0.5 * math.log(2.0 * math.pi)
_SQRT_HALF = math.sqrt(0.5)
_SQRT_HALF_PI = math.sqrt(0.5 * math.pi)

#: Below this z, 1 + z R(z) is a difference of nearly equal numbers and its series is exact.
_FAR = -1e3

#: Above this z, h(z) is z to the last digit.
_SURE = 8.0

_LARGEST = float(np.finfo(np.float64).max)


def log_h(z: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Logarithm of h(z) = φ(z) + z Φ(z), its derivative Φ(z) / h(z), and φ(z) / h(z).

    Parameters
    ----------
    z : ndarray
        Any finite numbers.

    Examples
    --------
    >>> value, slope, _ = log_h(np.array([-1e8, -40.0, 0.0, 9.0]))
    >>> value.round(4).tolist()
    [-5000000000000038.0, -808.2986, -0.9189, 2.1972]
    >>> slope.round(4).tolist()
    [100000000.0, 40.0499, 1.2533, 0.1111]
    """
    # h = φ(z) (1 + z R) with Mills' ratio R = Φ(z) / φ(z).
    x = np.minimum(np.maximum(z, _FAR), _SURE)
    mills = _SQRT_HALF_PI * erfcx(-_SQRT_HALF * x)
    rest = 1.0 + x * mills
    value = np.log(rest) - 0.5 * x * x - _LOG_SQRT_2PI
    slope, density = mills / rest, 1.0 / rest

    far = z < _FAR
    if far.any():
        # 1 + z R = z⁻² - 3 z⁻⁴ + 15 z⁻⁶ ...
        x = z[far]
        square = x**-2.0
        value[far] = np.log1p(-3.0 * square) + np.log(square) - 0.5 * x * x - _LOG_SQRT_2PI
        slope[far] = -x * (1.0 + 2.0 * square)
        density[far] = 3.0 + x * x
    sure = z > _SURE
    if sure.any():
        x = z[sure]
        value[sure] = np.log(x)
        slope[sure] = 1.0 / x
        density[sure] = np.exp(-0.5 * x * x - _LOG_SQRT_2PI) / x
    return value, slope, density


def log_expected_improvement(
    mean: FloatArray, variance: FloatArray, best: float | FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Logarithm of E[max(best - f, 0)] for normal f, with its derivatives.

    Parameters
    ----------
    mean, variance, best : ndarray
        Predictions and the value to be improved on (downwards), of shapes that go together; the
        variances are positive.

    Returns
    -------
    value, by_mean, by_variance : ndarray
        Log expected improvement and its derivatives by the mean and by the variance.

    Examples
    --------
    >>> value, _, _ = log_expected_improvement(np.array([40.0]), np.array([1.0]), 0.0)
    >>> float(value[0].round(4))
    -808.2986
    """
    deviation = np.sqrt(variance)
    z = (best - mean) / deviation
    value, slope, density = log_h(z)
    # d/dσ [log σ + log h((best - μ) / σ)] = (1 - z Φ / h) / σ = φ / (h σ), and dσ/dσ² = 1 / (2σ).
    return value + np.log(deviation), -slope / deviation, 0.5 * density / variance


def mean_improvement(
    mean: FloatArray, variance: FloatArray, best: float | FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Logarithm of the expected improvement, averaged over samples, with its derivatives.

    Parameters
    ----------
    mean : ndarray, shape (m,) or (m, S)
        Predictions, in each sample.
    variance : ndarray, shape (m,)
        Their variance, positive.
    best : float or ndarray, shape (S,)
        The value to be improved on, in each sample.

    Returns
    -------
    value, by_mean, by_variance : ndarray, shapes of `value` and `variance` (m,), of `mean`

    Examples
    --------
    >>> mean, variance = np.array([[0.0, 1.0]]), np.array([1.0])
    >>> value, _, _ = mean_improvement(mean, variance, np.array([0.0, 1.0]))
    >>> bool(np.isclose(value[0], log_expected_improvement(mean[:, 0], variance, 0.0)[0][0]))
    True
    """
    if mean.ndim == 1:
        return log_expected_improvement(mean, variance, best)
    each, by_mean, by_variance = log_expected_improvement(mean, variance[:, None], best)
    largest = np.maximum(each.max(axis=1), -_LARGEST)
    weights = np.exp(each - largest[:, None])
    total = weights.sum(axis=1)
    weights /= total[:, None]
    value = largest + np.log(total / mean.shape[1])
    return value, weights * by_mean, (weights * by_variance).sum(axis=1)
