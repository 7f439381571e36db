"""
What time it is for a partition number: by what the broker has answered, or by the pings themselves.

The trap is the machine's own clock. Were it asked, a broker that is down, a worker that hangs or a process that was
stopped and woken would all look like people who fell silent. So the wall clock moves only when a source topic has been
read to its end, or, while behind, with the append time of what was read. All times are epoch milliseconds; `UNKNOWN`
until the first of them.
"""

import itertools
from collections.abc import Iterable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

UNKNOWN = -1


class Reading:
    """How far one source topic of a partition has been read, and until when it is known to be complete."""

    __slots__ = ("appended_ms", "end", "moment_ms", "position", "sent_ms")

    def __init__(self) -> None:
        self.position = 0
        self.appended_ms = self.sent_ms = self.moment_ms = UNKNOWN
        self.end = UNKNOWN

    def read(self, position: int, appended_ms: int) -> None:
        """Everything before `position` is in the rows, the last of it appended at `appended_ms`."""
        self.position = position
        self.appended_ms = max(self.appended_ms, appended_ms)
        self._settle()

    def answered(self, sent_ms: int, end: int) -> None:
        """Note that the broker answered a fetch sent at `sent_ms`, when the log ended at `end`."""
        self.sent_ms, self.end = sent_ms, end
        self._settle()

    def _settle(self) -> None:
        nothing_more = self.end != UNKNOWN and self.position >= self.end
        self.moment_ms = max(self.moment_ms, self.appended_ms, self.sent_ms if nothing_more else UNKNOWN)


class Clock(Protocol):
    """The clock of one partition number."""

    def now(self) -> int:
        """Give the time up to which deadlines may fire, or UNKNOWN."""

    def judge(self, times: NDArray[np.int64], appended: NDArray[np.int64]) -> NDArray[np.int64]:
        """Give the clock that each ping is judged by, `UNKNOWN` where there is none; shapes (n,), (n,) -> (n,)."""

    def at(self, appended_ms: int) -> int:
        """Give the time at which a record acts that has no time of its own."""

    def accepted(self, newest_ms: int) -> None:
        """Take note of the newest event time that was not refused."""

    def told(self, clock_ms: int) -> None:
        """Take note of a clock record."""


class WallClock:
    """
    The least moment of all source topics, less what the carrier needs to deliver.

    A ping is judged by its own append time, so that the cut of a backlog decides nothing.

    >>> pings, orders = Reading(), Reading()
    >>> clock = WallClock([pings, orders], settle_ms=30_000)
    >>> pings.read(position=5, appended_ms=1_000_000)
    >>> clock.now()
    -1
    >>> orders.answered(sent_ms=1_040_000, end=0)
    >>> clock.now()
    970000
    >>> pings.answered(sent_ms=1_050_000, end=5)
    >>> clock.now()
    1010000
    """

    def __init__(self, readings: Iterable[Reading], settle_ms: int) -> None:
        self.readings, self.settle_ms = tuple(readings), settle_ms

    def now(self) -> int:
        """Give the time up to which deadlines may fire, or UNKNOWN before every topic has answered once."""
        least = min(reading.moment_ms for reading in self.readings)
        return UNKNOWN if least == UNKNOWN else max(UNKNOWN, least - self.settle_ms)

    def judge(self, times: NDArray[np.int64], appended: NDArray[np.int64]) -> NDArray[np.int64]:  # noqa: ARG002
        """Give the append times themselves."""
        return appended

    def at(self, appended_ms: int) -> int:
        """Give the append time."""
        return appended_ms

    def accepted(self, newest_ms: int) -> None:
        """Nothing: what a phone says moves no clock."""

    def told(self, clock_ms: int) -> None:
        """Nothing: a clock record is honoured on the feed clock only."""


