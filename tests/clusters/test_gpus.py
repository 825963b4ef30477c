"""GPUs of this machine, and who gets them."""

from __future__ import annotations

import pytest

from phsx.clusters.gpus import gpus_here, shared


@pytest.mark.parametrize(
    ("chosen", "found"),
    [("0,1", ["0", "1"]), ("GPU-a, GPU-b", ["GPU-a", "GPU-b"]), ("", []), ("-1", [])],
)
def test_what_the_environment_says_comes_first(chosen, found, tmp_path):
    (tmp_path / "0000:01:00.0").mkdir()
    assert gpus_here({"CUDA_VISIBLE_DEVICES": chosen}, tmp_path) == found


def test_else_what_the_driver_lists(tmp_path):
    for name in ("0000:01:00.0", "0000:02:00.0"):
        (tmp_path / name).mkdir()
    assert gpus_here({}, tmp_path) == ["0", "1"]
    assert gpus_here({}, tmp_path / "none") == []


@pytest.mark.parametrize("workers", [1, 2, 3, 5])
def test_each_has_one_owner(workers):
    found = shared(["a", "b", "c"], workers)
    assert len(found) == workers and sorted(sum(found, [])) == ["a", "b", "c"]
    assert max(map(len, found)) - min(map(len, found)) <= 1
