"""Who answers at an address of Dask's, asked without a client."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future

import distributed


def identity(address: str, security: distributed.Security, timeout: float) -> str:
    """Return what answers at an address: ``"Scheduler"`` or ``"Worker"``.

    A `distributed.Client` that tries in vain leaves a thread behind, which nobody can end: so one
    is made only where this has had an answer.

    Parameters
    ----------
    address : str
        Such as ``"tls://host:8786"``.
    security : distributed.Security
        With which credentials to ask.
    timeout : float
        Seconds to wait.

    Raises
    ------
    OSError
        Nobody answers, or nobody of Dask's.
    ValueError, TypeError
        The address is none, or does not fit the credentials.
    """
    answer: Future[str] = Future()

    def ask() -> None:
        try:
            answer.set_result(asyncio.run(_identity(address, security, timeout)))
        except BaseException as error:
            answer.set_exception(error)

    # A thread of its own, since there may be an event loop in this one, as in a notebook; a daemon,
    # so that Ctrl-C needs not wait for it.
    thread = threading.Thread(target=ask, name="phsx-identity", daemon=True)
    thread.start()
    try:
        return answer.result()
    except TimeoutError as error:
        raise OSError(f"no answer within {timeout:g} s") from error
    except MemoryError as error:  # Dask takes the first words for the size of a message
        raise OSError("what answers there does not speak Dask's language") from error
    finally:
        if answer.done():
            thread.join()


async def _identity(address: str, security: distributed.Security, timeout: float) -> str:
    arguments = security.get_connection_args("client")
    async with distributed.rpc(address, timeout=timeout, connection_args=arguments) as peer:
        return str((await asyncio.wait_for(peer.identity(), timeout))["type"])
