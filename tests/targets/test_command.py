from __future__ import annotations

import json
import pickle
import shlex
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from phsx.exceptions import TargetError
from phsx.targets.calling import bind, check_target
from phsx.targets.command import Command
from phsx.targets.result import read_result


@pytest.fixture
def run(tmp_path):
    """Run a command as a trial does, in this process."""
    directory = tmp_path / "trial"
    directory.mkdir()

    def run(command, optional=(), names=None, **params):
        bound = bind(command, list(params) if names is None else names, None, optional)
        trial = SimpleNamespace(id=7, attempt=1, seed=11, directory=directory)
        return read_result(bound.call(params, trial))

    run.directory = directory
    return run


def python(code, *arguments, **options):
    return Command([sys.executable, "-c", code, *arguments], **options)


class TestResult:
    def test_last_line_that_is_not_empty(self, run):
        result = run(python("print(5); print('x', {{}}); print(0.25); print()", "{x}"), x=1)
        assert (result.value, result.extras) == (0.25, {})
        assert run.directory.joinpath("stdout.txt").read_text() == "5\nx {}\n0.25\n\n"

    def test_last_line_as_json(self, run):
        code = """import json, sys; print(json.dumps({{"loss": float(sys.argv[1]), "n": 3}}))"""
        result = run(python(code, "{x}"), x=0.5)
        assert (result.value, result.extras) == (0.5, {"n": 3})

    def test_an_earlier_attempts_output_is_not_read(self, run):
        run.directory.joinpath("stdout.txt").write_text("0.75\n")
        assert "has printed nothing" in run(python("0", "{x}"), x=1).reason

    @pytest.mark.parametrize(
        ("code", "part"),
        [
            ("print('loss: 0.5')", "'loss: 0.5', and neither a number nor a JSON object"),
            ("print([1])", "neither a number"),
            ("print('nan')", "nan, which is not a finite number"),
            ("0", "has printed nothing"),
        ],
    )
    def test_last_lines_without_result(self, run, code, part):
        assert part in run(python(code, "{x}"), x=1).reason

    def test_json_file(self, run):
        code = "open('out.json', 'w').write(__import__('sys').argv[1])"
        command = python(code, "{x}", result="out.json")
        assert run(command, x=0.5).value == 0.5
        assert "cannot be read" in run(command, x="{").reason

    def test_a_file_of_an_earlier_attempt_is_not_read(self, run):
        run.directory.joinpath("out.json").write_text("0.5")
        reason = run(python("0", "{x}", result="out.json"), x=1).reason
        assert reason == "the command has not written out.json, its result"

    def test_function_of_the_directory(self, run):
        command = python(
            "open('a.txt', 'w').write('3')",
            "{x}",
            result=lambda where: {"loss": int((where / "a.txt").read_text()), "name": where.name},
        )
        result = run(command, x=1)
        assert (result.value, result.extras) == (3.0, {"name": "trial"})

    def test_function_of_the_output(self, run):
        command = python("print('a=1\\nb=2')", "{x}", result=lambda stdout: stdout.count("="))
        run.directory.joinpath("stdout.txt").write_text("a=0\n")
        assert run(command, x=1).value == 2.0

    def test_exit_code_and_the_end_of_the_errors(self, run):
        run.directory.joinpath("stderr.txt").write_text("of an earlier attempt\n")
        code = "import sys; print('9' * 5000, 'oh dear', file=sys.stderr); print(1); sys.exit(3)"
        result = run(python(code, "{x}"), x=1)
        assert result.value is None
        assert "exit code 3; its standard error ends with: 999" in result.reason
        assert result.reason.endswith("oh dear") and len(result.reason) < 2_500
        assert "earlier" not in result.reason
        assert "oh dear" in run.directory.joinpath("stderr.txt").read_text()

    def test_death_by_a_signal(self, run):
        result = run(python("import os; os.kill(os.getpid(), 15)", "{x}"), x=1)
        assert result.reason == "the command died of signal 15"


