"""
How probable it is that a phone is inside a circle or a polygon, given the radius that its position carries.

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
# Exactly on a line or a corner the side is a matter of rounding, and each edge may round its own way: every
# position is looked at from 0.2 mm beside it, a direction that no drawn line has.
_ASIDE_LON, _ASIDE_LAT = 1.3e-9, 0.7e-9 * np.sqrt(2.0)
_CHUNK: Final = 8192


_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(8)
# Abramowitz and Stegun 7.1.26, highest power first; the error is below 0.00000015.
_ERF: Final = (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592, 0.0)
_ERF_P: Final = 0.3275911


class Answer(IntEnum):
    """The three answers. UNSURE neither opens nor closes anything."""

    UNSURE = 0
    IN = 1
    OUT = 2


def answers(p_inside: Floats, sure: float | Floats) -> NDArray[np.uint8]:
    """
    IN where `p_inside` is at least `sure`, OUT where it is at most `1 - sure`, else UNSURE.

    A probability that is not a number is UNSURE.

    >>> [Answer(a).name for a in answers(np.array([0.99, 0.5, 0.01, np.nan]), sure=0.95)]
    ['IN', 'UNSURE', 'OUT', 'UNSURE']
    """
    found = np.full(np.shape(p_inside), Answer.UNSURE, np.uint8)
    found[p_inside >= sure] = Answer.IN
    found[p_inside <= 1.0 - sure] = Answer.OUT
    return found


def k_of(confidence: float) -> float:
    """
    How many sigma the radius spans that holds the truth with this confidence (two dimensions).

    >>> [round(k_of(c), 3) for c in (0.50, 0.6827, 0.95)]
    [1.177, 1.515, 2.448]
    """
    return float(np.sqrt(-2.0 * np.log(1.0 - confidence)))


def sigma_m(radius_m: ArrayLike, floor_m: float, k: float) -> Floats:
    """
    Turn reported radii into the standard deviation on each axis, in metres; `k` comes from `k_of`.

    A radius that is missing (NaN) or zero says nothing and counts as 1,000 m; a small one is raised to `floor_m`,
    since carriers report radii that they cannot keep.

    >>> sigma_m([0.0, 50.0, 606.0], floor_m=303.0, k=1.515).round().tolist()
    [660.0, 200.0, 400.0]
    """
    radius = np.asarray(radius_m, np.float64)
    return np.maximum(np.where(radius > 0.0, radius, UNKNOWN_RADIUS_M), floor_m) / k


def p_inside_circle(distance_m: ArrayLike, radius_m: ArrayLike, sigma_m: ArrayLike) -> Floats:
    """
    Probability that the truth lies within `radius_m` of a centre that is `distance_m` away.

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
    """
    A polygon made ready for probabilities: its edges, in an index, all with the inside on their left.

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
    """
    Probability that each of n positions (degrees, shape (n,)) is truly inside the polygon.

    Green's theorem in polar form about the position: whether it lies inside, minus for each edge
    `1 / 2 pi` times the integral of `exp(-h^2 / 2 sigma^2 cos^2 phi)` over the angle that the edge subtends, `h`
    the distance to the edge's line. The error is below 0.00001, corners, holes and many parts included.

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
    lon, lat = lon + _ASIDE_LON, lat + _ASIDE_LAT
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
    end, start = (x2 * dx + y2 * dy) / length, (x1 * dx + y1 * dy) / length
    share = _owen_t(np.abs(height), end) - _owen_t(np.abs(height), start)
    p -= np.bincount(row, np.where(height >= 0.0, share, -share), len(lon))
    return np.asarray(np.clip(p, 0.0, 1.0))


def _owen_t(height: Floats, along: Floats) -> Floats:
    """
    Owen's T: the share of the plane's mass beyond an edge, from the foot of the perpendicular to `along`.

    Heights are not negative, lengths are in sigma. A long edge close by has a steep integrand; there the identity
    of T with its mirror image leaves an integral over at most an eighth of a turn.
    """
    distance = np.abs(along)
    larger, smaller = np.maximum(height, distance), np.minimum(height, distance)
    half = np.arctan2(smaller, larger) / 2.0
    exponent, core = larger * larger / -2.0, np.zeros(height.shape)
    # One node after the other: a matrix product would round by the size of the batch.
    for node, weight in zip(_NODES, _WEIGHTS, strict=True):
        core += weight * np.exp(exponent / np.cos(half * (1.0 + node)) ** 2)
    core *= half / (2.0 * np.pi)
    mirrored = 0.25 - 0.25 * _erf(height / np.sqrt(2.0)) * _erf(distance / np.sqrt(2.0)) - core
    return np.copysign(np.where(distance > height, mirrored, core), along)


def _erf(x: Floats) -> Floats:
    t = 1.0 / (1.0 + _ERF_P * x)
    return np.asarray(1.0 - np.polyval(_ERF, t) * np.exp(-x * x))
