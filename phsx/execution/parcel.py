"""A package in a file in memory, which all processes of a worker read and none holds twice."""

from __future__ import annotations

import mmap
import os
import pickle
import struct
from dataclasses import replace
from typing import BinaryIO

from phsx.targets.calling import BoundTarget
from phsx.targets.package import Package, load_payload

_LENGTH = struct.Struct("<Q")


def write_parcel(package: Package) -> BinaryIO:
    """Write a package to a nameless file and return the file.

    It holds the length of a header, the header (the package without its payload, pickled), and
    the payload.
    """
    if hasattr(os, "memfd_create"):
        file: BinaryIO = open(os.memfd_create("phsx-package"), "w+b")  # noqa: SIM115, PTH123
    else:
        import tempfile  # heavy, and a child has no use for it

        file = tempfile.TemporaryFile("w+b")  # noqa: SIM115
    header = pickle.dumps(replace(package, payload=b""), protocol=5)
    file.write(_LENGTH.pack(len(header)))
    file.write(header)
    file.write(package.payload)
    file.flush()
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