class FeedClock:
    """
    The newest accepted event time, pushed on in silence by clock records; for replay, demo and tests.

    It never goes back. `future_ms` bounds what one ping may push.

    >>> clock = FeedClock(future_ms=1_000)
    >>> clock.judge(np.array([500, 1_400, 9_000, 2_000]), np.zeros(4, np.int64)).tolist()
    [-1, 500, 1400, 1400]
    >>> clock.accepted(2_000)
    >>> clock.told(1_000)
    >>> clock.now()
    2000
    """

    def __init__(self, future_ms: int, start_ms: int = UNKNOWN) -> None:
        self.future_ms, self.at_ms = future_ms, start_ms

    def now(self) -> int:
        """Give the newest accepted event time or clock record, or UNKNOWN."""
        return self.at_ms

    def judge(self, times: NDArray[np.int64], appended: NDArray[np.int64]) -> NDArray[np.int64]:  # noqa: ARG002
        """Give the newest event time before each ping, of those not too far ahead of the one before."""
        newest = np.maximum.accumulate(np.concatenate(([self.at_ms], times)))
        steps = np.diff(newest)
        if self.at_ms == UNKNOWN:
            steps[:1] = 0
        if (steps <= self.future_ms).all():
            return newest[:-1]
        return self._judge_slowly(times)

    def _judge_slowly(self, times: NDArray[np.int64]) -> NDArray[np.int64]:
        at, clocks = self.at_ms, []
        for time_ms in times.tolist():
            clocks.append(at)
            if at == UNKNOWN or time_ms <= at + self.future_ms:
                at = max(at, time_ms)
        return np.array(clocks, np.int64)

    def at(self, appended_ms: int) -> int:  # noqa: ARG002
        """Give the clock."""
        return self.at_ms

    def accepted(self, newest_ms: int) -> None:
        """Advance to the newest accepted event time."""
        self.at_ms = max(self.at_ms, newest_ms)

    def told(self, clock_ms: int) -> None:
        """Advance to the time of a clock record."""
        self.at_ms = max(self.at_ms, clock_ms)


def refused_by_time(
    times: NDArray[np.int64], clocks: NDArray[np.int64], future_ms: int, horizon_ms: int
) -> tuple[NDArray[Any], NDArray[Any]]:
    """
    Whether each ping lies too far ahead of its clock, and whether too far behind; shapes (n,), bool.

    >>> early, late = refused_by_time(np.array([0, 5, 9]), np.array([-1, 7, 7]), future_ms=1, horizon_ms=1)
    >>> early.tolist(), late.tolist()
    ([False, False, True], [False, True, False])
    """
    known = clocks != UNKNOWN
    return known & (times > clocks + future_ms), known & (times < clocks - horizon_ms)


def cuts(
    times: NDArray[np.int64], clocks: NDArray[np.int64], future_ms: int, horizon_ms: int
) -> list[tuple[int, int, int]]:
    """
    Cut pings into (start, stop, clock) so that one clock for each part refuses what each ping's own would refuse.

    Nearly always one part with the last clock; parts of equal clocks where a limit lies in between.

    >>> cuts(np.array([5, 6, 7]), np.array([5, 6, 7]), future_ms=1, horizon_ms=10)
    [(0, 3, 7)]
    >>> cuts(np.array([5, 9, 9]), np.array([5, 6, 9]), future_ms=1, horizon_ms=10)
    [(0, 1, 5), (1, 2, 6), (2, 3, 9)]
    """
    if not len(times):
        return []
    last = int(clocks[-1])
    own, one = (refused_by_time(times, by, future_ms, horizon_ms) for by in (clocks, np.full_like(clocks, last)))
    if all(np.array_equal(mine, common) for mine, common in zip(own, one, strict=True)):
        return [(0, len(times), last)]
    edges = [0, *(np.flatnonzero(np.diff(clocks)) + 1).tolist(), len(times)]
    return [(start, stop, int(clocks[start])) for start, stop in itertools.pairwise(edges)]
