from __future__ import annotations

import functools
import inspect
import math
import operator
import pickle

import pytest

from phsx.exceptions import TargetError
from phsx.targets.calling import bind, check_target, name_of


class Model:
    def __init__(self, scale=1):
        self.scale = scale

    def __call__(self, x, y=2):
        return self.scale * x * y

    def method(self, x, y):
        return self.scale * (x + y)

    @classmethod
    def of_class(cls, x, y):
        return x - y

    @staticmethod
    def static(x, y):
        return x / y


def call(target, params, *, handle="the handle", fixed=None, names=None, optional=()):
    bound = bind(target, list(params) if names is None else names, fixed, optional)
    return bound.call(params, handle)


class TestWaysOfCalling:
    @pytest.mark.parametrize(
        ("target", "value"),
        [
            (lambda x, y: (x, y), (6, 3)),
            (lambda y, x: (x, y), (6, 3)),
            (lambda *, x, y: (x, y), (6, 3)),
            (lambda x, /, y: (x, y), (6, 3)),
            (lambda y, x, /: (x, y), (6, 3)),
            (lambda **others: others, {"x": 6, "y": 3}),
            (lambda *rest, **others: (rest, others), ((), {"x": 6, "y": 3})),
            (lambda x, y, z=1: (x, y, z), (6, 3, 1)),
            (lambda x, **others: (x, others), (6, {"y": 3})),
            (lambda config: config, {"x": 6, "y": 3}),
            (lambda config, /: config, {"x": 6, "y": 3}),
            (lambda config=None: config, {"x": 6, "y": 3}),
            (lambda trial, config: (trial, config), ("the handle", {"x": 6, "y": 3})),
            (lambda config, trial: (trial, config), ("the handle", {"x": 6, "y": 3})),
            (lambda x, y, trial: (trial, x, y), ("the handle", 6, 3)),
            (lambda trial, /, x, y: (trial, x, y), ("the handle", 6, 3)),
            (lambda x, y, trial=None: trial, "the handle"),
            (functools.partial(lambda x, y, z: (x, y, z), z=5), (6, 3, 5)),
            (functools.partial(lambda z, x, y: (x, y, z), 5), (6, 3, 5)),
            (functools.partial(lambda x, y, trial: trial, trial="mine"), "mine"),
            (Model(2), 36),
            (Model(2).method, 18),
            (Model.of_class, 3),
            (Model.static, 2),
            (functools.partial(Model(2).method, y=1), 18),
        ],
    )
    def test_python_callables(self, target, value):
        assert call(target, {"x": 6, "y": 3}) == value

    def test_builtins_with_a_signature(self):
        assert call(pow, {"base": 2, "exp": 5}) == 32
        assert call(math.sin, {"x": 0.0}) == 0.0
        assert call(operator.add, {"a": 1, "b": 2}) == 3

    def test_what_has_no_signature_is_called_by_keyword(self):
        class Opaque:
            __signature__ = "as C extensions have none"

            def __call__(self, **given):
                return given

        with pytest.raises((ValueError, TypeError)):
            inspect.signature(Opaque())
        assert call(Opaque(), {"x": 1, "y": 2}) == {"x": 1, "y": 2}

    def test_a_parameter_called_trial_is_a_parameter(self):
        assert call(lambda x, trial: (x, trial), {"x": 1, "trial": 2}) == (1, 2)
        assert not check_target(lambda x, trial: 0, ["x", "trial"]).handle

    def test_fixed_arguments(self):
        assert call(lambda x, data: (x, data), {"x": 1}, fixed={"data": "d"}) == (1, "d")
        assert call(lambda config, data: (config, data), {"x": 1}, fixed={"data": "d"}) == (
            {"x": 1},
            "d",
        )
        assert call(lambda x, trial: trial, {"x": 1}, fixed={"trial": "mine"}) == "mine"
        assert call(lambda data, /, x: (data, x), {"x": 1}, fixed={"data": "d"}) == ("d", 1)

    def test_the_mapping_is_the_targets_own(self):
        params = {"x": 1}
        call(lambda config: config.clear(), params)
        assert params == {"x": 1}

    def test_conditional_parameters_may_be_absent(self):
        def target(x, y=None):
            return (x, y)

        def anything(x, **others):
            return others

        def mapping(config):
            return config

        for function, value in ((target, (1, None)), (anything, {}), (mapping, {"x": 1})):
            found = call(function, {"x": 1}, names=["x", "y"], optional=["y"])
            assert found == value

    def test_decorated_functions_are_seen_through(self):
        def inner(x, y):
            return x + y

        @functools.wraps(inner)
        def outer(*args, **kwargs):
            return inner(*args, **kwargs)

        assert call(outer, {"x": 1, "y": 2}) == 3
        with pytest.raises(TargetError, match="'z'"):
            check_target(outer, ["x", "y", "z"])

    def test_is_picklable(self):
        calling = check_target(lambda x, trial: 0, ["x"])
        assert pickle.loads(pickle.dumps(calling)) == calling


