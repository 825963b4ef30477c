"""A scheduler's process: ``python -m phsx.clusters.scheduler_process``, told on standard input."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import sys
from typing import Any

import dask
from distributed import Scheduler, Security

from phsx.clusters.descriptors import raise_limit
from phsx.clusters.parent import input_ended

#: Seconds that it may take to say goodbye.
GOODBYE = 3.0


async def serve(settings: dict[str, Any]) -> None:
    """Run a scheduler until standard input ends, or it is told to close."""
    ended = input_ended()
    try:
        scheduler = await Scheduler(**settings["options"], security=_security(settings["tls"]))
    except (OSError, RuntimeError, ValueError, TypeError) as error:
        _say({"error": str(error.__cause__ or error)})
        return
    contact = getattr(scheduler, "contact_address", None)
    _say({"address": scheduler.address, "contact_address": contact})
    over = [asyncio.ensure_future(ended.wait()), asyncio.ensure_future(scheduler.finished())]
    await asyncio.wait(over, return_when=asyncio.FIRST_COMPLETED)
    with contextlib.suppress(asyncio.TimeoutError):
        await asyncio.wait_for(scheduler.close(), GOODBYE)


def _say(content: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(content) + "\n")
    sys.stdout.flush()


def _security(tls: dict[str, Any] | None) -> Security | None:
    if tls is None:
        return None
    return Security(
        require_encryption=True,
        tls_ca_file=tls["ca_file"],
        tls_scheduler_cert=tls["cert"],
        tls_scheduler_key=tls["key"],
    )


def main() -> None:
    """Read the settings and serve."""
    settings = json.loads(sys.stdin.buffer.readline())
    dask.config.update(dask.config.config, dask.config.deserialize(settings["config"]))
    logging.getLogger("distributed").setLevel(logging.WARNING)
    raise_limit(settings["files"])
    try:
        asyncio.run(serve(settings))
    finally:
        os._exit(0)  # whatever thread is left


if __name__ == "__main__":
    main()
