"""
Datum shifts: what carriers write (GCJ-02, BD-09) against what geometry needs (WGS-84).

A forgotten shift moves a person by about 550 m at Liuzhou, further than the distance of any rule, so every
position declares its datum and is converted exactly once, at decoding.
"""

from __future__ import annotations

from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

WGS84: Final = 0
GCJ02: Final = 1
BD09: Final = 2

Degrees = NDArray[np.float64]
Codes = NDArray[np.uint8]
_Real = TypeVar("_Real", NDArray[np.float32], NDArray[np.float64])

# The ellipsoid of the published GCJ-02 formula is Krasovsky's, whatever datum the input has.
_KRASOVSKY_A_M: Final = 6378245.0
_KRASOVSKY_E2: Final = 0.00669342162296594323
_ORIGIN_LON, _ORIGIN_LAT = 105.0, 35.0
# The rectangle in which the formula holds, from its origin.
_WEST, _EAST, _SOUTH, _NORTH = 72.004 - 105.0, 137.8347 - 105.0, 0.8293 - 35.0, 55.8271 - 35.0
_BD_ANGLE: Final = np.pi * 3000.0 / 180.0
_BD_LON, _BD_LAT = 0.0065, 0.006
# Stays in the cache of one core: a larger block costs a third more a point.
_BLOCK: Final = 4096


def to_wgs84(lon: Degrees, lat: Degrees, datum_code: Codes) -> tuple[Degrees, Degrees]:
    """
    Degrees on WGS-84 of positions whose datum is 0 (WGS-84), 1 (GCJ-02) or 2 (BD-09).

    The published shift has no closed inverse: three fixed-point steps leave at most 0.002 m.
    The shift stops abruptly at the outer rectangle of the formula (72.004-137.8347 E, 0.8293-55.8271 N), so within
    700 m of that rectangle, far outside the country, the inverse is not unique. NaN stays NaN.

    All arrays have the shape (n,) and are left untouched; the result is new.

    >>> lon, lat = to_wgs84(np.array([109.42]), np.array([24.33]), np.array([GCJ02], np.uint8))
    >>> round(float(lon[0]), 5), round(float(lat[0]), 5)
    (109.41539, 24.33269)
    """
    out_lon, out_lat = np.array(lon, np.float64), np.array(lat, np.float64)
    baidu = datum_code == BD09
    if baidu.any():
        out_lon[baidu], out_lat[baidu] = _gcj02_of_bd09(out_lon[baidu], out_lat[baidu])
    shifted = datum_code != WGS84
    if shifted.all():
        return _wgs84_of_gcj02(out_lon, out_lat)
    if shifted.any():
        out_lon[shifted], out_lat[shifted] = _wgs84_of_gcj02(out_lon[shifted], out_lat[shifted])
    return out_lon, out_lat


def from_wgs84(lon: Degrees, lat: Degrees, datum_code: Codes) -> tuple[Degrees, Degrees]:
    """
    Degrees on the datum of each code, from WGS-84: what a carrier would write for a true position.

    >>> lon, lat = from_wgs84(np.array([116.377817]), np.array([39.911954]), np.array([GCJ02], np.uint8))
    >>> round(float(lon[0]), 6), round(float(lat[0]), 6)
    (116.384047, 39.913345)
    """
    out_lon, out_lat = np.array(lon, np.float64), np.array(lat, np.float64)
    shifted = datum_code != WGS84
    shift_lon, shift_lat = _shift(out_lon[shifted] - _ORIGIN_LON, out_lat[shifted] - _ORIGIN_LAT)
    out_lon[shifted] += shift_lon
    out_lat[shifted] += shift_lat
    baidu = datum_code == BD09
    out_lon[baidu], out_lat[baidu] = _bd09_of_gcj02(out_lon[baidu], out_lat[baidu])
    return out_lon, out_lat


def _wgs84_of_gcj02(lon: Degrees, lat: Degrees) -> tuple[Degrees, Degrees]:
    out_lon, out_lat = lon.copy(), lat.copy()
    for start in range(0, len(lon), _BLOCK):
        part = slice(start, start + _BLOCK)
        for _ in range(3):
            # In single precision the shift itself is wrong by 1 mm at most, and costs an eighth.
            x, y = (out_lon[part] - _ORIGIN_LON).astype(np.float32), (out_lat[part] - _ORIGIN_LAT).astype(np.float32)
            shift_lon, shift_lat = _shift(x, y)
            np.subtract(lon[part], shift_lon, out=out_lon[part])
            np.subtract(lat[part], shift_lat, out=out_lat[part])
    return out_lon, out_lat


def _shift(x: _Real, y: _Real) -> tuple[_Real, _Real]:
    """
    GCJ-02 minus WGS-84 in degrees, `x` and `y` degrees from the origin, in the precision of the arguments.

    Zero outside the rectangle of the formula.
    """
    pi = np.pi
    fast = 20.0 * (np.sin(x * (6.0 * pi)) + np.sin(x * (2.0 * pi)))
    xy, root = 0.1 * x * y, np.sqrt(np.abs(x))
    east_m = 300.0 + x + 2.0 * y + 0.1 * x * x + xy + 0.1 * root
    slow = 20.0 * np.sin(x * pi) + 40.0 * np.sin(x * (pi / 3.0))
    slow += 150.0 * np.sin(x * (pi / 12.0)) + 300.0 * np.sin(x * (pi / 30.0))
    east_m += (fast + slow) * (2.0 / 3.0)
    north_m = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + xy + 0.2 * root
    slow = 20.0 * np.sin(y * pi) + 40.0 * np.sin(y * (pi / 3.0))
    slow += 160.0 * np.sin(y * (pi / 12.0)) + 320.0 * np.sin(y * (pi / 30.0))
    north_m += (fast + slow) * (2.0 / 3.0)
    phi = (y + _ORIGIN_LAT) * (pi / 180.0)
    sine = np.sin(phi)
    squash = 1.0 - _KRASOVSKY_E2 * sine * sine
    prime_m = _KRASOVSKY_A_M / np.sqrt(squash) * (pi / 180.0)
    inside = (x >= _WEST) & (x <= _EAST) & (y >= _SOUTH) & (y <= _NORTH)
    return inside * east_m / (prime_m * np.cos(phi)), inside * north_m * squash / (prime_m * (1.0 - _KRASOVSKY_E2))


def _bd09_of_gcj02(lon: Degrees, lat: Degrees) -> tuple[Degrees, Degrees]:
    radius = np.hypot(lon, lat) + 0.00002 * np.sin(lat * _BD_ANGLE)
    angle = np.arctan2(lat, lon) + 0.000003 * np.cos(lon * _BD_ANGLE)
    return radius * np.cos(angle) + _BD_LON, radius * np.sin(angle) + _BD_LAT


def _gcj02_of_bd09(lon: Degrees, lat: Degrees) -> tuple[Degrees, Degrees]:
    x, y = lon - _BD_LON, lat - _BD_LAT
    shifted_radius, shifted_angle = np.hypot(x, y), np.arctan2(y, x)
    # The error shrinks by a factor of 60 a step from 36 m: the third step leaves less than a millimetre.
    for _ in range(3):
        radius = shifted_radius - 0.00002 * np.sin(y * _BD_ANGLE)
        angle = shifted_angle - 0.000003 * np.cos(x * _BD_ANGLE)
        x, y = radius * np.cos(angle), radius * np.sin(angle)
    return x, y
