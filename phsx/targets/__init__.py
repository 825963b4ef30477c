"""What is searched: any Python callable or any program, and how it gets to the workers.

``calling`` says how a target takes its parameters, ``result`` reads what it returns, ``command``
makes a target of a program, ``packing`` makes a parcel of a target for other processes, and
``package`` is that parcel. What is exported is imported when it is first asked for, since the
processes that run trials start fast by loading only what they need.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from phsx.targets.calling import BoundTarget, Calling, bind, check_target
    from phsx.targets.command import Command
    from phsx.targets.description import describe, load, sources
    from phsx.targets.package import Package
    from phsx.targets.packing import pack
    from phsx.targets.result import Result, read_result

_HOMES = {
    "BoundTarget": "calling",
    "Calling": "calling",
    "Command": "command",
    "Package": "package",
    "Result": "result",
    "bind": "calling",
    "check_target": "calling",
    "describe": "description",
    "load": "description",
    "pack": "packing",
    "read_result": "result",
    "sources": "description",
}

__all__ = [
    "BoundTarget",
    "Calling",
    "Command",
    "Package",
    "Result",
    "bind",
    "check_target",
    "describe",
    "load",
    "pack",
    "read_result",
    "sources",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
