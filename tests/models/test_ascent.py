import numpy as np
import pytest
from scipy.optimize import minimize, rosen, rosen_der

from phsx.models.ascent import climb

STARTS = np.random.default_rng(0).random((6, 3))


def valley(x):
    """Rosenbrock's function upside down, its optimum at 0.75."""
    z = 4.0 * x - 2.0
    return -rosen(z.T), -4.0 * rosen_der(z.T).T


def test_climbs_a_curved_ridge():
    ends = climb(valley, STARTS, 120)
    assert np.allclose(ends[valley(ends)[0] > -1.0], 0.75, atol=1e-3)
    assert (valley(ends)[0] > -1.0).sum() >= 4
    assert (valley(ends)[0] >= valley(STARTS)[0]).all()


def test_each_climbs_as_if_alone():
    ends = climb(valley, STARTS, 15)
    for start, end in zip(STARTS, ends, strict=True):
        assert np.allclose(climb(valley, start[None], 15), end, atol=1e-9)


def test_is_no_slower_than_l_bfgs_b():
    for start, end in zip(STARTS, climb(valley, STARTS, 60), strict=True):
        reference = minimize(
            lambda x: (-valley(x[None])[0][0], -valley(x[None])[1][0]),
            start,
            jac=True,
            method="L-BFGS-B",
            bounds=[(0.0, 1.0)] * 3,
            options={"maxfun": 40},
        )
        assert -valley(end[None])[0][0] <= reference.fun + 1e-3


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
def test_stays_in_the_cube(scale):
    top = np.array([1.5, -0.5, 0.5])

    def bump(x):
        return -scale * ((x - top) ** 2).sum(axis=1), -2.0 * scale * (x - top)

    assert np.allclose(climb(bump, STARTS, 20), [1.0, 0.0, 0.5])


def test_infinite_and_flat_values():
    def cliff(x):
        values = np.where(x[:, 0] > 0.5, -np.inf, x[:, 0])
        return values, np.where(x[:, :1] > 0.5, np.nan, [[1.0, 0.0, 0.0]])

    inside = STARTS * [0.4, 1.0, 1.0]
    ends = climb(cliff, inside, 30)
    assert ((ends[:, 0] > inside[:, 0]) & (ends[:, 0] <= 0.5)).all()
    flat = climb(lambda x: (np.zeros(6), np.zeros((6, 3))), STARTS, 5)
    assert np.array_equal(flat, STARTS)
