"""
What time it is for a partition number: by what the broker has answered, or by the pings themselves.

The trap is the machine's own clock. Were it asked, a broker that is down, a worker that hangs or a process that was
stopped and woken would all look like people who fell silent. So the wall clock moves only when a source topic has been
read to its end, or, while behind, with the append time of what was read. All times are epoch milliseconds; `UNKNOWN`
until the first of them.
"""

from collections.abc import Iterable, Sequence
from typing import Protocol

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

    def judge(
        self, times: NDArray[np.int64], appended: NDArray[np.int64], clocks: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """
        Give the clock that each ping is judged by, `UNKNOWN` where there is none; all shapes (n,).

        `clocks` is the newest clock record before each ping, `UNKNOWN` where the batch has none.
        """

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

    def judge(
        self,
        times: NDArray[np.int64],  # noqa: ARG002
        appended: NDArray[np.int64],
        clocks: NDArray[np.int64],  # noqa: ARG002
    ) -> NDArray[np.int64]:
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
    >>> clock.judge(np.array([500, 1_400, 9_000, 2_000]), np.zeros(4, np.int64), np.full(4, UNKNOWN)).tolist()
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

    def judge(
        self,
        times: NDArray[np.int64],
        appended: NDArray[np.int64],  # noqa: ARG002
        clocks: NDArray[np.int64],
    ) -> NDArray[np.int64]:
        """Give the newest event time or clock record before each ping, of those not too far ahead of the one before."""
        newest = np.maximum.accumulate(np.concatenate(([self.at_ms], times)))[:-1]
        judged = np.maximum(newest, clocks)
        if ((times <= judged + self.future_ms) | (judged == UNKNOWN)).all():
            return judged
        return self._judge_slowly(times, clocks)

    def _judge_slowly(self, times: NDArray[np.int64], clocks: NDArray[np.int64]) -> NDArray[np.int64]:
        at, judged = self.at_ms, []
        for time_ms, clock_ms in zip(times.tolist(), clocks.tolist(), strict=True):
            at = max(at, clock_ms)
            judged.append(at)
            if at == UNKNOWN or time_ms <= at + self.future_ms:
                at = max(at, time_ms)
        return np.array(judged, np.int64)

    def at(self, appended_ms: int) -> int:  # noqa: ARG002
        """Give the clock."""
        return self.at_ms

    def accepted(self, newest_ms: int) -> None:
        """Advance to the newest accepted event time."""
        self.at_ms = max(self.at_ms, newest_ms)

    def told(self, clock_ms: int) -> None:
        """Advance to the time of a clock record."""
        self.at_ms = max(self.at_ms, clock_ms)


def told(clocks: Sequence[tuple[int, int]], index: NDArray[np.int64]) -> NDArray[np.int64]:
    """
    Give the newest clock record before each of the records at `index`, `UNKNOWN` where there is none.

    >>> told([(1, 500), (3, 400)], np.array([0, 2, 4])).tolist()
    [-1, 500, 500]
    """
    places = np.array([place for place, _ in clocks], np.int64)
    newest = np.maximum.accumulate(np.array([UNKNOWN, *(clock_ms for _, clock_ms in clocks)], np.int64))
    return np.asarray(newest[np.searchsorted(places, index)], np.int64)
