"""A real Slurm on this host, for tests: munged, slurmctld and four slurmd with two CPUs each.

::

    real_slurm.py check          say what is missing; exit code 1 where something is
    real_slurm.py install        install Slurm where it is missing (Debian's packages, as root)
    real_slurm.py start DIR      start it; its configuration is DIR/slurm.conf (SLURM_CONF)
    real_slurm.py stop DIR       end its jobs and its daemons
    real_slurm.py run DIR        start it, say "ready", and stop it when standard input ends

Everything listens on the loopback interface, on ports that are free, and writes below DIR alone:
several may run at once. Starting what runs, and stopping what does not, does nothing.
"""

from __future__ import annotations

import getpass
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

NODES, CPUS, MEMORY = 4, 2, 8000
DAEMONS = ("munged", "slurmctld", "slurmd")
PACKAGES = ("slurm-wlm", "munge")
#: Seconds that the daemons may take to be ready, and to end.
PATIENCE = 30.0

CONFIGURATION = """\
ClusterName=phsx
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
AuthInfo=socket={run}/munge.sock
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
SlurmctldPort={port}
SlurmctldPidFile={run}/slurmctld.pid
SlurmctldLogFile={run}/slurmctld.log
SlurmdPidFile={run}/slurmd-%n.pid
SlurmdLogFile={run}/slurmd-%n.log
SlurmdSpoolDir={run}/spool/%n
StateSaveLocation={run}/state
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SlurmdParameters=config_overrides
SchedulerParameters=batch_sched_delay=0,sched_interval=2,bf_interval=2
ReturnToService=2
JobRequeue=0
KillWait=5
DefMemPerCPU=500
GresTypes=gpu
NodeName=n[1-2] NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]}-{ports[2]} \
CPUs={cpus} RealMemory={memory}
NodeName=n[3-4] NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[3]}-{ports[4]} \
CPUs={cpus} RealMemory={memory} Gres=gpu:2
PartitionName=debug Nodes=ALL Default=YES MaxTime=INFINITE State=UP
PartitionName=cpu Nodes=n[1-2] MaxTime=INFINITE State=UP
PartitionName=gpu Nodes=n[3-4] MaxTime=INFINITE State=UP
"""
#: Other devices stand in for the GPUs: Slurm only looks whether they are there.
GPUS = """\
NodeName=n[3-4] Name=gpu File=/dev/null
NodeName=n[3-4] Name=gpu File=/dev/zero
"""


def missing() -> list[str]:
    """Return the programs that are not there."""
    return [name for name in (*DAEMONS, "sbatch") if _find(name) is None]


def _find(program: str) -> str | None:
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
    return shutil.which(program, path=path)


def install() -> None:
    """Install Debian's packages, without letting them start services."""
    if not missing():
        return
    if os.getuid() != 0 or shutil.which("apt-get") is None:
        raise SystemExit(
            f"Slurm cannot be installed here: that needs root and apt-get ({missing()})"
        )
    policy = Path("/usr/sbin/policy-rc.d")
    ours = not policy.exists()
    if ours:
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
    apt = ["apt-get", "-q", "-y", "-o", "DPkg::Lock::Timeout=300"]
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    try:
        subprocess.run([*apt, "update"], env=environment, timeout=600)
        subprocess.run(
            [*apt, "install", "--no-install-recommends", *PACKAGES],
            env=environment,
            timeout=900,
            check=True,
        )
    finally:
        if ours:
            policy.unlink()


