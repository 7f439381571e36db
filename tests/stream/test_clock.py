"""Clocks: silence of the broker or of ourselves moves nothing, and the cut of a stream decides nothing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.clock import UNKNOWN, FeedClock, Reading, WallClock, told

HOUR_MS = 3_600_000


@pytest.fixture
def readings() -> list[Reading]:
    """Two topics: one with five records read of ten, one empty, both answered at 1,000."""
    behind, empty = Reading(), Reading()
    behind.read(5, 400)
    behind.answered(1_000, 10)
    empty.answered(1_000, 0)
    return [behind, empty]


def test_behind_means_append_time(readings: list[Reading]) -> None:
    """Expected: while records wait, the clock is the append time of the last one read."""
    assert 400 == WallClock(readings, 0).now()


def test_at_the_end_means_the_answer(readings: list[Reading]) -> None:
    """Expected: with everything read, the clock is the moment at which the fetch was sent, less what is settled."""
    readings[0].read(10, 900)
    assert 970 == WallClock(readings, 30).now()


def test_least_topic_counts(readings: list[Reading]) -> None:
    """Expected: one topic that is not answered holds the clock, however far the others are."""
    readings[0].read(10, 900)
    readings[0].answered(9_000, 10)
    assert 1_000 == WallClock(readings, 0).now()


def test_unknown_before_every_topic_has_answered() -> None:
    """Expected: no clock, so that nothing fires, until each topic has said something."""
    known, silent = Reading(), Reading()
    known.answered(1_000, 0)
    assert UNKNOWN == WallClock([known, silent], 0).now()


def test_records_that_are_not_readable_yet_hold_it(readings: list[Reading]) -> None:
    """Expected: an open transaction at the end (high watermark beyond what can be read) is not the end."""
    readings[1].answered(5_000, 3)
    readings[1].read(2, UNKNOWN)
    assert 1_000 == readings[1].moment_ms


def test_never_back(readings: list[Reading]) -> None:
    """Expected: neither a later answer with more to read nor an older append time turns the clock back."""
    readings[0].read(10, 900)
    before = WallClock(readings, 0).now()
    readings[0].answered(1_100, 20)
    readings[0].read(12, 100)
    assert before == WallClock(readings, 0).now()


def test_wall_ignores_clock_records(readings: list[Reading]) -> None:
    """Expected: nobody outside can set the wall clock."""
    clock = WallClock(readings, 0)
    before = clock.now()
    clock.told(10**13)
    clock.accepted(10**13)
    assert before == clock.now()


def test_feed_clock_is_pushed_on_in_silence() -> None:
    """Expected: a clock record moves it on, an older one does not."""
    clock = FeedClock(HOUR_MS)
    clock.told(5_000)
    clock.told(4_000)
    assert 5_000 == clock.now()


def test_a_lone_leap_does_not_push_the_feed_clock() -> None:
    """Expected: a ping from the far future is judged, and does not judge those after it."""
    times = np.array([1_000, 90 * HOUR_MS, 2_000])
    clocks = FeedClock(HOUR_MS, 500).judge(times, np.zeros(3, np.int64), np.full(3, UNKNOWN))
    assert [500, 1_000, 1_000] == clocks.tolist()


TIMES = st.lists(st.integers(0, 20 * HOUR_MS), min_size=1, max_size=40)


@given(times=TIMES, size=st.integers(1, 40))
def test_feed_judgement_does_not_depend_on_the_cut(times: list[int], size: int) -> None:
    """Expected: the same pings are refused, whether they come in one batch or in many."""

    def refuse(batches: list[list[int]]) -> list[bool]:
        clock, refused = FeedClock(HOUR_MS), []
        for batch in map(np.array, batches):
            clocks = clock.judge(batch, np.zeros(len(batch), np.int64), np.full(len(batch), UNKNOWN))
            bad = (clocks != UNKNOWN) & ((batch > clocks + HOUR_MS) | (batch < clocks - 6 * HOUR_MS))
            refused += bad.tolist()
            if not bad.all():
                clock.accepted(int(batch[~bad].max()))
        return refused

    assert refuse([times]) == refuse([times[i : i + size] for i in range(0, len(times), size)])


def test_a_clock_record_judges_what_follows_it() -> None:
    """Expected: the pings behind it are judged by it, those before it by the pings."""
    clocks = told([(1, 9_000)], np.array([0, 2, 3]))
    judged = FeedClock(HOUR_MS, 500).judge(np.array([600, 700, 9_500]), np.zeros(3, np.int64), clocks)
    assert [500, 9_000, 9_000] == judged.tolist()
