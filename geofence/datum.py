"""Datum shifts: what carriers write (GCJ-02, BD-09) against what geometry needs (WGS-84).

A forgotten shift moves a person by about 550 m at Liuzhou, further than the distance of any rule, so every
position declares its datum and is converted exactly once, at decoding.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

WGS84: Final = 0
GCJ02: Final = 1
BD09: Final = 2

Degrees = NDArray[np.float64]
Codes = NDArray[np.uint8]

# The ellipsoid of the published GCJ-02 formula is Krasovsky's, whatever datum the input has.
_KRASOVSKY_A_M: Final = 6378245.0
_KRASOVSKY_E2: Final = 0.00669342162296594323
_WEST, _EAST, _SOUTH, _NORTH = 72.004, 137.8347, 0.8293, 55.8271
_BD_ANGLE: Final = np.pi * 3000.0 / 180.0
_BD_LON, _BD_LAT = 0.0065, 0.006
# Stays in the cache of one core: a larger block costs a third more a point.
_BLOCK: Final = 4096
# Two steps that differ by less than this many degrees leave at most 0.015 m; 3 % of the country needs a third.
_STEEP: Final = 2.5e-5


def to_wgs84(lon: Degrees, lat: Degrees, datum_code: Codes) -> tuple[Degrees, Degrees]:
    """Degrees on WGS-84 of positions whose datum is 0 (WGS-84), 1 (GCJ-02) or 2 (BD-09).

    The published shift has no closed inverse: two or three fixed-point steps leave at most 0.02 m.
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
    """Degrees on the datum of each code, from WGS-84: what a carrier would write for a true position.

    >>> lon, lat = from_wgs84(np.array([116.377817]), np.array([39.911954]), np.array([GCJ02], np.uint8))
    >>> round(float(lon[0]), 6), round(float(lat[0]), 6)
    (116.384047, 39.913345)
    """
    out_lon, out_lat = np.array(lon, np.float64), np.array(lat, np.float64)
    shifted = datum_code != WGS84
    shift_lon, shift_lat = _shift(out_lon[shifted], out_lat[shifted])
    out_lon[shifted] += shift_lon
    out_lat[shifted] += shift_lat
    baidu = datum_code == BD09
    out_lon[baidu], out_lat[baidu] = _bd09_of_gcj02(out_lon[baidu], out_lat[baidu])
    return out_lon, out_lat


def _wgs84_of_gcj02(lon: Degrees, lat: Degrees) -> tuple[Degrees, Degrees]:
    out_lon, out_lat = np.empty_like(lon), np.empty_like(lat)
    for start in range(0, len(lon), _BLOCK):
        part = slice(start, start + _BLOCK)
        out_lon[part], out_lat[part] = _unshift(lon[part], lat[part])
    return out_lon, out_lat


def _unshift(lon: Degrees, lat: Degrees) -> tuple[Degrees, Degrees]:
    first_lon, first_lat = _shift(lon, lat)
    shift_lon, shift_lat = _shift(lon - first_lon, lat - first_lat)
    steep = (np.abs(shift_lon - first_lon) > _STEEP) | (np.abs(shift_lat - first_lat) > _STEEP)
    if steep.any():
        third = _shift(lon[steep] - shift_lon[steep], lat[steep] - shift_lat[steep])
        shift_lon[steep], shift_lat[steep] = third
    return lon - shift_lon, lat - shift_lat


def _shift(lon: Degrees, lat: Degrees) -> tuple[Degrees, Degrees]:
    """GCJ-02 minus WGS-84 in degrees at a WGS-84 position, zero outside the rectangle of the formula."""
    x, y = lon - 105.0, lat - 35.0
    fast, x1, x3, x12, x30 = _waves(x)
    _, y1, y3, y12, y30 = _waves(y)
    xy, root = 0.1 * x * y, np.sqrt(np.abs(x))
    east_m = 300.0 + x + 2.0 * y + 0.1 * x * x + xy + 0.1 * root
    east_m += (fast + 20.0 * x1 + 40.0 * x3 + 150.0 * x12 + 300.0 * x30) * (2.0 / 3.0)
    north_m = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + xy + 0.2 * root
    north_m += (fast + 20.0 * y1 + 40.0 * y3 + 160.0 * y12 + 320.0 * y30) * (2.0 / 3.0)
    phi = np.radians(lat)
    sine = np.sin(phi)
    squash = 1.0 - _KRASOVSKY_E2 * sine * sine
    prime_m = _KRASOVSKY_A_M / np.sqrt(squash)
    inside = (lon >= _WEST) & (lon <= _EAST) & (lat >= _SOUTH) & (lat <= _NORTH)
    per_radian = inside * (180.0 / np.pi)
    return (
        per_radian * east_m / (prime_m * np.cos(phi)),
        per_radian * north_m * squash / (prime_m * (1.0 - _KRASOVSKY_E2)),
    )


def _waves(x: Degrees) -> tuple[Degrees, Degrees, Degrees, Degrees, Degrees]:
    """20 sin 6 pi x + 20 sin 2 pi x, then sin of pi x, pi x / 3, pi x / 12 and pi x / 30.

    Three transcendental calls instead of six: the fast waves follow from sin and cos of pi x / 12 by double and
    triple angles, which is a third of the cost of decoding a ping.
    """
    s12, c12 = np.sin(x * (np.pi / 12.0)), np.cos(x * (np.pi / 12.0))
    s6, c6 = 2.0 * s12 * c12, 1.0 - 2.0 * s12 * s12
    s3, c3 = 2.0 * s6 * c6, 1.0 - 2.0 * s6 * s6
    s1, c1 = s3 * (3.0 - 4.0 * s3 * s3), c3 * (4.0 * c3 * c3 - 3.0)
    double = 2.0 * s1 * c1
    sextuple = double * (3.0 - 4.0 * double * double)
    return 20.0 * (sextuple + double), s1, s3, s12, np.sin(x * (np.pi / 30.0))


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
