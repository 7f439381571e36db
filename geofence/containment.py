"""How probable it is that a phone is inside a circle or a polygon, given the radius that its position carries.

A reported position is the centre of a two-dimensional normal distribution with the same sigma in each direction.
Probabilities are integrated over the whole shape, not over a half-plane through the nearest edge, which is wrong
by up to 0.31 near a corner.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from geofence.plane import metres_per_degree

Floats = NDArray[np.float64]

UNKNOWN_RADIUS_M: Final = 1000.0
# Beyond this many sigma an edge changes the probability by less than 0.000002.
_REACH: Final = 5.0
# Far above the error of the quadrature, far below one half.
_SLACK: Final = 0.01
_CHUNK: Final = 8192


def _towards_the_end(nodes: int) -> tuple[Floats, Floats]:
    """Gauss-Legendre on [0, 1], crowded towards 1, where the integrand of a near edge falls steeply."""
    x, weight = np.polynomial.legendre.leggauss(nodes)
    rest = (1.0 - x) / 2.0
    return 1.0 - rest**3, 1.5 * weight * rest**2


_NODES, _WEIGHTS = _towards_the_end(12)


class Answer(IntEnum):
    """The three answers. UNSURE neither opens nor closes anything."""

    UNSURE = 0
    IN = 1
    OUT = 2


def answers(p_inside: Floats, sure: float) -> NDArray[np.uint8]:
    """IN where `p_inside` is at least `sure`, OUT where it is at most `1 - sure`, else UNSURE.

    A probability that is not a number is UNSURE.

    >>> [Answer(a).name for a in answers(np.array([0.99, 0.5, 0.01, np.nan]), sure=0.95)]
    ['IN', 'UNSURE', 'OUT', 'UNSURE']
    """
    found = np.full(np.shape(p_inside), Answer.UNSURE, np.uint8)
    found[p_inside >= sure] = Answer.IN
    found[p_inside <= 1.0 - sure] = Answer.OUT
    return found


def k_of(confidence: float) -> float:
    """How many sigma the radius spans that holds the truth with this confidence (two dimensions).

    >>> [round(k_of(c), 3) for c in (0.50, 0.6827, 0.95)]
    [1.177, 1.515, 2.448]
    """
    return float(np.sqrt(-2.0 * np.log(1.0 - confidence)))


def sigma_m(radius_m: ArrayLike, floor_m: float, k: float) -> Floats:
    """Turn reported radii into the standard deviation on each axis, in metres; `k` comes from `k_of`.

    A radius that is missing (NaN) or zero says nothing and counts as 1,000 m; a small one is raised to `floor_m`,
    since carriers report radii that they cannot keep.

    >>> sigma_m([0.0, 50.0, 606.0], floor_m=303.0, k=1.515).round().tolist()
    [660.0, 200.0, 400.0]
    """
    radius = np.asarray(radius_m, np.float64)
    return np.maximum(np.where(radius > 0.0, radius, UNKNOWN_RADIUS_M), floor_m) / k


def p_inside_circle(distance_m: ArrayLike, radius_m: ArrayLike, sigma_m: ArrayLike) -> Floats:
    """Probability that the truth lies within `radius_m` of a centre that is `distance_m` away.

    The non-central chi-square distribution (one minus Marcum's Q), as an integral along the rim, which is periodic
    and smooth, so that evenly spaced points converge faster than any power. Arguments broadcast; the result has
    their shape.

    >>> p_inside_circle([0.0, 500.0, 5000.0], 500.0, 200.0).round(4).tolist()
    [0.9561, 0.4184, 0.0]
    """
    d, radius, sigma = np.broadcast_arrays(*(np.asarray(a, np.float64) for a in (distance_m, radius_m, sigma_m)))
    away, rim = (d / sigma).ravel(), (radius / sigma).ravel()
    # The steepest part of the integrand is one sigma wide: the points follow the rim's length in sigma.
    points = np.exp2(np.ceil(np.log2(np.maximum(rim, 1.0))) + 5.0).astype(np.int64)
    found = np.empty(away.shape)
    for count in np.unique(points):
        rows = np.flatnonzero(points == count)
        for part in np.array_split(rows, 1 + len(rows) * count // (_CHUNK * 64)):
            found[part] = _along_rim(away[part, None], rim[part, None], int(count))
    return found.reshape(d.shape)


def _along_rim(away: Floats, rim: Floats, count: int) -> Floats:
    cosine = np.cos(np.arange(count) * (2.0 * np.pi / count))
    along = away * rim * cosine
    half_square = np.maximum((away * away + rim * rim) / 2.0 + along, 1e-12)
    density = -np.expm1(-half_square) / half_square
    return np.asarray(np.clip(np.mean(density * (rim * rim + along), axis=1) / 2.0, 0.0, 1.0))


@dataclass(frozen=True, slots=True)
class Outline:
    """A polygon made ready for probabilities: its edges, in an index, all with the inside on their left.

    Building one costs about as much as a hundred answers: keep it as long as the polygon.
    """

    polygon: Any
    edges: Floats
    tree: Any

    @classmethod
    def of(cls, polygon: Any) -> Outline:  # noqa: ANN401 - shapely has no types
        """Take the edges of a valid Polygon or MultiPolygon in degrees, holes included."""
        shapely.prepare(polygon)
        rings = shapely.get_rings(shapely.get_parts(shapely.orient_polygons(polygon)))
        edges = np.concatenate([np.hstack((xy[:-1], xy[1:])) for xy in map(shapely.get_coordinates, rings)])
        return cls(polygon, edges, shapely.STRtree(shapely.linestrings(edges.reshape(-1, 2, 2))))


def p_inside_polygon(outline: Outline, lon: Floats, lat: Floats, sigma_m: ArrayLike) -> Floats:
    """Probability that each of n positions (degrees, shape (n,)) is truly inside the polygon.

    Green's theorem in polar form about the position: whether it lies inside, minus for each edge
    `1 / 2 pi` times the integral of `exp(-h^2 / 2 sigma^2 cos^2 phi)` over the angle that the edge subtends, `h`
    the distance to the edge's line. The error is below 0.001, corners, holes and many parts included.

    The line itself has an error (150-300 m for public county lines): add it to `sigma_m` in squares beforehand.
    """
    sigma = np.broadcast_to(np.asarray(sigma_m, np.float64), lon.shape)
    found = np.empty(lon.shape)
    for start in range(0, len(lon), _CHUNK):
        part = slice(start, start + _CHUNK)
        found[part] = _p_inside_chunk(outline, lon[part], lat[part], sigma[part])
    return found


def _p_inside_chunk(outline: Outline, lon: Floats, lat: Floats, sigma: Floats) -> Floats:
    mx, my = metres_per_degree(lat)
    p = shapely.contains_xy(outline.polygon, lon, lat).astype(np.float64)
    reach = _REACH * sigma / np.minimum(mx, my)
    row, edge = outline.tree.query(shapely.points(lon, lat), predicate="dwithin", distance=reach)
    start_lon, start_lat, end_lon, end_lat = outline.edges[edge].T
    per_lon, per_lat = mx[row] / sigma[row], my[row] / sigma[row]
    x1, y1 = (start_lon - lon[row]) * per_lon, (start_lat - lat[row]) * per_lat
    x2, y2 = (end_lon - lon[row]) * per_lon, (end_lat - lat[row]) * per_lat
    dx, dy = x2 - x1, y2 - y1
    length = np.maximum(np.hypot(dx, dy), 1e-12)
    height = (x1 * dy - y1 * dx) / length
    share = _to_foot(height, (x2 * dx + y2 * dy) / length) - _to_foot(height, (x1 * dx + y1 * dy) / length)
    p -= np.bincount(row, np.where(height >= 0.0, share, -share), len(lon))
    # On the line itself the two sides may be rounded apart: the difference is then exactly one.
    p += np.where(p < -_SLACK, 1.0, np.where(p > 1.0 + _SLACK, -1.0, 0.0))
    return np.asarray(np.clip(p, 0.0, 1.0))


def _to_foot(height: Floats, along: Floats) -> Floats:
    """Owen's T: the share of the plane's mass beyond an edge, from the foot of the perpendicular to `along`."""
    near = np.clip(along, -_REACH, _REACH)
    angle = np.arctan2(near, np.abs(height))
    cosine = np.cos(angle[:, None] * _NODES)
    fall = np.exp(-0.5 * (height[:, None] / cosine) ** 2)
    return angle * (fall @ _WEIGHTS) / (2.0 * np.pi)
