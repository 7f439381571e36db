"""Night venue: three nights of fourteen in one place, told to the minute, and all that is no such thing."""

from typing import Any, Final

import numpy as np
import pytest

from detectors.findings import EpisodeEvent
from detectors.nights import Nights, in_night
from detectors.places import Places
from tests.detectors.watched import DAY, HOUR, MINUTE, MONDAY, Ping, Watched, blank, fix, seen
from tests.factories import near, order, permit
from tests.ground import FENCES

CAFE: Final = (1_530.0, -60.0)
FRIEND: Final = (0.0, -2_600.0)


def lie(day: int, from_h: float, until_h: float, spot: tuple[float, float], every: int = 15, **how: Any) -> list[Ping]:  # noqa: ANN401
    """Fixes about a place, 80 m this way and that, so many days after Monday."""
    times = range(MONDAY + day * DAY + round(from_h * HOUR), MONDAY + day * DAY + round(until_h * HOUR), every * MINUTE)
    return [fix(t, spot[0] + 80 * (n % 3 - 1), spot[1] + 80 * (n % 2), **how) for n, t in enumerate(times)]


def nights(days: list[int], spot: tuple[float, float], every: int = 15, **how: Any) -> list[Ping]:  # noqa: ANN401
    """At home on the days before, and from 22:30 to 07:30 in a place."""
    found: list[Ping] = []
    for day in days:
        found += lie(day, 8, 21, (0.0, 0.0), 30) + lie(day, 22.5, 31.5, spot, every, **how)
    return found


def watched(*pings: Ping, **asked: Any) -> Watched:  # noqa: ANN401
    """Somebody who went through all that."""
    return Watched(order(**asked), fences=FENCES).hear(*pings)


def venues(of: Watched) -> list[str]:
    """What stands of the rules about nights."""
    return [said for said in of.lasting if said.startswith(("night_venue", "residence"))]


def events(of: Watched, rule: str = "night_venue") -> list[EpisodeEvent]:
    """Every event of a rule."""
    return [event for event in of.events if event.rule == rule]


def test_the_third_night_opens_at_its_end() -> None:
    """Not a millisecond before 07:00; since the end of the first; the facts name place, district and nights."""
    person = watched(*nights([0, 1], CAFE), *lie(2, 8, 21, (0, 0)), *lie(2, 22.5, 31, CAFE))
    end_ms = MONDAY + 3 * DAY + 7 * HOUR
    assert [] == venues(person.wait(end_ms - 1))
    assert ["night_venue/place 1: repeated, alert, repeated, 03 07:00 - "] == venues(person.wait(end_ms))
    (event,) = events(person)
    assert (end_ms, "officer") == (event.at_ms, event.audience)
    assert ["2026-03-03", "2026-03-04", "2026-03-05"] == event.evidence["nights"]
    assert ("450203", []) == (event.evidence["district"], event.evidence["forbidden"])
    assert ["cafe-2"] == [venue["id"] for venue in event.evidence["venues"]]
    assert event.evidence["venues"][0]["distance_m"] < event.evidence["radius_m"]
    assert {"nights": 3, "distance_m": 300} == event.evidence["parameters"]


def test_a_forbidden_category_is_named() -> None:
    """The same nights under a prohibition are a breach of it; of another category they are not."""
    for category, kind in (("internet_cafe", "prohibited"), ("bar", "repeated")):
        person = watched(*nights([0, 1, 2], CAFE), prohibitions=[{"category": category}])
        assert [f"night_venue/place 1: {kind}, alert, {kind}, 03 07:00 - "] == venues(person)


@pytest.mark.parametrize(("last", "is_found"), [(13, True), (14, False)])
def test_three_nights_of_fourteen(last: int, is_found: bool) -> None:  # noqa: FBT001
    """The first night still counts in the fourteenth, and no longer in the fifteenth."""
    assert is_found == bool(venues(watched(*nights([0, 5, last], CAFE))))


def test_it_closes_after_fourteen_nights_without() -> None:
    """At the end of the fourteenth, though nothing else is heard."""
    person = watched(*nights([0, 1, 2], CAFE))
    end_ms = MONDAY + 17 * DAY + 7 * HOUR
    assert venues(person.wait(end_ms - 1))[0].endswith("03 07:00 - ")
    assert ["night_venue/place 1: repeated, alert, unvisited, 03 07:00 - 19 07:00"] == venues(person.wait(end_ms))


def test_a_stay_that_was_over_before_the_night_counts() -> None:
    """Three hours at a friend's in the middle of the night, then home; a stay of an hour does not."""
    for hours, is_found in ((3.0, True), (1.0, False)):
        pings = []
        for day in (0, 1, 2):
            pings += lie(day, 8, 23.5, (0, 0)) + lie(day, 24, 24 + hours, FRIEND) + lie(day, 24.5 + hours, 32, (0, 0))
        assert is_found == bool(venues(watched(*pings)))


@pytest.mark.parametrize("kind", ["leave", "night_shift"])
def test_a_permitted_night_is_no_vote(kind: str) -> None:
    """Leave and night shift both; a reported phone-off permits no night elsewhere."""
    covered = permit(kind, MONDAY + DAY + 20 * HOUR, MONDAY + 2 * DAY + 8 * HOUR)
    assert [] == venues(watched(*nights([0, 1, 2], CAFE), permits=[covered]))
    assert venues(watched(*nights([0, 1, 2], CAFE), permits=[{**covered, "kind": "reported_off"}]))


