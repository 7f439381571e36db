"""Outside the permitted area: what opens, what closes, what leave lifts, and from when to when."""

import pytest

from schemas.ping import Status
from tests.detectors.watched import MINUTE, Ping, Watched, answer, clock, fix, on, stay
from tests.factories import near, order, permit
from tests.ground import FENCES

OUT_M = 2_000
"""East of the residence, 1,300 m beyond the line of the county, which lies 700 m from it."""


def watched(**changes: object) -> Watched:
    """Somebody who may be in the county, and was seen at home all morning."""
    person = Watched(order(**{"permitted_area": "450202"} | changes), fences=FENCES)  # type: ignore[arg-type]
    return person.hear(*stay(on("08:00"), on("11:55"), 5))


def out(start_ms: int, until_ms: int, every_min: int = 5, east_m: float = OUT_M) -> list[Ping]:
    """Fixes outside."""
    return stay(start_ms, until_ms, every_min, east_m)


def boundary(person: Watched) -> list[str]:
    """Its episodes."""
    return [line for line in person.lasting if line.startswith("boundary")]


def outside(since: str, until: str = "", reason: str = "outside") -> str:
    """An episode in words."""
    return f"boundary/permitted_area: outside, alert, {reason}, {since} - {until}"


def test_five_fixes_outside_open() -> None:
    """The episode begins with the first of them, four are not enough."""
    fixes = out(on("12:00"), on("12:20"))
    person = watched().hear(*fixes[:4])
    assert [] == boundary(person)
    person.hear(fixes[4])
    assert [f"opened {outside('02 12:00')}"] == person.said


@pytest.mark.parametrize(
    ("minutes", "opens", "closes"),
    [(1, 5, 4), (2, 5, 4), (5, 5, 3), (10, 4, 3), (15, 4, 3), (20, 4, 2), (25, 3, 2), (30, 3, 2), (60, 3, 1)],
)
def test_how_many_fixes_it_takes_at_each_interval(minutes: int, opens: int, closes: int) -> None:
    """After hours at the same interval in the other state: fewer of them where they come rarely."""
    start, every = on("12:00"), minutes * MINUTE
    person = Watched(order(permitted_area="450202"), fences=FENCES)
    person.hear(*stay(start - 11 * every, start - every, minutes))
    fixes = out(start, start + 20 * every, minutes)
    person.hear(*fixes[: opens - 1])
    assert [] == boundary(person)
    person.hear(fixes[opens - 1])
    assert [outside("02 12:00")] == boundary(person)
    person.hear(*fixes[opens:])
    back = stay(start + 21 * every, start + 26 * every, minutes)
    person.hear(*back[: closes - 1])
    assert boundary(person)[0].endswith(" - ")
    person.hear(back[closes - 1])
    assert [outside("02 12:00", clock(back[0][0]))] == boundary(person)


def test_one_wrong_fix_does_nothing() -> None:
    """Neither one outside while the person is in, nor one inside while the person is out."""
    person = watched().hear(fix(on("12:00"), OUT_M), *stay(on("12:05"), on("12:55"), 5))
    assert [] == boundary(person)
    person.hear(*out(on("13:00"), on("14:00")), fix(on("14:05")), *out(on("14:10"), on("15:00")))
    assert [outside("02 13:00")] == boundary(person)
    person.hear(*stay(on("15:05"), on("15:30"), 5))
    assert [outside("02 13:00", "02 15:05")] == boundary(person)


def test_a_fix_near_the_line_is_unsure() -> None:
    """A day at 250 m beyond the line, within the error of line and radius, opens nothing; 600 m does."""
    assert [] == boundary(watched().hear(*out(on("12:00"), on("20:00"), east_m=950)))
    assert [outside("02 12:00")] == boundary(watched().hear(*out(on("12:00"), on("20:00"), east_m=1_300)))


def test_an_unsure_fix_closes_nothing() -> None:
    """Not even after hours of silence, in which the belief has decayed."""
    person = watched().hear(*out(on("12:00"), on("13:00")), *out(on("21:00"), on("22:00"), east_m=750))
    assert [outside("02 12:00")] == boundary(person)


def test_one_place_repeated_is_no_proof() -> None:
    """A phone that reports one wrong place for hours is not out; the same hours at different places are."""
    assert [] == boundary(
        watched().hear(*(fix(time_ms, OUT_M) for time_ms in range(on("12:00"), on("12:30"), 5 * MINUTE)))
    )
    assert [outside("02 12:00")] == boundary(watched().hear(*out(on("12:00"), on("12:25"))))


def test_a_fix_that_may_come_from_the_residence_is_not_outside() -> None:
    """Who lives 100 m inside the line is not out of the county because a cell beyond it answers."""
    home = near(600, 0)
    person = Watched(order(permitted_area="450202", home=home), fences=FENCES).hear(
        *out(on("08:00"), on("20:00"), east_m=1_060)
    )
    assert [] == boundary(person)
    person = Watched(order(permitted_area="450202", home=home), fences=FENCES).hear(
        *out(on("08:00"), on("20:00"), east_m=1_240)
    )
    assert [outside("02 08:00")] == boundary(person)


def test_silence_neither_opens_nor_closes() -> None:
    """Who was last seen outside and keeps silent is still there as far as anybody knows."""
    person = watched().hear(*out(on("12:00"), on("13:00"))).wait(on("12:00", 1))
    assert [outside("02 12:00")] == boundary(person)


