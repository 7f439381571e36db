"""
Where a person truly is: a residence, visits to other places, and the ways between them.

All places are metres east and north on the plane of the city, all times milliseconds.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import hypot
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MINUTE: Final = 60_000
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR

_FAR_M, _VERY_FAR_M = 3_000.0, 15_000.0
_SPEEDS_MPS: Final = (5.0, 9.0, 16.0)


class Place(NamedTuple):
    """A point on the plane of the city."""

    x: float
    y: float


class Visit(NamedTuple):
    """To be at a place from one time until another."""

    from_ms: int
    until_ms: int
    place: Place


def travel_ms(here: Place, there: Place) -> int:
    """How long the way takes: on foot or by scooter in the quarter, by bus in the city, by car beyond."""
    metres = hypot(there.x - here.x, there.y - here.y)
    speed = _SPEEDS_MPS[(metres > _FAR_M) + (metres > _VERY_FAR_M)]
    return round(metres / speed * 1_000)


@dataclass(frozen=True, slots=True)
class Path:
    """A continuous movement: straight between its points, which stand in time order."""

    time_ms: NDArray[np.int64]
    x: Floats
    y: Floats

    def at(self, times: NDArray[np.int64]) -> tuple[Floats, Floats, NDArray[np.bool_]]:
        """Give the true positions at ascending `times`, and whether the person has not moved since the time before."""
        moves = (np.diff(self.x, prepend=self.x[0]) != 0) | (np.diff(self.y, prepend=self.y[0]) != 0)
        leg = np.minimum(np.searchsorted(self.time_ms, times, side="right"), len(moves) - 1)
        # Every leg of one rest has the number of the move before it; a time on the way has none.
        rest = np.where(moves[leg], -1, np.cumsum(moves)[leg])
        still = (rest >= 0) & (np.diff(rest, prepend=-1) == 0)
        return np.interp(times, self.time_ms, self.x), np.interp(times, self.time_ms, self.y), still


def with_priority(plans: Iterable[Visit], ordinary: Iterable[Visit]) -> list[Visit]:
    """Put planned visits before ordinary ones: those that come within an hour of a plan do not take place."""
    planned = list(plans)
    free = [
        visit
        for visit in ordinary
        if all(visit.until_ms + HOUR <= plan.from_ms or plan.until_ms + HOUR <= visit.from_ms for plan in planned)
    ]
    return sorted(planned + free)


def walk(home: Place, visits: Iterable[Visit], start_ms: int, end_ms: int) -> Path:
    """
    Join visits, sorted by time, to one path from the residence and back; a visit that cannot be reached is left out.

    The person goes home between two visits when there is time to be there for a while.
    """
    points = [(min(start_ms, end_ms) - DAY, home)]
    here, free_ms = home, start_ms - DAY
    for visit in visits:
        back_ms = travel_ms(here, home)
        if here != home and visit.from_ms - free_ms > back_ms + travel_ms(home, visit.place) + HOUR // 2:
            points += [(free_ms, here), (free_ms + back_ms, home)]
            here, free_ms = home, free_ms + back_ms
        leave_ms = max(visit.from_ms - travel_ms(here, visit.place), free_ms)
        arrive_ms = leave_ms + travel_ms(here, visit.place)
        if arrive_ms < visit.until_ms:
            points += [(leave_ms, here), (arrive_ms, visit.place)]
            here, free_ms = visit.place, visit.until_ms
    points += [(free_ms, here), (free_ms + travel_ms(here, home), home), (max(end_ms, free_ms) + DAY, home)]
    return Path(
        np.array([time for time, _ in points], np.int64),
        np.array([place.x for _, place in points]),
        np.array([place.y for _, place in points]),
    )
