"""Fences for tests: rectangles around the residence, so that probabilities can be had from two error functions."""

from typing import Final, NamedTuple

import shapely

from geofence.fences import Area, Fences, Schedule, Venue, ZoneFence
from schemas.order import Window
from tests.factories import ZONE, near
from tests.reference.place import Place, Plane


class Rectangle(NamedTuple):
    """Degrees on WGS-84."""

    west: float
    south: float
    east: float
    north: float


class Shop(NamedTuple):
    """A venue as the reference knows it."""

    place: Place
    category: str


def rectangle(west_m: float, south_m: float, east_m: float, north_m: float) -> Rectangle:
    """Give the rectangle between two corners, in metres east and north of the usual residence."""
    corners = (*near(west_m, south_m), *near(east_m, north_m))
    return Rectangle(*(corner * 1e-7 for corner in corners))


def shop(category: str, east_m: float, north_m: float) -> Shop:
    """Give a venue so many metres east and north of the usual residence."""
    return Shop(Place(*near(east_m, north_m)), category)


DAILY: Final = (0, 1, 2, 3, 4, 5, 6)
COUNTIES: Final = {
    "450202": rectangle(-3_000, -2_500, 700, 2_500),
    "450203": rectangle(700, -2_500, 2_200, 2_500),
}
ZONES: Final = {
    "plot": rectangle(-2_000, -1_200, 1_100, 1_200),
    "block": rectangle(780, -900, 1_800, 900),
    "park": rectangle(950, -800, 2_600, 800),
    "yard": rectangle(450, -700, 1_300, 700),
    "market": rectangle(3_300, -900, 4_700, 900),
}
SCHEDULES: Final = {
    "park": (Window(days=DAILY, start="20:00", end="06:00"),),
    "yard": (Window(days=DAILY, start="09:00", end="12:30"), Window(days=(1, 3, 5), start="15:00", end="23:00")),
}
"""When a zone is forbidden, in the usual zone; the others are at all times."""
VENUES: Final = {
    "cafe-0": shop("internet_cafe", 340, 0),
    "cafe-1": shop("internet_cafe", 940, 30),
    "cafe-2": shop("internet_cafe", 1_530, -60),
    "bar-1": shop("bar", 4_030, 40),
}


def permitted(area: str | None) -> list[Rectangle]:
    """Give the rectangles in which an order lets a person be; none where nothing is drawn."""
    if area is None:
        return []
    if area in ZONES:
        return [ZONES[area]]
    return [where for code, where in COUNTIES.items() if code.startswith(area.rstrip("0"))]


def venues_near(place: Place, radius_m: float) -> list[tuple[str, float]]:
    """Give the category and the distance of each venue so near."""
    plane = Plane(place)
    found = [(venue.category, plane.from_home(venue.place)) for venue in VENUES.values()]
    return [(category, metres) for category, metres in found if metres <= radius_m]


def fences() -> Fences:
    """Give all of them as the engine takes them."""
    found = Fences()
    for code, where in COUNTIES.items():
        found.add(Area(kind="area", adcode=code, name=f"county {code}"), shapely.box(*where))
    for name, where in ZONES.items():
        schedule = Schedule(zone=ZONE, windows=SCHEDULES[name]) if name in SCHEDULES else None
        found.add(ZoneFence(kind="zone", id=name, name=name, schedule=schedule), shapely.box(*where))
    for name, venue in VENUES.items():
        described = Venue(kind="venue", id=name, name=name, category=venue.category)
        found.add(described, shapely.Point(venue.place.lon * 1e-7, venue.place.lat * 1e-7))
    return found


FENCES: Final = fences()
