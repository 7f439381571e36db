"""Fences for tests: rectangles around the residence, so that probabilities can be had from two error functions."""

from typing import Final, NamedTuple

import shapely

from geofence.fences import Area, Fences, ZoneFence
from tests.factories import near


class Rectangle(NamedTuple):
    """Degrees on WGS-84."""

    west: float
    south: float
    east: float
    north: float


def rectangle(west_m: float, south_m: float, east_m: float, north_m: float) -> Rectangle:
    """Give the rectangle between two corners, in metres east and north of the usual residence."""
    corners = (*near(west_m, south_m), *near(east_m, north_m))
    return Rectangle(*(corner * 1e-7 for corner in corners))


COUNTIES: Final = {
    "450202": rectangle(-3_000, -2_500, 700, 2_500),
    "450203": rectangle(700, -2_500, 2_200, 2_500),
}
ZONES: Final = {"plot": rectangle(-2_000, -1_200, 1_100, 1_200)}


def permitted(area: str | None) -> list[Rectangle]:
    """Give the rectangles in which an order lets a person be; none where nothing is drawn."""
    if area is None:
        return []
    if area in ZONES:
        return [ZONES[area]]
    return [where for code, where in COUNTIES.items() if code.startswith(area.rstrip("0"))]


def fences() -> Fences:
    """Give all of them as the engine takes them."""
    found = Fences()
    for code, where in COUNTIES.items():
        found.add(Area(kind="area", adcode=code, name=f"county {code}"), shapely.box(*where))
    for name, where in ZONES.items():
        found.add(ZoneFence(kind="zone", id=name, name=name), shapely.box(*where))
    return found


FENCES: Final = fences()
