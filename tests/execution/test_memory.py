"""What the system says of memory that ran out."""

from __future__ import annotations

import builtins
import io
import sys

import pytest

from phsx.execution.memory import memory_file, out_of_memory_kills


def test_memory_file_has_no_name():
    with memory_file("phsx-test") as file:
        file.write(b"text")
        file.seek(0)
        assert file.read() == b"text"


@pytest.mark.skipif(sys.platform != "linux", reason="the count is Linux's")
def test_the_system_counts_kills():
    assert out_of_memory_kills() >= 0


@pytest.mark.parametrize(
    ("text", "count"),
    [
        (b"nr_free 12\noom_kill 7\nlast 1\n", 7),
        (b"nr_free 12\n", 0),
        (b"what is this\n", 0),
        (None, 0),
    ],
)
def test_what_it_says(monkeypatch, text, count):
    def look(name, *arguments):
        assert name == "/proc/vmstat"
        if text is None:
            raise FileNotFoundError(name)
        return io.BytesIO(text)

    monkeypatch.setattr(builtins, "open", look)
    assert out_of_memory_kills() == count
