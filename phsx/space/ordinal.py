"""One of several values that have an order."""

from __future__ import annotations

from typing import ClassVar

from phsx.space.choices import Choices


class Ordinal(Choices):
    """One of several values whose order matters, such as sizes; neighbours behave alike.

    Parameters
    ----------
    choices : sequence
        The values in their order: text, numbers, bools, None, or (nested) tuples of these.
    when : str or mapping, optional
        When it is active; see `Parameter`.

    Raises
    ------
    SpaceError
        There are no choices, one is there twice, or cannot be stored.

    Examples
    --------
    >>> Ordinal(["small", "medium", "large"]).to_unit("medium")
    0.5
    """

    kind: ClassVar[str] = "ordinal"
