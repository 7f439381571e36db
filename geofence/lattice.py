"""
The probability to be inside a polygon, looked up: close enough to decide most cases without a look at the edges.

Smooth in place and, on a logarithmic scale, in sigma, it is known at the nodes of a lattice, a third of sigma wide, for
a ladder of sigmas, and taken as linear between them. Nodes are worked out by the tile, when somebody comes near.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from geofence.containment import p_inside_polygon
from geofence.plane import metres_per_degree

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geofence.containment import Floats, Outline

SLACK: Final = 0.022
"""
The error is smaller: `2 / 8 (h / sigma)^2 sup|d2P / dx2|` for the place with h a third of sigma, and for the ladder
`1 / 8 (ln 2 / 4)^2 sup|d2P / d(ln sigma)2|`. Whatever the shape, the first supremum is half of E|z^2 - 1| in units of
sigma, 0.484, and the second 4 F(u) between the roots of u^2 - 3 u + 1, 1.88: together 0.0205.
"""
_SMALLEST_M: Final = 80.0
_STEPS: Final = 4
_LEVELS: Final = 21
_TILE: Final = 16
_NODES: Final = _TILE + 1
_AROUND_M: Final = 6_000.0


class Lattice:
    """The lattice of one outline; it grows where it is asked."""

    def __init__(self, outline: Outline) -> None:
        self._outline = outline
        west, south, east, north = outline.polygon.bounds
        # The longest degrees of the area: no step may come out longer than a third of sigma.
        mx, my = (float(metres.max()) for metres in metres_per_degree(np.array([south, north])))
        self._west, self._south = west - _AROUND_M / mx, south - _AROUND_M / my
        sigma_m = _SMALLEST_M * 2.0 ** (np.arange(_LEVELS) / _STEPS)
        self._sigma_m, self._step_lon, self._step_lat = sigma_m, sigma_m / 3.0 / mx, sigma_m / 3.0 / my
        wide, high = east - west + 2.0 * _AROUND_M / mx, north - south + 2.0 * _AROUND_M / my
        self._columns = (wide / self._step_lon / _TILE).astype(np.int64) + 1
        self._rows = (high / self._step_lat / _TILE).astype(np.int64) + 1
        self._starts = np.concatenate(([0], np.cumsum(self._columns * self._rows)))
        self._numbers = np.full(self._starts[-1], -1, np.int32)
        self._tiles, self._count = np.zeros((16, _NODES * _NODES), np.float32), 0

    def p_inside(self, lon: Floats, lat: Floats, sigma_m: Floats) -> Floats:
        """Give the probability of each position, right to `SLACK`; NaN where the lattice does not reach."""
        rung = np.log2(sigma_m / _SMALLEST_M) * _STEPS
        low = np.clip(rung, 0, _LEVELS - 2).astype(np.int64)
        level = np.concatenate((low, low + 1))
        x = (np.concatenate((lon, lon)) - self._west) / self._step_lon[level]
        y = (np.concatenate((lat, lat)) - self._south) / self._step_lat[level]
        outside = (x < 0) | (y < 0) | (x >= self._columns[level] * _TILE) | (y >= self._rows[level] * _TILE)
        x, y = np.where(outside, 0.0, x), np.where(outside, 0.0, y)
        column, row = x.astype(np.int64), y.astype(np.int64)
        flat = self._tile(level, column // _TILE, row // _TILE) * _NODES * _NODES
        flat += row % _TILE * _NODES + column % _TILE
        east, north, nodes = x - column, y - row, self._tiles.ravel()
        south_of = nodes[flat] * (1.0 - east) + nodes[flat + 1] * east
        north_of = nodes[flat + _NODES] * (1.0 - east) + nodes[flat + _NODES + 1] * east
        found = south_of * (1.0 - north) + north_of * north
        found[outside] = np.nan
        between, count = rung - low, len(lon)
        p = found[:count] * (1.0 - between) + found[count:] * between
        p[(rung < 0) | (rung > _LEVELS - 1)] = np.nan
        return np.asarray(p)

    def _tile(self, level: NDArray[np.int64], column: NDArray[np.int64], row: NDArray[np.int64]) -> NDArray[np.int64]:
        """Number the tiles, after working out those that are new."""
        place = self._starts[level] + row * self._columns[level] + column
        new, first = np.unique(place[self._numbers[place] < 0], return_index=True)
        if len(new):
            at = np.flatnonzero(self._numbers[place] < 0)[first]
            start, self._count = self._count, self._count + len(new)
            if self._count > len(self._tiles):
                self._tiles = np.resize(self._tiles, (2 * self._count, _NODES * _NODES))
            self._tiles[start : self._count] = self._work_out(level[at], column[at], row[at])
            self._numbers[new] = np.arange(start, self._count)
        found: NDArray[np.int64] = self._numbers[place].astype(np.int64)
        return found

    def _work_out(self, level: NDArray[np.int64], column: NDArray[np.int64], row: NDArray[np.int64]) -> Floats:
        node = np.arange(_NODES)
        lon = self._west + (column[:, None] * _TILE + node) * self._step_lon[level][:, None]
        lat = self._south + (row[:, None] * _TILE + node) * self._step_lat[level][:, None]
        lon, lat = (np.broadcast_to(a, (len(level), _NODES, _NODES)) for a in (lon[:, None, :], lat[:, :, None]))
        sigma_m = np.broadcast_to(self._sigma_m[level][:, None, None], lon.shape)
        p = p_inside_polygon(self._outline, lon.ravel(), lat.ravel(), sigma_m.ravel())
        return p.astype(np.float32).reshape(len(level), -1)  # type: ignore[return-value]
