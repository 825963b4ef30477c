"""What an experiment is, as its `experiment.json` says: no pickle, nothing that runs."""

from __future__ import annotations

import json
import os
import platform
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from phsx._version import __version__
from phsx.exceptions import ChangedError, DefinitionError, DirectoryError
from phsx.experiment import arguments
from phsx.space import Space
from phsx.strategies.plan import Plan

#: Version of the layout of `experiment.json`.
SCHEMA = 1
FILE = "experiment.json"
#: What an interrupted `Definition.save` may leave.
LEFTOVER = re.compile(rf"\.{re.escape(FILE)}\.\d+")
#: Packages whose version may matter to whoever reads the results.
PACKAGES = ("dask", "distributed", "numpy", "scipy", "scikit-learn", "pandas")


@dataclass(frozen=True)
class Definition:
    """The lasting facts about an experiment.

    Attributes
    ----------
    space : Space
    plan : Plan
        As it was when the experiment was made; the journal knows what was added.
    seed : int
    maximize : bool
    objective : str or None
        Key of the objective in what the target returns.
    target : mapping
        Where the target came from, in words.
    id : str
        Unique to the experiment.
    created : str
        When, in ISO 8601.
    environment : mapping
        Versions of Python and of the packages that matter.
    """

    space: Space
    plan: Plan
    seed: int
    maximize: bool = False
    objective: str | None = None
    target: Mapping[str, Any] = field(default_factory=dict)
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    created: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    environment: Mapping[str, str] = field(default_factory=lambda: _environment())

    def save(self, directory: Path) -> None:
        """Write `experiment.json`, whole or not at all."""
        content = {
            "schema": SCHEMA,
            "phsx": __version__,
            "id": self.id,
            "created": self.created,
            "seed": self.seed,
            "maximize": self.maximize,
            "objective": self.objective,
            "target": dict(self.target),
            "space": self.space.to_dict(),
            "plan": self.plan.to_dict(),
            "environment": dict(self.environment),
        }
        temporary = directory / f".{FILE}.{os.getpid()}"
        with temporary.open("w", encoding="utf-8") as file:
            json.dump(content, file, indent=2, ensure_ascii=False, allow_nan=False)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(directory / FILE)

    @classmethod
    def load(cls, directory: Path) -> Definition:
        """Read `experiment.json`.

        Raises
        ------
        DirectoryError
            There is none, or it cannot be understood.
        """
        path = directory / FILE
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise DirectoryError(
                f"{directory} is not an experiment: it has no {FILE}. Give the directory that "
                f"phsx.Experiment(directory, ...) was given"
            ) from None
        except (OSError, ValueError, RecursionError) as error:
            raise DirectoryError(f"{path} cannot be read: {error}") from error
        try:
            if content["schema"] > SCHEMA:
                raise DirectoryError(
                    f"{path} was written by phsx {content['phsx']}, which is newer than this "
                    f"version {__version__}; upgrade phsx to open it"
                )
            arguments.check_definition(content["seed"], content["maximize"], content["objective"])
            arguments.mapping("target", content["target"])
            return cls(
                space=Space.from_dict(content["space"]),
                plan=Plan.from_dict(content["plan"]),
                seed=int(content["seed"]),
                maximize=bool(content["maximize"]),
                objective=content["objective"],
                target=content["target"],
                id=str(content["id"]),
                created=str(content["created"]),
                environment=content["environment"],
            )
        except (KeyError, TypeError, AttributeError, DefinitionError) as error:
            raise DirectoryError(
                f"{path} is damaged or not of phsx ({type(error).__name__}: {error})"
            ) from error

    def continued(self, **wanted: Any) -> Definition:
        """Return this definition for a run that asks for `wanted`; None means "as it is".

        Raises
        ------
        ChangedError
            Something that cannot change is asked to be otherwise; the message has the difference.
        """
        for name, value in wanted.items():
            old = getattr(self, name)
            if value is None or value == old:
                continue
            raise ChangedError(
                f"this experiment has {name}={old!r}, and is asked to go on with "
                f"{name}={value!r}; use another directory for another search"
            )
        return replace(self)


def _environment() -> dict[str, str]:
    found = {"python": platform.python_version(), "platform": platform.platform()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
