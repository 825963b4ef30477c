"""Nameless files in memory, shared by a worker and its children."""

from __future__ import annotations

import os
from typing import BinaryIO


def memory_file(name: str) -> BinaryIO:
    """Open a new file in memory; on systems that have none, a temporary one.

    Parameters
    ----------
    name : str
        Seen in listings of open files only.
    """
    if hasattr(os, "memfd_create"):
        return open(os.memfd_create(name), "w+b", buffering=0)  # noqa: PTH123
    import tempfile  # heavy, and a child has no use for it

    return tempfile.TemporaryFile("w+b", buffering=0)
