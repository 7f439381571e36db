"""People as drawn from the seed: where they live and go, what kind of life they lead, which phone they carry."""

from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray

from geofence.fences import Fences
from geofence.index import distance_m
from geofence.plane import from_plane, to_plane
from schemas.fields import Datum
from schemas.order import Tier
from stream.simulate.lives import Place

__all__ = ["CENTRE", "Life", "Person", "Town", "degrees", "draw_person", "hash_of"]

CENTRE: Final = (109.42, 24.33)
"""Origin of the plane of the city, `lon, lat` on WGS-84: the middle of Liuzhou, where the cells are densest."""

_HOMES_WITHIN_M: Final = 4_000.0
_CANDIDATES: Final = 64
_ERRANDS: Final = 5
_BEYOND_M, _ABOUT_M = 1_500.0, 250.0
_GHOSTS_M: Final = (2_000.0, 15_000.0)

_LIFE_SHARES: Final = (0.60, 0.08, 0.06, 0.26)
_CARRIERS: Final = ("cmcc", "cucc", "ctcc")
_CARRIER_SHARES: Final = (0.6, 0.2, 0.2)
_DATUMS: Final = (Datum.gcj02, Datum.wgs84, Datum.bd09)
_DATUM_SHARES: Final = (0.90, 0.05, 0.05)
_STRICT, _CURFEW, _DOZES = 0.15, 0.7, 0.4


class Life(StrEnum):
    """What shapes the days of a person."""

    worker = "worker"
    pupil = "pupil"
    night_worker = "night_worker"
    at_home = "at_home"


@dataclass(frozen=True, slots=True)
class Person:
    """One supervisee who does not exist."""

    supervisee: str
    county: str
    life: Life
    tier: Tier
    has_curfew: bool
    home: Place
    work: Place
    errands: tuple[Place, ...]
    ghosts: NDArray[np.float64]
    interval_min: float
    dozes: bool
    datum: Datum
    carrier: str
    sim: str
    device: str


class Town:
    """The counties in which people live, on the plane of the city."""

    def __init__(self, fences: Fences, counties: tuple[str, ...]) -> None:
        self._counties = counties
        self.shapes = {name: fences.shapes[name] for name in (*counties, *fences.zones)}
        for shape in self.shapes.values():
            shapely.prepare(shape)

    def home(self, rng: np.random.Generator) -> tuple[str, Place]:
        """Draw a residence, denser towards the centre, and its county."""
        while True:
            for place in _around(rng, Place(0.0, 0.0), rng.exponential(_HOMES_WITHIN_M, _CANDIDATES)):
                lon, lat = degrees(place)
                for county in self._counties:
                    if shapely.contains_xy(self.shapes[county], lon, lat):
                        return county, place

    def near(self, rng: np.random.Generator, county: str, home: Place, least_m: float, most_m: float) -> Place:
        """Draw a place of the county so far from home; next door, where the county has none."""
        places = _around(rng, home, rng.uniform(least_m, most_m, _CANDIDATES))
        lon, lat = from_plane([p.x for p in places], [p.y for p in places], *CENTRE)
        inside = np.flatnonzero(shapely.contains_xy(self.shapes[county], lon, lat))
        return places[inside[0]] if len(inside) else Place(home.x + least_m, home.y)

    def beyond(self, rng: np.random.Generator, county: str, home: Place) -> Place:
        """Draw a place well outside the county, as near as may be."""
        places = _around(rng, home, np.geomspace(2_000.0, 60_000.0, _CANDIDATES))
        return next(place for place in places if self.distance_m(county, place) > _BEYOND_M)

    def within(self, rng: np.random.Generator, zone: str) -> Place:
        """Draw a place about the middle of a zone."""
        middle = shapely.centroid(self.shapes[zone])
        x, y = to_plane(middle.x, middle.y, *CENTRE)
        return _around(rng, Place(float(x), float(y)), rng.uniform(0.0, _ABOUT_M, 1))[0]

    def distance_m(self, name: str, place: Place) -> float:
        """Give how far a place lies from a county or zone; 0 inside."""
        return distance_m(self.shapes[name], *degrees(place))


def draw_person(
    rng: np.random.Generator, town: Town, number: int, seed: int, intervals_min: tuple[float, ...]
) -> Person:
    """Draw one person; the same generator state, number and seed give the same person."""
    county, home = town.home(rng)
    life = list(Life)[rng.choice(len(Life), p=_LIFE_SHARES)]
    supervisee = f"lz-{number:06d}"
    return Person(
        supervisee=supervisee,
        county=county,
        life=life,
        tier=Tier.strict if rng.random() < _STRICT else Tier.general,
        has_curfew=life is Life.pupil or rng.random() < _CURFEW,
        home=home,
        work=town.near(rng, county, home, 800.0, 6_000.0),
        errands=tuple(town.near(rng, county, home, 900.0, 4_000.0) for _ in range(_ERRANDS)),
        ghosts=np.array(_around(rng, home, rng.uniform(*_GHOSTS_M, 3))),
        interval_min=float(rng.choice(intervals_min)),
        dozes=bool(rng.random() < _DOZES),
        datum=_DATUMS[rng.choice(len(_DATUMS), p=_DATUM_SHARES)],
        carrier=_CARRIERS[rng.choice(len(_CARRIERS), p=_CARRIER_SHARES)],
        sim=hash_of(seed, supervisee, "sim"),
        device=hash_of(seed, supervisee, "device"),
    )


def hash_of(seed: int, supervisee: str, what: str) -> str:
    """Give the 128-bit hash of a number that does not exist, as 32 hex digits."""
    return blake2b(f"{seed}/{supervisee}/{what}".encode(), digest_size=16).hexdigest()


def degrees(place: Place) -> tuple[float, float]:
    """Longitude and latitude on WGS-84 of a place on the plane of the city."""
    lon, lat = from_plane(place.x, place.y, *CENTRE)
    return float(lon), float(lat)


def _around(rng: np.random.Generator, centre: Place, distances_m: NDArray[np.float64]) -> list[Place]:
    angles = rng.uniform(0.0, 2.0 * np.pi, len(distances_m))
    east, north = centre.x + distances_m * np.cos(angles), centre.y + distances_m * np.sin(angles)
    return [Place(float(x), float(y)) for x, y in zip(east, north, strict=True)]
