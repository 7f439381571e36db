"""Forbidden zones with their schedules, and venues: what opens, what closes, from when to when."""

import pytest

from tests.detectors.watched import MINUTE, Ping, Watched, fix, on, stay
from tests.factories import near, order, permit
from tests.ground import FENCES

MARKET_M = 4_000
"""East of the residence: the middle of the market, which is always forbidden."""
PARK_M = 2_200
"""In the park only, which is forbidden from 20:00 to 06:00."""


def watched(*zones: str, category: str | None = None, until: str = "11:55", **changes: object) -> Watched:
    """Somebody to whom that is forbidden, and who was seen at home until then."""
    asked = [{"zone": zone} for zone in zones] + ([{"category": category}] if category else [])
    person = Watched(order(**{"prohibitions": asked} | changes), fences=FENCES)  # type: ignore[arg-type]
    return person.hear(*stay(on("08:00"), on(until), 5))


def at(east_m: float, start: str, until: str, every_min: int = 5) -> list[Ping]:
    """Fixes there."""
    return stay(on(start), on(until), every_min, east_m)


def found(person: Watched) -> list[str]:
    """Its episodes."""
    return [line.removeprefix("exclusion/") for line in person.lasting if line.startswith("exclusion")]


def zone(name: str, since: str, until: str = "", reason: str = "inside") -> str:
    """An episode in a zone, in words."""
    return f"{name}: zone, alert, {reason}, {since} - {until}"


def venue(name: str, since: str, until: str = "", reason: str = "dwell") -> str:
    """An episode at a venue, in words."""
    return f"{name}: venue, notice, {reason}, {since} - {until}"


def test_some_fixes_inside_a_zone_open_and_some_outside_close() -> None:
    """As many as at a boundary; it begins and ends with the first of each run."""
    person = watched("market").hear(*at(MARKET_M, "12:00", "12:15"))
    assert [] == found(person)
    person.hear(*at(MARKET_M, "12:20", "13:00"))
    assert [zone("market", "02 12:00")] == found(person)
    person.hear(*at(0, "13:10", "13:25"))
    assert [zone("market", "02 12:00", "02 13:10")] == found(person)


def test_a_zone_that_is_not_forbidden_to_the_person_is_none() -> None:
    """Nor one that nobody has drawn."""
    assert [] == found(watched("yard", "no such zone").hear(*at(MARKET_M, "12:00", "16:00")))


def test_beside_a_zone_is_not_inside() -> None:
    """150 m beyond its line, and on the line."""
    assert [] == found(watched("market").hear(*at(3_100, "12:00", "16:00")))
    assert [] == found(watched("market").hear(*at(3_270, "12:00", "16:00")))


def test_leave_does_not_lift_it() -> None:
    """Who may leave the county may not go to the market there."""
    leave = permit("leave", on("11:00"), on("18:00"))
    assert [zone("market", "02 12:00")] == found(
        watched("market", permits=[leave]).hear(*at(MARKET_M, "12:00", "13:00"))
    )


def test_a_zone_is_forbidden_only_in_its_hours() -> None:
    """An afternoon in the park is nothing, an evening is."""
    assert [] == found(watched("park").hear(*at(PARK_M, "12:00", "18:00"), *at(0, "18:30", "23:00")))
    person = watched("park", until="20:00").hear(*at(PARK_M, "20:10", "21:00"))
    assert [zone("park", "02 20:10")] == found(person)


def test_who_is_inside_when_the_hours_begin_is_found_at_that_moment() -> None:
    """To the millisecond, without any further fix, and not a millisecond before."""
    person = watched("park").hear(*at(PARK_M, "19:00", "19:55")).wait(on("20:00") - 1)
    assert [] == found(person)
    person.wait(on("20:00"))
    assert [zone("park", "02 20:00")] == found(person)
    assert (on("20:00"), on("20:00")) == (person.events[-1].since_ms, person.events[-1].at_ms)


def test_who_was_inside_long_before_the_hours_began_is_not() -> None:
    """What was known at noon says little of the evening."""
    person = watched("park", until="10:55").hear(*at(PARK_M, "11:00", "11:55")).wait(on("20:00"))
    assert [] == found(person)


def test_the_hours_end_it() -> None:
    """At that moment, to the millisecond, and it opens again when they begin anew and the person is still inside."""
    person = watched("park", until="20:00").hear(*at(PARK_M, "20:10", "21:00")).wait(on("06:00", 1) - 1)
    assert [zone("park", "02 20:10")] == found(person)
    person.wait(on("06:00", 1))
    assert [zone("park", "02 20:10", "03 06:00", "schedule_ended")] == found(person)
    person.hear(*stay(on("19:00", 1), on("19:55", 1), 5, PARK_M)).wait(on("20:00", 1))
    assert zone("park", "03 20:00") == found(person)[-1]


def test_a_run_from_before_the_hours_is_dated_their_begin() -> None:
    """What was lawful is not part of the breach."""
    person = watched("park", until="19:50").hear(*at(PARK_M, "19:55", "20:30"))
    assert [zone("park", "02 20:00")] == found(person)


def test_two_zones_at_once_are_two_episodes() -> None:
    """Block and park overlap; each has its own."""
    person = watched("block", "park", until="20:00").hear(*at(1_400, "20:10", "21:00"))
    assert [zone("block", "02 20:10"), zone("park", "02 20:10")] == found(person)


