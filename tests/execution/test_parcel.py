from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from phsx.execution.parcel import read_parcel, write_parcel
from phsx.targets.packing import pack


def test_is_read_by_many_at_once():
    data = bytes(1_000_000)
    with write_parcel(pack(lambda x, data: x + len(data), ["x"], fixed={"data": data})) as file:
        with ThreadPoolExecutor(4) as pool:
            loaded = list(pool.map(lambda _: read_parcel(file.fileno(), None), range(8)))
    assert {bound.call({"x": 1}, None) for bound in loaded} == {1_000_001}


def test_without_memory_files(monkeypatch):
    monkeypatch.delattr("os.memfd_create", raising=False)
    with write_parcel(pack(lambda x: x, ["x"])) as file:
        assert read_parcel(file.fileno(), None).call({"x": 2}, None) == 2


class Bomb:
    def __reduce__(self):
        return (int, ("not a number",))


def test_errors_of_loading_are_raised(monkeypatch):
    monkeypatch.setattr("phsx.targets.packing._TRY_LIMIT", 0)
    with write_parcel(pack(lambda x, b: x, ["x"], fixed={"b": Bomb()})) as file:
        with pytest.raises(ValueError, match="not a number"):
            read_parcel(file.fileno(), None)
