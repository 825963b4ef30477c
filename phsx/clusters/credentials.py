"""Credentials of one run, in files that nobody else can read."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from distributed import Security

#: Of an experiment's directory: what its newest run on a queue system needs while it lasts.
DIRECTORY, JOBS = "cluster", "jobs.json"


class ClusterDirectory:
    """A directory, for its owner alone, with what a run's cluster must share with its nodes.

    It lasts as long as the run. One that is there already is of a run that was killed: nobody else
    can be running, since that takes the experiment's lease.

    Parameters
    ----------
    parent : Path
        The experiment's directory.
    """

    def __init__(self, parent: Path) -> None:
        self.path = parent / DIRECTORY

    def stale_jobs(self) -> dict[str, str]:
        """Return the names of the jobs that a killed run may have left behind, by their ids."""
        try:
            content = json.loads((self.path / JOBS).read_text(encoding="utf-8"))
            jobs = {str(number): str(name) for number, name in content.items()}
        except (OSError, ValueError, AttributeError):
            return {}
        return {n: name for n, name in jobs.items() if n.isascii() and n.isdigit()}

    def make(self) -> None:
        """Make it, empty."""
        self.remove()
        self.path.mkdir(mode=0o700, parents=True)
        self.path.chmod(0o700)  # whatever the umask

    def remember(self, jobs: Mapping[str, str]) -> None:
        """Note which jobs there are: their names, by their ids."""
        new = self.path / f"{JOBS}.new"
        new.write_text(json.dumps(dict(jobs), sort_keys=True), encoding="utf-8")
        new.replace(self.path / JOBS)

    def security(self) -> Security:
        """Make new credentials, which scheduler, client and workers read from files here."""
        from distributed import Security  # who only looks at the jobs needs no Dask

        found = Security.temporary().get_tls_config_for_role("worker")
        files = {}
        for key in ("ca_file", "cert", "key"):
            files[key] = str(self.path / f"{key}.pem")
            descriptor = os.open(files[key], os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(found[key])
        return Security(
            require_encryption=True,
            tls_ca_file=files["ca_file"],
            **{
                f"tls_{role}_{key}": files[key]
                for role in ("scheduler", "worker", "client")
                for key in ("cert", "key")
            },
        )

    def remove(self) -> None:
        """Remove it with all that it holds."""
        if self.path.is_symlink():
            self.path.unlink()
        shutil.rmtree(self.path, ignore_errors=True)
