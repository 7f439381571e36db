"""Rhythm: what the intervals of a phone say of its next one."""

import numpy as np
import pytest

from detectors.rhythm import Rhythm
from detectors.window import Columns
from schemas.rules import Rules
from tests.detectors.watched import HOUR, MINUTE, MONDAY, RULES, blank

TIER = np.zeros(1, np.uint8)
ROW = np.zeros(1, np.int64)


def learn(own: Columns, interval_ms: int) -> None:
    """A contact so long after the last one."""
    own["contact_ms"][:], own["clock_ms"][:] = MONDAY, MONDAY
    Rhythm(RULES).learn(own, np.ones(1, bool), np.array([MONDAY + interval_ms]))


def learned(*intervals_min: float) -> Columns:
    """One row of the gap rule after these intervals and the end of the day."""
    own = blank()["gap"]
    for interval in intervals_min:
        learn(own, round(interval * MINUTE))
    Rhythm(RULES).morning(own, ROW, TIER)
    return own


def limit_min(own: Columns) -> float:
    """The silence at which the row is overdue."""
    return int(Rhythm(RULES).limits(own, TIER)[0][0]) / MINUTE


def test_before_50_intervals_the_limit_is_that_of_a_gap() -> None:
    """49 are not enough, 50 are."""
    assert 120 == limit_min(learned(*[5.0] * 49))
    assert 60 == limit_min(learned(*[5.0] * 50))


def test_the_limit_is_twice_the_upper_edge_of_the_percentile() -> None:
    """35 min lies in the bin up to 30 s * 1.25**20, twice that in whole seconds is the limit."""
    assert 30 * 1.25**19 < 35 * 60 <= 30 * 1.25**20
    assert int(2 * 30 * 1.25**20) / 60 == limit_min(learned(*[35.0] * 60))


@pytest.mark.parametrize(("interval_min", "limit"), [(1.0, 60), (300.0, 180)])
def test_the_limit_stays_within_an_hour_and_three(interval_min: float, limit: int) -> None:
    """However often or seldom the phone is heard of."""
    assert limit == limit_min(learned(*[interval_min] * 60))


def test_one_in_a_hundred_is_left_out() -> None:
    """A single long interval among 100 moves nothing; two of them do."""
    assert 60 == limit_min(learned(*[5.0] * 99, 170.0))
    assert 180 == limit_min(learned(*[5.0] * 98, 170.0, 170.0))


def test_an_interval_on_an_edge_belongs_to_the_lower_bin() -> None:
    """30 s exactly is the first bin, one ms more the second."""
    own = blank()["gap"]
    for interval_ms in (30_000, 30_001, 10**9):
        learn(own, interval_ms)
    assert [0, 1, 39] == np.flatnonzero(own["histogram"][0]).tolist()


def test_only_an_interval_between_two_contacts_teaches() -> None:
    """Not the first contact, not one whose clock a permit started anew, and not that of another row."""
    for contact_ms, clock_ms, where in ((0, 0, True), (MONDAY, MONDAY + HOUR, True), (MONDAY, MONDAY, False)):
        own = blank()["gap"]
        own["contact_ms"][:], own["clock_ms"][:] = contact_ms, clock_ms
        Rhythm(RULES).learn(own, np.array([where]), np.array([MONDAY + 2 * HOUR]))
        assert (0, 0) == (own["learned"][0], own["histogram"].sum())


def test_what_was_learned_fades_by_a_quarter_a_day() -> None:
    """In whole numbers, so that every machine counts alike; how much was learned at all does not fade."""
    own = learned(*[5.0] * 50)
    assert 37 == own["histogram"].sum()
    Rhythm(RULES).morning(own, ROW, TIER)
    assert (27, 50) == (own["histogram"].sum(), own["learned"][0])


def test_a_day_without_intervals_keeps_the_limit() -> None:
    """A histogram that faded to nothing says nothing new."""
    own = learned(*[35.0] * 60)
    before = limit_min(own)
    own["histogram"][:] = 0
    Rhythm(RULES).morning(own, ROW, TIER)
    assert before == limit_min(own)


def test_counters_stop_at_their_largest_value() -> None:
    """A phone heard of every second does not wrap around to nothing."""
    own = blank()["gap"]
    own["histogram"][0, 0], own["learned"][0] = 65_535, 65_535
    learn(own, 1_000)
    assert (65_535, 65_535) == (own["histogram"][0, 0], own["learned"][0])


def test_the_tier_chooses_the_bounds() -> None:
    """The strict tier is overdue after 45 min and never later than two hours."""
    own = blank()["gap"]
    own["learned"][0], own["histogram"][0, 39] = 100, 100
    Rhythm(Rules(revision=1)).morning(own, ROW, TIER + 1)
    assert 120 * MINUTE == own["limit_ms"][0]
