"""
Pings as columns: what the kernel keeps of a carrier's message, and how a batch of them is seen by the rules.

A kept ping is 24 bytes (`PING`). Its bytes are also its identity: two records that are equal here are one ping.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from schemas.ping import Status

if TYPE_CHECKING:
    from collections.abc import Sequence

Column = NDArray[Any]

PING: Final = np.dtype(
    [
        ("time_ms", "<i8"),
        ("lon", "<i4"),
        ("lat", "<i4"),
        ("accuracy_m", "<u2"),
        ("status", "u1"),
        ("phone", "u1"),
        ("device", "<u4"),
    ],
)
"""lon, lat: WGS-84 degrees * 1e7; the top bit of phone marks a wristband; device: head of its hash, 0 if none."""

NO_POSITION: Final = int(np.iinfo(np.int32).min)
WRISTBAND: Final = 0x80
DEGREE: Final = 1e-7
MISSING_ACCURACY_M: Final = 1000.0
NEVER: Final = int(np.iinfo(np.int64).max)

STATUSES: Final = tuple(Status)
OPENING: Final = frozenset(
    {
        Status.powered_off,
        Status.suspended,
        Status.arrears,
        Status.service_not_opened,
        Status.function_not_activated,
        Status.consent_withdrawn,
        Status.number_not_own,
    },
)
"""Answers that say by themselves that the phone gives no position: they open a gap without waiting."""

IS_LOCATED: Final = np.array([s is Status.located for s in STATUSES])
IS_CONTACT: Final = np.array([s in (Status.located, Status.no_fix) for s in STATUSES])
IS_OPENING: Final = np.array([s in OPENING for s in STATUSES])


def positions(where: Column) -> Column:
    """Positions at which a one-dimensional mask is true; `np.flatnonzero` at a quarter of its cost."""
    found: Column = where.nonzero()[0]
    return found


def whole(records: Column) -> Column:
    """The same records without their fields: NumPy picks and joins those ten times faster than field by field."""
    return records.view(np.dtype((np.void, records.dtype.itemsize)))


def picked(records: Column, at: Column) -> Column:
    """Records at those positions, or where a mask is true."""
    found: Column = whole(records)[at].view(records.dtype)
    return found


def joined(parts: Sequence[Column]) -> Column:
    """One array of records out of several of one dtype, at least one."""
    found: Column = np.concatenate([whole(part) for part in parts]).view(parts[0].dtype)
    return found


def in_order(rows: Column, pings: Column) -> Column:
    """
    Positions that sort pings by row, then time, then content, so that ties fall the same way on every arrival.

    The full sort over all fields is paid only where two pings of one row share their time. Row and time are one number
    for the first sort, which leaves room for two million rows.
    """
    if not len(rows):
        return np.zeros(0, np.int64)
    time = pings["time_ms"] - pings["time_ms"].min()
    key = rows * (time.max() + 1) + time
    order: Column = np.argsort(key, kind="stable")
    key = key[order]
    if not (key[1:] == key[:-1]).any():
        return order
    names = ("device", "accuracy_m", "lat", "lon", "status", "phone", "time_ms")
    return np.lexsort((*(pings[name] for name in names), rows))


def repeats(rows: Column, pings: Column) -> Column:
    """True for each ping that equals the one before it, rows and pings being in order."""
    same = np.zeros(len(rows), bool)
    at = positions((rows[1:] == rows[:-1]) & (pings["time_ms"][1:] == pings["time_ms"][:-1]))
    same[at + 1] = picked(pings, at + 1) == picked(pings, at)
    return same


class Batch:
    """
    All pings of a run of rounds, for what a rule can judge of them at once because no row's state enters it.

    `owner` is the position of each ping's row in the window; `memory` is what rules have worked out, by their name.
    """

    __slots__ = ("memory", "owner", "pings")

    def __init__(self, pings: Column, owner: Column) -> None:
        self.pings, self.owner = pings, owner
        self.memory: dict[str, tuple[Column, ...]] = {}


class Fixes:
    """
    One ping for each row of a window, position for position: what a rule observes in one round.

    `x_m, y_m` lie in the plane of the row's residence, `d_m` is the distance to it, `r_m` the 68 % radius. Where
    `located` is false the four are NaN. `accepted` is false until ping quality has judged the round: a rule about
    places looks at accepted fixes only, a rule about contact at `contact`, and at `answer` for the carrier's reasons.
    `last_ms` is the time of the accepted fix before this one, 0 where there was none. `at` is where in their `batch`
    the pings stand.
    """

    COLUMNS = (
        *("accepted", "answer", "at", "contact", "d_m", "frozen", "last_ms", "located", "pings", "r_m", "time_ms"),
        *("x_m", "y_m"),
    )
    __slots__ = (*COLUMNS, "batch")

    def __init__(
        self, pings: Column, x_m: Column, y_m: Column, batch: Batch | None = None, at: Column | None = None
    ) -> None:
        alone = np.arange(len(pings))
        self.batch = batch or Batch(pings, alone)
        self.at = alone if at is None else at
        carrier = pings["phone"] < WRISTBAND
        self.pings = pings
        self.time_ms = np.ascontiguousarray(pings["time_ms"])
        self.contact = IS_CONTACT[pings["status"]] & carrier
        self.answer = ~IS_CONTACT[pings["status"]] & carrier
        self.located = IS_LOCATED[pings["status"]] & carrier & (pings["lon"] != NO_POSITION)
        self.x_m = x_m
        self.y_m = y_m
        self.d_m = np.sqrt(x_m * x_m + y_m * y_m)
        self.r_m = radius_m(pings)
        self.accepted = np.zeros(len(pings), bool)
        self.frozen = np.zeros(len(pings), bool)
        self.last_ms = np.zeros(len(pings), np.int64)

    def __len__(self) -> int:
        return len(self.time_ms)

    def take(self, at: Column) -> Fixes:
        """The pings at those positions, as a round of their own."""
        part: Fixes = object.__new__(Fixes)
        part.batch = self.batch
        for name in Fixes.COLUMNS:
            setattr(part, name, getattr(self, name)[at])
        return part


def radius_m(pings: Column) -> Column:
    """68 % radius in metres; a missing one counts as `MISSING_ACCURACY_M`, for no radius is no precision."""
    radius = pings["accuracy_m"].astype(np.float64)
    radius[radius == 0] = MISSING_ACCURACY_M
    return radius


def make(records: Sequence[tuple[int, int, int, int, int, int, int]]) -> Column:
    """
    `PING` records from tuples in field order.

    >>> make([(1_600_000_000_000, 1094000000, 243000000, 120, 0, 0, 7)])["accuracy_m"].tolist()
    [120]
    """
    return np.array(list(records), PING)
