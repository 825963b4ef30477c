"""Whether the target that an experiment goes on with is the one that it has had."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from phsx.exceptions import ChangedError
from phsx.targets.code import comparable

Description = Mapping[str, Any]


def changed(known: Description, given: Description) -> bool:
    """Tell whether a target's code has changed; refuse one that is another function.

    Equal code is the same target under whatever name, so that a function may be moved to another
    module. Different code under the same name is the same target in a newer version.

    Parameters
    ----------
    known, given : mapping
        As `phsx.targets.description.describe` returns them.

    Raises
    ------
    ChangedError
        Neither name nor code is that of the experiment.

    Examples
    --------
    >>> known = {"name": "train", "kind": "function", "code": "cpython-311:a"}
    >>> changed(known, {**known, "module": "elsewhere"})
    False
    >>> changed(known, {**known, "code": "cpython-311:b"})
    True
    """
    before, now = known.get("code"), given.get("code")
    if before is not None and before == now:
        return False
    if (_name(known), _is_command(known)) != (_name(given), _is_command(given)):
        raise ChangedError(
            f"this experiment evaluates {_words(known)}, and is asked to go on with "
            f"{_words(given)}: their results would be taken for those of one function. Use "
            f"another directory; or give the function its old name, if it is a newer version"
        )
    return before is not None and now is not None and comparable(before, now)


def source_folder(number: int) -> str:
    """Return where the sources of an experiment's first, second, ... target are kept.

    Examples
    --------
    >>> source_folder(1), source_folder(2)
    ('source', 'source.2')
    """
    return "source" if number == 1 else f"source.{number}"


def _name(target: Description) -> str:
    return str(target.get("name", "")).rpartition(".")[2]


def _is_command(target: Description) -> bool:
    return target.get("kind") == "command"


def _words(target: Description) -> str:
    where = target.get("file") or target.get("module")
    place = f" of {where}" if isinstance(where, str) else ""
    return f"the {target.get('kind', 'target')} {target.get('name', 'without a name')}{place}"
