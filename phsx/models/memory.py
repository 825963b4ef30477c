"""Keep the memory of arrays between calculations."""

from __future__ import annotations

import numpy as np

_ELEMENTS = 2**21  # 16 MB


def keep_memory() -> None:
    """Let the C library keep freed arrays up to 16 MB for the next ones.

    glibc at first returns every freed block above 128 kB to the system, so each temporary array
    of more than 128 x 128 numbers costs page faults: half to two thirds of the time of a fit to
    150 to 300 points. It raises that limit by itself to the size of the largest block that was
    freed. So it is enough to free one large block, which costs microseconds since the block is
    never touched; elsewhere than with glibc it does nothing.

    Examples
    --------
    >>> keep_memory()
    """
    np.empty(_ELEMENTS)