def test_one_coarse_coordinate_that_comes_again_is_one_vote() -> None:
    """A network may put a phone there every night; an exact one may not, and three coordinates are three votes."""
    home = [ping for day in range(3) for ping in lie(day, 8, 21, (0, 0), 30)]

    def there(accuracy_m: int, offsets: tuple[int, ...]) -> list[str]:
        pings = [
            fix(MONDAY + day * DAY + 23 * HOUR + n * 30 * MINUTE, 1_500.0 + east, 0.0, accuracy_m)
            for day, east in enumerate(offsets)
            for n in range(16)
        ]
        return venues(watched(*home, *pings).wait(MONDAY + 3 * DAY + 8 * HOUR))

    assert [] == there(200, (0, 0, 0))
    assert there(200, (0, 150, 300))
    assert there(50, (0, 0, 0))


def test_what_lies_at_a_ghost_is_no_place() -> None:
    """A learned ghost of the network gets no vote; the same coordinates without it get one."""
    for ghosts in (0, 1):
        window, places = blank(), Places()
        own, quality = window["night_venue"], window["quality"]
        quality["ghost_lon"][0, 0], quality["ghost_lat"][0, 0] = near(1_500, 0)
        quality["ghosts"][0] = ghosts
        spot = Nights().left(own, 0)._replace(x_m=1_540.0, sd_m=60.0)
        places.vote(window, 0, spot, np.zeros(3, bool))
        assert ghosts == (own["place_sd_m"][0] == 0).all()


def test_a_night_without_one_place_says_nothing() -> None:
    """Half of the spots within reach of the median are enough; one fewer are not, and neither is an hour."""
    window, ring = blank(), Nights()
    own, evening = window["night_venue"], MONDAY + 23 * HOUR
    for spread, expected in (((0, 0, 4_000, 4_000), True), ((0, 0, 3_000, 6_000, 9_000), False)):
        ring.begin(own, np.array([0]))
        own["ends_s"][:] = 0
        for n, east in enumerate(spread):
            fixes = seen(
                window, fix(evening + n * 30 * MINUTE, 1_000.0 + east + 60 * (n % 2), 0.0, 1_400 if expected else 200)
            )
            assert in_night(window, fixes.time_ms).all()
            ring.hear(own, window, fixes, np.array([0]))
        centre = ring.centres(own, np.array([0]), np.array([evening + len(spread) * 30 * MINUTE]))
        assert expected == centre.said[0]
    assert not ring.centres(own, np.array([0]), np.array([evening + HOUR])).said[0]


def test_another_residence_begins_anew() -> None:
    """What was measured from the old one is closed and forgotten."""
    person = watched(*nights([0, 1, 2], CAFE))
    moved = MONDAY + 3 * DAY + 9 * HOUR
    person.tell(order(valid_from_ms=moved, home=near(*CAFE)), moved).hear(*nights([3, 4, 5], CAFE))
    assert ["night_venue/place 1: repeated, alert, order_changed, 03 07:00 - 05 09:00"] == venues(person)


def test_the_end_of_the_order_closes() -> None:
    """Nothing of the nights stays behind."""
    person = watched(*nights([0, 1, 2], CAFE)).tell(None, MONDAY + 3 * DAY + 9 * HOUR)
    assert ["night_venue/place 1: repeated, alert, order_ended, 03 07:00 - 05 09:00"] == venues(person)
    assert not any(value for value in person.flush().values())


def test_a_residence_at_which_nobody_stays_is_a_doubt_about_data() -> None:
    """Unconfirmed from the third night on; at the end of the fifth it gives way to a notice for the operator."""
    pings = [ping for day in range(5) for ping in lie(day, 8, 31.5, (0.0, -560.0), 30)]
    person = watched(*pings).wait(MONDAY + 5 * DAY + 7 * HOUR)
    assert [
        "night_venue/place 1: unconfirmed, alert, residence, 03 07:00 - 07 07:00",
        "residence/registered: elsewhere, notice, elsewhere, 03 07:00 - ",
    ] == venues(person)
    (event,) = events(person, "residence")
    assert ("operator", 5) == (event.audience, len(event.evidence["nights"]))
    assert "venues" not in event.evidence


def test_the_doubt_ends_with_a_stay_at_the_residence() -> None:
    """From then on the same nights are a night venue, an episode of its own."""
    pings = [ping for day in range(5) for ping in lie(day, 8, 31.5, (0.0, -560.0), 30)]
    person = watched(*pings, *lie(5, 9, 12, (0.0, 0.0)), *lie(5, 22.5, 31.5, (0.0, -560.0)))
    assert [
        "night_venue/place 1: unconfirmed, alert, residence, 03 07:00 - 07 07:00",
        "residence/registered: elsewhere, notice, seen_there, 03 07:00 - 08 07:00",
        "night_venue/place 1: repeated, alert, repeated, 08 07:00 - ",
    ] == venues(person)


def test_a_forbidden_venue_is_never_a_doubt_about_data() -> None:
    """Who sleeps at the cafe from the first day on is not taken for a wrong address."""
    pings = [ping for day in range(6) for ping in lie(day, 8, 31.5, CAFE, 30)]
    person = watched(*pings, prohibitions=[{"category": "internet_cafe"}])
    assert ["night_venue/place 1: prohibited, alert, prohibited, 03 07:00 - "] == venues(person)
