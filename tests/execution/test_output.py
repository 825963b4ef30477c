from __future__ import annotations

from phsx.execution.output import tail


def test_tail(tmp_path):
    file = tmp_path / "a.txt"
    file.write_bytes(b"\xff" + b"a" * 50 + "×end".encode())
    assert tail(str(file)) == "\ufffd" + "a" * 50 + "×end"
    assert tail(str(file), 4) == "\ufffdend"
    assert tail(str(tmp_path / "none")) is None
