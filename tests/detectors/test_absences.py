"""Absences: minor ones of the last seven nights."""

from detectors.absences import Absences
from detectors.findings import Finding
from detectors.window import Window
from tests.detectors.watched import MINUTE, RULES, blank, on

ABSENCES = Absences(RULES)


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
