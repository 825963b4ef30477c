"""One of several values without an order."""

from __future__ import annotations

from typing import ClassVar

from phsx.space.choices import Choices


class Categorical(Choices):
    """One of several values without an order.

    Parameters
    ----------
    choices : sequence
        The values: text, numbers, bools, None, or (nested) tuples of these. ``1``, ``1.0`` and
        ``True`` are different choices. Anything else is named by a string and looked up in the
        target.
    when : str or mapping, optional
        When it is active; see `Parameter`.

    Raises
    ------
    SpaceError
        There are no choices, one is there twice, or cannot be stored.

    Examples
    --------
    >>> Categorical(["adam", "sgd"]).from_unit(0.7)
    'sgd'
    """

    kind: ClassVar[str] = "categorical"
    ordered = False
