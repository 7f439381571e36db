"""Nights at one place: where they are put, where they were truly spent, and what counts as found."""

from typing import Any

from geofence.plane import from_plane
from stream.evaluate.claims import Claim
from stream.evaluate.nights import NIGHT, VENUE, VISITS, measure_nights, nights_spent, with_venue
from stream.simulate.feed import Truth
from stream.simulate.lives import DAY, HOUR
from stream.simulate.people import CENTRE
from tests.stream.lives import MONDAY, at_home


def claim(x_m: float, told_ms: int) -> Claim:
    """Give a night venue so many metres east of the middle of the city."""
    lon, lat = (float(degrees) for degrees in from_plane(x_m, 0.0, *CENTRE))
    evidence: dict[str, Any] = {"lon": lon, "lat": lat, "radius_m": 170}
    return Claim("S1", "night_venue", "place 1", "repeated", told_ms, told_ms + DAY, told_ms, told_ms, evidence)


def spent(x_m: float, rule: str, since_ms: int) -> Truth:
    """Give a night that was spent there, or the event of a venue."""
    lon, lat = (float(degrees) for degrees in from_plane(x_m, 0.0, *CENTRE))
    return Truth("S1", rule, f"{lon:.6f},{lat:.6f}", since_ms, since_ms + 5 * HOUR)


def test_four_nights_end_at_one_place() -> None:
    """All within fourteen nights, each of them labelled, at one place; who stays at home spends none elsewhere."""
    found = with_venue(3, at_home(hours=24 * 20), "S1")
    nights = list(nights_spent("S1", found.track))

    assert found.event
    assert VISITS == len(found.track.detours) == len(nights)
    assert 1 == len({detour.place for detour in found.track.detours})
    assert [] == list(nights_spent("S1", at_home()))
    assert with_venue(3, at_home(hours=24), "S1").event is None


def test_found_is_what_is_told_by_noon_at_its_place() -> None:
    """Too late, or half a kilometre off, is missed."""
    event, noon_ms = spent(2_000, VENUE, MONDAY), MONDAY + 5 * HOUR
    told = [claim(2_000, MONDAY), claim(2_000, noon_ms + 1), claim(2_600, MONDAY)]

    assert [1, 0, 0] == [measure_nights([one], [event], 10.0).found for one in told]
    assert [0, 1, 1] == [measure_nights([one], [event], 10.0).missed for one in told]


def test_false_is_a_place_where_no_night_was_spent() -> None:
    """Three nights make it right; one or two make it neither."""
    nights = [spent(2_000, NIGHT, MONDAY + day * DAY) for day in range(3)]
    at_ms = MONDAY + 3 * DAY
    found = [measure_nights([claim(2_000, at_ms)], nights[:count], 10.0) for count in (0, 1, 3)]

    assert [(0, 1), (0, 0), (1, 0)] == [(one.right, one.wrong) for one in found]
    assert 1 == measure_nights([claim(2_000, at_ms + 20 * DAY)], nights, 10.0).wrong
