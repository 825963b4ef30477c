"""A program as a target."""

from __future__ import annotations

import inspect
import json
import os
import shlex
import shutil
import subprocess
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from phsx.exceptions import TargetError
from phsx.targets.arguments import (
    Argument,
    check_placeholders,
    fill,
    placeholders,
    read_arguments,
)
from phsx.targets.calling import Calling, SpecialTarget
from phsx.targets.command_output import exit_reason, read_json, read_last_line
from phsx.targets.result import Result

_FILE = "params_file"
_SPECIAL = ("trial", "attempt", "seed", "directory", _FILE)
_LAST_LINE = "last line"

Reader = Callable[..., Any]
Writer = Callable[[Path, Mapping[str, Any]], object]


class Command(SpecialTarget):
    """A program that is started once per trial, without a shell, in the trial's directory.

    Parameters
    ----------
    argv : str or sequence
        The program and its arguments: a list, or a text that is split like a shell's line. In
        them ``{x}`` stands for the parameter ``x`` (``{x:.3f}`` formats it; text is written as it
        is, everything else as in JSON), and unless the space has a parameter of that name,
        ``{trial}``, ``{attempt}``, ``{seed}``, ``{directory}`` and ``{params_file}`` for the
        trial's own. An argument that mentions an inactive parameter is left out; a list within
        the list is a group that is left out together.
    input : str or callable, optional
        Name of a JSON file in the trial's directory that gets all active parameters; or
        ``f(directory, params)``, which writes whatever the program reads. ``{params_file}`` in
        the arguments implies ``"params.json"``.
    result : str or callable
        Where the objective comes from: ``"last line"``, the last line of the standard output that
        is not empty, a number or a JSON object; or the name of a JSON file that the program writes
        into the trial's directory; or a function of yours that gets the trial's directory, or, if
        its argument is called ``stdout``, the standard output as text.
    env : mapping, optional
        Environment variables to be set beside the inherited ones.
    cwd : str or path
        Where to run; ``"trial"`` is the trial's directory. Arguments that name a file at the time
        of the definition are then made absolute.

    Notes
    -----
    What the program prints is in ``stdout.txt`` and ``stderr.txt`` of the trial's directory, and
    its command line, as one may paste it into a shell, in ``command.txt``. An exit code other than
    0 fails the trial.

    Examples
    --------
    >>> command = Command(["echo", "{x}"])
    >>> command.line({"x": 0.5})[1:]
    ['0.5']
    """

    def __init__(
        self,
        argv: str | Sequence[Any],
        *,
        input: str | Writer | None = None,
        result: str | Reader = _LAST_LINE,
        env: Mapping[str, str] | None = None,
        cwd: str | os.PathLike[str] = "trial",
    ) -> None:
        self.arguments = _split(argv)
        self.in_trial = cwd == "trial"
        self.cwd = None if self.in_trial else _existing_directory(cwd)
        names = [name for argument in self.arguments for name in placeholders(argument)]
        self.input = "params.json" if input is None and _FILE in names else input
        self.result = result
        self.env = {str(name): str(value) for name, value in (env or {}).items()}
        self.files: list[str] = []
        self._reads_stdout = _check_reader(result)
        for what, name in (("input", self.input), ("result", result)):
            if isinstance(name, str) and name != _LAST_LINE:
                _check_file_name(what, name)
        self._resolve()

    def __call__(self, params: Mapping[str, Any], trial: Any) -> Any:
        """Run the program to its end and return what it gives, or a `Result` with a reason."""
        directory: Path = trial.directory
        if isinstance(self.result, str) and self.result != _LAST_LINE:
            (directory / self.result).unlink(missing_ok=True)  # an earlier attempt's
        special = {
            "trial": trial.id,
            "attempt": trial.attempt,
            "seed": trial.seed,
            "directory": str(directory),
        }
        if isinstance(self.input, str):
            file = directory / self.input
            file.write_text(json.dumps(dict(params), indent=2) + "\n", encoding="utf-8")
            special[_FILE] = str(file)
        elif self.input is not None:
            self.input(directory, params)
        return self._run(self.line({**special, **params}), directory)

    def line(self, values: Mapping[str, Any]) -> list[str]:
        """Return the argument list with these values."""
        line = fill(self.arguments, values)
        if not placeholders(self.program) and not Path(line[0]).exists():
            line[0] = self.program  # on another host, where it may be elsewhere
        return line

    def calling(
        self, names: Collection[str], fixed: Mapping[str, Any], optional: Collection[str]
    ) -> Calling:
        """Check the command against a space's parameters."""
        if fixed:
            raise TargetError(
                f"a command takes no fixed= (here {next(iter(fixed))!r}): write the value into its "
                "arguments"
            )
        if set(placeholders(self.program)) & {*optional}:
            raise TargetError(
                f"the command's program {self.program!r} depends on a conditional parameter, so "
                "that there may be none: let it depend on parameters that are always there"
            )
        special = [name for name in _SPECIAL if name != _FILE or isinstance(self.input, str)]
        in_file = self.input is not None
        check_placeholders(self.arguments, names, optional, special, in_file)
        return Calling(argument="params", handle=True)

    def describe(self) -> dict[str, Any]:
        """Say what the command is, as JSON values."""
        return {
            "name": Path(self.program).name,
            "kind": "command",
            "argv": [list(part) if isinstance(part, tuple) else part for part in self.arguments],
            "input": self.input if isinstance(self.input, str) else repr(self.input),
            "result": self.result if isinstance(self.result, str) else repr(self.result),
        }

    def sources(self) -> dict[str, str]:
        """Return the text files among the arguments, such as the script of an interpreter."""
        found = {}
        for file in map(Path, self.files):
            try:
                if file.stat().st_size < 1_000_000:
                    found[file.name] = file.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError):
                continue
        return found

    def __repr__(self) -> str:
        return f"Command({[*self.arguments]!r})"

    def _resolve(self) -> None:
        """Find the program, and make the names of files independent of where it runs."""
        first, *rest = self.arguments
        if not isinstance(first, str):
            raise TargetError(f"the command must begin with its program, not with {list(first)!r}")
        self.program = first
        if not placeholders(first):
            first = _escape(_find_program(fill([first], {})[0]))
        if self.in_trial:
            rest = [self._absolute(argument) for argument in rest]
        self.arguments = (first, *rest)

    def _absolute(self, argument: Argument) -> Argument:
        if isinstance(argument, tuple):
            return tuple(str(self._absolute(part)) for part in argument)
        if placeholders(argument):
            return argument
        option, equals, name = "", "", fill([argument], {})[0]
        if name.startswith("-"):
            option, equals, name = name.partition("=")
        if not name or not Path(name).is_file():
            return argument
        path = str(Path(name).absolute())
        self.files.append(path)
        return _escape(f"{option}{equals}{path}")

    def _run(self, line: list[str], directory: Path) -> Any:
        (directory / "command.txt").write_text(shlex.join(line) + "\n", encoding="utf-8")
        with (
            (directory / "stdout.txt").open("ab+") as stdout,
            (directory / "stderr.txt").open("ab+") as stderr,
        ):
            begin, begin_errors = stdout.seek(0, os.SEEK_END), stderr.seek(0, os.SEEK_END)
            try:
                code = _wait(line, self.cwd or str(directory), self.env, stdout, stderr)
            except (OSError, ValueError) as error:
                return Result(None, reason=f"the command {line[0]} could not be started: {error}")
            if code != 0:
                return Result(None, reason=exit_reason(code, stderr, begin_errors))
            return self._read(directory, stdout, begin)

    def _read(self, directory: Path, stdout: IO[bytes], begin: int) -> Any:
        if self.result == _LAST_LINE:
            return read_last_line(stdout, begin)
        if isinstance(self.result, str):
            return read_json(directory / self.result)
        if self._reads_stdout:
            stdout.seek(begin)
            return self.result(stdout=stdout.read().decode("utf-8", "replace"))
        return self.result(directory)


