"""The leak check itself: it has to see what it is there for."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

HEAD = "import os, subprocess, threading, pytest\nKEPT = []\n"
LEAKS = {
    "threads": "threading.Thread(target=threading.Event().wait, daemon=True).start()",
    "processes": "KEPT.append(subprocess.Popen(['sleep', '30']))",
    "files": "KEPT.append(os.open('/etc/hosts', os.O_RDONLY))",
}


@pytest.fixture
def suite(pytester: pytest.Pytester) -> pytest.Pytester:
    conftest = (Path(__file__).parent / "conftest.py").read_text()
    pytester.makeconftest(conftest.replace("PATIENCE = 10.0", "PATIENCE = 1.0"))
    pytester.makeini("[pytest]\nmarkers = leaks(kind): permitted")
    return pytester


@pytest.mark.parametrize("kind", LEAKS)
def test_leak_fails(suite: pytest.Pytester, kind: str) -> None:
    suite.makepyfile(f"{HEAD}def test_it():\n    {LEAKS[kind]}\n")
    result = suite.runpytest_subprocess("-p", "no:cacheprovider", "-p", "no:xdist")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines([f"*the test left behind*{kind}*"])


def test_permitted_leak_passes(suite: pytest.Pytester) -> None:
    suite.makepyfile(f"{HEAD}@pytest.mark.leaks('files')\ndef test_it():\n    {LEAKS['files']}\n")
    suite.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)


def test_process_that_changes_its_name_is_no_leak(suite: pytest.Pytester) -> None:
    """As one does that another test's fixture has just started."""
    suite.makepyfile(
        "import subprocess, pytest\n"
        "@pytest.fixture(scope='module')\n"
        "def process():\n"
        "    one = subprocess.Popen(['sh', '-c', 'read x; exec sleep 30'], stdin=subprocess.PIPE)\n"
        "    yield one\n"
        "    one.kill()\n"
        "    one.communicate()\n"
        "def test_it(process):\n"
        "    process.stdin.write(b'x\\n')\n"
        "    process.stdin.flush()\n"
        "    name = open(f'/proc/{process.pid}/cmdline')\n"
        "    while not name.read().startswith('sleep'):\n"
        "        name.seek(0)\n"
        "    name.close()\n"
    )
    suite.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)


def test_what_is_garbage_only_later_is_no_leak(suite: pytest.Pytester) -> None:
    """As the connections of a worker that has died."""
    suite.makepyfile(
        "import threading\n"
        "class Node:\n"
        "    pass\n"
        "def test_it():\n"
        "    node = Node()\n"
        "    node.self, node.file = node, open('/etc/hosts')\n"
        "    threading.Timer(0.1, lambda node: None, [node]).start()\n"
    )
    suite.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)


def test_what_is_closed_is_no_leak(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        "import subprocess, threading, time\n"
        "def test_it():\n"
        "    threading.Thread(target=time.sleep, args=(0.05,)).start()\n"
        "    subprocess.run(['true'])\n"
        "    open('/etc/hosts').close()\n"
    )
    suite.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)
