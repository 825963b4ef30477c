"""TuRBO-1 with the settings of BoTorch's tutorial."""

from __future__ import annotations

import math
import warnings
from contextlib import suppress

import gpytorch
import numpy as np
import torch
from botorch.exceptions import BotorchWarning, ModelFittingError
from botorch.fit import fit_gpytorch_mll
from botorch.generation import MaxPosteriorSampling
from botorch.models import SingleTaskGP
from gpytorch.constraints import Interval
from gpytorch.kernels import MaternKernel, ScaleKernel
from gpytorch.likelihoods import GaussianLikelihood
from gpytorch.mlls import ExactMarginalLogLikelihood
from torch.quasirandom import SobolEngine

from peers.base import Params, Peer
from phsx.space import Space

warnings.filterwarnings("ignore", category=BotorchWarning)
warnings.filterwarnings("ignore", module="botorch")
warnings.filterwarnings("ignore", module="linear_operator")
warnings.filterwarnings("ignore", module="gpytorch")

_BATCH = 4
_LENGTH, _SHORTEST, _LONGEST = 0.8, 0.5**7, 1.6
_SUCCESSES = 10  # the tutorial's; the paper has 3


class TuRBO(Peer):
    """One trust region, Thompson sampling, 2 d initial points, batches of 4.

    A batch is drawn from all that is known when the one before is handed out; the region changes
    whenever as many results as a batch has have come in. A region that has become too small
    starts anew, as in the paper.
    """

    distributions = ("botorch", "torch")
    mixed = False

    def __init__(self, space: Space, trials: int, seed: int) -> None:
        super().__init__(space, trials, seed)
        torch.set_num_threads(1)
        torch.manual_seed(seed)
        self.d = len(space)
        self.sobol = SobolEngine(self.d, scramble=True, seed=seed)
        self.failures_allowed = math.ceil(max(4.0 / _BATCH, self.d / _BATCH))
        self.rows: list[np.ndarray] = []
        self.values: list[float] = []
        self.queue: list[np.ndarray] = []
        self.first = 0
        self.restart()

    def restart(self) -> None:
        """Begin a region from a design of its own."""
        self.first = len(self.rows)
        self.length, self.best = _LENGTH, -math.inf
        self.successes = self.failures = 0
        self.batch: list[float] = []
        self.queue = list(self.sobol.draw(2 * self.d, dtype=torch.float64).numpy())

    def ask(self, trial: int) -> Params:
        if not self.queue:
            self.queue = self.suggest()
        params = self.space.from_unit(self.queue.pop(0))
        if params is None:
            raise ValueError("the space has constraints, which this adapter does not handle")
        return params

    def tell(self, trial: int, params: Params, value: float) -> None:
        if not math.isnan(value):
            self.observe([(params, value)])
            if len(self.rows) - self.first <= 2 * self.d:  # the design is no success and no failure
                self.best = max(self.best, -value)
            else:
                self.batch.append(-value)
        if len(self.batch) == _BATCH:
            self.resize(max(self.batch))
            self.batch = []

    def observe(self, known: list[tuple[Params, float]]) -> None:
        self.rows += [self.space.to_unit(params) for params, _ in known]
        self.values += [-value for _, value in known]

    def resize(self, found: float) -> None:
        """Count a batch as a success or a failure (Eriksson et al., 2019)."""
        if found > self.best + 1e-3 * abs(self.best):
            self.successes, self.failures = self.successes + 1, 0
        else:
            self.successes, self.failures = 0, self.failures + 1
        if self.successes == _SUCCESSES:
            self.length, self.successes = min(2.0 * self.length, _LONGEST), 0
        elif self.failures == self.failures_allowed:
            self.length, self.failures = self.length / 2.0, 0
        self.best = max(self.best, found)
        if self.length < _SHORTEST:
            self.restart()

    def suggest(self) -> list[np.ndarray]:
        x = torch.tensor(np.array(self.rows[self.first :]), dtype=torch.float64)
        y = torch.tensor(self.values[self.first :], dtype=torch.float64)[:, None]
        if len(x) < 2:
            return list(self.sobol.draw(1, dtype=torch.float64).numpy())
        scaled = (y - y.mean()) / y.std().clamp_min(1e-12)
        model = self.model(x, scaled)
        with gpytorch.settings.max_cholesky_size(float("inf")):
            with suppress(ModelFittingError):  # the hyper-parameters stay where they started
                fit_gpytorch_mll(ExactMarginalLogLikelihood(model.likelihood, model))
            candidates = self.candidates(model, x[scaled.argmax()])
            with torch.no_grad():
                drawn = MaxPosteriorSampling(model, replacement=False)(
                    candidates, num_samples=_BATCH
                )
        return list(drawn.numpy())

    def model(self, x: torch.Tensor, y: torch.Tensor) -> SingleTaskGP:
        kernel = MaternKernel(
            nu=2.5, ard_num_dims=self.d, lengthscale_constraint=Interval(0.005, 4.0)
        )
        return SingleTaskGP(
            x,
            y,
            covar_module=ScaleKernel(kernel),
            likelihood=GaussianLikelihood(noise_constraint=Interval(1e-8, 1e-3)),
            outcome_transform=None,
        )

    def candidates(self, model: SingleTaskGP, center: torch.Tensor) -> torch.Tensor:
        """Return perturbations of the best point within the trust region."""
        n = min(5000, max(2000, 200 * self.d))
        weights = model.covar_module.base_kernel.lengthscale.squeeze().detach()
        weights = weights / weights.mean()
        weights = weights / torch.prod(weights.pow(1.0 / len(weights)))
        low = torch.clamp(center - weights * self.length / 2.0, 0.0, 1.0)
        high = torch.clamp(center + weights * self.length / 2.0, 0.0, 1.0)
        drawn = low + (high - low) * self.sobol.draw(n, dtype=torch.float64)
        mask = torch.rand(n, self.d, dtype=torch.float64) <= min(20.0 / self.d, 1.0)
        rows = torch.where(mask.sum(dim=1) == 0)[0]
        mask[rows, torch.randint(0, self.d, size=(len(rows),))] = True
        return torch.where(mask, drawn, center.expand(n, self.d))
