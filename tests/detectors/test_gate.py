"""The gate: who and what is let in, and which reason is given first."""

import numpy as np
import pytest

from detectors.engine import Engine
from detectors.gate import Limits, refusals
from detectors.pings import make
from schemas.errors import Reason
from tests.detectors.watched import HOUR, MINUTE, MONDAY, RULES, Watched, fix, on, stay
from tests.factories import authorisation, order

PAPERS = order(authorisations=[authorisation(on("06:00"), on("18:00"))])


def refused(person: Watched, time_ms: int, clock_ms: int = -1) -> str:
    """The reason for which a ping of that time is refused, or nothing."""
    person.hear(fix(time_ms), clock_ms=clock_ms)
    return "".join(reason for _, reason in person.refused)


@pytest.mark.parametrize(
    ("clock", "reason"), [("05:59", "not_authorised"), ("06:00", ""), ("17:59", ""), ("18:00", "not_authorised")]
)
def test_only_the_authorised_time_is_processed(clock: str, reason: str) -> None:
    """From its beginning on, up to its end."""
    assert reason == refused(Watched(PAPERS), on(clock))


def test_before_the_order_is_valid_nothing_is_processed() -> None:
    """An authorisation alone is not enough."""
    raw = order(valid_from_ms=on("12:00"), authorisations=[authorisation(on("06:00"), on("18:00"))])
    assert ("not_authorised", "") == (refused(Watched(raw), on("11:59")), refused(Watched(raw), on("12:00")))


def test_a_row_used_again_brings_no_authorisation_with_it() -> None:
    """Whose papers are missing is not processed under those of the one who left."""
    person = Watched().tell(None, on("08:00")).tell(order(authorisations=[]), on("08:00"))
    assert "not_authorised" == refused(person, on("09:00"))


def test_people_without_an_order_are_unknown() -> None:
    """Before, and again after it ended."""
    assert [(0, Reason.unknown_supervisee)] == Engine(RULES).apply(["nobody"], make([fix(MONDAY)]), -1)
    assert "unknown_supervisee" == refused(Watched().tell(None, on("12:00")), on("11:00"))


@pytest.mark.parametrize(
    ("time_ms", "reason"),
    [
        (on("12:00") + 2 * MINUTE, ""),
        (on("12:00") + 2 * MINUTE + 1, "future"),
        (on("06:00"), ""),
        (on("06:00") - 1, "too_late"),
    ],
)
def test_the_clock_bounds_both_sides(time_ms: int, reason: str) -> None:
    """Two minutes ahead and six hours back are let in, one ms more is not."""
    assert reason == refused(Watched(), time_ms, on("12:00"))


def test_without_a_clock_nothing_is_refused_by_it() -> None:
    """A replay may begin anywhere."""
    assert "" == refused(Watched(), on("12:00", 200))


def test_the_law_comes_before_the_clock() -> None:
    """A ping that may not be processed is not judged by its time."""
    assert "not_authorised" == refused(Watched(PAPERS), on("20:00"), on("12:00"))


def test_what_is_older_than_the_oldest_copy_is_too_late() -> None:
    """Even without a clock: nothing is left from which the row could be run again."""
    person = Watched().hear(*stay(on("00:00"), on("00:00", 3), 30))
    assert "too_late" == refused(person, on("12:00"))
    assert "" == refused(person, on("00:00", 3) - 6 * HOUR + MINUTE)


def test_refused_pings_are_named_by_their_position() -> None:
    """In the order in which they were given, and the others of the batch are taken."""
    person = Watched(PAPERS)
    person.hear(fix(on("05:00")), fix(on("07:00")), fix(on("19:00")), fix(on("08:00")))
    assert [(0, "not_authorised"), (2, "not_authorised")] == person.refused
    assert 2 == person.engine.counters["accepted"]


def test_a_refused_ping_changes_nothing() -> None:
    """No row is dirty, and nothing of it is stored."""
    person = Watched(PAPERS).hear(fix(on("07:00")))
    person.flush()
    for time_ms, clock_ms in ((on("05:00"), -1), (on("17:00"), on("12:00")), (on("06:30"), on("17:00"))):
        assert refused(person, time_ms, clock_ms)
        assert not person.engine.pending()
    assert 1 == len(person.engine.supervision.inputs)


def test_limits_are_the_callers() -> None:
    """A smaller horizon is a parameter, not a constant."""
    of = Watched().engine.supervision
    rows, times = np.array([0, 0]), np.array([on("11:00"), on("10:59")])
    assert {1: "too_late"} == refusals(of, rows, times, on("12:00"), Limits(HOUR, 0))
    assert {} == refusals(of, rows[:0], times[:0], on("12:00"), Limits())


def test_what_cannot_be_told_from_a_forgotten_ping_is_too_late() -> None:
    """At or before the newest forgotten ping of the partition, though a copy of the row reaches further back."""
    of = Watched().hear(fix(on("08:00"))).hear(fix(on("23:00"))).engine.supervision
    rows, times = np.array([0, 0, 0]), np.array([on("15:00"), on("20:00"), on("20:00") + 1])
    assert {} == refusals(of, rows, times, -1, Limits())
    of.inputs.floor_ms = on("20:00")
    assert {0: "too_late", 1: "too_late"} == refusals(of, rows, times, -1, Limits())


def test_a_ping_after_all_that_was_seen_is_not_late_whatever_was_forgotten() -> None:
    """Others' forgotten pings say nothing of a row that has not come so far."""
    of = Watched().hear(fix(on("08:00"))).engine.supervision
    of.inputs.floor_ms = on("20:00")
    assert {} == refusals(of, np.array([0]), np.array([on("09:00")]), -1, Limits())
