"""A covariance function made of trees: points are alike as often as trees put them together."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import sklearn
from scipy.sparse import csr_array
from sklearn.tree import ExtraTreeRegressor

from phsx.history import FloatArray
from phsx.models.kernel import Cross, InputPullback, Kernel, Pullback
from phsx.models.prior import Prior

#: Least numbers of data in a leaf, and how many trees are grown for each: large leaves tell what a
#: region is like, small ones where in it values are low.
_LEAVES, _TREES = (1, 3, 9), 24


class Partition:
    """Extremely randomized trees, as ways to divide a space into leaves.

    Geurts, Ernst and Wehenkel (2006), "Extremely randomized trees": of one random cut for each
    feature, a node takes that which explains most of the outputs.

    Parameters
    ----------
    points : ndarray, shape (n, p)
        Features.
    values : ndarray, shape (n,)
        Outputs.
    """

    def __init__(self, points: FloatArray, values: FloatArray) -> None:
        self._trees: list[ExtraTreeRegressor] = []
        rows = _as_trees_want(points)
        # Trees one by one, and input unchecked: a forest's own bookkeeping takes twice as long as
        # such small trees do, and so do the checks.
        with sklearn.config_context(skip_parameter_validation=True):
            for least in _LEAVES:
                for seed in range(_TREES):
                    tree = ExtraTreeRegressor(
                        min_samples_leaf=least, max_features=1.0, random_state=seed
                    )
                    self._trees.append(tree.fit(rows, values, check_input=False))
        self._offsets = np.cumsum([0, *(tree.tree_.node_count for tree in self._trees)])

    def leaves(self, points: FloatArray) -> csr_array:
        """Return into which leaves (columns) the points (rows) fall, as rows of length 1."""
        shape = len(points), int(self._offsets[-1])
        if len(points) == 0:
            return csr_array(shape)
        rows = _as_trees_want(points)
        columns = [tree.apply(rows, check_input=False) for tree in self._trees]
        found = self._offsets[:-1] + np.stack(columns, axis=1)
        share = np.full(found.size, 1.0 / math.sqrt(len(self._trees)))
        ends = np.arange(0, found.size + 1, len(self._trees))
        return csr_array((share, found.ravel(), ends), shape=shape)


def _as_trees_want(points: FloatArray) -> npt.NDArray[np.float32]:
    """Return points as scikit-learn's trees see them, who otherwise convert them one by one."""
    return np.ascontiguousarray(points, dtype=np.float32)


class ForestCross(Cross):
    """Covariances with fixed points: s² times the share of trees with both in the same leaf.

    Parameters
    ----------
    partition : Partition
        The trees.
    signal : float
        The variance s².
    points : ndarray, shape (n, p)
        The fixed points.
    """

    def __init__(self, partition: Partition, signal: float, points: FloatArray) -> None:
        self._partition = partition
        self._signal = signal
        self._fixed = partition.leaves(points).T.tocsr()

    def matrix(self, a: FloatArray) -> FloatArray:
        """Covariances between the rows of `a` (m, p) and the fixed points, shape (m, n)."""
        shared = self._partition.leaves(a) @ self._fixed
        return np.asarray(self._signal * shared.toarray())

    def differentiable(self, a: FloatArray) -> tuple[FloatArray, InputPullback]:
        """Return `matrix(a)`, and the gradient of whatever depends on it by `a`: 0 in a leaf."""
        return self.matrix(a), lambda weights: np.zeros(a.shape)


class Forest(Kernel):
    """The kernel of a random forest, s² times the share of trees with both points in one leaf.

    Breiman (2000), "Some infinity theory for predictor ensembles", section 6; Davies and
    Ghahramani (2014), "The random forest kernel and other kernels for big data from random
    partitions", section 3. A Gaussian process with it predicts as a forest does where few data
    share a leaf, and knows how little it knows far from data, which a forest's spread does not
    tell. It cuts where outputs change, whatever the shape, and cares for no distance: that suits
    categories, conditions, cliffs and parameters without effect.

    Parameters
    ----------
    partition : Partition
        The trees.

    Examples
    --------
    >>> points = np.linspace(0.0, 1.0, 20)[:, None]
    >>> kernel = Forest(Partition(points, np.sign(points[:, 0] - 0.4)))
    >>> shared = kernel.matrix(np.zeros(1), np.array([[0.3]]), np.array([[0.2], [0.5]]))
    >>> bool(shared[0, 0] > shared[0, 1])
    True
    """

    smooth = False

    def __init__(self, partition: Partition) -> None:
        self.partition = partition
        self.prior = Prior.independent([0.0], [1.0])
        self.lower, self.upper = np.array([math.log(1e-4)]), np.array([math.log(1e4)])
        self.names = (("signal", 1),)
        self._shared: tuple[FloatArray, FloatArray] | None = None

    def variance(self, theta: FloatArray) -> float:
        """Covariance of a point with itself."""
        return math.exp(theta[0])

    def cross(self, theta: FloatArray, b: FloatArray) -> ForestCross:
        """Covariances with the rows of `b`."""
        return ForestCross(self.partition, math.exp(theta[0]), b)

    def gram(self, theta: FloatArray, x: FloatArray) -> FloatArray:
        """Covariances of `x` (n, p) with itself, both triangles."""
        return math.exp(theta[0]) * self._with_itself(x)

    def forward(self, theta: FloatArray, x: FloatArray) -> tuple[FloatArray, Pullback]:
        """Covariances of `x` with itself, and the pullback of weights on them."""
        covariance = self.gram(theta, x)
        return covariance, lambda weights: np.array([np.vdot(weights, covariance)])

    def _with_itself(self, x: FloatArray) -> FloatArray:
        # An optimization of theta asks for the same points again and again.
        if self._shared is None or self._shared[0] is not x:
            leaves = self.partition.leaves(x)
            self._shared = x, (leaves @ leaves.T).toarray()
        return self._shared[1]
