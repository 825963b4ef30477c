import os
import resource
import subprocess
import sys

import pytest

SCRIPT = """
import resource, sys
import numpy as np
from phsx.models.memory import keep_memory
if sys.argv[1] == "keep":
    keep_memory()

def work():
    a = np.ones((250, 250))
    for _ in range(5):
        a = np.sqrt(a) + a * 0.5 - (a + 1.0) * 0.25

work()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    work()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="about glibc's malloc")
def test_freed_arrays_are_used_again():
    # Dask's nanny leaves a malloc setting in the environment, and glibc heeds only one.
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    faults = [
        int(subprocess.check_output([sys.executable, "-c", SCRIPT, mode], env=clean))
        for mode in ("keep", "")
    ]
    assert resource.getpagesize() > 0
    assert faults[0] <= max(faults[1] // 4, 50)
