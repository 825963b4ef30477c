"""The recipe of a surrogate made of trees."""

from __future__ import annotations

from dataclasses import dataclass

from phsx.history import FloatArray
from phsx.models.forest import Forest, Partition
from phsx.models.kernel import Kernel
from phsx.models.recipe import Recipe


@dataclass(frozen=True)
class Trees(Recipe):
    """A Gaussian process with the kernel of a random forest, which is grown anew on all data.

    Only the variances of signal and noise are learned.

    Examples
    --------
    >>> import numpy as np
    >>> points = np.linspace(0, 1, 20)[:, None]
    >>> sorted(Trees((0,)).learn(points, np.sin(6 * points[:, 0])))
    ['noise', 'outputs', 'signal']
    """

    def kernel(self, features: FloatArray, targets: FloatArray) -> Kernel:
        """Return the covariance function, of trees that were grown on these data."""
        return Forest(Partition(features, targets))
