"""A search in a small TOML file: target, space, plan, and how it is to be run.

::

    target = "model:train"            # module:function, found beside this file
    # command = ["./simulate", "--x", "{x}"]     # or a program, instead of a target
    directory = "results/train"       # by default the file's name without .toml
    seed = 1
    maximize = true
    constraints = ["depth * rate <= 4"]

    [space]
    depth = {type = "int", low = 1, high = 12}
    rate  = {type = "float", low = 1e-4, high = 1.0, log = true}
    momentum = {type = "float", low = 0.0, high = 0.99, when = "depth > 3"}

    [[plan]]
    strategy = "random"
    trials = 20

    [[plan]]
    strategy = "bayesian"
    trials = 60

    [run]
    workers = 4
    timeout = 600

    # [slurm]                         # instead of local workers; or [pbs], [lsf], ...
    # jobs = 16                       # or [0, 64]: as trials are left
    # cores = 4
    # memory = "8GB"
    # walltime = "02:00:00"           # several kinds of jobs: [[slurm]] for each

    # [master]                        # the master's own job, for `phsx submit`
    # walltime = "1-00:00:00"
    # queue = "long"
"""

from __future__ import annotations

import inspect
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from phsx.clusters.batch import SYSTEMS
from phsx.clusters.master_job import KEYS as KEYS_OF_MASTER
from phsx.clusters.master_job import MasterJob
from phsx.clusters.spelled import Tables, describe
from phsx.exceptions import ConfigurationError, DefinitionError
from phsx.experiment.experiment import Experiment
from phsx.space import Space
from phsx.strategies.plan import Plan

KEYS = frozenset(
    {
        "target",
        "command",
        "directory",
        "seed",
        "maximize",
        "objective",
        "space",
        "constraints",
        "plan",
        "run",
        "master",
        *SYSTEMS,
    }
)
#: What the table [run] may say: the arguments of `Experiment.run` that TOML can express.
RUN_KEYS = frozenset(
    name
    for name in inspect.signature(Experiment.run).parameters
    if name not in {"self", "background", "callbacks"}
)


@dataclass(frozen=True)
class SearchFile:
    """What a TOML file says.

    Attributes
    ----------
    path : Path
        The file.
    experiment : dict
        Arguments of `Experiment`.
    run : dict
        Arguments of `Experiment.run`.
    jobs : dict
        What the table of a queue system says, or its tables, by its name; `run` has it as
        `cluster`.
    master : dict
        What the table [master] says.
    """

    path: Path
    experiment: dict[str, Any]
    run: dict[str, Any]
    jobs: dict[str, Tables] = field(default_factory=dict)
    master: dict[str, Any] = field(default_factory=dict)

    @staticmethod
    def text_of(path: Path) -> str:
        """Return what a file says.

        Raises
        ------
        ConfigurationError
            It cannot be read.
        """
        try:
            return path.read_text(encoding="utf-8")
        except OSError as error:
            raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise ConfigurationError(f"{path} is no valid TOML: {error}") from error

    @classmethod
    def read(cls, path: str | Path, text: str | None = None) -> SearchFile:
        """Read a file, and import the target that it names.

        Parameters
        ----------
        path : str or Path
        text : str, optional
            What it says, or said once.

        Raises
        ------
        ConfigurationError
            The file cannot be read, or says something that is not understood.
        DefinitionError
            Target, space or plan are wrong.
        """
        path = Path(path).absolute()
        content = _parse(path, cls.text_of(path) if text is None else text)
        _refuse_unknown(path, "", content, KEYS)
        missing = [key for key in ("space", "plan") if key not in content]
        if ("target" in content) == ("command" in content):
            raise ConfigurationError(
                f'{path.name}: give either target = "module:function" or command = [...]'
            )
        if missing:
            raise ConfigurationError(f"{path.name}: there is no {' and no '.join(missing)}")
        run = content.get("run", {})
        _refuse_unknown(path, "[run] ", run, RUN_KEYS)
        jobs = _jobs(path, content, run)
        directory = content.get("directory", path.stem)
        if not isinstance(directory, str):
            raise ConfigurationError(
                f"{path.name}: directory = {directory!r} is no text; give the name of a directory"
            )
        try:
            arguments = {
                "directory": path.parent / directory,
                "target": _target(path, content),
                "space": _space(content),
                "plan": Plan.from_dict(content["plan"]),
            }
            for system, table in jobs.items():
                run = run | {"cluster": describe(system, table)}
        except DefinitionError as error:
            error.add_note(f"(in {path})")
            raise
        arguments |= {
            key: content[key] for key in ("seed", "maximize", "objective") if key in content
        }
        return cls(path, arguments, run, jobs, _master(path, content))

    def make(self) -> Experiment:
        """Make the experiment, or continue it."""
        return Experiment(**self.experiment)