def test_an_interrupt_ends_the_program(run, monkeypatch):
    started = []

    def interrupted(self, timeout=None):
        started.append(self)
        monkeypatch.undo()
        raise KeyboardInterrupt

    monkeypatch.setattr(subprocess.Popen, "wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(Command(["sleep", "{x}"]), x=60)
    assert started[0].returncode == -9


SHOW = "import sys, json; print(json.dumps({{'value': 0, 'argv': sys.argv[1:]}}))"


class TestArguments:
    def test_no_shell_ever_sees_them(self, run):
        text = "$(touch pwned); `touch pwned` > pwned && 'x' \"*\" \n"
        result = run(python(SHOW, "{x}", "--y={y}"), x=text, y=[1, None])
        assert result.extras["argv"] == [text, "--y=[1, null]"]
        assert not run.directory.joinpath("pwned").exists()

    def test_the_trials_own(self, run):
        code = SHOW
        command = python(code, "{x}", "{trial}", "{attempt}", "{seed}", "{directory}")
        assert run(command, x=1).extras["argv"] == ["1", "7", "1", "11", str(run.directory)]

    def test_a_parameter_of_that_name_wins(self, run):
        assert run(python(SHOW, "{seed}"), seed=5).extras["argv"] == ["5"]

    def test_text_is_split_like_a_line(self, run):
        command = Command(f"{shlex.quote(sys.executable)} -c {shlex.quote(SHOW)} --x={{x}} 'a b'")
        assert run(command, x=0.5).extras["argv"] == ["--x=0.5", "a b"]

    def test_inactive_parameters(self, run):
        command = python(SHOW, "{x}", ["--momentum", "{m}"])
        names = {"names": ["x", "m"], "optional": ["m"]}
        assert run(command, x=1, **names).extras["argv"] == ["1"]
        assert run(command, x=1, m=2, **names).extras["argv"] == ["1", "--momentum", "2"]

    def test_the_line_is_kept(self, run):
        run(Command(["echo", "{x}"]), x="a b")
        line = run.directory.joinpath("command.txt").read_text()
        assert shlex.split(line)[1:] == ["a b"] and line.endswith("\n")


class TestInput:
    CODE = "import json, sys; print(json.dumps({{'value': 0, **json.load(open(sys.argv[1]))}}))"

    def test_file_of_a_name(self, run):
        result = run(python(self.CODE, "in.json", input="in.json"), x=1.5, name="a")
        assert result.extras == {"x": 1.5, "name": "a"}
        assert json.loads(run.directory.joinpath("in.json").read_text()) == {"x": 1.5, "name": "a"}

    def test_placeholder_implies_a_file(self, run):
        assert run(python(self.CODE, "{params_file}"), x=1.5).extras == {"x": 1.5}
        assert run.directory.joinpath("params.json").exists()

    def test_function_writes_it(self, run):
        def write(directory, params):
            (directory / "in.txt").write_text(f"x = {params['x']}")

        command = python("print(open('in.txt').read().split()[-1])", input=write)
        assert run(command, x=1.5).value == 1.5


class TestWhere:
    def test_runs_in_the_trials_directory(self, run):
        code = "import os; open('here', 'w'); print(0)"
        assert run(python(code, "{x}"), x=1).value == 0.0
        assert run.directory.joinpath("here").exists()

    def test_or_where_it_is_told(self, run, tmp_path):
        code = "import os; print(len(os.getcwd()))"
        assert run(python(code, "{x}", cwd=tmp_path), x=1).value == len(str(tmp_path))

    def test_environment(self, run, monkeypatch):
        monkeypatch.setenv("FROM_OUTSIDE", "1")
        code = "import os; print(int(os.environ['FROM_OUTSIDE']) + int(os.environ['MINE']))"
        assert run(python(code, "{x}", env={"MINE": 2}), x=1).value == 3.0

    def test_relative_files_keep_their_meaning(self, run, cwd):
        (cwd / "sim.py").write_text("import sys; print(len(open(sys.argv[1][9:]).read()))")
        (cwd / "a{b}.txt").write_text("12345")
        command = Command([sys.executable, "sim.py", "--config=a{{b}}.txt", "{x}"])
        assert run(command, x=1).value == 5.0
        assert command.sources().keys() == {"sim.py", "a{b}.txt"}
        assert command.describe()["argv"][1] == str(cwd / "sim.py")

    def test_relative_program(self, run, cwd):
        program = cwd / "sim{1}"
        program.write_text("#!/bin/sh\necho $1\n")
        program.chmod(0o755)
        command = Command(["./sim{{1}}", "{x}"])
        assert command.line({"x": 1})[0] == str(program)
        assert run(command, x=2).value == 2.0

    def test_program_of_another_place_is_looked_up_there(self, run):
        command = Command(["echo", "{x}"])
        command.arguments = ("/not/here/echo", *command.arguments[1:])
        assert run(command, x=2).value == 2.0

    def test_program_as_parameter(self, run):
        assert run(Command(["{solver}", "{x}"]), solver="echo", x=2).value == 2.0
        reason = run(Command(["{solver}", "{x}"]), solver="no-such-program", x=2).reason
        assert "could not be started" in reason

    def test_is_picklable(self, run):
        command = pickle.loads(pickle.dumps(Command(["echo", "{x}"])))
        assert run(command, x=2).value == 2.0


class TestErrors:
    @pytest.mark.parametrize(
        ("arguments", "options", "parts"),
        [
            ([], {}, ["empty"]),
            ("", {}, ["empty"]),
            (None, {}, ["a list of arguments"]),
            ("echo 'x", {}, ["cannot be split", "quotation"]),
            (["no-such-program", "{x}"], {}, ["'no-such-program'", "not on the PATH"]),
            (["./no-such-program", "{x}"], {}, ["not there"]),
            ([["echo"], "{x}"], {}, ["begin with its program"]),
            (["echo", "{x"], {}, ["braces"]),
            (["echo", "{x}"], {"cwd": "/no/such/place"}, ["no directory"]),
            (["echo", "{x}"], {"input": "/etc/passwd"}, ["within the trial's directory"]),
            (["echo", "{x}"], {"result": "../out.json"}, ["within the trial's directory"]),
            (["echo", "{x}"], {"result": 5}, ["result=", "not 5"]),
        ],
    )
    def test_at_the_definition(self, arguments, options, parts):
        with pytest.raises(TargetError) as raised:
            Command(arguments, **options)
        assert all(part in str(raised.value) for part in parts), str(raised.value)

    def test_a_script_that_is_not_executable(self, cwd):
        Path("sim.py").write_text("print(1)")
        with pytest.raises(TargetError, match="not executable.*interpreter"):
            Command(["./sim.py", "{x}"])

    @pytest.mark.parametrize(
        ("command", "options", "part"),
        [
            (["echo", "{z}"], {}, "{z}, which is no parameter"),
            (["echo", "1"], {}, "does not use the parameter 'x'"),
            (["echo", "{x}"], {"fixed": {"a": 1}}, "no fixed="),
            (["{x}"], {"optional": ["x"]}, "depends on a conditional parameter"),
        ],
    )
    def test_beside_the_space(self, command, options, part):
        with pytest.raises(TargetError) as raised:
            check_target(Command(command), ["x"], **options)
        assert part in str(raised.value)
