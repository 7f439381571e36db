"""
Permitted areas by number, and how a batch of fixes is judged against them: inside, outside, or cannot tell.

Most people are far from the line of their area. A map of each area says for every few hundred metres how far the line
is at least, so that only fixes near it cost an exact probability.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import shapely

from geofence.containment import Answer, Outline, answers, p_inside_polygon
from geofence.lattice import SLACK, Lattice
from geofence.plane import metres_per_degree

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geofence.containment import Floats

    Numbers = NDArray[np.integer[Any]]

NOWHERE: Final = 0
"""The number of an order without a permitted area, or with one that no file describes: nobody is outside of it."""
_CELLS: Final = 128
_FEW: Final = 64
"""So few fixes near a line cost less by their edges than by the lattice."""
_BEYOND: Final = 0.1
"""How much wider the map is than its area, on each side: a share of the area's own width."""


class Areas:
    """
    Areas by id, numbered as they are asked for.

    An administrative code that is not drawn itself and ends in zeros means all drawn areas under it: 450200 is the
    city of 450202, 450203 and the others. The same id has the same number as long as the object lives.
    """

    def __init__(self) -> None:
        self._shapes: dict[str, Any] = {}
        self._codes: set[str] = set()
        self._numbers: dict[str | None, int] = {None: NOWHERE}
        self._outlines: list[Outline | None] = [None]
        self._lattices: dict[int, Lattice] = {}
        self._map = _Map()

    def add(self, name: str, shape: Any, *, is_code: bool) -> None:  # noqa: ANN401 - shapely has no types
        """Add a shape in degrees under its id, which may be an administrative code."""
        self._shapes[name] = shape
        if is_code:
            self._codes.add(name)

    def number(self, name: str | None) -> int:
        """Give the number of an area, `NOWHERE` for none and for an unknown one."""
        number = self._numbers.get(name)
        if number is None:
            shape = self._shape(name or "")
            number = NOWHERE
            if shape is not None:
                number, outline = len(self._outlines), Outline.of(shape)
                self._outlines.append(outline)
                self._lattices[number] = Lattice(outline)
                self._map.draw(outline)
            self._numbers[name] = number
        return number

    def judge(self, numbers: Numbers, lon: Floats, lat: Floats, sigma_m: Floats, sure: Floats) -> NDArray[np.uint8]:
        """
        Give the `Answer` of each fix about the area of that number: whether it is truly inside.

        IN and OUT are as sure as `sure`; by the exact probability where the line is near, and far from it because
        the truth lies within *d* of the fix with at least `1 - exp(-d^2 / 2 sigma^2)`, whatever the shape.
        """
        least_m = self._map.distance_m(numbers, lon, lat)
        found = np.where(least_m > 0.0, Answer.IN, Answer.OUT).astype(np.uint8)
        near = np.flatnonzero(least_m * least_m < -2.0 * np.log(1.0 - sure) * sigma_m * sigma_m)
        for number in np.unique(numbers[near]):
            some = near[numbers[near] == number]
            p = self._p_to_decide(int(number), lon[some], lat[some], sigma_m[some], sure[some])
            found[some] = answers(p, sure[some])
        return found

    def p_inside(self, number: int, lon: Floats, lat: Floats, sigma_m: Floats) -> Floats:
        """Give the exact probability of each fix to be inside; 1 for `NOWHERE`."""
        outline = self._outlines[number]
        return np.ones(len(lon)) if outline is None else p_inside_polygon(outline, lon, lat, sigma_m)

    def _p_to_decide(self, number: int, lon: Floats, lat: Floats, sigma_m: Floats, sure: Floats) -> Floats:
        """Give a probability that lies on the same side of what is sure as the exact one."""
        if len(lon) < _FEW:
            return self.p_inside(number, lon, lat, sigma_m)
        p = self._lattices[number].p_inside(lon, lat, sigma_m)
        doubtful = np.flatnonzero(~(np.abs(np.abs(p - 0.5) - (sure - 0.5)) > SLACK))
        p[doubtful] = self.p_inside(number, lon[doubtful], lat[doubtful], sigma_m[doubtful])
        return p

    def _shape(self, name: str) -> Any:  # noqa: ANN401
        if name in self._shapes:
            return self._shapes[name]
        head = name.rstrip("0") + "0" * (len(name.rstrip("0")) % 2)
        under = [self._shapes[code] for code in sorted(self._codes) if head and code.startswith(head)]
        return shapely.union_all(under) if under and head != name else None


class _Map:
    """
    Cells over each area: metres from anywhere in a cell to the line at least, less than zero outside the area.

    Zero means that the line may be in the cell. Everything beyond a map belongs to the cell at its rim.
    """

    def __init__(self) -> None:
        self._cells = np.full(1, np.inf, np.float32)
        self._starts = np.zeros(1, np.int64)
        self._west, self._south = np.zeros(1), np.zeros(1)
        self._per_lon, self._per_lat = np.zeros(1), np.zeros(1)

    def distance_m(self, numbers: Numbers, lon: Floats, lat: Floats) -> Floats:
        column = np.clip((lon - self._west[numbers]) * self._per_lon[numbers], 0.0, _CELLS - 1.0).astype(np.int64)
        row = np.clip((lat - self._south[numbers]) * self._per_lat[numbers], 0.0, _CELLS - 1.0).astype(np.int64)
        found: Floats = self._cells[self._starts[numbers] + row * _CELLS + column]
        return found

    def draw(self, outline: Outline) -> None:
        west, south, east, north = outline.polygon.bounds
        # The shortest degrees of the area: a distance may come out too small, never too large.
        mx, my = (float(metres.min()) for metres in metres_per_degree(np.array([south, north])))
        step_lon, step_lat = ((1.0 + 2.0 * _BEYOND) * side / _CELLS for side in (east - west, north - south))
        west, south = west - _BEYOND * (east - west), south - _BEYOND * (north - south)
        middle = np.arange(_CELLS) + 0.5
        lon, lat = (degrees.ravel() for degrees in np.meshgrid(west + middle * step_lon, south + middle * step_lat))
        tree = shapely.STRtree(shapely.linestrings((outline.edges * (mx, my, mx, my)).reshape(-1, 2, 2)))
        places = shapely.points(lon * mx, lat * my)
        _, metres = tree.query_nearest(places, return_distance=True, all_matches=False)
        least = np.maximum(metres - math.hypot(step_lon * mx, step_lat * my) / 2.0, 0.0)
        inside = shapely.contains_xy(outline.polygon, lon, lat)
        self._starts = np.append(self._starts, len(self._cells))
        self._cells = np.append(self._cells, np.where(inside, least, -least).astype(np.float32))
        self._west, self._south = np.append(self._west, west), np.append(self._south, south)
        self._per_lon = np.append(self._per_lon, 1.0 / step_lon)
        self._per_lat = np.append(self._per_lat, 1.0 / step_lat)
