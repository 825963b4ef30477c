"""What the last bits depend on is told by name and version."""

from __future__ import annotations

import numpy as np
import scipy

import phsx
from phsx.models.numerics import numerics


def test_versions_and_kernels():
    facts = numerics()
    assert facts["numpy"] == np.__version__ and facts["scipy"] == scipy.__version__
    assert facts["phsx"] == phsx.__version__
    assert facts["blas"] and facts["machine"]


def test_nobody_can_spoil_it():
    numerics()["numpy"] = "0"
    assert numerics()["numpy"] == np.__version__
