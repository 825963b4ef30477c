"""A kind of Gaussian process: how it learns hyper-parameters, and how it is rebuilt from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from phsx.history import FloatArray, IntArray
from phsx.models.additive import Additive
from phsx.models.kernel import Kernel
from phsx.models.likelihood import fresh_start, maximize_posterior
from phsx.models.matern import Matern
from phsx.models.outputs import FORMS as SHAPES
from phsx.models.outputs import Outputs
from phsx.models.posterior import Posterior
from phsx.models.ranks import Ranks
from phsx.models.sum import Sum

JSON = Any

#: What outputs can be made into: forms of `Outputs`, or their ranks' normal scores.
FORMS = (*SHAPES, "ranks")

#: What share of the iterations is taken from an earlier fit: so many times fewer.
_WARM = 8


@dataclass(frozen=True)
class Conditioned:
    """A model and the data it was conditioned on.

    Attributes
    ----------
    posterior : Posterior
        The process, in transformed outputs.
    outputs : Outputs or Ranks
        Their transform.
    targets : ndarray, shape (n,)
        The transformed outputs of the data.
    """

    posterior: Posterior
    outputs: Outputs | Ranks
    targets: FloatArray


@dataclass(frozen=True)
class Recipe:
    """What is decided about a Gaussian process before it sees data.

    Attributes
    ----------
    groups : tuple of int
        For each feature the number of the length scale it uses.
    additive : bool
        Whether one-dimensional kernels with learned weights are added.
    outputs : str
        What outputs are made into: one of the `FORMS`.
    points : int
        How many of the data may be used for the hyper-parameters.
    iterations : int
        How many iterations the optimizer may take from a fresh start. From an earlier fit it
        takes at most an eighth: what is left to do, the next fit does.

    Examples
    --------
    >>> recipe = Recipe((0,))
    >>> points = np.linspace(0, 1, 8)[:, None]
    >>> learned = recipe.learn(points, np.sin(6 * points[:, 0]))
    >>> sorted(learned)
    ['length_scales', 'noise', 'outputs', 'signal']
    """

    groups: tuple[int, ...]
    additive: bool = False
    outputs: str = "standard"
    points: int = 200
    iterations: int = 50

    def kernel(self, features: FloatArray, targets: FloatArray) -> Kernel:
        """Return the covariance function; other recipes make it of the data."""
        matern = Matern(self.groups)
        return Sum(matern, Additive(self.groups)) if self.additive else matern

    def learn(
        self,
        features: FloatArray,
        values: FloatArray,
        start: Mapping[str, JSON] | None = None,
        *,
        fresh: bool = True,
        seed: int = 0,
    ) -> dict[str, JSON]:
        """Return hyper-parameters, as JSON values, for data of shapes (n, p) and (n,).

        Parameters
        ----------
        features, values : ndarray
            The data.
        start : mapping, optional
            What was learned before, for a warm start.
        fresh : bool
            Whether to start from scratch too where `start` is given.
        seed : int
            Chooses which data are used where they are more than `points`.
        """
        ranks = self.outputs == "ranks"
        outputs = Ranks.of(values) if ranks else Outputs.of(values, self.outputs)
        chosen = representative(features, values, self.points, seed)
        features, targets = features[chosen], outputs.forward(values[chosen])
        kernel = self.kernel(features, targets)
        starts = [] if start is None else [(_to_vector(kernel, start), self.iterations // _WARM)]
        if fresh or not starts:
            starts.append((fresh_start(kernel), self.iterations))
        vector = maximize_posterior(kernel, features, targets, starts)
        return _to_dict(kernel, vector) | {"outputs": outputs.to_dict()}

    def condition(
        self, features: FloatArray, values: FloatArray, learned: Mapping[str, JSON]
    ) -> Conditioned:
        """Rebuild a model from what was learned (maybe from other data): one Cholesky."""
        written = learned["outputs"]
        outputs = (Ranks if "scores" in written else Outputs).from_dict(written)
        targets = outputs.forward(values)
        kernel = self.kernel(features, targets)
        vector = _to_vector(kernel, learned)
        noise = float(np.exp(vector[-1]))
        posterior = Posterior.of(kernel, vector[:-1], noise, features, targets)
        return Conditioned(posterior, outputs, targets)

    def explained(
        self, features: FloatArray, values: FloatArray, learned: Mapping[str, JSON], seed: int
    ) -> float:
        """Return which share of the variance of left-out data is explained (of `points` at most).

        See `Posterior.explained`; `seed` chooses the data where there are more.
        """
        chosen = representative(features, values, self.points, seed)
        return self.condition(features[chosen], values[chosen], learned).posterior.explained()


def representative(features: FloatArray, values: FloatArray, count: int, seed: int) -> IntArray:
    """Choose rows: a third the best, a third nearest to the best, the rest at random, in order."""
    n = len(values)
    if n <= count:
        return np.arange(n)
    chosen = np.zeros(n, dtype=bool)
    order = np.argsort(values, kind="stable")
    chosen[order[: count // 3]] = True
    distance = ((features - features[order[0]]) ** 2).sum(axis=1)
    distance[chosen] = np.inf
    chosen[np.argsort(distance, kind="stable")[: count // 3]] = True
    others = np.flatnonzero(~chosen)
    rng = np.random.default_rng(seed)
    chosen[rng.choice(others, count - int(chosen.sum()), replace=False)] = True
    return np.flatnonzero(chosen)


def _to_dict(kernel: Kernel, vector: FloatArray) -> dict[str, JSON]:
    natural = np.exp(vector).tolist()
    parts: dict[str, JSON] = {}
    offset = 0
    for name, length in kernel.names:
        parts[name] = natural[offset : offset + length]
        offset += length
    return parts | {"noise": natural[-1]}


def _to_vector(kernel: Kernel, parts: Mapping[str, JSON]) -> FloatArray:
    natural = [value for name, _ in kernel.names for value in parts[name]]
    vector = np.log(np.array([*natural, parts["noise"]], dtype=np.float64))
    if vector.shape != (kernel.size + 1,):
        raise ValueError(
            f"the hyper-parameters are for {len(vector) - 1} kernel parameters, this model has "
            f"{kernel.size}: they belong to another space"
        )
    return vector
