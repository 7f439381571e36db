"""Trips to where the order does not allow: in the truth when they took place, and nobody else goes there."""

from dataclasses import replace
from functools import cache

import numpy as np
import shapely

from geofence.fences import load_fences
from geofence.plane import from_plane
from schemas.order import PermitKind
from stream.simulate.county import DEMO, County
from stream.simulate.feed import Feed
from stream.simulate.lives import HOUR, MINUTE
from stream.simulate.people import CENTRE
from stream.simulate.trips import ZONE
from tests.stream.simulated import MONDAY

COUNTY = County(people=60, seed=11, start_ms=MONDAY, days=8, offenders=0.9, stickiness=0.0)
FENCES = load_fences(DEMO / "fences.geojson")
RULES = {"boundary", "exclusion"}


@cache
def feed() -> Feed:
    """Most of them offend."""
    return COUNTY.feed()


def share_inside(name: str, number: int, since_ms: int, until_ms: int) -> float:
    """Of the reports of a person between two times."""
    reports = feed().reports
    part = reports[(reports["phone"] == number) & (reports["time_ms"] >= since_ms) & (reports["time_ms"] < until_ms)]
    part = part[part["accuracy_m"] > 0]
    lon, lat = from_plane(part["x"], part["y"], *CENTRE)
    return float(np.mean(shapely.contains_xy(FENCES.shapes[name], lon, lat)))


def test_a_trip_of_the_truth_is_seen_where_it_was() -> None:
    """Outside the county, or inside the zone, by most reports, whatever their error; for an hour at least."""
    numbers = {phone.supervisee: number for number, phone in enumerate(feed().phones)}
    trips = [row for row in feed().truth if row.rule in RULES]
    assert {"boundary", "exclusion"} == {row.rule for row in trips}
    for row in trips:
        assert row.until_ms is not None
        assert HOUR < row.until_ms - row.since_ms
        number = numbers[row.supervisee or ""]
        place = feed().orders[number].permitted_area if row.rule == "boundary" else ZONE
        inside = share_inside(str(place), number, row.since_ms + 10 * MINUTE, row.until_ms - 10 * MINUTE)
        assert inside > 0.6 if row.rule == "exclusion" else inside < 0.4


def test_leave_covers_a_trip() -> None:
    """Who is away on leave does not stand in the truth."""
    leave = {order.supervisee: p for order in feed().orders for p in order.permits if p.kind is PermitKind.leave}
    for row in (row for row in feed().truth if row.rule == "boundary" and row.supervisee in leave):
        permit = leave[row.supervisee or ""]
        assert row.since_ms >= permit.until_ms or (row.until_ms or 0) <= permit.from_ms


def test_the_zone_is_forbidden_to_those_who_go_there_and_to_some_who_do_not() -> None:
    """Or nothing would show that it is not the prohibition that makes an alert."""
    went = {row.supervisee for row in feed().truth if row.rule == "exclusion"}
    asked = {order.supervisee for order in feed().orders if any(p.zone == ZONE for p in order.prohibitions)}
    assert went < asked


def test_nobody_goes_where_nobody_offends() -> None:
    """Also not people who have the same orders."""
    assert [] == [row for row in replace(COUNTY, people=20, offenders=0.0).feed().truth if row.rule in RULES]
