from __future__ import annotations

import pytest

from phsx.experiment.verification import Difference


def test_a_point_is_told_in_full():
    told = str(Difference("suggestion", 7, 31, {"x": 1.0, "y": 2}, {"x": 1.0, "y": 3}))
    assert told == (
        "suggestion 7 (journal record 31): the journal says {'x': 1.0, 'y': 2}, but it comes out "
        "as {'x': 1.0, 'y': 3}"
    )


@pytest.mark.parametrize(
    ("recorded", "computed", "told"),
    [
        (
            {"rows": 2, "models": {"plain": {"scales": [1.0, 2.0, 3.0]}}},
            {"rows": 2, "models": {"plain": {"scales": [1.0, 2.5, 3.5]}}},
            "models.plain.scales.1 = 2.0, but it comes out as 2.5",
        ),
        ({"a": [1.0]}, {"a": [1.0, 2.0]}, "a = [1.0], but it comes out as [1.0, 2.0]"),
        ({"a": 1}, {"b": 1}, "{'a': 1}, but it comes out as {'b': 1}"),
        (None, {"a": 1}, "None, but it comes out as {'a': 1}"),
        ({"a": None}, {"a": {"b": 1}}, "a = None, but it comes out as {'b': 1}"),
    ],
)
def test_of_a_fit_the_first_number_that_differs(recorded, computed, told):
    found = str(Difference("fit", 2, 109, recorded, computed))
    assert found == f"fit 2 (journal record 109): the journal says {told}"
