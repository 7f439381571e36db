"""
Shapes out of GeoJSON geometries, strictly: an open ring or a crossing line is refused, not mended.

Ready-made readers close open rings and keep polygons that cross themselves, and a fence then answers for
another place than the one that was drawn.
"""

from typing import Any, Final

import numpy as np
import shapely

_SMALLEST_RING: Final = 4


def read_shape(geometry: object, allowed: set[str]) -> Any:  # noqa: ANN401 - shapely has no types
    """
    Build a shape from a GeoJSON geometry whose type is one of `allowed`; heights are dropped.

    Raises ValueError with the reason, for a crossing line with the place.

    >>> read_shape({"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}, {"Polygon"})
    Traceback (most recent call last):
    ...
    ValueError: geometry: Self-intersection[0.5 0.5]
    """
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    if not isinstance(geometry, dict) or kind not in allowed:
        raise ValueError(f"geometry: must be one of {', '.join(sorted(allowed))}")
    coordinates = geometry.get("coordinates")
    if kind == "Point":
        _check_positions([coordinates])
        return shapely.Point(np.asarray(coordinates, np.float64)[:2])
    parts = [coordinates] if kind == "Polygon" else coordinates
    polygons = [_polygon(part) for part in _some(parts)]
    shape = polygons[0] if kind == "Polygon" else shapely.MultiPolygon(polygons)
    if not shapely.is_valid(shape):
        raise ValueError(f"geometry: {shapely.is_valid_reason(shape)}")
    return shape


def _polygon(rings: object) -> Any:  # noqa: ANN401 - shapely has no types
    shell, *holes = [_ring(ring) for ring in _some(rings)]
    return shapely.Polygon(shell, holes)


def _ring(ring: object) -> list[list[float]]:
    positions = _check_positions(_some(ring))
    if len(positions) < _SMALLEST_RING:
        raise ValueError("geometry: a ring has at least four positions")
    if positions[0] != positions[-1]:
        raise ValueError("geometry: a ring ends where it begins")
    return positions


def _some(found: object) -> list[Any]:
    if not isinstance(found, list) or not found:
        raise ValueError("geometry: coordinates are empty or not nested as the type asks")
    return found


def _check_positions(positions: list[Any]) -> list[list[float]]:
    for position in positions:
        if not isinstance(position, list) or not all(type(number) in {int, float} for number in position):
            raise ValueError("geometry: a position is a list of numbers")
        if len(position) not in {2, 3}:
            raise ValueError("geometry: a position has two numbers, or three with a height")
        lon, lat = position[:2]
        if not (abs(lon) <= 180.0 and abs(lat) <= 90.0):  # noqa: PLR2004 - the bounds of the globe
            raise ValueError("geometry: a position outside the globe; longitude comes first")
    return [position[:2] for position in positions]
