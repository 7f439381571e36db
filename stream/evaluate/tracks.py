"""
Where somebody truly was, and when that is not known.

The trap: a recording has holes. Between two points ten minutes apart a person moved; between two points an hour apart
nobody knows, so nothing is sent and nothing is scored there.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from stream.simulate.lives import DAY, HOUR, MINUTE, Place

__all__ = ["Detour", "Floats", "Mask", "Span", "Times", "Track", "free", "runs"]

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Span = tuple[int, int]
Times = NDArray[np.int64]

NEXT_MS: Final = 10 * MINUTE
"""Points at most so far apart are joined by a straight line."""
APART_MS: Final = 3 * HOUR
TRIES: Final = 40
WAY_MS: Final = 10 * MINUTE
"""How long the way to a detour takes, and the way back."""


class Detour(NamedTuple):
    """A stay elsewhere that is put into a recorded life."""

    since_ms: int
    until_ms: int
    place: Place


@dataclass(frozen=True, slots=True)
class Track:
    """
    The true movement of one person on a plane in metres, `origin` being its `lon, lat`.

    Points in time order; `until_ms[i]` is how long the person stays at point i, 0 where the track goes on at once.
    `detours` lie where the track is known, and apart from each other.
    """

    subject: str
    origin: tuple[float, float]
    home: Place
    time_ms: Times
    x: Floats
    y: Floats
    until_ms: Times
    detours: tuple[Detour, ...] = ()

    def at(self, times: Times) -> tuple[Floats, Floats, Mask]:
        """Give the positions at some times, and where they are known; what is not known is NaN."""
        leg = np.searchsorted(self.time_ms, times, side="right") - 1
        begun = np.maximum(leg, 0)
        after = np.minimum(begun + 1, len(self.time_ms) - 1)
        length = self.time_ms[after] - self.time_ms[begun]
        resting = times <= np.maximum(self.until_ms[begun], self.time_ms[begun])
        moving = (length > 0) & (length <= NEXT_MS) & ~resting
        known = (leg >= 0) & (resting | moving)
        share = np.where(moving, (times - self.time_ms[begun]) / np.maximum(length, 1), 0.0)
        x, y = (np.where(known, axis[begun] + share * (axis[after] - axis[begun]), np.nan) for axis in (self.x, self.y))
        for detour in self.detours:
            corners = np.array([-WAY_MS, 0, 0, WAY_MS]) + np.repeat([detour.since_ms, detour.until_ms], 2)
            ends = replace(self, detours=()).at(corners[[0, 3]])
            during = (times > corners[0]) & (times < corners[3])
            for axis, end, there in zip((x, y), ends, detour.place, strict=False):
                axis[during] = np.interp(times[during], corners, [end[0], there, there, end[1]])
            known |= during
        return x, y, known

    def minutes(self) -> Times:
        """Give each full minute from the first point to the last."""
        last = max(int(self.time_ms[-1]), int(self.until_ms[-1]))
        return np.arange(-(-int(self.time_ms[0]) // MINUTE) * MINUTE, last + 1, MINUTE, dtype=np.int64)

    def known(self) -> list[Span]:
        """Give the stretches in which the person's place is known."""
        times = self.minutes()
        return runs(times, self.at(times)[2])

    def days(self) -> float:
        """How much is known, in days."""
        return sum(until - since for since, until in self.known()) / DAY

    def around(self, rng: np.random.Generator, metres: float) -> Place:
        """Draw a place so far from home."""
        angle = rng.uniform(0, 2 * np.pi)
        return Place(self.home.x + metres * float(np.cos(angle)), self.home.y + metres * float(np.sin(angle)))

    def detouring(self, detours: list[Detour]) -> Self:
        """Give the same life with stays elsewhere."""
        return replace(self, detours=tuple(sorted(detours)))


def runs(times: Times, where: Mask, least_ms: int = 0) -> list[Span]:
    """
    Give the stretches of successive minutes where something holds, from the first minute to the end of the last.

    >>> runs(np.array([0, 60_000, 120_000, 180_000]), np.array([True, True, False, True]))
    [(0, 120000), (180000, 240000)]
    """
    edges = np.flatnonzero(np.diff(np.concatenate(([False], where, [False])).astype(np.int8)))
    spans = [(int(times[a]), int(times[b - 1]) + MINUTE) for a, b in edges.reshape(-1, 2).tolist()]
    return [span for span in spans if span[1] - span[0] >= least_ms]


def free(
    rng: np.random.Generator,
    track: Track,
    taken: Sequence[tuple[Any, ...]],
    hours: float,
    from_h: float,
    until_h: float,
) -> tuple[int, int] | None:
    """
    Draw a stretch of known time that begins between two local hours; None if none fits.

    It lies three hours apart from what is taken, which begins with two times in ms.
    """
    known, length = track.known(), round(hours * HOUR)
    for _ in range(TRIES):
        since, until = known[rng.integers(len(known))]
        if until - since < length + HOUR:
            continue
        begin = int(rng.integers(since + HOUR // 2, until - length - HOUR // 2 + 1))
        hour = (begin + 8 * HOUR) % DAY / HOUR
        inside = from_h <= hour < until_h if from_h < until_h else hour >= from_h or hour < until_h
        apart = all(begin - APART_MS > one[1] or begin + length + APART_MS < one[0] for one in taken)
        if inside and apart:
            return begin, begin + length
    return None