async def coroutine(x):
    return x


class AsyncModel:
    async def __call__(self, x):
        return x


def generator(x):
    yield x


NAMES = ["x", "y"]


class TestErrors:
    @pytest.mark.parametrize(
        ("target", "names", "parts"),
        [
            (None, NAMES, ["None", "target=f"]),
            (3.5, NAMES, ["3.5", "float", "not what it returns"]),
            ("module:f", NAMES, ["'module:f'", "Command"]),
            (["sim", "{x}"], NAMES, ["Command([...])"]),
            (object(), NAMES, ["callable", "object"]),
            (Model, NAMES, ["Model is a class", "an instance"]),
            (int, NAMES, ["int is a class", "a function"]),
            (coroutine, ["x"], ["coroutine", "asyncio.run"]),
            (AsyncModel(), ["x"], ["AsyncModel", "coroutine"]),
            (functools.partial(coroutine), ["x"], ["coroutine"]),
            (generator, ["x"], ["generator", "trial.report"]),
            (Model.method, NAMES, ["self", "Model().evaluate"]),
            (lambda x: 0, NAMES, ["takes no argument 'y'", "**others"]),
            (lambda x, yy: 0, NAMES, ["takes no argument 'y'", "did you mean 'yy'"]),
            (lambda: 0, ["x"], ["takes no argument 'x'"]),
            (lambda *rest: 0, ["x"], ["*args is not enough"]),
            (lambda x, y, z: 0, NAMES, ["needs 'z'", "fixed={'z': ...}"]),
            (lambda x, y, z, w: 0, NAMES, ["needs 'z', 'w'", "add them"]),
            (lambda rate=0.1: 0, ["x"], ["takes no argument 'x'"]),
            (lambda x=0, y=0, /: 0, ["y"], ["by position only", "'x' cannot be left"]),
        ],
    )
    def test_say_what_is_wrong_and_the_cure(self, target, names, parts):
        with pytest.raises(TargetError) as raised:
            check_target(target, names)
        assert all(part in str(raised.value) for part in parts), str(raised.value)
        assert "\n" not in str(raised.value)

    def test_an_annotated_scalar_is_no_mapping(self):
        def typed(rate: float):
            return rate

        with pytest.raises(TargetError, match="'x'"):
            check_target(typed, ["x"])

    @pytest.mark.parametrize(
        ("fixed", "part"),
        [
            ({"x": 1}, "a parameter of the space and in fixed="),
            ({"z": 1}, "takes no argument 'z', which is in fixed="),
            ({1: 1}, "argument names as keys"),
            ({"not a name": 1}, "argument names as keys"),
        ],
    )
    def test_fixed(self, fixed, part):
        with pytest.raises(TargetError, match=part):
            check_target(lambda x, y: 0, NAMES, fixed)

    def test_conditional_parameter_without_default(self):
        with pytest.raises(TargetError, match="such as y=None"):
            check_target(lambda x, y: 0, NAMES, optional=["y"])
        with pytest.raises(TargetError, match="by position only"):
            check_target(lambda x, y=0, /: 0, NAMES, optional=["y"])

    def test_long_defaults_are_not_shown(self):
        with pytest.raises(TargetError) as raised:
            check_target(lambda x, data=list(range(1000)): 0, NAMES)
        assert len(str(raised.value)) < 300


def test_names():
    assert name_of(functools.partial(functools.partial(coroutine))) == "coroutine"
    assert name_of(Model().method) == "Model.method"
    assert name_of(Model()) == "Model"
    assert name_of(lambda: 0) == "<lambda>"
