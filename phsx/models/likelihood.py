"""Hyper-parameters of a Gaussian process by maximum a posteriori."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.linalg import blas, lapack
from scipy.optimize import minimize

from phsx.history import FloatArray
from phsx.models.factor import cholesky, inverse_of, solve_lower
from phsx.models.kernel import Kernel
from phsx.models.posterior import generalized_least_squares
from phsx.models.prior import Prior

#: Log-normal prior of the noise's variance, and its floor, for standardized outputs.
NOISE_MEAN, NOISE_SD = -7.0, 2.0
_NOISE = Prior.independent([NOISE_MEAN], [NOISE_SD])
NOISE_FLOOR = 1e-6
_NOISE_CEILING = 10.0


def belief(kernel: Kernel) -> Prior:
    """Return the prior of the kernel's parameters and of the noise's log variance."""
    return kernel.prior + _NOISE


def negative_log_posterior(
    vector: FloatArray, kernel: Kernel, prior: Prior, points: FloatArray, values: FloatArray
) -> tuple[float, FloatArray]:
    """Negative log of likelihood times priors, and its gradient.

    The likelihood is that of Rasmussen and Williams (2006), equation 5.8, with the constant mean
    profiled out by generalized least squares; its gradient is equation 5.9, of which the mean's
    part is 0 since the mean is at its optimum.

    Parameters
    ----------
    vector : ndarray, shape (kernel.size + 1,)
        The kernel's theta, then the log of the noise's variance.
    kernel : Kernel
        The covariance function.
    prior : Prior
        The prior of the vector: see `belief`.
    points : ndarray, shape (n, p)
        Features.
    values : ndarray, shape (n,)
        Standardized outputs.
    """
    theta, noise = vector[:-1], math.exp(vector[-1])
    covariance, pullback = kernel.forward(theta, points)
    factor = cholesky(covariance, noise)
    _, whitened = generalized_least_squares(factor, values)
    likelihood = 0.5 * float(whitened @ whitened) + float(np.log(np.diag(factor)).sum())

    # Half of K⁻¹ - αα', as a triangle with the sum of both halves.
    alpha = solve_lower(factor, whitened, transposed=True)
    weights, _ = lapack.dlauum(inverse_of(factor), lower=1, overwrite_c=1)
    weights = blas.dsyr(-1.0, alpha, a=weights, lower=1, overwrite_a=1).T
    weights.flat[:: len(values) + 1] *= 0.5
    gradient = np.append(pullback(weights), noise * np.trace(weights))

    penalty, slope = prior.penalty(vector)
    return likelihood + penalty, gradient + slope


def fresh_start(kernel: Kernel) -> FloatArray:
    """Where an optimization starts without a previous fit: one sd below the priors' means.

    Short length scales can grow from there; from long ones the likelihood of a rugged function
    often has no way back.
    """
    start = kernel.prior.mean.copy()
    offset = 0
    for name, length in kernel.names:
        if name.endswith("length_scales"):
            start[offset : offset + length] -= kernel.prior.sd[offset : offset + length]
        offset += length
    return np.append(start, NOISE_MEAN)


def maximize_posterior(
    kernel: Kernel,
    points: FloatArray,
    values: FloatArray,
    starts: Sequence[tuple[FloatArray, int]],
) -> FloatArray:
    """Return the best vector (theta and log noise) that L-BFGS-B reaches.

    Each start says where to begin and how many iterations to take at most.

    Raises
    ------
    numpy.linalg.LinAlgError
        No start has a finite likelihood.
    """
    lower = np.append(kernel.lower, math.log(NOISE_FLOOR))
    upper = np.append(kernel.upper, math.log(_NOISE_CEILING))
    prior = belief(kernel)
    best, best_value = None, math.inf
    for start, iterations in starts:
        result = minimize(
            negative_log_posterior,
            np.clip(start, lower, upper),
            args=(kernel, prior, points, values),
            jac=True,
            method="L-BFGS-B",
            bounds=list(zip(lower, upper, strict=True)),
            options={"maxiter": iterations, "maxfun": 2 * iterations, "ftol": 1e-5, "gtol": 1e-3},
        )
        if result.fun < best_value:
            best, best_value = result.x, float(result.fun)
    if best is None:
        raise np.linalg.LinAlgError("the likelihood is not finite at any start")
    return np.asarray(best)
