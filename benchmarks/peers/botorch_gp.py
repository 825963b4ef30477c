"""BoTorch's single-task Gaussian process."""

from __future__ import annotations

import math
import warnings

import numpy as np
import torch
from botorch.acquisition import LogExpectedImprovement, qLogExpectedImprovement
from botorch.exceptions import BotorchWarning, ModelFittingError
from botorch.fit import fit_gpytorch_mll
from botorch.models import SingleTaskGP
from botorch.optim import optimize_acqf, optimize_acqf_discrete
from botorch.sampling import SobolQMCNormalSampler
from gpytorch.mlls import ExactMarginalLogLikelihood
from scipy.stats import qmc

from peers.base import INITIAL, Params, Peer
from peers.encoding import OneHot
from phsx.space import Space

warnings.filterwarnings("ignore", category=BotorchWarning)
warnings.filterwarnings("ignore", module="botorch")
warnings.filterwarnings("ignore", module="linear_operator")
warnings.filterwarnings("ignore", module="gpytorch")

#: Finite spaces of at most so many points are listed.
_LISTED = 2000


class BoTorch(Peer):
    """`SingleTaskGP` with its defaults and log expected improvement, pending points as X_pending.

    Refitted whenever there is a new result, maximized as in BoTorch's tutorials (10 restarts, 512
    raw samples). Categories are one-hot and continuous while the acquisition is maximized, then
    rounded, as integers are; small finite spaces are listed.
    """

    distributions = ("botorch", "torch")

    #: Samples of what pending points may give; starts, and points they are chosen among.
    samples, restarts, raw = 512, 10, 512

    def __init__(self, space: Space, trials: int, seed: int) -> None:
        super().__init__(space, trials, seed)
        torch.set_num_threads(1)
        torch.manual_seed(seed)
        self.encoding = OneHot(space)
        self.design = qmc.Sobol(len(space), scramble=True, rng=np.random.default_rng(seed))
        self.done: list[tuple[list[float], float]] = []
        self.running: dict[int, list[float]] = {}
        self.model: SingleTaskGP | None = None
        self.left: dict[object, Params] | None = None
        if space.size <= _LISTED:
            self.left = {space.key(params): params for params in space.points()}

    def ask(self, trial: int) -> Params:
        params = None
        if trial >= INITIAL and len(self.done) >= 3:
            try:
                params = self.suggest()
            except ModelFittingError:
                params = None
        params = params or self.initial()
        if self.left is not None:
            self.left.pop(self.space.key(params), None)
        self.running[trial] = self.encoding.encode(params)
        return params

    def tell(self, trial: int, params: Params, value: float) -> None:
        row = self.running.pop(trial)
        if not math.isnan(value):
            self.done.append((row, -value))

    def observe(self, known: list[tuple[Params, float]]) -> None:
        self.done += [(self.encoding.encode(params), -value) for params, value in known]

    def initial(self) -> Params:
        params = self.space.from_unit(self.design.random(1)[0])
        if params is None:
            raise ValueError("the space has constraints, which this adapter does not handle")
        return params

    def fitted(self, y: torch.Tensor) -> SingleTaskGP:
        if self.model is None or len(self.model.train_targets) != len(y):
            x = torch.tensor([row for row, _ in self.done], dtype=torch.float64)
            model = SingleTaskGP(x, y)
            fit_gpytorch_mll(ExactMarginalLogLikelihood(model.likelihood, model))
            self.model = model
        return self.model

    def suggest(self) -> Params:
        y = torch.tensor([[value] for _, value in self.done], dtype=torch.float64)
        model = self.fitted(y)
        if self.running:
            pending = torch.tensor(list(self.running.values()), dtype=torch.float64)
            acquisition = qLogExpectedImprovement(
                model,
                best_f=y.max(),
                sampler=SobolQMCNormalSampler(torch.Size([self.samples])),
                X_pending=pending,
            )
        else:
            acquisition = LogExpectedImprovement(model, best_f=y.max())
        if self.left:
            rows = [self.encoding.encode(params) for params in self.left.values()]
            choices = torch.tensor(rows, dtype=torch.float64)
            found, _ = optimize_acqf_discrete(acquisition, q=1, choices=choices)
        else:
            bounds = torch.zeros(2, self.encoding.width, dtype=torch.float64)
            bounds[1] = 1.0
            found, _ = optimize_acqf(
                acquisition,
                bounds=bounds,
                q=1,
                num_restarts=self.restarts,
                raw_samples=self.raw,
            )
        return self.encoding.decode(found[0].numpy())
