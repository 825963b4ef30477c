"""What is to be run, and how: a search's file or directory, with what else is said of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from phsx.clusters.connect import check_pool
from phsx.clusters.spelled import jobs_of
from phsx.exceptions import ConfigurationError
from phsx.experiment.definition import Definition
from phsx.experiment.experiment import Experiment, open_experiment
from phsx.experiment.growing import Growth
from phsx.experiment.preview import preview
from phsx.experiment.searchfile import SearchFile
from phsx.space import Space
from phsx.strategies.plan import Plan

#: Of which at most one may be given.
POOL = ("workers", "cluster", "slurm")


@dataclass(frozen=True)
class Order:
    """A search in a file, or an experiment's directory, and what stands in for what the file says.

    Attributes
    ----------
    what : Path
        Absolute.
    options : mapping
        Arguments of `Experiment.run`; and ``slurm``, as text (``"jobs=8,..."``) or as a table, to
        which what the file says of Slurm is added; or a list of them, for several kinds of jobs.
    text : str or None
        What the file said when the order was given; it may change before the order is carried out.
    """

    what: Path
    options: Mapping[str, Any] = field(default_factory=dict)
    text: str | None = None

    @classmethod
    def of(cls, what: str | Path, options: Mapping[str, Any]) -> Order:
        """Return an order; options that are None are left out.

        Raises
        ------
        ConfigurationError
            The file cannot be read, or is a script; or two options exclude each other.
        DirectoryError
            The directory is no experiment.
        """
        path = Path(what).absolute()
        given = {name: value for name, value in options.items() if value not in (None, ())}
        pool = [name for name in POOL if name in given]
        if len(pool) > 1 and "slurm" in pool:
            raise ConfigurationError(
                f"--{pool[0]} and --slurm exclude each other; give one of them"
            )
        if path.is_dir():
            Definition.load(path)  # raises what is to be said
            return cls(path, given)
        if path.suffix == ".py":
            raise ConfigurationError(f"{what} is a script; run it with `python {what}`")
        return cls(path, given, SearchFile.text_of(path))

    @cached_property
    def search(self) -> SearchFile | None:
        """What the file says; None for a directory."""
        return None if self.text is None else SearchFile.read(self.what, self.text)

    @property
    def directory(self) -> Path:
        """The experiment's."""
        return self.what if self.search is None else Path(self.search.experiment["directory"])

    def settings(self) -> dict[str, Any]:
        """Return arguments of `Experiment.run`.

        Raises
        ------
        ConfigurationError
            They are wrong.
        """
        given, search = dict(self.options), self.search
        settings, table = (dict(search.run), search.jobs.get("slurm", {})) if search else ({}, {})
        pool = {name: given.pop(name, None) for name in ("workers", "cluster")}
        if "slurm" in given:
            pool["cluster"] = jobs_of(given.pop("slurm"), table)
        if any(value is not None for value in pool.values()):  # in place of what the file says
            settings |= pool
        if "deterministic" in settings:  # the file may say how many trials are to run at once
            given.pop("deterministic", None)
        settings |= given
        check_pool(settings.get("workers"), settings.get("cluster"))
        return settings

    def make(self, more: int | None = None) -> Experiment:
        """Make the experiment, or go on with it, with so many trials more in its last block."""
        search = self.search
        experiment = open_experiment(self.what) if search is None else search.make()
        if more is None:
            return experiment
        exhausted = experiment.state.exhausted
        plan = Growth(trials=more).of(experiment.plan, experiment.space, exhausted)
        if search is None:
            return Experiment(self.what, plan=plan)
        return Experiment(**(search.experiment | {"plan": plan}))

    def preview(self, more: int | None = None) -> str:
        """Say what a run would do; nothing is made for that, which would settle the space."""
        settings, search, directory = self.settings(), self.search, self.directory
        experiment = None
        if search is None or directory.exists():
            experiment = open_experiment(directory)
        if search is not None:
            space, plan = Space.of(search.experiment["space"]), Plan.of(search.experiment["plan"])
            plan.check(space)
        elif experiment is not None:
            space, plan = experiment.space, experiment.plan
        plan = plan if more is None else plan.more(more)
        trials = experiment.trials if experiment else []
        name = directory if search else self.what
        return preview(str(name), space, plan, trials, settings)

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {"what": str(self.what), "options": dict(self.options), "text": self.text}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Order:
        """Read what `to_dict` has returned."""
        text = data["text"]
        return cls(Path(data["what"]), dict(data["options"]), None if text is None else str(text))