def _split(argv: Any) -> tuple[Argument, ...]:
    if isinstance(argv, str):
        try:
            argv = shlex.split(argv)
        except ValueError as error:
            raise TargetError(f"the command {argv!r} cannot be split: {error}") from None
    if not isinstance(argv, Sequence) or isinstance(argv, bytes):
        raise TargetError(f"a command must be a text or a list of arguments, not {argv!r}")
    if not argv or argv[0] == "":
        raise TargetError("the command is empty: begin with a program, as in Command(['sim', ...])")
    return read_arguments(argv)


def _escape(text: str) -> str:
    """Double the braces of a text that has no placeholders."""
    return text.replace("{", "{{").replace("}", "}}")


def _find_program(name: str) -> str:
    found = shutil.which(name)
    if found is not None:
        return str(Path(found).absolute())
    path = Path(name)
    if path.is_file():
        raise TargetError(
            f"the program {name!r} of the command is not executable: make it so (chmod +x), or "
            f"begin with its interpreter, as in ['python', {name!r}, ...]"
        )
    where = "there" if os.sep in name else f"on the PATH: install it, or give its path (./{name})"
    raise TargetError(f"the program {name!r} of the command is not {where}")


def _existing_directory(cwd: str | os.PathLike[str]) -> str:
    path = Path(cwd).absolute()
    if not path.is_dir():
        raise TargetError(f"cwd= of the command is no directory: {str(path)!r}")
    return str(path)


def _check_reader(result: Any) -> bool:
    """Tell whether the result is read by a function that wants the standard output."""
    if isinstance(result, str):
        return False
    if not callable(result):
        raise TargetError(
            'result= of a command must be "last line", the name of a JSON file, or a function, not '
            f"{result!r}"
        )
    try:
        arguments = inspect.signature(result).parameters
    except (TypeError, ValueError):
        return False
    return "stdout" in arguments


def _check_file_name(what: str, name: str) -> None:
    path = Path(name)
    if not name or path.is_absolute() or ".." in path.parts:
        raise TargetError(
            f"{what}={name!r} of the command must be a file within the trial's directory, such as "
            f'"{what}.json"'
        )


def _wait(
    line: list[str], cwd: str, env: Mapping[str, str], stdout: IO[bytes], stderr: IO[bytes]
) -> int:
    """Run a program to its end; it stays in this process group, to be killed with the trial."""
    with subprocess.Popen(
        line,
        cwd=cwd,
        env={**os.environ, **env},
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
    ) as process:
        try:
            return process.wait()
        except BaseException:
            process.kill()
            raise
