"""
Places that orders forbid, one zone and one venue for each recorded life, and visits to them.

The trap: a place that was chosen where somebody never goes tests only that nobody is there. Each lies a few kilometres
from the residence, where the person also passes by of their own accord, and every true minute in it is labelled.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
import shapely

from geofence.fences import Area, Fences, Venue, ZoneFence
from geofence.plane import from_plane
from schemas.order import Prohibition
from stream.evaluate.cases import generator
from stream.evaluate.labels import NEAR
from stream.evaluate.tracks import Detour, Floats, Mask, Track, free, runs
from stream.simulate.feed import Truth
from stream.simulate.lives import MINUTE, Place

__all__ = ["Forbidden", "chosen", "fenced", "visited", "visits"]

ZONE_M: Final = (3_500.0, 6_000.0)
HALF_M: Final = 1_200.0
VENUE_M: Final = (1_500.0, 4_000.0)
APART_M: Final = 2_500.0
VISITS_A_DAY: Final = 0.15
VISIT_H: Final = (1.0, 4.0)
IN_ZONE_MS, AT_VENUE_MS = 20 * MINUTE, 45 * MINUTE
AT_VENUE_M, NEAR_VENUE_M = 100.0, 500.0


class Forbidden(NamedTuple):
    """The middle of a square zone and a venue, on the plane of a track."""

    subject: str
    zone: Place
    venue: Place

    @property
    def prohibitions(self) -> tuple[Prohibition, ...]:
        """What the order says of them."""
        return Prohibition(zone=f"zone-{self.subject}"), Prohibition(category=f"category-{self.subject}")


def chosen(seed: int, track: Track) -> Forbidden:
    """Choose both, apart from each other."""
    rng = generator(seed, "forbidden", track.subject)
    zone = track.around(rng, rng.uniform(*ZONE_M))
    while True:
        venue = track.around(rng, rng.uniform(*VENUE_M))
        if np.hypot(venue.x - zone.x, venue.y - zone.y) > APART_M:
            return Forbidden(track.subject, zone, venue)


def fenced(fences: Fences, tracks: Sequence[Track], places: Sequence[Forbidden]) -> Fences:
    """Give the areas of some fences, with the forbidden places as zones and venues."""
    found = Fences()
    for code, shape in fences.areas.items():
        found.add(Area(kind="area", adcode=code, name=fences.names[code]), shape)
    for track, place in zip(tracks, places, strict=True):
        corners = shapely.box(-HALF_M, -HALF_M, HALF_M, HALF_M).exterior.coords
        ring = [from_plane(place.zone.x + x, place.zone.y + y, *track.origin) for x, y in corners]
        zone, venue, category = (f"{what}-{track.subject}" for what in ("zone", "venue", "category"))
        found.add(ZoneFence(kind="zone", id=zone, name=zone), shapely.Polygon([(float(x), float(y)) for x, y in ring]))
        point = shapely.Point(*(float(degrees) for degrees in from_plane(*place.venue, *track.origin)))
        found.add(Venue(kind="venue", id=venue, name=venue, category=category), point)
    return found


def visited(seed: int, track: Track, place: Forbidden) -> Track:
    """Give a recorded life with stays in the zone, some way from its middle, and at the venue."""
    rng = generator(seed, "visits", track.subject)
    detours: list[Detour] = []
    for _ in range(rng.poisson(2 * VISITS_A_DAY * track.days())):
        span = free(rng, track, detours, rng.uniform(*VISIT_H), 0.0, 24.0)
        aside = rng.uniform(-HALF_M / 2, HALF_M / 2, 2)
        if span is not None:
            zone = Place(place.zone.x + float(aside[0]), place.zone.y + float(aside[1]))
            detours.append(Detour(*span, zone if rng.integers(2) else place.venue))
    return track.detouring(detours)


def visits(supervisee: str, track: Track, place: Forbidden) -> Iterator[Truth]:
    """
    Give each visit: 20 minutes in the zone, 45 at the venue.

    Near is any minute in the zone, and a quarter of an hour within 500 m of the venue.
    """
    times = track.minutes()
    x, y, known = track.at(times)
    inside = known & (np.maximum(np.abs(x - place.zone.x), np.abs(y - place.zone.y)) < HALF_M)
    away_m: Floats = np.hypot(x - place.venue.x, y - place.venue.y)
    there: list[tuple[str, str, Mask, int]] = [
        ("zone", "visit", inside, IN_ZONE_MS),
        ("zone", NEAR, inside, 0),
        ("venue", "visit", known & (away_m < AT_VENUE_M), AT_VENUE_MS),
        ("venue", NEAR, known & (away_m < NEAR_VENUE_M), 15 * MINUTE),
    ]
    for rule, kind, where, least_ms in there:
        yield from (Truth(supervisee, rule, kind, *span) for span in runs(times, where, least_ms))
