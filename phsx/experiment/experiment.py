"""An experiment: a directory that holds everything about one search."""

from __future__ import annotations

import os
import secrets
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from phsx.exceptions import (
    ChangedError,
    ConfigurationError,
    DirectoryError,
    LeaseError,
    TargetError,
)
from phsx.experiment import arguments
from phsx.experiment.continued_target import changed, source_folder
from phsx.experiment.definition import FILE, LEFTOVER, Definition
from phsx.experiment.growing import Growth, ask_for, record_plan
from phsx.experiment.results import check_names, to_dataframe
from phsx.journal import Follower, holder
from phsx.space import Space
from phsx.state import SearchState
from phsx.strategies.base import Strategy
from phsx.strategies.plan import Plan
from phsx.trial import Trial

if TYPE_CHECKING:
    import pandas as pd

    from phsx.experiment.run import Run
    from phsx.targets.calling import BoundTarget
    from phsx.targets.package import Package

#: Seconds to wait for a run to take up more trials.
TAKEN_UP = 10.0
#: What a directory may hold before an experiment is made there.
HARMLESS = frozenset({".ipynb_checkpoints", ".DS_Store", ".gitignore", ".gitkeep"})


class Experiment:
    """A search of a function's parameters, in a directory of its own.

    Making the same experiment again continues it: what is left out is taken from the directory,
    what is given has to fit. A plan may have grown.

    Parameters
    ----------
    directory : str or Path
        Where everything about the search is kept; made if it is not there.
    target : callable, optional
        The function to be evaluated: ``f(**params)``, ``f(params)``, or `phsx.Command`. It
        returns a number, or a mapping with the objective and whatever else is to be kept. An
        argument called `trial` gets a handle on the trial.
    space : Space or mapping
        What may vary: parameters by name.
    plan : strategy or sequence of strategies
        Blocks of trials, in order.
    scheduler : None
        Reserved for early stopping.
    seed : int, optional
        Makes the search repeatable. Drawn, and kept, where it is not given.
    maximize : bool
        Whether larger is better.
    objective : str, optional
        Key of the objective, where the target returns a mapping.
    fixed : mapping, optional
        Further arguments of the target, the same for all trials; sent to each worker once.

    Raises
    ------
    DefinitionError
        Something given is wrong (`SpaceError`, `PlanError`, `TargetError`).
    DirectoryError
        The directory holds something else.
    ChangedError
        The directory holds another search.

    Examples
    --------
    >>> import phsx, tempfile
    >>> experiment = phsx.Experiment(
    ...     tempfile.mkdtemp(),
    ...     target=lambda x: x**2,
    ...     space={"x": phsx.Float(-1, 1)},
    ...     plan=phsx.Grid(x=[-1, 0, 1]),
    ... )
    >>> experiment.run(cluster="inline", progress=False).best.params
    {'x': 0.0}
    """

    def __init__(
        self,
        directory: str | os.PathLike[str],
        target: Callable[..., Any] | None = None,
        space: Space | Mapping[str, Any] | None = None,
        plan: Strategy | Sequence[Strategy] | Plan | None = None,
        *,
        scheduler: None = None,
        seed: int | None = None,
        maximize: bool | None = None,
        objective: str | None = None,
        fixed: Mapping[str, Any] | None = None,
    ) -> None:
        if scheduler is not None:
            raise ConfigurationError(
                "scheduler=: early stopping is not part of this version; leave it out"
            )
        arguments.check_definition(seed, maximize, objective)
        seed = None if seed is None else int(seed)
        self._directory = arguments.directory_of(directory)
        self._target = target
        self._fixed = arguments.mapping("fixed", fixed)
        self._run: Run | None = None
        self._read_state = SearchState()
        self._follower: Follower | None = None
        self._lock = threading.RLock()
        if (self._directory / FILE).exists():
            self._definition = self._load(space, plan, seed, maximize, objective)
        else:
            self._definition = self._create(space, plan, seed, maximize, objective)
        self._plan = self._continued_plan(plan)
        if target is not None:
            self._bind(target, self.space)
            self._changed_target(target)  # raises where it is another function
            if not self._read_state.targets:
                self._keep_source(target, 1)

    # ------------------------------------------------------------ making and opening

    def _load(
        self, space: Any, plan: Any, seed: int | None, maximize: bool | None, objective: str | None
    ) -> Definition:
        definition = Definition.load(self._directory)
        return definition.continued(
            space=None if space is None else Space.of(space),
            seed=seed,
            maximize=maximize,
            objective=objective,
        )

    def _create(
        self, space: Any, plan: Any, seed: int | None, maximize: bool | None, objective: str | None
    ) -> Definition:
        if self._directory.exists():
            if not self._directory.is_dir():
                raise DirectoryError(f"{self._directory} is a file; give a directory")
            names = {entry.name for entry in self._directory.iterdir()}
            others = {name for name in names - HARMLESS if not LEFTOVER.fullmatch(name)}
            if others:
                raise DirectoryError(
                    f"{self._directory} is not empty and not an experiment (it holds "
                    f"{', '.join(sorted(others)[:3])}); give a new or an empty directory"
                )
        if self._target is None or space is None or plan is None:
            missing = [
                name
                for name, value in (("target", self._target), ("space", space), ("plan", plan))
                if value is None
            ]
            raise ConfigurationError(
                f"a new experiment needs {', '.join(f'{name}=' for name in missing)}; there is "
                f"none in {self._directory} that could be continued"
            )
        from phsx.targets.description import describe

        space = Space.of(space)
        plan = Plan.of(plan)
        plan.check(space)
        check_names(space)
        self._bind(self._target, space)
        definition = Definition(
            space=space,
            plan=plan,
            seed=secrets.randbelow(2**31) if seed is None else seed,
            maximize=bool(maximize),
            objective=objective,
            target=describe(self._target),
        )
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            definition.save(self._directory)
            self._keep_source(self._target, 1)
        except OSError as error:
            raise _unwritable(self._directory, error) from error
        return definition

    def _continued_plan(self, plan: Any) -> Plan:
        """Return the newest plan: what was asked for now, else what the journal says."""
        state = self._refresh()
        known = self._definition.plan if state.plan is None else Plan.from_dict(state.plan)
        if plan is None:
            return known
        wanted = Plan.of(plan)
        wanted.check(self._definition.space)
        if wanted == known or wanted.extends(known):
            return wanted
        if known.extends(wanted):
            return known
        raise ChangedError(
            f"the plan {wanted!r} is not {known!r} with more trials: the blocks of an experiment "
            f"can grow at the end and be followed by others, but not be changed. Use another "
            f"directory for another plan"
        )

    def _bind(self, target: Any, space: Space) -> BoundTarget:
        from phsx.targets.calling import bind

        return bind(target, space.names, self._fixed, _optional(space))

    def _pack(self, target: Any) -> Package:
        from phsx.targets.packing import pack

        space = self.space
        return pack(target, space.names, fixed=self._fixed, optional=_optional(space))

    def _changed_target(self, target: Any) -> dict[str, Any] | None:
        """Return a target's description where it is not the one that the experiment knows."""
        from phsx.targets.description import describe

        known, given = [self._definition.target, *self.state.targets][-1], describe(target)
        return given if changed(known, given) else None

    def _keep_source(self, target: Any, number: int) -> None:
        """Keep the sources of the experiment's first, second, ... target, if they are not yet."""
        from phsx.targets.description import sources

        folder = self._directory / source_folder(number)
        if folder.exists():
            return
        try:
            for name, text in sources(target).items():
                path = folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise _unwritable(self._directory, error) from error

    # ------------------------------------------------------------ running

    def run(
        self,
        workers: int | None = None,
        cluster: Any = None,
        *,
        timeout: float | None = None,
        max_time: float | None = None,
        stop_at: float | None = None,
        background: bool = False,
        callbacks: Iterable[Callable[[Trial], object]] = (),
        cores_per_trial: int | None = None,
        memory_per_trial: int | str | None = None,
        resources: Mapping[str, Any] | Callable[[Mapping[str, Any]], Any] | None = None,
        trial_time: float | None = None,
        notice: float | None = None,
        deterministic: bool | int = False,
        isolate: bool = True,
        grace: float = 10.0,
        max_deaths: int = 3,
        max_failed: float = 0.5,
        progress: bool = True,
    ) -> Any:
        """Evaluate the trials that are left.

        Parameters
        ----------
        workers : int, optional
            Number of local worker processes; by default one per core.
        cluster : optional
            Instead of local workers: ``"inline"`` (everything in this process, for a debugger),
            jobs of a queue system (`phsx.slurm`), the address of a Dask scheduler, a
            `distributed.Client` or a cluster object. What is there already is taken as it is,
            never restarted and never closed.
        timeout : float, optional
            Seconds after which a trial is ended.
        max_time : float, optional
            Seconds after which the run is ended.
        stop_at : float, optional
            The run ends when a trial is at least as good as this.
        background : bool
            Return at once, with a handle that has `stop()`, `wait()` and `progress`.
        callbacks : iterable of callable
            Each is called with every `Trial` that has ended, in a thread of its own.
        cores_per_trial : int, optional
            Threads that numerical libraries may use in a trial; by default one, and in a batch
            job its slot's share of the cores.
        memory_per_trial : int or str, optional
            Bytes, or a text such as ``"2GB"``, that a trial and all that it starts may take. One
            that takes more is ended, and its state is `out_of_memory`. On Linux.
        resources : callable or mapping, optional
            What a trial asks of its worker: a mapping from names to amounts, such as
            ``{"GPU": 1}``, with formulas of parameters as text where it depends on them; or a
            function of the parameters that returns one (called in this process, for every trial,
            so it has to be quick). ``"cores"`` are its threads, as `cores_per_trial` says too. A
            trial sees so many GPUs as it asks for, by ``CUDA_VISIBLE_DEVICES``.
        trial_time : float, optional
            Seconds that a trial takes at most; by default foretold from those seen. It is not
            started in a batch job that ends sooner.
        notice : float, optional
            Seconds before the end of its worker at which a trial that saves checkpoints is asked
            to save, to go on elsewhere; by default learnt from how long that takes, and at first a
            tenth of the worker's life, a minute at most.
        deterministic : bool or int
            Give the same trials whatever the timing: each trial that learns from results knows
            those of all trials but the last ones before it, as many as run at once, and waits for
            the slowest of them. That number is given here, or with True it is the number of local
            workers; it stays with the search. `phsx verify` needs none of this: every search can
            be computed again.
        isolate : bool
            Run the target in a child process of the worker. Without, a trial costs a little less,
            but its output is not kept, a timeout cannot end it, and a crash ends the worker.
        grace : float
            Seconds that running trials have when the run is interrupted.
        max_deaths : int
            How often a trial's process may die before the trial is given up.
        max_failed : float
            The search is given up when more than this share of at least 5 trials fail.
        progress : bool
            Whether to show progress on standard error.

        Returns
        -------
        Experiment or Run
            The experiment itself; with `background`, the handle.

        Raises
        ------
        ConfigurationError
            An argument is wrong.
        LeaseError
            Another process is running this experiment.
        SearchFailedError
            Most trials fail.
        KeyboardInterrupt
            After an interruption, when everything is recorded.
        """
        from phsx.clusters.connect import check_asked, check_pool, connect, slots_of
        from phsx.execution.base import Setting
        from phsx.experiment.session import open_run
        from phsx.master.needs import Needs
        from phsx.master.search import Limits, Search

        with self._lock:
            if self._run is not None and self._run.running:
                raise ConfigurationError("this experiment is running already in the background")
            cores = cores_per_trial
            if cores is not None:
                cores = arguments.whole("cores_per_trial", cores, 1)
            limits = Limits(
                timeout=arguments.positive("timeout", timeout),
                max_time=arguments.positive("max_time", max_time),
                stop_at=arguments.finite("stop_at", stop_at),
                grace=arguments.not_negative("grace", grace),
                max_deaths=arguments.whole("max_deaths", max_deaths, 0),
                max_failed=arguments.share("max_failed", max_failed),
                memory=arguments.memory("memory_per_trial", memory_per_trial),
                needs=Needs(resources, cores, self.space.names),
                expected=arguments.positive("trial_time", trial_time),
                notice=arguments.positive("notice", notice),
            )
            callbacks = arguments.callables(callbacks)
            background = arguments.truth("background", background)
            progress = arguments.truth("progress", progress)
            check_pool(workers, cluster)
            check_asked(limits.needs.always, workers, cluster)
            target = self._target if self._target is not None else self._load_target()
            change = self._changed_target(target)
            number = len(self.state.targets) + 1 + (change is not None)
            self._keep_source(target, number)
            setting = Setting(
                run=uuid.uuid4().hex[:12],
                target=self._bind(target, self.space),
                package=None if cluster == "inline" else self._pack(target),
                isolate=arguments.truth("isolate", isolate),
            )
            run = open_run(
                Search(
                    space=self.space,
                    plan=self.plan,
                    seed=self.seed,
                    maximize=self.maximize,
                    objective=self._definition.objective,
                    directory=self._directory,
                ),
                setting,
                limits,
                lambda: connect(workers, cluster, self._directory),
                callbacks=callbacks,
                progress=progress,
                target=change,
                deterministic=arguments.deterministic(deterministic),
                slots=slots_of(workers, cluster),
            )
            self._run = run
            if background:
                return run.start()
        run.block()
        return self

    def _load_target(self) -> Any:
        from phsx.targets.description import load

        reference, beside = _reference(self._definition.target)
        if reference is None:
            raise TargetError(
                f"the target of {self.name} is no function of an importable module "
                f"({self._definition.target.get('name', 'unknown')}), so that it has to be given: "
                f"run the script or notebook that made the experiment again"
            )
        self._target = load(reference, beside)
        return self._target

    def extend(self, plan: Strategy | Sequence[Strategy]) -> Experiment:
        """Add blocks of trials to the plan.

        A run that is going on takes them up, in this process or another one, also on another host:
        within seconds, and between two trials where they run in the process of the run itself.
        Otherwise the next run does.

        Raises
        ------
        PlanError
            The blocks do not fit the space.
        ExperimentError
            The directory cannot be written.
        """
        return self._grow(Growth(blocks=Plan.of(plan).blocks))

    def add_trials(self, trials: int) -> Experiment:
        """Give the plan's last block more trials; otherwise as `extend`.

        Raises
        ------
        PlanError
            The last block cannot have more trials, such as a grid, or has used up the space.
        ExperimentError
            The directory cannot be written.
        """
        return self._grow(Growth(trials=arguments.whole("trials", trials, 1)))

    def _grow(self, growth: Growth) -> Experiment:
        growth.of(self.plan, self.space, self.state.exhausted)  # raises what is to be said
        name = ask_for(self._directory, growth)
        deadline = time.monotonic() + TAKEN_UP
        while name not in self.state.taken:
            owner = holder(self._directory)
            if owner is None or owner.alive() is False:
                with suppress(LeaseError):  # somebody runs it now
                    record_plan(self._directory, self._plan, self.space)
            elif time.monotonic() > deadline:
                break
            else:
                time.sleep(0.05)
        return self

    # ------------------------------------------------------------ looking

    def _refresh(self) -> SearchState:
        """Return the newest state: the master's own while it runs here, else the journal's."""
        if self._run is not None and self._run.running:
            return self._run.state
        if self._run is not None:
            self._run.mention()
        with self._lock:
            if self._follower is None:
                self._follower = Follower(self._directory)
            generation, records = self._follower.generation, self._follower.poll()
            if self._follower.generation != generation:
                # A takeover has made records void that were read already.
                self._read_state = SearchState()
            return self._read_state.replay(records)

    @property
    def directory(self) -> Path:
        """Where everything about the search is kept."""
        return self._directory

    @property
    def name(self) -> str:
        """Name of the directory."""
        return self._directory.name

    @property
    def space(self) -> Space:
        """What may vary."""
        return self._definition.space

    @property
    def plan(self) -> Plan:
        """The blocks of trials, with what others have added meanwhile."""
        known = self._refresh().plan
        if known is not None and known != self._plan.to_dict():
            newest = Plan.from_dict(known)
            if newest.extends(self._plan):
                self._plan = newest
        return self._plan

    @property
    def seed(self) -> int:
        """What all randomness of the search comes from."""
        return self._definition.seed

    @property
    def maximize(self) -> bool:
        """Whether larger is better."""
        return self._definition.maximize

    @property
    def objective(self) -> str:
        """Name of the objective, for labels."""
        return self._definition.objective or "value"

    @property
    def total(self) -> int | None:
        """How many trials there will be; None where that is not known."""
        return self._refresh().total(self.plan.sizes(self.space))

    @property
    def state(self) -> SearchState:
        """What the journal's records add up to."""
        return self._refresh()

    @property
    def trials(self) -> list[Trial]:
        """All trials, in the order of their creation."""
        return list(self._refresh().trials.values())

    @property
    def best(self) -> Trial | None:
        """The completed trial with the best value; None while there is none."""
        return self._refresh().best(maximize=self.maximize)

    def to_dataframe(self) -> pd.DataFrame:
        """Return one row per trial.

        Returns
        -------
        pandas.DataFrame
            Indexed by trial id. A column per parameter (missing where inactive), then `value`,
            `state`, `strategy`, `block`, `attempt`, `worker`, `started`, `ended` (seconds since
            1970), `suggest_worker`, `suggest_started`, `suggest_ended`, `error`, and a column for
            whatever else the target returned.
        """
        return to_dataframe(self.trials, self.space.names)

    def __repr__(self) -> str:
        state = self._refresh()
        return f"<phsx experiment {self.name!r}: {len(state.finished)} trials have ended>"


