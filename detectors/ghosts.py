"""Ghosts: places that the network reports again and again while the person lies at home."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from detectors.pings import positions
from detectors.tiers import MINUTE_MS, by_tier

if TYPE_CHECKING:
    from detectors.findings import Finding
    from detectors.pings import Column, Fixes
    from detectors.window import Window
    from schemas.rules import Rules

HOUR_MS: Final = 60 * MINUTE_MS
NEAR_M: Final = 100.0
LEFT_M: Final = 300.0
FAR_M: Final = 5_000.0
LONGEST_LOOP_MS: Final = 75 * MINUTE_MS
SHORTEST_LOOP_MS: Final = 10 * MINUTE_MS
GHOSTS: Final = 8
FORGET_DAYS: Final = 30


def note(window: Window, found: list[Finding]) -> None:
    """Write into findings which ghosts counted at that moment, lon and lat in degrees * 1e7: by tomorrow others may."""
    for finding in found:
        i = int(positions(window.rows == finding.row)[0])
        counts = positions(np.unpackbits(window["quality"]["ghosts"][i : i + 1], bitorder="little"))
        if counts.size:
            own = window["quality"]
            finding.facts["ghosts"] = np.column_stack(
                [own[f"ghost_{name}"][i, counts] for name in ("lon", "lat")]
            ).tolist()


class Ghosts:
    """
    Learned from loops A-B-A at night: away 300 m to 5 km, back within 100 m, in at most 2.5 intervals.

    A ghost counts from the day edge after it came back on two nights, and is forgotten after 30 days without. The
    residence itself is never a ghost, or a person at home could not be cleared.
    """

    columns = (
        ("left_ms", "i8"),
        ("left_lon", "i4"),
        ("left_lat", "i4"),
        ("ghost_lon", "i4", (GHOSTS,)),
        ("ghost_lat", "i4", (GHOSTS,)),
        ("ghost_hits", "u1", (GHOSTS,)),
        ("ghost_nights", "u1", (GHOSTS,)),
        ("ghost_day", "u2", (GHOSTS,)),
        ("ghosts", "u1"),
    )

    def __init__(self, rules: Rules) -> None:
        self.hits = by_tier(rules, "quality", "ghost_hits")
        self.nights = by_tier(rules, "quality", "ghost_nights")

    def at(self, window: Window, fixes: Fixes) -> Column:
        """True for each fix that lies at a ghost that counts."""
        own, plan = window["quality"], window.plan
        at = np.zeros(len(window), bool)
        rows = positions(own["ghosts"] != 0)
        if rows.size:
            counts = np.unpackbits(own["ghosts"][rows, None], axis=1, bitorder="little").astype(bool)
            dx = (own["ghost_lon"][rows].astype(np.int64) - fixes.pings["lon"][rows, None]) * plan["mx"][rows, None]
            dy = (own["ghost_lat"][rows].astype(np.int64) - fixes.pings["lat"][rows, None]) * plan["my"][rows, None]
            at[rows] = (counts & (np.hypot(dx, dy) <= NEAR_M)).any(axis=1)
        at &= fixes.located
        return at

    def depart(self, window: Window, fixes: Fixes, rows: Column, last: tuple[Column, Column]) -> None:
        """The fix of each row is far from its last: either a loop closes and the place is voted, or one begins."""
        own, plan, t = window["quality"], window.plan, fixes.time_ms[rows]
        left_ms, last_ms = own["left_ms"][rows], own["last_ms"][rows]
        x, y = last[0][rows], last[1][rows]
        x0 = (own["left_lon"][rows] - plan["lon0"][rows]) * plan["mx"][rows]
        y0 = (own["left_lat"][rows] - plan["lat0"][rows]) * plan["my"][rows]
        legs = np.minimum(last_ms - left_ms, t - last_ms)
        loop_ms = np.minimum(LONGEST_LOOP_MS, np.maximum(SHORTEST_LOOP_MS, 2.5 * legs))
        away = np.hypot(x - x0, y - y0)
        closed = (left_ms > 0) & (t - left_ms <= loop_ms) & (away >= LEFT_M) & (away <= FAR_M)
        closed &= np.hypot(fixes.x_m[rows] - x0, fixes.y_m[rows] - y0) <= NEAR_M
        into_day = t - plan["day_ms"][rows]
        night = (into_day < 6 * HOUR_MS) | (into_day >= 22 * HOUR_MS)
        for i in positions(closed & night & (np.hypot(x, y) > LEFT_M)).tolist():
            self._vote(window, int(rows[i]))
        own["left_ms"][rows[closed]] = 0
        begun = rows[~closed]
        for name in ("ms", "lon", "lat"):
            own[f"left_{name}"][begun] = own[f"last_{name}"][begun]

    def morning(self, window: Window, rows: Column) -> None:
        """A day ended for the rows: forget old ghosts, and let those that came back count."""
        own, tier = window["quality"], window.plan["tier"][rows, None]
        old = window.plan["day"][rows, None] - own["ghost_day"][rows] > FORGET_DAYS
        for name in ("ghost_lon", "ghost_lat", "ghost_hits", "ghost_nights", "ghost_day"):
            own[name][rows] = np.where(old, 0, own[name][rows])
        counts = (own["ghost_hits"][rows] >= self.hits[tier]) & (own["ghost_nights"][rows] >= self.nights[tier])
        own["ghosts"][rows] = np.packbits(counts, axis=1, bitorder="little")[:, 0]

    def _vote(self, window: Window, i: int) -> None:
        """One more loop through the last place; a new one takes an empty slot, or that of the ghost unseen longest."""
        own, plan = window["quality"], window.plan
        lon, lat, day = int(own["last_lon"][i]), int(own["last_lat"][i]), int(plan["day"][i])
        hits, nights, days = own["ghost_hits"][i], own["ghost_nights"][i], own["ghost_day"][i]
        dx = (own["ghost_lon"][i] - np.int64(lon)) * plan["mx"][i]
        dy = (own["ghost_lat"][i] - np.int64(lat)) * plan["my"][i]
        known = positions((hits > 0) & (np.hypot(dx, dy) <= NEAR_M))
        if known.size:
            slot = int(known[0])
            nights[slot] += days[slot] != day and nights[slot] < np.iinfo(np.uint8).max
            hits[slot] += hits[slot] < np.iinfo(np.uint8).max
        else:
            slot = int(np.where(hits > 0, days, 0).argmin())
            own["ghost_lon"][i, slot], own["ghost_lat"][i, slot] = lon, lat
            hits[slot] = nights[slot] = 1
            own["ghosts"][i] &= ~np.uint8(1 << slot)
        days[slot] = day
