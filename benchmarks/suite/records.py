"""What was measured: lines of JSON, one file for each setting and optimizer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

#: Where the records of this repository are.
DATA = Path(__file__).parent.parent / "data"

Record = dict[str, Any]


def _path(data: Path, setting: str, optimizer: str) -> Path:
    return data / setting / f"{optimizer}.jsonl"


def append(data: Path, record: Record) -> None:
    """Add a record at once, so that an interruption loses no other."""
    path = _path(data, record["setting"], record["optimizer"])
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write(json.dumps(record) + "\n")


def read(data: Path, setting: str, optimizer: str) -> dict[tuple[str, int], Record]:
    """Return the records by problem and seed; of several of one cell, the last one counts."""
    path = _path(data, setting, optimizer)
    if not path.exists():
        return {}
    rows = [json.loads(line) for line in path.read_text().splitlines() if line.strip()]
    return {(row["problem"], row["seed"]): row for row in rows}
