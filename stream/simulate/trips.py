"""Trips to where the order does not allow: out of the county without leave, or into a zone in its forbidden hours."""

from typing import Final, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from schemas.order import PermitKind
from stream.simulate.days import midnights
from stream.simulate.feed import Truth
from stream.simulate.lives import DAY, HOUR, MINUTE, Path, Place, Visit, travel_ms
from stream.simulate.people import Person, Town, degrees
from stream.simulate.plans import Plan

__all__ = ["ZONE", "Trip", "avoids", "draw_trip", "exits", "truth_of_trip", "whole_days"]

ZONE: Final = "zone-nightlife-1"
"""The zone of the fences file that is forbidden to some, from 18:00 to 06:00."""
_SHARE: Final = 0.5
_CLEAR_M, _FAR_M = 1_000.0, 500.0


class Trip(NamedTuple):
    """One visit, and the rule that it breaks."""

    rule: str
    visit: Visit


def draw_trip(rng: np.random.Generator, town: Town, person: Person, plan: Plan, days: list[int]) -> Trip | None:
    """
    Draw a trip on one of the days for half of those who are asked; None for the others.

    Only on a day on or beside which nothing else is planned, and early enough to break no curfew.
    """
    busy = [visit.from_ms for visit in plan.visits] + [silence.from_ms for silence in plan.silences]
    busy += [permit.from_ms for permit in plan.permits]
    free = [day for day in days if all(not day - 2 * DAY <= start < day + 2 * DAY for start in busy)]
    if not free or rng.random() >= _SHARE:
        return None
    day = free[int(rng.integers(len(free)))]
    if rng.random() < _SHARE or not avoids(town, person):
        place = town.beyond(rng, person.county, person.home)
        start = day + round(rng.uniform(9.0, 12.0) * HOUR)
        return Trip("boundary", Visit(start, start + round(rng.uniform(1.5, 4.0) * HOUR), place))
    start = day + round(rng.uniform(18.3, 18.8) * HOUR)
    return Trip("exclusion", Visit(start, start + round(rng.uniform(1.5, 2.5) * HOUR), town.within(rng, ZONE)))


def whole_days(start_ms: int, end_ms: int) -> list[int]:
    """List the days that lie wholly inside the span, with a day before and after them."""
    return [day for day in midnights(start_ms, end_ms) if day - DAY >= start_ms and day + 2 * DAY <= end_ms]


def avoids(town: Town, person: Person) -> bool:
    """Tell whether nothing that the person does of their own accord is near the zone."""
    return all(town.distance_m(ZONE, place) > _CLEAR_M for place in (person.home, person.work, *person.errands))


def exits(town: Town, person: Person, plan: Plan) -> list[Trip]:
    """Give the planned visits that lie well outside the county, too, unless leave covers them."""
    leave = [permit for permit in plan.permits if permit.kind is PermitKind.leave]
    return [
        Trip("boundary", visit)
        for visit in plan.visits
        if town.distance_m(person.county, visit.place) > _FAR_M
        and not any(permit.from_ms <= visit.from_ms and visit.until_ms <= permit.until_ms for permit in leave)
    ]


def truth_of_trip(town: Town, person: Person, path: Path, trip: Trip) -> Truth | None:
    """Give when the person was really there, to the minute; None when the trip did not take place."""
    way = travel_ms(person.home, trip.visit.place) + HOUR
    times = np.arange(trip.visit.from_ms - way, trip.visit.until_ms + way, MINUTE)
    x, y, _ = path.at(times)
    there = _there(town, person, trip, x, y)
    middle = int(np.searchsorted(times, (trip.visit.from_ms + trip.visit.until_ms) // 2))
    if not there[middle]:
        return None
    before, after = np.flatnonzero(~there[:middle]), np.flatnonzero(~there[middle:])
    since = int(times[before[-1] + 1]) if len(before) else int(times[0])
    until = int(times[middle + after[0]]) if len(after) else int(times[-1])
    kind = "outside" if trip.rule == "boundary" else "inside"
    return Truth(person.supervisee, trip.rule, kind, since, until)


def _there(town: Town, person: Person, trip: Trip, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.bool_]:
    lon, lat = (np.array(of) for of in zip(*(degrees(Place(*at)) for at in zip(x, y, strict=True)), strict=True))
    if trip.rule == "boundary":
        return np.asarray(~shapely.contains_xy(town.shapes[person.county], lon, lat))
    return np.asarray(shapely.contains_xy(town.shapes[ZONE], lon, lat))
