"""dask-jobqueue, imported without what else its import does."""

from __future__ import annotations

import signal
import sys
import threading
from importlib import import_module
from types import ModuleType

from phsx.exceptions import ClusterError

NAME = "dask_jobqueue"


def jobqueue() -> ModuleType:
    """Return dask-jobqueue.

    Its import makes SIGINT end the process at once, which neither a user at a prompt nor a run
    that is to end in an orderly way can want; and for that it only succeeds in the main thread.

    Raises
    ------
    ClusterError
        It is to be imported for the first time, in another thread.
    """
    if NAME in sys.modules:
        return import_module(NAME)
    if threading.current_thread() is not threading.main_thread():
        raise ClusterError(
            "dask-jobqueue can only be imported in the main thread (it sets a handler of "
            "signals); import dask_jobqueue there before anything else runs"
        )
    handler = signal.getsignal(signal.SIGINT)
    try:
        return import_module(NAME)
    finally:
        if handler is not None:  # one that Python has not set cannot be set by it either
            signal.signal(signal.SIGINT, handler)
