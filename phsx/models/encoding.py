"""From points of a search space to the features of a model."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from phsx.history import BoolArray, FloatArray
from phsx.space import Space

_SQRT_HALF = math.sqrt(0.5)


@dataclass(frozen=True)
class Column:
    """How one dimension of the space becomes features.

    Attributes
    ----------
    name : str
        Its parameter.
    first : int
        Number of its first feature.
    choices : int
        Number of categories, or 0 for a dimension with an order.
    indicator : int or None
        Number of the feature that tells whether it is active, where that can vary.
    """

    name: str
    first: int
    choices: int
    indicator: int | None


class Encoding:
    """Features for the kernel, all of them in the unit cube.

    A dimension with an order is one feature, its unit coordinate. A categorical one is one-hot,
    divided by √2 so that two categories are as far apart as the ends of the unit interval, and
    its features share one length scale. An inactive dimension has a fixed value (0.5, or no
    category), and each condition adds a feature with a length scale of its own that says whether
    it is met: two points that differ in what is active never look alike, and two in which a
    dimension is inactive never differ in it.

    Parameters
    ----------
    space : Space
        The search space.

    Attributes
    ----------
    columns : tuple of Column
        One per dimension of the space.
    groups : tuple of int
        Number of the length scale of each feature.
    conditional : bool
        Whether some dimensions are active only under a condition.

    Examples
    --------
    >>> from phsx.space import Categorical, Float
    >>> space = Space({
    ...     "kernel": Categorical(["linear", "rbf"]),
    ...     "gamma": Float(0, 1, when={"kernel": "rbf"}),
    ... })
    >>> encoding = Encoding(space)
    >>> encoding.groups
    (0, 0, 1, 2)
    >>> encoding.features(np.array([[0.25, 0.5]]), np.array([[True, False]])).round(3).tolist()
    [[0.707, 0.0, 0.5, 0.0]]
    """

    def __init__(self, space: Space) -> None:
        columns: list[Column] = []
        groups: list[int] = []
        conditions: dict[str, list[int]] = {}
        for index, name in enumerate(space.dimensions):
            parameter = space.parameters[name]
            choices = 0 if parameter.ordered else int(parameter.size)
            columns.append(Column(name, len(groups), choices, None))
            groups += [index] * max(choices, 1)
            if parameter.when is not None:
                conditions.setdefault(parameter.when.source, []).append(index)
        for group, members in enumerate(conditions.values(), start=len(columns)):
            for index in members:
                old = columns[index]
                columns[index] = Column(old.name, old.first, old.choices, len(groups))
            groups.append(group)
        self.columns = tuple(columns)
        self.conditional = bool(conditions)
        self.groups = tuple(groups)

    def features(self, unit: FloatArray, active: BoolArray) -> FloatArray:
        """Encode points.

        Parameters
        ----------
        unit : ndarray, shape (n, d)
            Unit coordinates.
        active : ndarray of bool, shape (n, d)
            Which dimensions are active.

        Returns
        -------
        ndarray, shape (n, p)
        """
        features = np.zeros((len(unit), len(self.groups)))
        for index, column in enumerate(self.columns):
            present = active[:, index]
            if column.indicator is not None:
                features[:, column.indicator] = present
            if column.choices:
                choice = np.minimum(unit[:, index] * column.choices, column.choices - 1)
                rows = np.flatnonzero(present)
                features[rows, column.first + choice[rows].astype(np.int64)] = _SQRT_HALF
            else:
                features[:, column.first] = np.where(present, unit[:, index], 0.5)
        return features
