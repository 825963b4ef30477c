"""Ask and tell: suggestions for people who own their loop."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterable, Mapping
from numbers import Integral
from typing import TYPE_CHECKING, Any

from phsx.exceptions import ConfigurationError, SpaceError
from phsx.execution import tasks
from phsx.experiment import arguments
from phsx.experiment.results import check_names, to_dataframe
from phsx.history import History
from phsx.master.observing import observe
from phsx.master.supply import FIT_SEEDS, TOLD, Place, Supply, trial_seed
from phsx.space import Space
from phsx.state import SearchState
from phsx.strategies.base import ModelStrategy, Params, Strategy
from phsx.strategies.plan import Plan
from phsx.trial import Trial, TrialState

if TYPE_CHECKING:
    import pandas as pd


class Optimizer:
    """Suggests points one at a time and learns from what it is told. Safe to use from threads.

    Parameters
    ----------
    space : Space or mapping
        What may vary.
    strategy : Strategy, optional
        By default `phsx.Bayesian()`.
    seed : int, optional
        Makes the suggestions repeatable.
    maximize : bool
        Whether larger is better.

    Examples
    --------
    >>> import phsx
    >>> optimizer = phsx.Optimizer({"x": phsx.Float(-5, 5)}, strategy=phsx.Random(), seed=0)
    >>> optimizer.tell_many([({"x": 4.0}, 9.0)])
    >>> for _ in range(3):
    ...     trial = optimizer.ask()
    ...     optimizer.tell(trial, (trial.params["x"] - 1) ** 2)
    >>> len(optimizer.trials), optimizer.best.value <= 9.0
    (4, True)
    """

    def __init__(
        self,
        space: Space | Mapping[str, Any],
        strategy: Strategy | None = None,
        seed: int | None = None,
        *,
        maximize: bool = False,
    ) -> None:
        if strategy is None:
            from phsx.strategies import Bayesian

            strategy = Bayesian()
        if seed is None:
            import secrets

            seed = secrets.randbelow(2**31)
        self.space = Space.of(space)
        check_names(self.space)
        self.seed = arguments.whole("seed", seed, 0)
        self.maximize = arguments.truth("maximize", maximize)
        plan = Plan.of(strategy)
        plan.check(self.space)
        self._strategy = plan.blocks[0]
        self._state = SearchState()
        self._supply = Supply(self.space, plan, self.seed, self._state)
        self._lock = threading.RLock()

    def ask(self) -> Trial:
        """Return a new trial, whose `params` are to be evaluated.

        Several trials may be asked for before any is told; they stay away from each other.

        Raises
        ------
        ExhaustedError
            No untried point is left.
        """
        from phsx.exceptions import ExhaustedError

        with self._lock:
            place = self._supply.next()
            if place is None:
                raise ExhaustedError(
                    "the strategy's trials have all been asked for; to go on asking, use one "
                    "that does not end, without a number of trials"
                    if self._strategy.trials is None
                    else f"the strategy's {self._strategy.trials} trials have all been asked for; "
                    f"make it without a number of trials to go on asking"
                )
            if place.model is None:
                proposal = self._supply.propose(place)
            else:
                proposal = tasks.propose(
                    place.strategy, tasks.request(self._asking(place, place.model), self._history)
                )
            return self._add(place, proposal.params, proposal.position)

    def tell(self, trial: Trial | int, value: float | None) -> None:
        """Say what came out of a trial.

        Parameters
        ----------
        trial : Trial or int
            What `ask` returned, or its id.
        value : float or None
            The objective; None or NaN for a trial that failed.

        Raises
        ------
        ConfigurationError
            The trial is unknown or was told already, or the value is no number.
        """
        number = _number(trial)
        value = _value(value)
        with self._lock:
            known = None if number is None else self._state.trials.get(number)
            if known is None:
                raise ConfigurationError(
                    f"tell: there is no trial {trial!r}; tell what ask() returned, or use "
                    f"tell_many for points that were not asked for"
                )
            if known.state.terminal:
                raise ConfigurationError(f"tell: trial {number} was told already")
            self._end(known.id, value)

    def tell_many(self, observations: Iterable[tuple[Mapping[str, Any], float | None]]) -> None:
        """Add points whose values are known, such as those of an earlier search.

        Parameters
        ----------
        observations : iterable of (params, value)

        Raises
        ------
        SpaceError
            A point does not lie in the space; then none is added.
        """
        if not isinstance(observations, Iterable):
            raise SpaceError(
                f"tell_many: {observations!r} holds no observations; give a list of pairs "
                f"(params, value)"
            )
        checked = []
        for number, observation in enumerate(observations):
            try:
                params, value = observation
                checked.append((self.space.check(params), _value(value)))
            except (TypeError, ValueError) as error:
                raise SpaceError(f"tell_many: observation {number} is wrong: {error}") from error
        with self._lock:
            for params, value in checked:
                place = Place(self._state.next_id, TOLD, 0, 0, self._strategy, None)
                self._end(self._add(place, params, 0).id, value)

    # ------------------------------------------------------------ looking

    @property
    def trials(self) -> list[Trial]:
        """All trials, told or not."""
        return list(self._state.trials.values())

    @property
    def best(self) -> Trial | None:
        """The trial with the best value; None while there is none."""
        return self._state.best(maximize=self.maximize)

    def to_dataframe(self) -> pd.DataFrame:
        """Return one row per trial, as `Experiment.to_dataframe` does."""
        return to_dataframe(self.trials, self.space.names)

    # ------------------------------------------------------------ within

    def _record(self, kind: str, **fields: Any) -> None:
        record = {"seq": self._state.seq + 1, "t": time.time(), "type": kind, **fields}
        self._state.apply(record)

    def _add(self, place: Place, params: Params, position: int) -> Trial:
        self._record(
            "trial",
            id=place.id,
            block=place.block,
            index=place.index,
            strategy="told" if place.block == TOLD else place.strategy.kind,
            position=position,
            params=params,
        )
        trial = self._state.trials[place.id]
        self._supply.decided(trial)
        return trial

    def _end(self, number: int, value: float | None) -> None:
        now = time.time()
        self._record(
            "ended",
            id=number,
            attempt=1,
            state=(TrialState.FAILED if value is None else TrialState.COMPLETED).value,
            value=value,
            result={},
            error=None,
            traceback=None,
            worker=None,
            started=now,
            ended=now,
        )

    @property
    def _history(self) -> History:
        return self._rows(self._state.finished)

    def _rows(self, numbers: Iterable[int]) -> History:
        trials = (self._state.trials[number] for number in numbers)
        rows = (observe(self.space, trial, maximize=self.maximize) for trial in trials)
        return History.of(rows, len(self.space))

    def _asking(self, place: Place, model: ModelStrategy) -> tasks.Asking:
        observed = self._state.count(TrialState.COMPLETED)
        fits = self._state.fits
        if not fits or model.stale(observed, fits[-1].observed):
            number = len(fits)
            previous = fits[-1].values if fits else None
            seed = trial_seed(self.seed, FIT_SEEDS + number)
            values = model.fit(self.space, self._history, previous, seed)
            self._record(
                "fit", fit=number, block=0, seen=self._state.seq, n=observed, values=values
            )
        return place.asking(
            self.space,
            self.seed,
            tail=self._rows([]),
            pending=self._rows(self._state.alive),
            fit=fits[-1],
            rank=0,
        )


def _number(trial: Any) -> int | None:
    """Return a trial's id; None where it can be none."""
    if isinstance(trial, Trial):
        return trial.id
    # True is a number to Python, and a mistake here.
    return int(trial) if isinstance(trial, Integral) and not isinstance(trial, bool) else None


def _value(value: Any) -> float | None:
    """Return an objective as a float, None for a failure."""
    if value is None:
        return None
    try:
        # As of a target: `a == b` is a mistake far more often than an objective.
        if isinstance(value, (bool, str, bytes, bytearray)):
            raise TypeError
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        text = repr(value)
        raise ConfigurationError(
            f"tell: the value {text if len(text) <= 80 else text[:77] + '...'} is no number that a "
            f"float can be; use None for a trial that failed"
        ) from None
    return number if math.isfinite(number) else None
