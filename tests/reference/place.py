"""Distances in the plane at a residence, from the WGS-84 ellipsoid's two radii of curvature."""

from math import cos, hypot, radians, sin, sqrt
from typing import Final, NamedTuple

EQUATOR_M: Final = 6378137.0
FLATTENING: Final = 1 / 298.257223563


class Place(NamedTuple):
    """A position in whole 1e-7 degrees."""

    lon: int
    lat: int


class Plane:
    """Metres about one residence; every distance of a person is measured in the plane of the residence of the time."""

    def __init__(self, home: Place) -> None:
        phi = radians(home.lat * 1e-7)
        e2 = FLATTENING * (2 - FLATTENING)
        squash = 1 - e2 * sin(phi) ** 2
        self.home = home
        self.metres_per_lon = radians(EQUATOR_M / sqrt(squash) * cos(phi))
        self.metres_per_lat = radians(EQUATOR_M * (1 - e2) / squash**1.5)

    def distance(self, a: Place, b: Place) -> float:
        """Metres from *a* to *b*."""
        east = (a.lon - b.lon) * 1e-7 * self.metres_per_lon
        north = (a.lat - b.lat) * 1e-7 * self.metres_per_lat
        return hypot(east, north)

    def east_north(self, place: Place) -> tuple[float, float]:
        """Metres from the residence, in each direction."""
        east = (place.lon - self.home.lon) * 1e-7 * self.metres_per_lon
        return east, (place.lat - self.home.lat) * 1e-7 * self.metres_per_lat

    def at(self, east_m: float, north_m: float) -> Place:
        """The position so many metres from the residence."""
        lon = self.home.lon + round(east_m / self.metres_per_lon * 1e7)
        return Place(lon, self.home.lat + round(north_m / self.metres_per_lat * 1e7))

    def from_home(self, place: Place) -> float:
        """Metres from the residence."""
        return self.distance(place, self.home)
