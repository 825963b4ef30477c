"""The tables of docs/benchmarks.md, as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from suite.losses import Losses
from suite.setting import SETTINGS
from suite.statistics import difference, ranks

#: Whose comparisons with all others are listed.
OURS = "phsx"

#: Fewer seeds tell too little to call an optimizer the best of a problem.
_ENOUGH = 3


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; the first column is text, the others are numbers."""
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def counted(losses: Losses, optimizer: str) -> str:
    """Return how many seeds an optimizer has, such as 20 or 3–5."""
    counts = {len(losses.seeds(optimizer, p)) for p in losses.problems} - {0}
    return f"{min(counts)}–{max(counts)}" if len(counts) > 1 else str(*counts)


def rank_tables(losses: Losses) -> str:
    """Return the mean ranks: of all that have every problem, and of those with more seeds."""
    problems = losses.problems
    least = {
        one: min(len(losses.seeds(one, problem)) for problem in problems)
        for one in losses.optimizers
    }
    parts = []
    for floor in sorted({count for count in least.values() if count}):
        some = [one for one in losses.optimizers if least[one] >= floor]
        if len(some) < 2 or (parts and len(some) < 3 and OURS not in some):
            continue
        found = ranks(losses, some, problems)
        order = sorted(some, key=lambda one: found[one].mean)
        rows = [
            [one, f"{found[one].mean:.2f}", f"{found[one].low:.2f} to {found[one].high:.2f}"]
            for one in order
        ]
        title = f"Of {len(some)}, {len(problems)} problems, {floor} shared seeds or more:"
        parts.append(f"{title}\n\n" + table(["optimizer", "mean rank", "95 %"], rows))
    return "\n\n".join(parts)


def versus_table(losses: Losses) -> str:
    """Return on how many problems phsx is better, tied and worse, against each other one."""
    if OURS not in losses.records:
        return f"{OURS} is not recorded yet."
    rows = []
    for other in losses.optimizers:
        if other == OURS:
            continue
        pairs = {p: difference(losses, OURS, other, p) for p in losses.problems}
        known = {problem: pair for problem, pair in pairs.items() if pair is not None}
        if not known:
            continue
        verdicts = [pair.verdict for pair in known.values()]
        seeds = sorted({pair.seeds for pair in known.values()})
        worse = [problem for problem, pair in known.items() if pair.verdict == "worse"]
        rows.append(
            [
                other,
                str(seeds[0]) if len(seeds) == 1 else f"{seeds[0]}–{seeds[-1]}",
                *(str(verdicts.count(verdict)) for verdict in ("better", "tied", "worse")),
                f"{np.mean([pair.mean for pair in known.values()]):+.2f}",
                ", ".join(worse) or "–",
            ]
        )
    header = ["against", "seeds", "better", "tied", "worse", "mean log10 difference", "worse on"]
    return table(header, rows)


def regret_table(losses: Losses) -> str:
    """Return the median regret at the end, problem by problem.

    Bold: the least mean log regret, and what is not worse, among those with enough seeds to tell.
    """
    rows = []
    for problem in losses.problems:
        best = _tied_with_the_best(losses, problem)
        cells = []
        for one in losses.optimizers:
            finals = _finals(losses, one, problem)
            text = f"{np.median(finals):.2g}" if finals else "–"
            cells.append(f"**{text}**" if one in best else text)
        rows.append([problem, *cells])
    header = ["problem", *(f"{one} ({counted(losses, one)})" for one in losses.optimizers)]
    return table(header, rows)


def _tied_with_the_best(losses: Losses, problem: str) -> list[str]:
    some = [one for one in losses.optimizers if len(losses.seeds(one, problem)) >= _ENOUGH]
    if not some:
        return []
    best = min(some, key=lambda one: _mean(losses, one, problem))
    pairs = {one: difference(losses, one, best, problem) for one in some}
    return [one for one, pair in pairs.items() if pair is not None and pair.verdict != "worse"]


def _finals(losses: Losses, optimizer: str, problem: str) -> list[float]:
    seeds = losses.seeds(optimizer, problem)
    return [float(losses.curve(optimizer, problem, seed)[-1]) for seed in seeds]


def _mean(losses: Losses, optimizer: str, problem: str) -> float:
    seeds = losses.seeds(optimizer, problem)
    return float(np.mean([losses.loss(optimizer, problem, seed) for seed in seeds]))


def version_table(losses: Losses) -> str:
    """Return what was measured when, and what a trial's suggestion cost."""
    rows = []
    for one, records in losses.records.items():
        cells = list(records.values())
        dates = sorted({row["date"] for row in cells})
        cost = [row["cpu_per_ask"] for row in cells if "cpu_per_ask" in row]
        rows.append(
            [
                one,
                "; ".join(sorted({row["version"] for row in cells})),
                dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}",
                counted(losses, one),
                f"{np.median(cost):.2g}" if cost else "–",
            ]
        )
    return table(["optimizer", "version", "recorded", "seeds", "CPU s per trial"], rows)


def solved_table(losses: Losses, tolerance: float) -> str:
    """Return in how many searches the end is within a tolerance of the optimum."""
    rows = []
    for one in losses.optimizers:
        for problem in losses.problems:
            finals = _finals(losses, one, problem)
            good = sum(regret <= tolerance for regret in finals)
            rows.append([one, problem, f"{good} of {len(finals)}", f"{np.median(finals):.2g}"])
    return table(["optimizer", "problem", f"within {tolerance:g}", "median regret"], rows)


def section(losses: Losses) -> str:
    """Return all tables of a setting."""
    if losses.setting == "long":
        return solved_table(losses, 0.02)
    title = SETTINGS[losses.setting].title
    parts = [
        rank_tables(losses),
        f"{OURS} against each:\n\n{versus_table(losses)}",
        f"Median regret at the end ({title}; seeds in brackets):\n\n{regret_table(losses)}",
        version_table(losses),
        f"![Regret by trials, {title}](images/regret-{losses.setting}.png)",
    ]
    return "\n\n".join(part for part in parts if part)
