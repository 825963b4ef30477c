"""Points as vectors for optimizers that know numbers only."""

from __future__ import annotations

import numpy as np

from peers.base import Params
from phsx.space import Space
from phsx.space.choices import Choices


class OneHot:
    """Numbers on [0, 1] by their scale, categories one-hot; what is inactive is in the middle."""

    def __init__(self, space: Space) -> None:
        self.space = space
        self.parts = [
            (
                name,
                parameter,
                len(list(parameter.values())) if isinstance(parameter, Choices) else 1,
            )
            for name, parameter in space.parameters.items()
        ]
        self.width = sum(width for _, _, width in self.parts)

    def encode(self, params: Params) -> list[float]:
        """Return the vector of a point."""
        row: list[float] = []
        for name, parameter, _ in self.parts:
            if isinstance(parameter, Choices):
                row += [float(name in params and params[name] == v) for v in parameter.values()]
            else:
                row.append(parameter.to_unit(params[name]) if name in params else 0.5)
        return row

    def decode(self, row: np.ndarray) -> Params:
        """Return the point that is nearest to a vector."""
        params: Params = {}
        at = 0
        for name, parameter, width in self.parts:
            if parameter.active_at(params):
                if isinstance(parameter, Choices):
                    params[name] = list(parameter.values())[int(row[at : at + width].argmax())]
                else:
                    params[name] = parameter.from_unit(float(row[at]))
            at += width
        return self.space.check(params)
