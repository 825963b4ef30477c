"""How trials are shown, as text and as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from phsx.cli.command import Nothing

if TYPE_CHECKING:
    from phsx.experiment.experiment import Experiment
    from phsx.journal import Owner
    from phsx.trial import Trial, TrialState

#: What the state of a trial is called that was running when its run ended at once.
INTERRUPTED = "interrupted"


def runner(experiment: Experiment) -> Owner | None:
    """Return who runs an experiment; None for nobody that lives."""
    from phsx.journal import holder

    owner = holder(experiment.directory)
    return owner if owner is not None and owner.alive() is not False else None


def word(state: TrialState, owner: Owner | None) -> str:
    """Return a trial's state; what nobody runs any more was interrupted."""
    return INTERRUPTED if state == "running" and owner is None else str(state)


def print_best(experiment: Experiment, as_json: bool) -> None:
    """Print the best trial, or end with the exit code that says that there is none yet."""
    found = experiment.best
    if found is None:
        raise Nothing(f"{experiment.name}: no trial has completed yet")
    if as_json:
        print_json(as_json_trial(found))
        return
    click.echo(f"{experiment.objective} = {found.value:.10g}  (trial {found.id})")
    for name, value in (found.params or {}).items():
        click.echo(f"  {name} = {value!r}")


def line_of(trial: Trial, owner: Owner | None) -> str:
    """Return a trial as one line."""
    value = "" if trial.value is None else f"{trial.value:.10g}"
    params = ", ".join(f"{name}={part!r}" for name, part in (trial.params or {}).items())
    return f"{trial.id:6d}  {word(trial.state, owner):12}  {value:>16}  {params}"


def as_json_trial(trial: Trial) -> dict[str, Any]:
    """Return a trial as JSON has it."""
    return {
        "id": trial.id,
        "state": str(trial.state),
        "value": trial.value,
        "params": dict(trial.params or {}),
        "result": dict(trial.result),
        "strategy": trial.strategy,
        "block": trial.block,
        "attempt": trial.attempt,
        "deaths": trial.deaths,
        "earlier": list(trial.earlier),
        "worker": trial.worker,
        "started": trial.started,
        "ended": trial.ended,
        "error": trial.error,
        "traceback": trial.traceback,
    }


def print_json(value: Any) -> None:
    """Print a value as JSON, for scripts and for people."""
    click.echo(json.dumps(value, indent=2))