def _parse(path: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{path} is no valid TOML: {error}") from error


def _master(path: Path, content: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the table [master] says of the job that `phsx submit` makes."""
    table = content.get("master", {})
    _refuse_unknown(path, "[master] ", table, frozenset(KEYS_OF_MASTER))
    try:
        MasterJob.of(table)
    except ConfigurationError as error:
        raise ConfigurationError(f"{path.name}: [master] {error}") from error
    return dict(table)


def _jobs(path: Path, content: Mapping[str, Any], run: Mapping[str, Any]) -> dict[str, Any]:
    """Return the table of the queue system that is to run the search, if there is one."""
    found = {system: content[system] for system in SYSTEMS if system in content}
    others = [f"[run] {name}" for name in ("workers", "cluster") if name in run]
    if len(found) + bool(others) > 1 and found:
        named = " and ".join([*(f"[{system}]" for system in found), *others])
        raise ConfigurationError(f"{path.name}: {named} exclude each other; give one of them")
    for system, table in found.items():
        tables = table if isinstance(table, list) and table else [table]
        if not all(isinstance(one, dict) for one in tables):
            raise ConfigurationError(
                f"{path.name}: [{system}] has to be a table, or each [[{system}]] of several"
            )
    return found


def _refuse_unknown(path: Path, where: str, found: Any, known: frozenset[str]) -> None:
    if not isinstance(found, dict):
        raise ConfigurationError(f"{path.name}: {where.strip()} has to be a table")
    for key in found:
        if key not in known:
            close = get_close_matches(key, known, n=1)
            cure = (
                f"did you mean {close[0]!r}?" if close else f"known are {', '.join(sorted(known))}"
            )
            raise ConfigurationError(f"{path.name}: {where}{key!r} is unknown; {cure}")


def _target(path: Path, content: Mapping[str, Any]) -> Any:
    if "command" in content:
        from phsx.targets.command import Command

        command = content["command"]
        if isinstance(command, dict):
            options = dict(command)
            argv = options.pop("argv", None)
            try:
                return Command(argv, **options)
            except TypeError as error:
                raise ConfigurationError(f"{path.name}: [command] {error}") from error
        return Command(command)
    from phsx.targets.description import load

    return load(str(content["target"]), path.parent)


def _space(content: Mapping[str, Any]) -> Space:
    parameters = content["space"]
    if not isinstance(parameters, dict):
        raise ConfigurationError("space has to be a table of parameters")
    return Space.from_dict(
        {
            "parameters": [_parameter(name, value) for name, value in parameters.items()],
            "constraints": content.get("constraints", []),
        }
    )


def _parameter(name: str, value: Any) -> Any:
    """Return a parameter as `Space.from_dict` takes it; a bare value is a constant."""
    if isinstance(value, list):
        raise ConfigurationError(
            f"parameter {name!r} is a list; write "
            f'{name} = {{type = "categorical", choices = [...]}} for a choice among values'
        )
    if not isinstance(value, dict):
        return {"name": name, "kind": "constant", "value": value}
    options = dict(value)
    kind = options.pop("type", None) or options.pop("kind", None)
    if kind is None:
        raise ConfigurationError(f'parameter {name!r} has no type; add one, such as type = "float"')
    return {"name": name, "kind": kind, **options}
