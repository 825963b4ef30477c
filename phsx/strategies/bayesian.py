"""Bayesian optimization: the next point is where improvement is most to be expected."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from typing import Any, ClassVar

import numpy as np

from phsx.exceptions import ExhaustedError, ModelWarning, PlanError
from phsx.history import History
from phsx.models.criterion import CRITERIA, Criterion, criterion
from phsx.space import Space
from phsx.strategies.base import JSON, ModelStrategy, Params, Proposal, Request
from phsx.strategies.checks import one_of, real_number, whole_number
from phsx.strategies.sobol import Sobol

#: Points of the initial design where nothing is said, and the share of a short block.
_INITIAL, _SHARE = 10, 4

#: Below so many results a model has nothing to say.
_FEW = 3

#: Standard deviations of the confidence bound where nothing is said.
_KAPPA = 2.0

#: Tries for a point of the initial design before random search may try.
_TRIES = 1000


class Bayesian(ModelStrategy):
    """Learn from results where to look next, with Gaussian processes.

    After an initial design (Sobol' points) each trial goes where the expected improvement over
    the best result (or another acquisition function) is largest, given all results and where
    other trials are running. The models see numbers on their scale (logarithmic where it is
    declared), integers, categories and conditional parameters as what they are. Trials that failed
    keep later ones away.

    Parameters
    ----------
    trials : int, optional
        How many trials the block has; None goes on as long as it is asked.
    initial : int, optional
        How many trials of the search are made before the model is asked, those of earlier blocks
        included. By default 10, less in blocks of fewer than 40 trials.
    acquisition : str
        What is made of the models' predictions. "ei", the default, goes where most improvement is
        expected on the best value (on the model's, where there is noise). "ucb" goes where the
        bound `kappa` standard deviations below the mean is lowest. "thompson" goes where a random
        sample of the model is lowest.
    kappa : float
        For "ucb": how much what is unknown counts, at least 0.
    surrogate : str
        What learns from results. "gp": Gaussian processes in which points are alike when they are
        near. "trees": a Gaussian process in which points are alike when the trees of a random
        forest put them together; for spaces with many categories and conditions. It sees results by
        their logarithm, every second time only how they are ordered. "auto", the default: "gp",
        and where there are conditional parameters each of both every second time, as long as the
        processes explain less than nine tenths of what is left out.
    repeats, wait, overrides, **parameters
        See `Strategy`.

    References
    ----------
    Snoek, Larochelle and Adams (2012), "Practical Bayesian optimization of machine learning
    algorithms"; Ament et al. (2023), "Unexpected improvements to expected improvement";
    Srinivas et al. (2010), "Gaussian process optimization in the bandit setting"; Kandasamy et al.
    (2018), "Parallelised Bayesian optimisation via Thompson sampling".

    Examples
    --------
    >>> import phsx
    >>> phsx.Bayesian(40, initial=8, y=[1.2, 3.4])
    Bayesian(40, initial=8, overrides={'y': Values([1.2, 3.4])})
    >>> phsx.Bayesian(40, acquisition="ucb", kappa=1.5)
    Bayesian(40, acquisition='ucb', kappa=1.5)
    """

    kind: ClassVar[str] = "bayesian"

    def __init__(
        self,
        trials: int | None = None,
        *,
        initial: int | None = None,
        acquisition: str = "ei",
        kappa: float = _KAPPA,
        surrogate: str = "auto",
        repeats: bool = False,
        wait: bool = False,
        overrides: Mapping[str, Any] | None = None,
        **parameters: Any,
    ) -> None:
        super().__init__(trials, repeats=repeats, wait=wait, overrides=overrides, **parameters)
        if initial is not None:
            initial = whole_number("Bayesian", "initial", initial)
        self.initial = initial
        self.acquisition = one_of("Bayesian", "acquisition", acquisition, CRITERIA)
        self.kappa = _kappa(self.acquisition, kappa)
        self.surrogate = one_of("Bayesian", "surrogate", surrogate, ("auto", "gp", "trees"))

    def options(self) -> dict[str, JSON]:
        """Return what was set of the initial design, the acquisition function, the surrogate."""
        defaults = {"initial": None, "acquisition": "ei", "kappa": _KAPPA, "surrogate": "auto"}
        chosen = {name: getattr(self, name) for name in defaults}
        return {name: value for name, value in chosen.items() if value != defaults[name]}

    def modelled(self, observed: int, created: int) -> bool:
        """Tell whether the initial design is done and something is known."""
        initial = self.initial
        if initial is None:
            trials = _INITIAL * _SHARE if self.trials is None else self.trials
            initial = min(_INITIAL, max(trials // _SHARE, _FEW))
        return created >= initial and observed >= min(initial, _FEW)

    def stale(self, observed: int, fitted: int | None) -> bool:
        """Tell whether to fit anew: at every result, from 80 on at gently growing intervals."""
        if fitted is None:
            return True
        return observed - fitted >= max(1, (observed - 60) // 20)

    def warm_up(self, space: Space) -> None:
        """Import SciPy and the models."""
        for module in ("scipy.stats.qmc", "phsx.strategies.batch"):
            import_module(module)
        from phsx.models.encoding import Encoding
        from phsx.models.surrogate import names_of_models, recipe

        encoding = Encoding(space)
        for name in names_of_models(encoding, self.surrogate):
            recipe(name, encoding)

    def fit(
        self, space: Space, history: History, previous: Mapping[str, JSON] | None, seed: int
    ) -> dict[str, JSON]:
        """Fit the models' hyper-parameters.

        Returns
        -------
        dict
            JSON values; with an empty "models" (and a `ModelWarning`) where nothing can be fitted.
        """
        from phsx.models.encoding import Encoding
        from phsx.models.surrogate import fit_models

        observed = int(np.isfinite(history.values).sum())
        if observed == 0:
            return {"observed": 0, "models": {}}
        try:
            return fit_models(Encoding(space), history, previous, seed, self.surrogate)
        except np.linalg.LinAlgError as error:
            _warn(f"the model could not be fitted to {observed} results: {error}")
            return {"observed": observed, "models": {}}

    def propose(self, request: Request) -> Proposal:
        """Propose the point of the best acquisition value, or one of the initial design."""
        history = request.history
        if history is None:
            return _initial(request)
        if not np.isfinite(history.values).any():
            _warn("no trial has given a result yet")
            return _initial(request)
        fit = request.fit
        if not fit or not fit.get("models"):
            fit = self.fit(request.space, history, None, request.block_seed)
        from phsx.strategies.batch import suggest

        try:
            params = suggest(request, history, fit, self._criterion())
        except np.linalg.LinAlgError as error:
            _warn(f"the model gave no suggestion: {error}")
            return _initial(request)
        if params is None:
            raise ExhaustedError("no untried point is left that agrees with what is fixed")
        return Proposal(params, request.position)

    def _criterion(self) -> Criterion:
        options = {"kappa": self.kappa} if self.acquisition == "ucb" else {}
        return criterion(self.acquisition, **options)


def _kappa(acquisition: str, kappa: object) -> float:
    number = real_number("Bayesian", "kappa", kappa)
    if number < 0:
        raise PlanError(f"Bayesian: kappa must be at least 0, not {kappa!r}")
    if acquisition != "ucb" and number != _KAPPA:
        raise PlanError(
            f"Bayesian: kappa belongs to acquisition='ucb'; {acquisition!r} has no use for it"
        )
    return number


def _initial(request: Request) -> Proposal:
    """Propose the next valid, untried point of a Sobol' sequence."""
    design = Sobol()
    position = request.position
    for _ in range(_TRIES):
        proposal = design.propose(replace(request, position=position))
        position = proposal.position
        if _free(request, proposal.params):
            return proposal
    return proposal


def _free(request: Request, params: Params) -> bool:
    point = request.space.complete({**request.fixed, **params})
    return point is not None and not request.taken(point)


def _warn(reason: str) -> None:
    message = f"{reason}; a quasi-random point takes the place of the model's suggestion"
    warnings.warn(message, ModelWarning, stacklevel=3)