def test_a_zone_that_was_passed_through_gives_its_slot_back() -> None:
    """Who passed through two zones for a fix each is still seen in a third."""
    person = watched("block", "market", "park", until="20:00")
    person.hear(fix(on("20:05"), 1_400), *at(MARKET_M, "20:10", "21:00"))
    assert [zone("market", "02 20:10")] == found(person)


def test_of_three_zones_at_a_time_two_are_seen() -> None:
    """Block, park and yard overlap at 1,100 m on a Tuesday evening, and two slots are all there is."""
    person = watched("block", "park", "yard", until="20:00").hear(*stay(on("20:10", 1), on("21:00", 1), 5, 1_080))
    assert [zone("block", "03 20:10"), zone("park", "03 20:10")] == found(person)


@pytest.mark.parametrize("change", [{"prohibitions": [{"zone": "yard"}]}, {"prohibitions": []}])
def test_other_prohibitions_begin_anew(change: dict[str, object]) -> None:
    """What is open closes with the order's change."""
    person = watched("market").hear(*at(MARKET_M, "12:00", "13:00"))
    person.tell(order(valid_from_ms=on("13:02"), **change), on("13:02"))  # type: ignore[arg-type]
    person.hear(*at(MARKET_M, "13:05", "14:00"))
    assert [zone("market", "02 12:00", "02 13:02", "order_changed")] == found(person)


def test_a_moved_residence_changes_no_zone_but_ends_a_dwell() -> None:
    """Zones lie where they lie; a dwell is measured from the residence."""
    asked = [{"zone": "block"}, {"category": "internet_cafe"}]
    person = watched("block", category="internet_cafe").hear(*at(1_490, "12:00", "13:00"))
    assert {venue("cafe-2", "02 12:05"), zone("block", "02 12:00")} == set(found(person))
    person.tell(order(valid_from_ms=on("13:02"), home=near(100, 0), prohibitions=asked), on("13:02"))
    person.hear(*at(1_490, "13:05", "13:10"))
    assert {venue("cafe-2", "02 12:05", "02 13:02", "order_changed"), zone("block", "02 12:00")} == set(found(person))


def test_an_order_that_ends_closes_both() -> None:
    """With its own reason, at that moment."""
    person = watched("block", category="internet_cafe").hear(*at(1_490, "12:00", "13:00")).tell(None, on("14:00"))
    ends = ("02 14:00", "order_ended")
    assert {venue("cafe-2", "02 12:05", *ends), zone("block", "02 12:00", *ends)} == set(found(person))


def test_a_dwell_at_a_forbidden_venue_is_a_notice() -> None:
    """From the fix that ended the dwell before it to the last one there, which is known after two elsewhere."""
    person = watched(category="internet_cafe").hear(*at(1_490, "12:00", "12:30"))
    assert [] == found(person)
    person.hear(*at(1_490, "12:35", "14:00"))
    assert [venue("cafe-2", "02 12:05")] == found(person)
    person.hear(fix(on("14:05")))
    assert [venue("cafe-2", "02 12:05")] == found(person)
    person.hear(fix(on("14:10"), 40))
    assert [venue("cafe-2", "02 12:05", "02 14:00")] == found(person)
    assert ("internet_cafe", 8) == (person.events[0].evidence["category"], person.events[0].evidence["dwell_fixes"])


def test_one_wrong_fix_does_not_end_a_dwell() -> None:
    """Only the second one elsewhere does."""
    person = watched(category="internet_cafe").hear(*at(1_490, "12:00", "13:00"), fix(on("13:05"), 5_000))
    person.hear(*at(1_490, "13:10", "14:00"), *at(0, "14:10", "14:20"))
    assert [venue("cafe-2", "02 12:05", "02 14:00")] == found(person)


@pytest.mark.parametrize(
    ("category", "east_m"),
    [("bar", 1_490), (None, 1_490), ("internet_cafe", 2_200), ("internet_cafe", 200)],
    ids=["another category", "nothing forbidden", "too far from any", "at home"],
)
def test_what_is_no_dwell_at_a_forbidden_venue(category: str | None, east_m: float) -> None:
    """The category must be forbidden, the venue near, and the residence not so near that it may be home."""
    assert [] == found(watched(category=category).hear(*at(east_m, "12:00", "16:00")))


def test_passing_by_is_no_dwell() -> None:
    """Half an hour is the least."""
    assert [] == found(
        watched(category="internet_cafe").hear(*at(1_490, "12:00", "12:25", 1), *at(0, "12:35", "14:00"))
    )


def test_one_place_repeated_is_no_dwell() -> None:
    """A phone that lies still and repeats one wrong place has one coordinate, however long."""
    repeated = [fix(time_ms, 1_530, -60) for time_ms in range(on("12:00"), on("16:00"), 5 * MINUTE)]
    assert [] == found(watched(category="internet_cafe").hear(*repeated))


def test_the_evidence_shows_how_each_fix_was_judged() -> None:
    """The probability to be inside the zone; the distance to the venue."""
    person = watched("market").hear(*at(MARKET_M, "12:00", "13:00"))
    last = person.events[-1].evidence["pings"][-1]
    assert ("in", 1.0) == (last["answer"], last["p_inside"])
    person = watched(category="internet_cafe").hear(*at(1_490, "12:00", "13:00"))
    assert 68 == round(person.events[-1].evidence["pings"][-1]["venue_m"])
