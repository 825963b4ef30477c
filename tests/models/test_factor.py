import numpy as np
import pytest

from phsx.models.factor import Factor, cholesky, inverse_of

RNG = np.random.default_rng(0)
ROOT = RNG.normal(size=(9, 12))
COVARIANCE = ROOT @ ROOT.T
RIGHT = RNG.normal(size=(9, 4))


def grown(*sizes):
    """Return the factor of COVARIANCE, grown by so many points at a time."""
    n = sizes[0]
    factor = Factor.of(COVARIANCE[:n, :n])
    for more in sizes[1:]:
        new = slice(n, n + more)
        factor = factor.extend(COVARIANCE[new, :n], COVARIANCE[new, new])
        n += more
    return factor


@pytest.mark.parametrize("sizes", [(9,), (6, 3), (4, 1, 3, 1)])
def test_is_a_cholesky_factor(sizes):
    factor, whole = grown(*sizes), np.linalg.cholesky(COVARIANCE)
    assert len(factor) == 9
    assert np.allclose(factor.solve(RIGHT), np.linalg.solve(whole, RIGHT))
    assert np.allclose(factor.solve_transposed(RIGHT), np.linalg.solve(whole.T, RIGHT))


def test_the_head_is_shared():
    factor = grown(6, 2)
    assert factor.extend(COVARIANCE[8:, :8], COVARIANCE[8:, 8:]).head is factor.head


@pytest.mark.parametrize("known", [0, 2, 3, 4])
def test_resume(known):
    factor = grown(5, 2, 2)
    solved = factor.solve(RIGHT)
    rest = factor.resume(solved[:5], solved[5 : 5 + known], RIGHT[5 + known :])
    assert np.allclose(rest, solved[5 + known :])


def test_times_undoes_solve():
    factor = grown(5, 2, 2)
    assert np.allclose(factor.times(factor.solve(RIGHT), 1), RIGHT[6:])


def test_noise_is_added_to_the_diagonal_and_one_triangle_read():
    noisy = np.linalg.cholesky(COVARIANCE + 0.5 * np.eye(9))
    assert np.allclose(cholesky(np.triu(COVARIANCE), 0.5), noisy)
    cross, covariance = COVARIANCE[6:, :6], COVARIANCE[6:, 6:]
    factor = Factor.of(np.triu(COVARIANCE[:6, :6]), 0.5).extend(cross, covariance, 0.5)
    assert np.allclose(factor.solve(RIGHT), np.linalg.solve(noisy, RIGHT))


@pytest.mark.parametrize("n", [1, 9, 64, 65, 150])
def test_inverse(n):
    factor = np.tril(RNG.normal(size=(n, n)), -1) / n + np.diag(1.0 + RNG.random(n))
    inverse = inverse_of(factor)
    assert np.allclose(inverse @ factor, np.eye(n))
    assert np.array_equal(inverse, np.tril(inverse))


def test_singular_and_hopeless_matrices():
    factor = cholesky(np.ones((3, 3)))
    assert np.allclose(factor @ factor.T, 1.0, atol=1e-3)
    with pytest.raises(np.linalg.LinAlgError, match="not finite"):
        cholesky(np.full((2, 2), np.nan))
    with pytest.raises(np.linalg.LinAlgError, match="not positive"):
        cholesky(np.array([[1.0, 9.0], [9.0, 1.0]]))
