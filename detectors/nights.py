"""Nights: where the last hours of a night were spent, from a ring of ten distinct coordinates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from detectors.stays import LEAST_RADIUS_M, SIGMAS

if TYPE_CHECKING:
    from detectors.pings import Column, Fixes
    from detectors.stays import Stay
    from detectors.window import Columns, Window

HOUR_MS: Final = 3_600_000
DUSK_MS: Final = 22 * HOUR_MS
DAWN_MS: Final = 7 * HOUR_MS
"""A night, in time since local midnight; the one that begins in the evening ends with the next day's dawn."""
LENGTH_S: Final = 9 * 3_600
HALF_DAY_S: Final = 43_200
SPOTS: Final = 10
SPOT_M: Final = 50.0
FARTHEST: Final = np.iinfo(np.int16).max
RADIUS_M: Final = 20.0
STEP_S: Final = 180
APART: Final = 5
"""Steps between two spots: ten of them reach over the hours that count."""
COUNTED: Final = 50
"""Steps before the last fix of the night that count: two and a half hours."""
LEAST: Final = 30
"""Steps that a centre must span: an hour and a half."""
MEDIAN_LOSS: Final = 1.25
"""How much wider a median scatters than a mean."""
BIAS: Final = 0.35
"""
By how much of its radius a coarse source is wrong again and again at one place: the cells stand where they stand.
"""
SCATTER: Final = 2.2
AGREE: Final = 0.5
"""That share of the spots must lie within `SCATTER` radii of the centre."""
LEAST_S: Final = LEAST * STEP_S


class Spot(NamedTuple):
    """
    Where a night ended: metres in the plane, and the error per axis.

    `least_m` is the error that no number of nights makes smaller, `lone` says that it is one coarse coordinate.
    """

    x_m: float
    y_m: float
    sd_m: float
    least_m: float = 0.0
    lone: bool = False


class Centre(NamedTuple):
    """
    Where nights ended, for some rows: metres in the plane, error per axis.

    `said` is false where the night says nothing; the others are those of `Spot`.
    """

    x_m: Column
    y_m: Column
    sd_m: Column
    least_m: Column
    lone: Column
    said: Column

    def spot(self, k: int) -> Spot:
        """That of one row."""
        x_m, y_m, sd_m, least_m = (float(values[k]) for values in self[:4])
        return Spot(x_m, y_m, sd_m, least_m, bool(self.lone[k]))