@pytest.mark.parametrize("area", [None, "no such area", "450200"])
def test_nobody_leaves_what_is_not_drawn_or_holds_both_places(area: str | None) -> None:
    """An order without an area, with an unknown one, and with the city around the county."""
    assert [] == boundary(watched(permitted_area=area).hear(*out(on("12:00"), on("20:00"))))


def test_a_zone_may_be_the_area() -> None:
    """By its id in the file."""
    assert [outside("02 12:00")] == boundary(watched(permitted_area="plot").hear(*out(on("12:00"), on("20:00"))))


def test_answers_without_a_position_and_wristbands_are_not_judged() -> None:
    """Only what quality accepted of the phone's own fixes is."""
    band = [fix(time_ms, OUT_M + time_ms % 7, phone=128) for time_ms in range(on("12:00"), on("14:00"), 5 * MINUTE)]
    assert [] == boundary(watched().hear(*band))
    bare = [answer(time_ms, Status.no_fix) for time_ms in range(on("12:00"), on("14:00"), 5 * MINUTE)]
    assert [] == boundary(watched().hear(*bare))


def test_leave_lifts_it() -> None:
    """On leave nothing opens, and at its end nothing is left of it when the person is back."""
    leave = permit("leave", on("12:00"), on("18:00"))
    person = watched(permits=[leave]).hear(*out(on("12:10"), on("17:00")), *stay(on("17:30"), on("19:00"), 5))
    assert [] == boundary(person)


def test_who_is_outside_when_leave_ends_is_in_breach_at_that_moment() -> None:
    """To the millisecond, without any further fix."""
    leave = permit("leave", on("12:00"), on("18:00"))
    person = watched(permits=[leave]).hear(*out(on("12:10"), on("17:55"))).wait(on("18:00") - 1)
    assert [] == boundary(person)
    person.wait(on("18:00"))
    assert [outside("02 18:00")] == boundary(person)
    assert on("18:00") == person.events[-1].at_ms


def test_who_was_outside_long_before_leave_ended_is_not() -> None:
    """More than an hour after the last fix nobody knows; the next ones are dated its end at the earliest."""
    leave = permit("leave", on("12:00"), on("18:00", 1))
    person = watched(permits=[leave]).hear(*out(on("12:10"), on("17:55"))).wait(on("18:00", 1))
    assert [] == boundary(person)
    person.hear(*out(on("18:20", 1), on("19:00", 1), 10))
    assert [outside("03 18:00")] == boundary(person)


def test_a_run_that_began_on_leave_is_dated_its_end() -> None:
    """What was lawful is not part of the breach."""
    leave = permit("leave", on("12:00"), on("12:12"))
    person = watched(permits=[leave]).hear(*out(on("12:05"), on("13:00")))
    assert [outside("02 12:12")] == boundary(person)


def test_a_leave_that_begins_closes() -> None:
    """At its begin; and it opens again when it ends and the person has not come back."""
    leave = permit("leave", on("13:00"), on("15:00"))
    person = watched(permits=[leave]).hear(*out(on("12:00"), on("16:00")))
    assert [outside("02 12:00", "02 13:00", "leave"), outside("02 15:00")] == boundary(person)


@pytest.mark.parametrize("kind", ["night_shift", "reported_off"])
def test_other_permits_lift_nothing(kind: str) -> None:
    """A night shift is inside the permitted area, a phone that is off is nowhere."""
    person = watched(permits=[permit(kind, on("11:00"), on("18:00"))]).hear(*out(on("12:00"), on("13:00")))
    assert [outside("02 12:00")] == boundary(person)


def test_a_permit_approved_late_retracts() -> None:
    """What it covers was no breach."""
    person = watched().hear(*out(on("12:00"), on("13:00")))
    leave = permit("leave", on("11:00"), on("18:00"))
    person.tell(order(permitted_area="450202", permits=[leave]), on("13:05"))
    assert [] == boundary(person)


@pytest.mark.parametrize("change", [{"permitted_area": "plot"}, {"home": near(-600, 0)}])
def test_another_area_or_residence_begins_anew(change: dict[str, object]) -> None:
    """What is open closes with the order's change, and four more fixes are needed."""
    person = watched().hear(*out(on("12:00"), on("13:00")))
    person.tell(order(valid_from_ms=on("13:02"), **{"permitted_area": "450202"} | change), on("13:02"))  # type: ignore[arg-type]
    person.hear(*out(on("13:05"), on("13:05")))
    assert [outside("02 12:00", "02 13:02", "order_changed")] == boundary(person)
    person.hear(*out(on("13:10"), on("13:30")))
    assert outside("02 13:05") == boundary(person)[-1]


def test_an_order_that_ends_closes() -> None:
    """With its own reason, at that moment."""
    person = watched().hear(*out(on("12:00"), on("13:00"))).tell(None, on("14:00"))
    assert [outside("02 12:00", "02 14:00", "order_ended")] == boundary(person)


def test_the_evidence_shows_how_each_fix_was_judged() -> None:
    """The probability to be outside, the answer, the area and the belief."""
    person = watched().hear(*out(on("12:00"), on("12:20")))
    evidence = person.events[-1].evidence
    assert ("450202", 95) == (evidence["permitted_area"], evidence["parameters"]["opens_percent"])
    assert 95 <= evidence["outside_percent"] <= 100
    assert [("in", 0.0), ("out", 1.0)] == [
        (ping["answer"], round(ping["p_outside"])) for ping in (evidence["pings"][0], evidence["pings"][-1])
    ]
