"""Absences: minor ones of the last seven nights."""

from detectors.absences import Absences
from detectors.findings import Finding
from detectors.window import Window
from tests.detectors.watched import MINUTE, RULES, Watched, blank, fix, on, stay
from tests.factories import at, authorisation, curfew, order

ABSENCES = Absences(RULES)
START, END = at("2026-01-01 00:00"), at("2026-04-01 00:00")


def closed(minutes: int) -> Finding:
    """A minor absence of so many minutes that ends now."""
    since, until = on("22:05"), on("22:05") + minutes * MINUTE
    return Finding(0, "curfew", "residence", "closed", since, until, until, "minor", "notice", "minor", {"run_n": 4})


def night(window: Window, number: int, minutes: int, *, after_midnight: bool = False) -> int:
    """Add an absence in the night that begins on Monday plus so many days; gives the sum in minutes, or 0."""
    plan = window.plan
    plan["window_ms"][0] = on("22:00", number)
    plan["day_ms"][0] = on("00:00", number + after_midnight)
    plan["day"][0] = 20_514 + number + after_midnight
    found = ABSENCES.add(window, 0, closed(minutes))
    return int(found[0].facts["minor_s"]) // 60 if found else 0


def test_two_hours_in_seven_nights_are_too_much() -> None:
    """Exactly two hours are; a second less is not."""
    window = blank()
    assert [0, 0, 0] == [night(window, k, 30) for k in range(3)]
    assert 120 == night(window, 3, 30)
    window = blank()
    assert 0 == sum(night(window, k, 29) for k in range(4))


def test_too_much_is_an_alert_of_its_own() -> None:
    """Opened and closed at once, with the beginning and end of the absence that was the last straw."""
    last = closed(120)
    kind = "accumulated"
    ended = last._replace(subject=kind, kind=kind, reason=kind, severity="alert", facts={"run_n": 4, "minor_s": 7_200})
    assert [ended._replace(phase="opened", until_ms=None), ended] == ABSENCES.add(blank(), 0, last)


def test_what_was_reported_is_not_counted_again() -> None:
    """The sum starts anew after it."""
    window = blank()
    assert 120 == sum(night(window, k, 30) for k in range(4))
    assert 0 == sum(night(window, k, 30) for k in range(4, 7))
    assert 120 == night(window, 7, 30)


def test_before_and_after_midnight_are_one_night() -> None:
    """A night is named by the day on which its curfew began."""
    window = blank()
    night(window, 0, 20)
    night(window, 0, 25, after_midnight=True)
    assert [45 * 60] == [seconds for seconds in window["curfew"]["minor_s"][0].tolist() if seconds]


def test_the_eighth_night_takes_the_place_of_the_first() -> None:
    """Only the last seven count, and a long time without absence leaves nothing."""
    window = blank()
    assert 0 == sum(night(window, k, 29) for k in (0, 1, 2, 3))
    assert 0 == night(window, 7, 29)
    assert 0 == night(window, 40, 29)
    assert [29 * 60] == [seconds for seconds in window["curfew"]["minor_s"][0].tolist() if seconds]


def test_all_seven_nights_count() -> None:
    """The first and the seventh lie in one ring."""
    window = blank()
    night(window, 0, 60)
    assert 120 == night(window, 6, 60)


def person_away(*authorised: tuple[int, int], nights: int) -> Watched:
    """Someone away for 28 min in each of so many nights, under these periods of authorisation."""
    person = Watched(order(curfew=curfew(), authorisations=[authorisation(*period) for period in authorised]))
    for night in range(nights):
        person.hear(fix(on("20:30", night)), *stay(on("22:05", night), on("22:30", night), 5, 1_000))
        person.hear(fix(on("22:33", night)), fix(on("22:40", night)))
    return person


def accumulated(person: Watched) -> list[str]:
    """The alerts that minor absences added up to."""
    return [line for line in person.lasting if line.startswith("curfew/accumulated")]


def test_minor_absences_add_up_to_an_alert() -> None:
    """Five of 28 min are more than two hours: an alert at the fifth, and the sixth begins anew."""
    person = person_away((START, END), nights=6)
    assert 6 == sum("minor" in line for line in person.lasting)
    assert ["curfew/accumulated: accumulated, alert, accumulated, 06 22:05 - 06 22:33"] == accumulated(person)
    event = next(event for event in person.events if event.subject == "accumulated")
    assert 5 * 28 * 60 == event.evidence["minor_s"]


def test_those_of_another_authorisation_do_not_count() -> None:
    """What was known before it ended is gone."""
    assert [] == accumulated(person_away((START, on("12:00", 4)), (on("13:00", 4), END), nights=5))


def test_one_cut_short_by_the_end_of_the_authorisation_does_not_count() -> None:
    """It is minor only because nobody may look any longer."""
    person = person_away((START, on("22:25", 4)), nights=5).wait(on("22:25", 4))
    assert "curfew/residence: minor, notice, order_ended, 06 22:05 - 06 22:25" == person.lasting[-1]
    assert [] == accumulated(person)
