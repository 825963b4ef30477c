import math

import numpy as np
import pytest

from phsx.history import History
from phsx.models.encoding import Encoding
from phsx.models.pool import Pool
from phsx.models.region import Points
from phsx.models.surrogate import Surrogate, fit_models
from phsx.space import Float, Space

SPACE = Space({"x": Float(0, 1), "y": Float(0, 1)})
RNG = np.random.default_rng(0)


@pytest.mark.parametrize("failed", [0, 4])
def test_values_are_those_of_the_acquisition_function(failed):
    unit = RNG.random((20, 2))
    values = unit.sum(axis=1)
    values[:failed] = math.nan
    history = History(np.arange(20), unit, np.ones((20, 2), dtype=bool), values)
    encoding = Encoding(SPACE)
    surrogate = Surrogate(encoding, history, None, fit_models(encoding, history, None, 0))
    candidates = RNG.random((30, 2))
    pool = Pool(surrogate.acquisition("additive"), candidates)
    for added in (0, 1, 3):
        surrogate.add(Points(RNG.random((added, 2)), np.ones((added, 2), dtype=bool)))
        acquisition = surrogate.acquisition("additive")
        assert np.allclose(pool.values(acquisition), acquisition(candidates))
