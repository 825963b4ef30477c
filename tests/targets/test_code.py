"""What counts as another code of a target."""

from __future__ import annotations

import functools
import subprocess
import sys

import phsx
from phsx.targets.code import code_digest, comparable


def helper(x):
    return x + 1


def uses_helper(x):
    return helper(x)


def recursive(x):
    return recursive(x - 1) if x else 0


class Callable:
    def __init__(self, shift):
        self.shift = shift

    def __call__(self, x):
        return x + self.shift

    def method(self, x):
        return x - self.shift


def made(text, name="f"):
    namespace = {"__name__": "made"}
    exec(compile(text, "made.py", "exec"), namespace)
    return namespace[name]


def test_comments_and_layout_do_not_matter():
    one = made("def f(x, y=2):\n    return x + y")
    other = made("\n\n# first\ndef f(x,\n      y=2):\n    # then\n    return (x + y)\n")
    assert code_digest(one) == code_digest(other)


def test_what_matters():
    variants = [
        "def f(x): return x + 1",
        "def f(x): return x + 2",
        "def f(x): return x + 1.0",
        "def f(z): return z + 1",
        "def f(x): return x - 1",
        "def f(x): return abs(x) + 1",
        "def f(x): return (lambda: x + 1)()",
        "def f(x): return (lambda: x + 2)()",
        "def f(x): return x in {'a', 'b'}",
        "def f(x): return x in {'a', 'c'}",
    ]
    digests = [code_digest(made(text)) for text in variants]
    assert len(set(digests)) == len(variants)


def test_functions_beside_it_that_it_calls():
    text = "def g(x): return x + {}\ndef f(x): return g(x)"
    assert code_digest(made(text.format(1))) != code_digest(made(text.format(2)))
    deep = "def h(x): return x + {}\ndef g(x): return h(x)\ndef f(x): return [g(y) for y in x]"
    assert code_digest(made(deep.format(1))) != code_digest(made(deep.format(2)))
    assert code_digest(uses_helper) != code_digest(helper) and code_digest(recursive)


def test_kinds_of_targets():
    assert code_digest(Callable(1)) == code_digest(Callable(2))
    assert code_digest(Callable(1)) != code_digest(Callable(1).method)
    assert code_digest(functools.partial(helper, 1)) == code_digest(helper)
    assert code_digest(len) is None
    one, other = phsx.Command("echo {x}"), phsx.Command("echo -n {x}")
    assert code_digest(one) == code_digest(phsx.Command("echo {x}")) != code_digest(other)


def test_the_same_in_every_process():
    text = "def f(x): return x in {'a', 'b', 'c', 'd', 'e'}"
    program = (
        "from phsx.targets.code import code_digest\nspace = {}\n"
        f"exec({text!r}, space)\nprint(code_digest(space['f']))"
    )
    command = [sys.executable, "-c", program]
    runs = {subprocess.run(command, capture_output=True, text=True).stdout for _ in range(2)}
    assert runs == {f"{code_digest(made(text))}\n"}


def test_of_other_versions_of_python_nothing_is_known():
    assert comparable("cpython-311:a", "cpython-311:b")
    assert not comparable("cpython-311:a", "cpython-312:a")
