"""Where the acquisition function may be maximized: the valid points of a space."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from phsx.history import BoolArray, FloatArray, IntArray
from phsx.space import Space

#: A dimension of more values than this is moved by gradients and rounded afterwards.
_FEW = 50

#: Where so many combinations are left to choose from, all of them are looked at.
_ALL, _ALL_CHECKED = 2048, 256


@dataclass(frozen=True)
class Points:
    """Valid points of a space: unit coordinates and activity, both (m, d)."""

    unit: FloatArray
    active: BoolArray

    def __len__(self) -> int:
        return len(self.unit)

    def __add__(self, other: Points) -> Points:
        return Points(
            np.concatenate([self.unit, other.unit]), np.concatenate([self.active, other.active])
        )

    def select(self, rows: IntArray | BoolArray | slice) -> Points:
        """Return some of the points."""
        return Points(self.unit[rows], self.active[rows])


class Region:
    """The points of a space in which some parameters are decided already.

    Parameters
    ----------
    space : Space
        The search space.
    names : sequence of str
        The parameters that may vary.
    fixed : mapping
        Values of others.

    Attributes
    ----------
    free : ndarray of int
        The dimensions that may vary.
    smooth : ndarray of int
        Those of them that are moved by gradients.
    rough : ndarray of int
        The others: categories, and whatever has few values.
    """

    def __init__(self, space: Space, names: Sequence[str], fixed: Mapping[str, Any]) -> None:
        self.space = space
        self.fixed = {name: value for name, value in fixed.items() if name in space.parameters}
        dimensions = space.dimensions
        self.free = np.array([i for i, name in enumerate(dimensions) if name in set(names)], int)
        self._grids = {int(i): self._values(int(i)) for i in self.free}
        self.smooth = np.array([i for i in self.free if self._grids[int(i)] is None], int)
        self.rough = np.array([i for i in self.free if self._grids[int(i)] is not None], int)
        self._origin = np.full(len(dimensions), 0.5)
        for index, name in enumerate(dimensions):
            if name in self.fixed:
                self._origin[index] = space.parameters[name].to_unit(self.fixed[name])

    def _values(self, index: int) -> FloatArray | None:
        """List the unit coordinates of a dimension that has few values, in order."""
        parameter = self.space.parameters[self.space.dimensions[index]]
        if parameter.ordered and parameter.size > _FEW:
            return None
        return np.array([parameter.to_unit(value) for value in parameter.values()])

    def grid(self, index: int) -> FloatArray:
        """Return the unit coordinates of all values of a rough dimension."""
        grid = self._grids[index]
        if grid is None:
            raise ValueError(f"dimension {index} has too many values to be listed")
        return grid

    @cached_property
    def plain(self) -> bool:
        """Whether every combination of values is valid and all dimensions are always active."""
        return not self.space.constraints and all(
            parameter.when is None and parameter.kind != "expression"
            for parameter in self.space.parameters.values()
        )

    def params(self, unit: FloatArray) -> dict[str, Any] | None:
        """Return the complete point at unit coordinates (d,), or None where there is none."""
        values = {
            name: self.space.parameters[name].from_unit(float(u))
            for name, u in zip(self.space.dimensions, unit, strict=True)
        }
        return self.space.complete(values | self.fixed)

    def valid(self, free: FloatArray) -> Points:
        """Return the valid points among `free` (m, f), coordinates of the free dimensions."""
        unit = np.tile(self._origin, (len(free), 1))
        unit[:, self.free] = np.clip(free, 0.0, 1.0)
        for index in self.rough.tolist():
            grid = self.grid(index)
            nearest = np.abs(unit[:, index, None] - grid[None, :]).argmin(axis=1)
            unit[:, index] = grid[nearest]
        self._round(unit)
        if self.plain:
            return Points(unit, np.ones(unit.shape, dtype=bool))
        return self.located([params for row in unit if (params := self.params(row)) is not None])

    def located(self, rows: Sequence[Mapping[str, Any]]) -> Points:
        """Return complete points as unit coordinates and activity."""
        shape = (len(rows), len(self.space.dimensions))
        return Points(
            np.array([self.space.to_unit(params) for params in rows]).reshape(shape),
            np.array([self.space.active(params) for params in rows], dtype=bool).reshape(shape),
        )

    def _round(self, unit: FloatArray) -> None:
        """Round dimensions of many values, in place, to where their values are."""
        for index in self.smooth.tolist():
            parameter = self.space.parameters[self.space.dimensions[index]]
            if parameter.size != np.inf:
                column = unit[:, index]
                column[:] = [parameter.to_unit(parameter.from_unit(u)) for u in column.tolist()]

    def spread(self, count: int, rng: np.random.Generator) -> Points:
        """Return about `count` valid points that fill the region (all, where they are few)."""
        if len(self.free) == 0:
            return self.valid(np.empty((1, 0)))
        if self.combinations <= (_ALL if self.plain else _ALL_CHECKED):
            return self.valid(self._product())
        found = self.valid(latin_hypercube(count, len(self.free), rng))
        rounds = 0
        # Constraints may leave little: look further, but not for ever.
        while len(found) < count // 4 and rounds < 8:
            found += self.valid(latin_hypercube(count, len(self.free), rng))
            rounds += 1
        return found

    @cached_property
    def combinations(self) -> float:
        """An upper bound of the number of points in the region."""
        if len(self.smooth):
            return float("inf")
        return float(np.prod([float(len(self.grid(i))) for i in self.rough.tolist()]))

    def _product(self) -> FloatArray:
        axes = np.meshgrid(*[self.grid(i) for i in self.free.tolist()], indexing="ij")
        return np.stack([axis.ravel() for axis in axes], axis=1)

    def perturb(self, centers: Points, count: int, rng: np.random.Generator) -> Points:
        """Return valid points near `centers`, at distances over three decades."""
        if len(centers) == 0 or len(self.free) == 0:
            return self.valid(np.empty((0, len(self.free))))
        base = centers.unit[np.arange(count) % len(centers)][:, self.free]
        steps = 10.0 ** rng.uniform(-3.0, -0.5, (count, 1)) * rng.standard_normal(base.shape)
        moved = np.abs(base + steps)
        moved = np.where(moved > 1.0, np.maximum(2.0 - moved, 0.0), moved)
        # Few values: keep most of them, redraw some.
        redrawn = rng.random(base.shape) < 1.0 / max(len(self.rough), 2)
        drawn = np.where(redrawn, rng.random(base.shape), base)
        moved = np.where(np.isin(self.free, self.rough)[None, :], drawn, moved)
        return self.valid(moved)

    def neighbours(self, unit: FloatArray) -> Points:
        """Return the valid points that differ from `unit` (d,) in one rough dimension."""
        rows = []
        here = unit[self.free]
        for position, index in enumerate(self.free.tolist()):
            if index not in self.rough:
                continue
            grid = self.grid(index)
            if self.space.parameters[self.space.dimensions[index]].ordered:
                at = int(np.abs(grid - unit[index]).argmin())
                grid = grid[max(at - 2, 0) : at + 3]
            for value in grid[grid != unit[index]]:
                row = here.copy()
                row[position] = value
                rows.append(row)
        return self.valid(np.array(rows).reshape(len(rows), len(here)))

    def all_params(self) -> Iterator[dict[str, Any]]:
        """Iterate over all points of a finite space that agree with what is fixed."""
        for params in self.space.points():
            if all(params.get(name, value) == value for name, value in self.fixed.items()):
                yield params


def latin_hypercube(count: int, dimensions: int, rng: np.random.Generator) -> FloatArray:
    """Return random points of the unit cube, one in each of `count` slices of every dimension.

    Examples
    --------
    >>> points = latin_hypercube(4, 2, np.random.default_rng(0))
    >>> sorted((points[:, 1] * 4).astype(int).tolist())
    [0, 1, 2, 3]
    """
    slices = np.tile(np.arange(count)[:, None], (1, dimensions))
    return np.asarray((rng.permuted(slices, axis=0) + rng.random(slices.shape)) / count)