class Nights:
    """
    Distinct coordinates of the night in 50 m steps, at least a quarter of an hour apart, and when the night ends.

    A phone that lies still may repeat one wrong place for hours, so a repeat is no second spot. The end of a night is
    fixed by its first fix. Of a stay that was over before the night was, the last one is kept: it was a place too.
    """

    columns = (
        ("spot_x", "i2", (SPOTS,)),
        ("spot_y", "i2", (SPOTS,)),
        ("spot_r", "u1", (SPOTS,)),
        ("spot_step", "u1", (SPOTS,)),  # since the night began
        ("spots", "u1"),
        ("ends_s", "u4"),  # 0 while no night is waited for
        ("left_x", "i2"),
        ("left_y", "i2"),
        ("left_sd_m", "u2"),  # 0 while there is no such stay
    )

    def hear(self, own: Columns, window: Window, fixes: Fixes, rows: Column) -> None:
        """Take fixes of those rows, all in the night: a new coordinate becomes a spot."""
        plan, t = window.plan, fixes.time_ms[rows]
        evening = t - plan["day_ms"][rows] >= DUSK_MS
        dawn = np.where(evening, next_dawn_s(plan["day_ms"][rows]), (plan["day_ms"][rows] + DAWN_MS) // 1000)
        own["ends_s"][rows] = np.where(own["ends_s"][rows] == 0, dawn, own["ends_s"][rows])
        x, y = np.rint(fixes.x_m[rows] / SPOT_M), np.rint(fixes.y_m[rows] / SPOT_M)
        step = _step(own, rows, t)
        last = (own["spots"][rows].astype(np.int64) - 1) % SPOTS
        known = own["spots"][rows] > 0
        same = (own["spot_x"][rows, last] == x) & (own["spot_y"][rows, last] == y)
        soon = step - own["spot_step"][rows, last] < APART
        new = ~(known & (same | soon)) & (np.maximum(np.abs(x), np.abs(y)) <= FARTHEST)
        rows, at = rows[new], own["spots"][rows[new]] % SPOTS
        own["spot_x"][rows, at], own["spot_y"][rows, at] = x[new], y[new]
        radius = np.rint(np.maximum(fixes.r_m[rows], LEAST_RADIUS_M) / RADIUS_M)
        own["spot_r"][rows, at] = np.minimum(radius, np.iinfo(np.uint8).max)
        own["spot_step"][rows, at] = step[new]
        own["spots"][rows] += 1

    def leave(self, own: Columns, stays: Stay, counted: Column) -> None:
        """Keep the stays that ended in a night that counts, after an hour and a half of it."""
        begun = own["ends_s"][stays.at].astype(np.int64) - LENGTH_S
        x, y = np.rint(stays.x_m / SPOT_M), np.rint(stays.y_m / SPOT_M)
        long = counted & (begun > 0) & (stays.last_s - np.maximum(stays.since_s, begun) >= LEAST_S)
        long &= np.maximum(np.abs(x), np.abs(y)) <= FARTHEST
        rows = stays.at[long]
        own["left_x"][rows], own["left_y"][rows], own["left_sd_m"][rows] = x[long], y[long], stays.sd_m[long]

    def centres(self, own: Columns, rows: Column, last_ms: Column) -> Centre:
        """
        The coordinate-wise median of the last two and a half hours before the last fix, for each of those rows.

        The spot that was in force when they began counts too. No say: less than an hour and a half of it, or half of
        the spots far from their median.
        """
        count = own["spots"][rows]
        step = own["spot_step"][rows].astype(np.int64)
        valid = np.arange(SPOTS) < np.minimum(count, SPOTS)[:, None]
        end = _step(own, rows, last_ms)
        early = np.where(valid & (step < end[:, None] - COUNTED), step, -1).max(axis=1)
        used = valid & (step >= early[:, None])
        first = np.where(used, step, end[:, None]).min(axis=1)
        n = used.sum(axis=1)
        x, y = own["spot_x"][rows] * SPOT_M, own["spot_y"][rows] * SPOT_M
        x0, y0 = _median(x, used, n), _median(y, used, n)
        radius = _median(own["spot_r"][rows] * RADIUS_M, used, n)
        off = (x - x0[:, None]) ** 2 + (y - y0[:, None]) ** 2
        agree = (used & (off <= (SCATTER * radius[:, None]) ** 2)).sum(axis=1)
        said = (n > 0) & (end - first >= LEAST) & (agree >= AGREE * n)
        sd = MEDIAN_LOSS * radius / SIGMAS / np.sqrt(np.maximum(n, 1))
        return Centre(x0, y0, sd, BIAS * radius, (n == 1) & (radius > LEAST_RADIUS_M), said)

    def left(self, own: Columns, row: int) -> Spot:
        """The stay that one row left in the night."""
        return Spot(
            float(own["left_x"][row] * SPOT_M), float(own["left_y"][row] * SPOT_M), float(own["left_sd_m"][row])
        )

    def begin(self, own: Columns, rows: Column) -> None:
        """Empty the ring of those rows: their night is over, or what it held does not count."""
        for name in ("spots", "left_sd_m"):
            own[name][rows] = 0


def next_dawn_s(day_ms: Column) -> Column:
    """The end of the night that begins in the evening of those days, in s."""
    return (day_ms + 24 * HOUR_MS + DAWN_MS) // 1000


def night_of(ends_s: Column) -> Column:
    """The number of nights: the local day on which they end, from 1970-01-01 on, for every zone east of UTC - 5."""
    return (ends_s.astype(np.int64) + HALF_DAY_S) // (2 * HALF_DAY_S)


def in_night(window: Window, time_ms: Column) -> Column:
    """True for each row whose local time lies in a night."""
    into_day = time_ms - window.plan["day_ms"]
    night: Column = (into_day < DAWN_MS) | (into_day >= DUSK_MS)
    return night


def _step(own: Columns, rows: Column, time_ms: Column) -> Column:
    step = (time_ms // 1000 - (own["ends_s"][rows].astype(np.int64) - LENGTH_S)) // STEP_S
    return np.clip(step, 0, LENGTH_S // STEP_S)


def _median(values: Column, used: Column, n: Column) -> Column:
    """The median of the used values of each row; their order in the ring does not matter."""
    ordered = np.sort(np.where(used, values, np.inf), axis=1)
    row = np.arange(len(n))
    median: Column = np.where(n > 0, (ordered[row, np.maximum(n - 1, 0) // 2] + ordered[row, n // 2]) / 2, 0.0)
    return median
