"""What a command left behind: its result, or the reason why there is none."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import IO, Any

from phsx.targets.result import Result

_TAIL = 2_000
_LINE_SEARCH = 1 << 20


def exit_reason(code: int, stderr: IO[bytes], begin: int) -> str:
    """Say how a command ended that did not end well, and the end of its standard error."""
    if code > 0:
        text = f"the command ended with exit code {code}"
    else:
        text = f"the command died of signal {-code}"
    size = stderr.seek(0, os.SEEK_END)
    stderr.seek(max(begin, size - _TAIL))
    last = stderr.read().decode("utf-8", "replace").strip()
    return f"{text}; its standard error ends with: {last}" if last else text


def read_json(file: Path) -> Any:
    """Return what is in the JSON file that a command wrote, or a `Result` with a reason."""
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Result(None, reason=f"the command has not written {file.name}, its result")
    except (OSError, ValueError) as error:
        return Result(None, reason=f"the command's result, {file.name}, cannot be read: {error}")


def read_last_line(stdout: IO[bytes], begin: int) -> Any:
    """Return the number or the JSON object on the last line that is not empty, from `begin` on."""
    size = stdout.seek(0, os.SEEK_END)
    stdout.seek(max(begin, size - _LINE_SEARCH))
    lines = stdout.read().decode("utf-8", "replace").split("\n")
    last = next((line.strip() for line in reversed(lines) if line.strip()), None)
    if last is None:
        return Result(None, reason="the command has printed nothing, so there is no result")
    try:
        return float(last)
    except ValueError:
        pass
    try:
        found = json.loads(last)
    except ValueError:
        found = None
    if isinstance(found, dict):
        return found
    return Result(
        None,
        reason=f"the last line of the command's output is {last[:200]!r}, and neither a number nor "
        'a JSON object: print the result last, or say result="file.json" or result=function',
    )
