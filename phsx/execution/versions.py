"""Tells the user, once, which packages workers lack or have in other versions."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

from phsx.exceptions import VersionWarning
from phsx.targets.requirements import Requirements


class Versions:
    """What this process has, and what of it was told to be otherwise on workers.

    Parameters
    ----------
    here : mapping
        See `phsx.targets.requirements`.
    """

    def __init__(self, here: Requirements) -> None:
        self._here = dict(here.values())
        self._told: set[tuple[str, str | None]] = set()

    def compare(self, worker: str, there: Mapping[str, str | None]) -> None:
        """Warn of what a worker has otherwise, as far as no worker before it was like that.

        Parameters
        ----------
        worker : str
        there : mapping
            Versions by distribution, None for one that is missing.
        """
        new = {item for item in there.items() if item not in self._told}
        if not new:
            return
        self._told |= new
        listed = ", ".join(
            f"{name} is {'missing' if version is None else version} (here {self._here.get(name)})"
            for name, version in sorted(new)
        )
        warnings.warn(
            f"workers have other packages than this process: {listed}, as first seen on {worker}. "
            f"Trials may fail there, or give other results; give workers and this process the "
            f"same environment",
            VersionWarning,
            stacklevel=2,
        )
