"""A package in a file in memory, which all processes of a worker read and none holds twice."""

from __future__ import annotations

import mmap
import pickle
import struct
from dataclasses import replace
from typing import BinaryIO

from phsx.execution.memory import memory_file
from phsx.targets.calling import BoundTarget
from phsx.targets.package import Package, load_payload

_LENGTH = struct.Struct("<Q")


def write_parcel(package: Package) -> BinaryIO:
    """Write a package to a nameless file and return the file.

    It holds the length of a header, the header (the package without its payload, pickled), and
    the payload.
    """
    file = memory_file("phsx-package")
    header = pickle.dumps(replace(package, payload=b""), protocol=5)
    for part in (_LENGTH.pack(len(header)), header, package.payload):
        left = memoryview(part)
        while left:  # the system writes at most 2 GB at once
            left = left[file.write(left) :]
    return file


def read_parcel(descriptor: int, sources: str | None) -> BoundTarget:
    """Load the target from a file that `write_parcel` wrote, into this process.

    Parameters
    ----------
    descriptor : int
        The file. Its position does not matter, since several processes share it.
    sources : str or None
        Where the package's source files were written; becomes importable.

    Raises
    ------
    Exception
        Whatever unpickling raises where the target cannot be loaded here.
    """
    with (
        mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ) as whole,
        memoryview(whole) as view,
        view[: _LENGTH.size] as prefix,
    ):
        start = _LENGTH.size + _LENGTH.unpack(prefix)[0]
        with view[_LENGTH.size : start] as header, view[start:] as payload:
            package: Package = pickle.loads(header)  # noqa: S301 - made by the master of this run
            package.extend_path(sources)
            return load_payload(package, payload)
