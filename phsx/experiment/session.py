"""The beginning of a run: lease, state, workers and master, in the order that loses nothing."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from phsx.exceptions import ChangedWarning, ConfigurationError
from phsx.execution.base import Executor, Setting
from phsx.execution.inline import InlineExecutor
from phsx.experiment.continued_target import source_folder
from phsx.experiment.growing import Inbox, newest_plan
from phsx.experiment.progress import Reporter
from phsx.experiment.results import ResultsTable
from phsx.experiment.run import Callbacks, Run
from phsx.experiment.shift import Shift
from phsx.experiment.stopping import Requests
from phsx.journal import Journal
from phsx.master.master import Master
from phsx.master.search import Limits, Search
from phsx.state import SearchState
from phsx.trial import Trial


def open_run(
    search: Search,
    setting: Setting,
    limits: Limits,
    connect: Callable[[], Executor],
    *,
    callbacks: Iterable[Callable[[Trial], object]] = (),
    progress: bool = True,
    target: Mapping[str, Any] | None = None,
    deterministic: bool | int = False,
    slots: int | None = None,
) -> Run:
    """Take the lease of an experiment, and put together what runs it.

    Parameters
    ----------
    search, setting, limits
        As of the master.
    connect : callable
        Returns an executor. Called when the lease is ours, and only where trials are left.
    callbacks : iterable of callable
        Called with each trial that has ended.
    progress : bool
        Whether to show progress.
    target : mapping, optional
        The target's description, where it may have changed since the last run.
    deterministic : bool or int
        Whether the trials are to be the same whatever the timing, or how many run at once then.
    slots : int, optional
        How many run at once by themselves.

    Raises
    ------
    LeaseError
        Somebody else is running the experiment.
    ConfigurationError
        The search is deterministic with another number of trials at once, or has none.
    """
    state = SearchState()
    journal = Journal.open(search.directory, command="phsx run", replay=state.replay)
    with ExitStack() as undo:
        undo.callback(journal.close)
        plan = newest_plan(search.plan, search.space, state, journal)
        search = replace(search, plan=plan)
        if deterministic:
            search = _same_whatever_the_timing(search, state, journal, deterministic, slots)
        done = state.complete(search.plan.sizes(search.space))
        if target is not None and not done:
            _record_target(target, state, journal)
        executor = InlineExecutor() if done else connect()
        undo.callback(executor.close)
        finished = [state.trials[number] for number in state.finished]
        table = ResultsTable(search.directory, search.space.names, finished)
        calls, requests = Callbacks(callbacks), Requests(search.directory, journal.owner)
        inbox = Inbox(search.directory, search.space, state)
        shift = Shift.here(search.directory, len(state.finished))

        def ended(trial: Trial) -> None:
            table.append(trial)
            calls(trial)

        def tick() -> None:
            request = requests.look()
            if request is not None:
                master.stop("asked to by `phsx stop`", request.grace)
            grown = inbox.look(master.supply.plan)
            if grown is not None:
                master.extend(*grown)
                inbox.remove(grown.requests)
            if shift is not None:
                shift.tick(master, len(state.finished))
            if progress:
                reporter.tick()

        def finish() -> None:
            try:
                journal.close()
            finally:
                requests.close()
                table.close()
                calls.close()
                if shift is not None:
                    left = bool(state.alive) or not master.supply.done
                    shift.close(wanted=left and master.stop_reasons == [shift.reason])
                if progress:
                    reporter.close(master.stop_reason)

        master = Master(search, state, journal, executor, setting, limits, ended, tick)
        run = Run(
            master,
            state,
            maximize=search.maximize,
            here=not executor.concurrent,
            resume=f"run the same script again, or `phsx run {search.directory}`",
            finish=finish,
        )
        reporter = Reporter(search.directory.name, lambda: run.progress)
        undo.pop_all()
    return run


def _record_target(target: Mapping[str, Any], state: SearchState, journal: Journal) -> None:
    """Record what the target is from now on, and tell the user that it has changed."""
    number = len(state.targets) + 2
    warnings.warn(
        f"the code of the target {target['name']} is not that of the trials so far: theirs is "
        f"kept in {source_folder(number - 1)}, and that of the trials to come in "
        f"{source_folder(number)}. For a search of the new code alone use another directory",
        ChangedWarning,
        stacklevel=5,
    )
    state.apply(journal.append("target", target=dict(target)))
    journal.commit()


def _same_whatever_the_timing(
    search: Search, state: SearchState, journal: Journal, wanted: bool | int, slots: int | None
) -> Search:
    """Record how many trials run at once in a deterministic search; take over what is recorded."""
    number = slots if wanted is True else wanted
    if state.lag is None:
        if number is None:
            raise ConfigurationError(
                "deterministic=True: how many trials are to run at once on this cluster? Give "
                "their number, such as deterministic=16; it stays with the search"
            )
        state.apply(journal.append("deterministic", lag=number))
        journal.commit()
    elif wanted is not True and wanted != state.lag:
        raise ConfigurationError(
            f"deterministic={wanted}: this search is deterministic with {state.lag} trials at "
            f"once, and another number would give other trials; give deterministic=True"
        )
    return replace(search, lag=state.lag)
