"""GPUs of a job are divided among its slots, and those of a slot among its trials."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from phsx.execution.devices import Devices

CUDA = "CUDA_VISIBLE_DEVICES"


def seen(devices, gpus, variable=CUDA):
    with devices.given(gpus) as variables:
        return variables.get(variable)


@pytest.mark.parametrize(
    ("visible", "slots", "shares"),
    [
        ("0,1,2,3", 2, ["0,1", "2,3"]),
        ("0,1", 2, ["0", "1"]),
        ("5", 2, ["5", "5"]),
        ("4,7", 4, ["4", "4", "7", "7"]),
        ("GPU-a1,GPU-b2", 2, ["GPU-a1", "GPU-b2"]),
        ("", 2, ["", ""]),
    ],
)
def test_each_slot_has_its_share(visible, slots, shares):
    environment = {CUDA: visible, "PHSX_SLOTS": str(slots)}
    for number, share in enumerate(shares):
        assert seen(Devices(environment, f"phsx-a-3-{number}", 1), None) == share


def test_a_worker_alone_in_its_job_leaves_everything_as_it_is():
    with Devices({CUDA: "0,1"}, "phsx-a-3", 2).given(None) as variables:
        assert variables == {}


def test_trials_that_run_together_have_different_devices():
    devices = Devices({CUDA: "2,5,6"}, "w", 3)
    with ExitStack() as stack:
        two = stack.enter_context(devices.given(2))
        one = stack.enter_context(devices.given(1))
        none = stack.enter_context(devices.given(0))
        assert (two[CUDA], one[CUDA], none[CUDA]) == ("2,5", "6", "")
    assert seen(devices, 3) == "2,5,6", "they were given back"


def test_shares_of_a_device_go_together():
    devices = Devices({CUDA: "0,1"}, "w", 2)
    with ExitStack() as stack:
        halves = [stack.enter_context(devices.given(0.5))[CUDA] for _ in range(2)]
        whole = stack.enter_context(devices.given(1))[CUDA]
        assert halves == ["0", "0"] and whole == "1"


def test_devices_are_given_back_when_a_trial_raises():
    devices = Devices({CUDA: "0"}, "w", 1)
    with pytest.raises(ZeroDivisionError), devices.given(1):
        1 / 0  # noqa: B018
    assert seen(devices, 1) == "0"


def test_a_worker_that_was_only_told_how_many():
    assert seen(Devices({}, "w", 2.0), 1) == "0"
    assert seen(Devices({}, "w", 0.0), 0) == ""


def test_all_that_name_devices_follow():
    environment = {CUDA: "0,1", "ROCR_VISIBLE_DEVICES": "8,9", "PHSX_SLOTS": "2"}
    with Devices(environment, "j-1", 1).given(1) as variables:
        assert variables == {CUDA: "1", "ROCR_VISIBLE_DEVICES": "9"}


def test_more_than_there_are_is_what_there_is():
    """A job that got fewer than the worker says it has."""
    assert seen(Devices({CUDA: "0"}, "w", 2), 2) == "0"


def test_a_local_worker_has_its_own():
    devices = Devices({CUDA: "0,1,2,3", "PHSX_DEVICES": "1,3"}, "0", 2)
    assert seen(devices, 1) == "1" and seen(devices, 2) == "1,3"
    with devices.given(None) as variables:
        assert variables == {}, "what asks for nothing sees what it always saw"
