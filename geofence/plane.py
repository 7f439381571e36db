"""
A local metric plane: degrees become metres about one origin, with the WGS-84 radii at that origin.

Inside 30 km of the origin distances are right to 0.21 %. Degrees are never compared with each other: at Liuzhou
a degree of longitude is 9 % shorter than a degree of latitude.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

_A_M: Final = 6378137.0
_E2: Final = 0.00669437999014131


def metres_per_degree(lat: ArrayLike) -> tuple[Floats, Floats]:
    """
    Metres in one degree of longitude and of latitude at latitude `lat` (degrees, WGS-84, any shape).

    From the prime vertical and the meridian radius of curvature of the WGS-84 ellipsoid.

    >>> mx, my = metres_per_degree(24.33)
    >>> round(float(mx), 1), round(float(my), 1)
    (101490.6, 110763.0)
    """
    phi = np.radians(np.asarray(lat, np.float64))
    squash = 1.0 - _E2 * np.sin(phi) ** 2
    prime = _A_M / np.sqrt(squash)
    return np.radians(prime * np.cos(phi)), np.radians(prime * (1.0 - _E2) / squash)


def to_plane(lon: ArrayLike, lat: ArrayLike, lon0: ArrayLike, lat0: ArrayLike) -> tuple[Floats, Floats]:
    """
    Metres east and north of the origin (`lon0`, `lat0`); arguments are degrees and broadcast.

    The plane belongs to its origin: coordinates from two origins must not be mixed.

    >>> x, y = to_plane(109.43, 24.33, 109.42, 24.33)
    >>> round(float(x), 1), float(y)
    (1014.9, 0.0)
    """
    mx, my = metres_per_degree(lat0)
    east = (np.asarray(lon, np.float64) - np.asarray(lon0, np.float64)) * mx
    north = (np.asarray(lat, np.float64) - np.asarray(lat0, np.float64)) * my
    return east, north


def from_plane(x: ArrayLike, y: ArrayLike, lon0: ArrayLike, lat0: ArrayLike) -> tuple[Floats, Floats]:
    """
    Degrees of the point `x`, `y` metres east and north of the origin: the inverse of `to_plane`.

    >>> lon, lat = from_plane(1014.906, 0.0, 109.42, 24.33)
    >>> round(float(lon), 5), float(lat)
    (109.43, 24.33)
    """
    mx, my = metres_per_degree(lat0)
    lon = np.asarray(lon0, np.float64) + np.asarray(x, np.float64) / mx
    lat = np.asarray(lat0, np.float64) + np.asarray(y, np.float64) / my
    return lon, lat
