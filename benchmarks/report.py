"""Make the tables and plots of docs/benchmarks.md from what was recorded.

    python benchmarks/report.py            # into docs/benchmarks.md and docs/images
    python benchmarks/report.py --show     # on the terminal

Text between `<!-- table: NAME -->` and `<!-- end -->` is replaced, the rest of the page is kept.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from suite.batches import batch_section
from suite.latencies import latency_section, read_latency
from suite.losses import load
from suite.plots import plot_latency, plot_regret
from suite.records import DATA
from suite.setting import SETTINGS
from suite.tables import section

DOCS = Path(__file__).parent.parent / "docs"


def sections(data: Path) -> dict[str, str]:
    """Return the text of every table that there are records for."""
    found = {}
    for name in SETTINGS:
        losses = load(name, data)
        if losses.records:
            found[name] = section(losses)
    if rows := read_latency(data):
        found["latency"] = latency_section(rows)
    if (data / "batch" / "phsx.jsonl").exists():
        found["batch"] = batch_section(data)
    return found


def write(data: Path) -> None:
    """Put the tables into the page, and the plots beside it."""
    page = DOCS / "benchmarks.md"
    text = page.read_text()
    for name, body in sections(data).items():
        pattern = rf"(<!-- table: {name} -->\n).*?(<!-- end -->)"
        text, count = re.subn(
            pattern, lambda found, body=body: f"{found[1]}{body}\n{found[2]}", text, flags=re.S
        )
        if not count:
            raise SystemExit(f"{page} has no place for {name!r}: add <!-- table: {name} -->.")
    page.write_text(text)
    for name in SETTINGS:
        losses = load(name, data)
        if losses.records and name != "long":
            plot_regret(losses, DOCS / "images" / f"regret-{name}.png")
    if rows := read_latency(data):
        plot_latency(rows, DOCS / "images" / "latency.png")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, default=DATA, help="where the records are")
    parser.add_argument("--show", action="store_true", help="print the tables, write nothing")
    options = parser.parse_args()
    if options.show:
        for name, body in sections(options.data).items():
            print(f"== {name}\n\n{body}\n")
    else:
        write(options.data)


if __name__ == "__main__":
    main()
