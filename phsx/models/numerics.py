"""What the last bits of a model's numbers depend on, besides its inputs."""

from __future__ import annotations

import platform
from functools import lru_cache
from importlib.metadata import version

from phsx._version import __version__
from phsx.models.threads import libraries


@lru_cache(maxsize=1)
def _numerics() -> tuple[tuple[str, str], ...]:
    return (
        ("phsx", __version__),
        ("numpy", version("numpy")),
        ("scipy", version("scipy")),
        ("blas", libraries()),
        ("machine", " ".join([platform.machine(), *platform.libc_ver()])),
    )


def numerics() -> dict[str, str]:
    """Return versions and kernels: where they are equal, equal inputs give equal bits.

    Libraries for linear algebra choose their kernels by the processor, and other kernels add
    numbers up in another order.

    Examples
    --------
    >>> sorted(numerics())
    ['blas', 'machine', 'numpy', 'phsx', 'scipy']
    """
    return dict(_numerics())
