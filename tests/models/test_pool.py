import math

import numpy as np
import pytest

from phsx.history import History
from phsx.models.criterion import criterion
from phsx.models.encoding import Encoding
from phsx.models.pool import Pool
from phsx.models.region import Points
from phsx.models.surrogate import Surrogate, fit_models
from phsx.space import Float, Space

SPACE = Space({"x": Float(0, 1), "y": Float(0, 1)})
RNG = np.random.default_rng(0)


@pytest.mark.parametrize("failed", [0, 4])
@pytest.mark.parametrize("judged", [criterion("ei"), criterion("ucb", kappa=1.5)], ids=repr)
def test_values_are_those_of_the_acquisition_function(failed, judged):
    unit = RNG.random((20, 2))
    values = unit.sum(axis=1)
    values[:failed] = math.nan
    history = History(np.arange(20), unit, np.ones((20, 2), dtype=bool), values)
    encoding = Encoding(SPACE)
    fit = fit_models(encoding, history, None, 0)
    surrogate = Surrogate(encoding, history, None, fit, judged)
    candidates = RNG.random((30, 2))
    pool = Pool(surrogate.acquisition("additive"), candidates)
    for added in (0, 1, 3):
        surrogate.add(Points(RNG.random((added, 2)), np.ones((added, 2), dtype=bool)))
        acquisition = surrogate.acquisition("additive")
        assert np.allclose(pool.values(acquisition), acquisition(candidates))
