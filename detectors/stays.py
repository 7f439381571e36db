"""Stays: where a phone lies, followed ping by ping in 33 bytes, whatever single pings say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from detectors.pings import positions

if TYPE_CHECKING:
    from detectors.pings import Column, Fixes
    from detectors.window import Columns

GATE: Final = 9.21
"""99 % of chi squared with two degrees of freedom: what belongs together lies within it."""
SIGMAS: Final = 1.515
"""A 68 % radius in standard deviations per axis."""
LEAST_RADIUS_M: Final = 100.0
ROOM_M: Final = 150.0
"""The extent of a place, beside the error of the fix."""
KNOWN_M: Final = 100.0
"""No centre is taken to be better known than that when a fix is held against it."""
STEADY_M: Final = 50.0
"""Nor than that when it is moved: so it follows, slowly, where the phone drifts."""
SILENCE_S: Final = 9_000
TAKE_OVER: Final = ((3, 300), (2, 600), (1, 3_600))
"""So many fixes of the challenger over so many seconds make it the stay."""
CM: Final = 100.0


class Stay(NamedTuple):
    """Stays that ended, one for each of the rows `at`: centre and its error in metres, first and last fix in s."""

    at: Column
    x_m: Column
    y_m: Column
    sd_m: Column
    since_s: Column
    last_s: Column


class Stays:
    """
    One stay and one challenger for each row: an accuracy-weighted stay tracker in one pass.

    A fix within the gate moves the centre by its weight. One beyond it goes to the challenger, which takes over after
    three fixes over 5 min, two over 10 min, or an hour in which no fix came back: so a lone outlier ends nothing. A
    frozen fix says that the phone still lies there, and nothing new about where. After 150 min of silence a stay is
    over. Whole centimetres and seconds, so that no machine and no cut of the stream rounds otherwise.
    """

    columns = (
        ("x_cm", "i4"),  # in the plane at the residence
        ("y_cm", "i4"),
        ("sd_m", "u2"),  # of the centre, per axis; 0 while there is no stay
        ("since_s", "u4"),
        ("last_s", "u4"),
        ("other_x_cm", "i4"),
        ("other_y_cm", "i4"),
        ("other_sd_m", "u2"),
        ("other_since_s", "u4"),
        ("other_n", "u1"),
    )

    def follow(self, own: Columns, fixes: Fixes, rows: Column) -> Stay:
        """Take the fixes of those rows, one each; gives the stays that ended with them."""
        x, y, s = fixes.x_m[rows] * CM, fixes.y_m[rows] * CM, fixes.time_ms[rows] // 1000
        var = (np.maximum(fixes.r_m[rows], LEAST_RADIUS_M) / SIGMAS) ** 2 + ROOM_M**2
        fresh = ~fixes.frozen[rows]
        stays = own["sd_m"][rows] > 0
        lost = stays & (s - own["last_s"][rows] > SILENCE_S)
        near = stays & ~lost & _within(own, "", rows, x, y, var)
        moved = near & fresh
        _move(own, "", rows[moved], x[moved], y[moved], var[moved])
        own["last_s"][rows[near]] = s[near]
        own["other_n"][rows[near]] = 0
        over = lost.copy()
        away = positions(stays & ~near & ~lost)
        if away.size:
            over[away] = self._challenge(own, rows[away], x[away], y[away], var[away], s[away], fresh[away])
        ended = _stays(own, rows[over])
        taken = rows[over & ~lost]
        for name in ("x_cm", "y_cm", "sd_m", "since_s"):
            own[name][taken] = own[f"other_{name}"][taken]
        begun = ~stays | lost
        _begin(own, "", rows[begun], x[begun], y[begun], var[begun], s[begun])
        own["last_s"][rows[over | begun]] = s[over | begun]
        own["other_n"][rows[over | begun]] = 0
        return ended

    def current(self, own: Columns, rows: Column) -> Stay:
        """The stays of those rows as they are now; `sd_m` is 0 where there is none."""
        return _stays(own, rows)

    def forget(self, own: Columns, where: Column) -> None:
        """Those rows have no stay any more."""
        for name in ("sd_m", "other_n"):
            own[name][where] = 0

    def _challenge(
        self, own: Columns, rows: Column, x: Column, y: Column, var: Column, s: Column, fresh: Column
    ) -> Column:
        """Fixes beyond the stay; true where the challenger takes over."""
        joins = (own["other_n"][rows] > 0) & _within(own, "other_", rows, x, y, var)
        adds = joins & fresh
        _move(own, "other_", rows[adds], x[adds], y[adds], var[adds])
        own["other_n"][rows[adds]] += own["other_n"][rows[adds]] < np.iinfo(np.uint8).max
        alone = ~joins
        _begin(own, "other_", rows[alone], x[alone], y[alone], var[alone], s[alone])
        own["other_n"][rows[alone]] = 1
        n, span = own["other_n"][rows], s - own["other_since_s"][rows]
        over: Column = joins & np.any([(n >= least) & (span >= seconds) for least, seconds in TAKE_OVER], axis=0)
        return over


def _within(own: Columns, of: str, rows: Column, x: Column, y: Column, var: Column) -> Column:
    dx, dy = x - own[f"{of}x_cm"][rows], y - own[f"{of}y_cm"][rows]
    known = np.maximum(own[f"{of}sd_m"][rows], KNOWN_M)
    within: Column = (dx * dx + dy * dy) / CM**2 <= GATE * (var + known * known)
    return within


def _move(own: Columns, of: str, rows: Column, x: Column, y: Column, var: Column) -> None:
    was = own[f"{of}sd_m"][rows].astype(np.float64) ** 2
    weight = was / (was + var)
    for name, fix in (("x_cm", x), ("y_cm", y)):
        centre = own[of + name][rows]
        own[of + name][rows] = np.rint(centre + (fix - centre) * weight)
    own[f"{of}sd_m"][rows] = np.rint(np.maximum(np.sqrt(was * (1 - weight)), STEADY_M))


def _begin(own: Columns, of: str, rows: Column, x: Column, y: Column, var: Column, s: Column) -> None:
    own[f"{of}x_cm"][rows], own[f"{of}y_cm"][rows] = np.rint(x), np.rint(y)
    own[f"{of}sd_m"][rows] = np.rint(np.sqrt(var))
    own[f"{of}since_s"][rows] = s


def _stays(own: Columns, rows: Column) -> Stay:
    x, y, sd = (own[name][rows].astype(np.float64) for name in ("x_cm", "y_cm", "sd_m"))
    return Stay(rows, x / CM, y / CM, sd, own["since_s"][rows].astype(np.int64), own["last_s"][rows].astype(np.int64))