class Slurm:
    """One Slurm below a directory.

    Parameters
    ----------
    directory : Path
        Of short name, since a Unix socket's path has at most 107 characters.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory.absolute()
        self.configuration = self.directory / "slurm.conf"
        self._environment = os.environ | {"SLURM_CONF": str(self.configuration)}

    def start(self) -> None:
        """Start all daemons, and wait until every node is idle."""
        if self._ready():
            return
        self.stop()
        for name in ("", "state", "spool"):
            (self.directory / name).mkdir(parents=True, exist_ok=True)
        self.directory.chmod(0o755)  # munged wants nobody else to write there
        self._configure()
        self._start_munge()
        self._start_slurm()
        try:
            _wait(self._ready, "the nodes are not idle in time")
        except TimeoutError:
            for log in sorted(self.directory.glob("*.log")):
                print(f"== {log}\n{log.read_text(errors='replace')[-2000:]}", file=sys.stderr)
            self.stop()
            raise

    def _configure(self) -> None:
        ports = _free_ports(NODES + 1)
        self.configuration.write_text(
            CONFIGURATION.format(
                host=socket.gethostname().split(".")[0],
                user=getpass.getuser(),
                run=self.directory,
                port=ports[0],
                ports=ports,
                cpus=CPUS,
                memory=MEMORY,
            )
        )

        (self.directory / "gres.conf").write_text(GPUS)

    def _start_munge(self) -> None:
        key = self.directory / "munge.key"
        key.touch(0o600)
        key.write_bytes(secrets.token_bytes(128))
        files = {
            "key-file": key,
            "socket": self.directory / "munge.sock",
            "pid-file": self.directory / "munged.pid",
            "log-file": self.directory / "munged.log",
            "seed-file": self.directory / "munged.seed",
        }
        self._call("munged", "--force", *(f"--{name}={path}" for name, path in files.items()))

    def _start_slurm(self) -> None:
        self.start_controller(clean=True)
        for node in range(1, NODES + 1):
            self._call("slurmd", "-N", f"n{node}")

    def start_controller(self, *, clean: bool = False) -> None:
        """Start slurmctld; not `clean`, with the jobs that it knew."""
        self._call("slurmctld", *(["-c"] if clean else []))

    def stop_controller(self) -> None:
        """End slurmctld alone."""
        self._end(["slurmctld.pid"], signal.SIGTERM)

    def stop(self) -> None:
        """End all jobs and all daemons."""
        if self.configuration.exists() and self._alive("slurmctld.pid") is not None:
            self._call("scancel", "--user", str(os.getuid()), check=False)
            self._settle()
        nodes = [f"slurmd-n{node}.pid" for node in range(1, NODES + 1)]
        for files in (nodes, ["slurmctld.pid"], ["munged.pid"]):
            self._end(files, signal.SIGTERM)
            self._end(files, signal.SIGKILL)

    def _settle(self) -> None:
        try:
            _wait(lambda: not self._call("squeue", "-h", check=False).stdout.strip(), "jobs", 15.0)
        except TimeoutError:
            print("some jobs did not end", file=sys.stderr)

    def _end(self, files: list[str], number: signal.Signals) -> None:
        ids = [pid for name in files if (pid := self._alive(name)) is not None]
        for pid in ids:
            os.kill(pid, number)
        try:
            _wait(lambda: all(self._alive(name) is None for name in files), "daemons", 10.0)
        except TimeoutError:
            if number is signal.SIGKILL:
                raise

    def _alive(self, name: str) -> int | None:
        """Return the id of the daemon with this file, if it runs."""
        try:
            pid = int((self.directory / name).read_text())
            command = Path(f"/proc/{pid}/cmdline").read_text()  # of a zombie it is empty
        except (OSError, ValueError):
            return None
        return pid if any(daemon in command for daemon in DAEMONS) else None

    def _ready(self) -> bool:
        if not self.configuration.exists() or self._alive("slurmctld.pid") is None:
            return False
        found = self._call("sinfo", "-h", "-p", "debug", "-N", "-o", "%t", check=False)
        states = found.stdout.split()
        return len(states) == NODES and set(states) <= {"idle", "mix", "alloc"}

    def _call(
        self, program: str, *args: str, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [_find(program) or program, *args],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=90,
        )
        if check and done.returncode:
            raise SystemExit(f"{program} {' '.join(args)}: {done.stderr or done.stdout}")
        return done


def _free_ports(count: int) -> list[int]:
    """Return consecutive ports that are free now (Slurm takes a range)."""
    for _ in range(100):
        first = 20000 + secrets.randbelow(10000)
        with ExitStack() as stack:
            try:
                for port in range(first, first + count):
                    probe = stack.enter_context(socket.socket())
                    probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return list(range(first, first + count))
    raise SystemExit("there are no free ports")


def _wait(condition: Callable[[], bool], what: str, patience: float = PATIENCE) -> None:
    deadline = time.monotonic() + patience
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        time.sleep(0.1)


def main(arguments: list[str]) -> None:
    """Do what the command line says."""
    match arguments:
        case ["check"]:
            if missing():
                raise SystemExit(f"Slurm is not installed here: there is no {', '.join(missing())}")
        case ["install"]:
            install()
        case ["start", directory]:
            Slurm(Path(directory)).start()
        case ["stop", directory]:
            Slurm(Path(directory)).stop()
        case ["stop-controller", directory]:
            Slurm(Path(directory)).stop_controller()
        case ["start-controller", directory]:
            Slurm(Path(directory)).start_controller()
        case ["run", directory]:
            slurm = Slurm(Path(directory))
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, lambda *_: sys.exit(1))
            try:
                slurm.start()
                print("ready", flush=True)
                sys.stdin.read()
            finally:
                slurm.stop()
        case _:
            raise SystemExit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
