"""What a run would do: shown before anything is started."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import mean
from typing import Any

from phsx.clusters.batch import Batch
from phsx.clusters.connect import pools_of
from phsx.clusters.deadline import MARGIN, fits
from phsx.execution.resources import covers, spelled
from phsx.master.needs import Needs
from phsx.space import Space
from phsx.strategies.plan import Plan
from phsx.trial import Trial, TrialState


def preview(
    name: str, space: Space, plan: Plan, trials: Iterable[Trial], settings: dict[str, Any]
) -> str:
    """Return what a run would do, as text.

    Parameters
    ----------
    name : str
        Of the experiment.
    space : Space
    plan : Plan
    trials : iterable of Trial
        Those that there are already; how long they took tells how long the others may take.
    settings : dict
        Arguments of `Experiment.run`.
    """
    trials = list(trials)
    ended = sum(trial.state.terminal for trial in trials)
    total = plan.trials(space)
    left = None if total is None else max(0, total - ended)
    lines = [f"{name}: {'endless' if left is None else left} trials are left, {ended} have ended"]
    sizes = plan.sizes(space)
    for block, size in zip(plan.blocks, sizes, strict=True):
        lines.append(f"  {'endless' if size is None else size:>7}  {block!r}")
    cluster = settings.get("cluster")
    batches = pools_of(cluster)
    if not batches:
        where = f"cluster={cluster}" if cluster is not None else "local worker processes"
        return "\n".join([*lines, f"on {where}"])
    durations = [
        trial.ended - trial.started
        for trial in trials
        if trial.state is TrialState.COMPLETED and trial.started and trial.ended
    ]
    duration = mean(durations) if durations else settings.get("trial_time")
    if len(batches) == 1:
        lines += [f"on {batches[0]}", *_expected(batches[0], left, duration)]
        return "\n".join([*lines, "", _script(batches[0], name)])
    needs = Needs(settings.get("resources"), settings.get("cores_per_trial"), space.names)
    lines += [f"on {' and '.join(map(str, batches))}"]
    for kind, batch in enumerate(batches):
        expected = _expected_of(kind, batches, needs, left, duration)
        lines += ["", f"# {batch}", *(f"# {line}" for line in expected), _script(batch, name, kind)]
    return "\n".join(lines)


def _expected_of(
    kind: int, batches: Sequence[Batch], needs: Needs, left: int | None, duration: float | None
) -> list[str]:
    """Return what is to be expected of one of several kinds of jobs: at most, if others share."""
    able = [covers(batch.offer, needs.always) for batch in batches]
    if not able[kind]:
        return [f"no job: every trial asks for {spelled(needs.always)}, which these have not"]
    expected = _expected(batches[kind], left, duration)
    if sum(able) == 1:
        return expected
    why = "what their parameters ask for" if needs.varies else "where a slot is free"
    return [f"which trials run here depends on {why}; if all of them did:", *expected]


def _expected(batch: Batch, left: int | None, duration: float | None) -> list[str]:
    """Return how many jobs and hours are to be expected."""
    if left is None or duration is None:
        missing = "how many trials there are"
        if left is not None:
            missing = "how long a trial takes (trial_time=600, or --trial-time 600, says it)"
        return [f"{missing} is not known, and so not how many jobs there will be"]
    walltime = batch.walltime_seconds
    if not fits(duration, walltime):
        return [
            f"a trial of {duration:.3g} s fits into no job of {walltime:.3g} s, unless it saves "
            f"checkpoints: ask for a longer walltime="
        ]
    slots = min(batch.jobs[1] * batch.slots, max(1, left))
    hours = math.ceil(left / slots) * duration / 3600
    jobs = at_once = math.ceil(slots / batch.slots)
    if walltime is not None:
        each = math.floor((walltime - MARGIN) / duration)  # trials of a slot within a walltime
        jobs = at_once * math.ceil(math.ceil(left / slots) / each)
    cores = left * duration / 3600 / batch.slots * batch.cores
    return [
        f"about {jobs} jobs, {at_once} at a time, for {hours:.2g} hours in all "
        f"({cores:.2g} core hours), at {duration:.3g} s a trial"
    ]


def _script(batch: Batch, name: str, kind: int = 0) -> str:
    from phsx.clusters.job_template import JobTemplate, job_name

    tls = {key: f"{name}/cluster/{key}.pem" for key in ("ca_file", "cert", "key")}
    # Of others dask-jobqueue itself would make the directory of logs, and nothing is made here.
    logs = Path(name) / "logs" if batch.system == "slurm" else None
    template = JobTemplate(batch, job_name(Path(name), kind), logs, tls if batch.tls else {})
    return template.script("tls://<this-host>" if batch.tls else "tcp://<this-host>")
