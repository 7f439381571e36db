"""Forbidden places and visits to them: where they lie, and what counts as a visit."""

import numpy as np
import shapely

from geofence.fences import NO_FENCES, load_fences
from stream.evaluate.forbidden import AT_VENUE_M, HALF_M, Forbidden, chosen, fenced, visited, visits
from stream.evaluate.labels import NEAR
from stream.evaluate.tracks import Detour
from stream.simulate.county import DEMO
from stream.simulate.feed import Truth
from stream.simulate.lives import MINUTE, Place
from tests.stream.lives import MONDAY, at_home

PLACE = Forbidden("S1", Place(5_000.0, 0.0), Place(0.0, 3_000.0))


def minutes(truth: Truth) -> tuple[str, str, int, int]:
    """Give rule, kind, beginning and end in minutes from Monday's midnight."""
    assert truth.until_ms is not None
    return truth.rule, truth.kind, (truth.since_ms - MONDAY) // MINUTE, (truth.until_ms - MONDAY) // MINUTE


def test_a_visit_is_20_minutes_in_the_zone_and_45_at_the_venue() -> None:
    """The way there is near the venue, and for a minute or so in the zone."""
    stays = [
        Detour(MONDAY + 100 * MINUTE, MONDAY + 130 * MINUTE, Place(5_000.0 + HALF_M - 1, 0.0)),
        Detour(MONDAY + 400 * MINUTE, MONDAY + 440 * MINUTE, Place(0.0, 3_000.0 + AT_VENUE_M - 1)),
        Detour(MONDAY + 800 * MINUTE, MONDAY + 860 * MINUTE, PLACE.venue),
    ]
    found = [minutes(truth) for truth in visits("s", at_home().detouring(stays), PLACE)]

    assert [("zone", "visit", 97, 134)] == [one for one in found if one[:2] == ("zone", "visit")]
    assert [("venue", "visit", 800, 861)] == [one for one in found if one[:2] == ("venue", "visit")]
    assert [("venue", NEAR), ("venue", NEAR), ("zone", NEAR)] == sorted(one[:2] for one in found if one[1] == NEAR)


def test_places_lie_apart_and_stand_among_the_fences() -> None:
    """Zone and venue are where they were chosen, under the names that the order forbids; other places are not there."""
    track, fences = at_home(), load_fences(DEMO / "fences.geojson")
    place = chosen(3, track)
    found = fenced(fences, [track], [place])

    assert 2_500 < np.hypot(place.zone.x - place.venue.x, place.zone.y - place.venue.y)
    assert set(fences.areas) == set(found.areas)
    assert (["zone-S1"], ["venue-S1"]) == (list(found.zones), list(found.venues))
    assert {"zone-S1", "category-S1"} == {one.zone or one.category for one in place.prohibitions}
    lon, lat = shapely.get_coordinates(found.shapes["venue-S1"])[0].tolist()
    assert 1 == len(found.index.near(lon, lat, 100.0))
    assert {} == fenced(NO_FENCES, [], []).shapes


def test_a_life_with_visits_goes_to_both() -> None:
    """Somebody who never left home is seen at the venue and in the zone."""
    track = at_home(hours=24 * 40)
    place = chosen(3, track)
    kinds = {(truth.rule, truth.kind) for truth in visits("s", visited(3, track, place), place)}

    assert {("zone", "visit"), ("venue", "visit")} <= kinds
    assert [] == list(visits("s", track, place))