def open_experiment(directory: str | os.PathLike[str]) -> Experiment:
    """Open a finished or running experiment, for looking at it or going on.

    Nothing of the experiment is run or unpickled.

    Parameters
    ----------
    directory : str or Path

    Raises
    ------
    DirectoryError
        There is no experiment.
    JournalError
        Its journal is damaged.
    """
    path = arguments.directory_of(directory)
    if not (path / FILE).exists():
        Definition.load(path)  # raises what is to be said
    return Experiment(path)


def _unwritable(directory: Path, error: OSError) -> DirectoryError:
    return DirectoryError(
        f"{directory} cannot be written: {error.strerror}; give another directory"
    )


def _reference(target: Mapping[str, Any]) -> tuple[str | None, Path | None]:
    """Return "module:function" and the directory of the module, for a target that has them."""
    module, name, file = (target.get(key) for key in ("module", "qualname", "file"))
    if target.get("kind") != "function" or not isinstance(module, str) or module == "__main__":
        return None, None
    if not isinstance(name, str) or "<" in name:
        return None, None
    parents = Path(file).parents if isinstance(file, str) else ()
    depth = module.count(".")
    return f"{module}:{name}", parents[depth] if depth < len(parents) else None


def _optional(space: Space) -> list[str]:
    """Return the parameters that may be absent from a point."""
    return [name for name, parameter in space.parameters.items() if parameter.when is not None]
