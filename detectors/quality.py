"""Ping quality: which fixes cannot be true, and which places of a person are ghosts of the network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from detectors.pings import DEGREE, NEVER
from detectors.tiers import by_tier
from detectors.window import DAY

if TYPE_CHECKING:
    from detectors.findings import Finding
    from detectors.pings import Column, Fixes
    from detectors.window import Columns, Window
    from schemas.rules import Rules

MINUTE_MS: Final = 60_000
HOUR_MS: Final = 3_600_000
NULL_ISLAND: Final = 100_000
NEAR_M: Final = 100.0
LEFT_M: Final = 300.0
FAR_M: Final = 5_000.0
LONGEST_LOOP_MS: Final = 75 * MINUTE_MS
SHORTEST_LOOP_MS: Final = 10 * MINUTE_MS
GHOSTS: Final = 8
FORGET_DAYS: Final = 30


class Quality:
    """
    Marks a fix that cannot be true and leaves it out of containment; it is still a contact.

    Null island; faster than 55 m/s beyond both radii since the last accepted fix; within 100 m of a learned ghost. A
    ghost is learned from loops A-B-A at night: away 300 m to 5 km, back within 100 m, in at most 2.5 intervals. It
    counts once it came back on two nights, and is forgotten after 30 days without.

    The trap: which ghosts count changes at the day edge only, else the answer would depend on the cut. And the
    residence itself is never a ghost, or a person at home could not be cleared. Finds nothing by itself.

    >>> from detectors.examples import Person
    >>> person = Person().ping(minute=0, away_m=0).ping(minute=1, away_m=9_000).ping(minute=6, away_m=10)
    >>> person.accepted
    [True, False, True]
    """

    name = "quality"
    columns = np.dtype(
        [
            ("seen_lon", "i4"),
            ("seen_lat", "i4"),
            ("last_ms", "i8"),
            ("last_lon", "i4"),
            ("last_lat", "i4"),
            ("last_r_m", "u2"),
            ("left_ms", "i8"),
            ("left_lon", "i4"),
            ("left_lat", "i4"),
            ("ghost_lon", "i4", (GHOSTS,)),
            ("ghost_lat", "i4", (GHOSTS,)),
            ("ghost_hits", "u1", (GHOSTS,)),
            ("ghost_nights", "u1", (GHOSTS,)),
            ("ghost_day", "i4", (GHOSTS,)),
            ("ghosts", "u1"),
        ],
    )

    def __init__(self, rules: Rules) -> None:
        self.speed_mps = by_tier(rules, "quality", "speed_mps")
        self.frozen_m = by_tier(rules, "quality", "frozen_m")
        self.hits = by_tier(rules, "quality", "ghost_hits")
        self.nights = by_tier(rules, "quality", "ghost_nights")

    def observe(self, window: Window, fixes: Fixes) -> list[Finding]:
        """Judge each fix (`fixes.accepted`, `fixes.frozen`), then remember it."""
        own, tier, located = window["quality"], window.plan["tier"], fixes.located
        null = (np.abs(fixes.pings["lon"]) < NULL_ISLAND) & (np.abs(fixes.pings["lat"]) < NULL_ISLAND)
        known = own["last_ms"] > 0
        x, y = window.plane(own["last_lon"], own["last_lat"])
        moved = np.sqrt((fixes.x_m - x) ** 2 + (fixes.y_m - y) ** 2)
        beyond = np.maximum(0.0, moved - fixes.r_m - own["last_r_m"])
        fast = known & (beyond * 1000 > self.speed_mps[tier] * (fixes.time_ms - own["last_ms"]))
        ghost = self._at_ghost(window, fixes)
        fixes.accepted = located & ~(null | ghost | fast)
        x, y = window.plane(own["seen_lon"], own["seen_lat"])
        seen = (own["seen_lon"] != 0) | (own["seen_lat"] != 0)
        fixes.frozen = located & seen & (np.hypot(fixes.x_m - x, fixes.y_m - y) <= self.frozen_m[tier])
        for name in ("lon", "lat"):
            np.copyto(own[f"seen_{name}"], fixes.pings[name], where=located)
        jumped = fixes.accepted & known & (moved > LEFT_M)
        if jumped.any():
            self._depart(window, fixes, np.flatnonzero(jumped))
        np.copyto(own["last_ms"], fixes.time_ms, where=fixes.accepted)
        np.copyto(own["last_r_m"], fixes.r_m.astype(np.uint16), where=fixes.accepted)
        for name in ("lon", "lat"):
            np.copyto(own[f"last_{name}"], fixes.pings[name], where=fixes.accepted)
        return []

    def due(self, window: Window) -> Column:
        """Silence never changes what is known of quality."""
        return np.full(len(window), NEVER)

    def fire(self, window: Window, now_ms: Column) -> list[Finding]:
        """A day ended: forget old ghosts, and let those that came back count."""
        own = window["quality"]
        morning = np.flatnonzero(window.turned(DAY) & (own["ghost_hits"] > 0).any(axis=1))
        if morning.size:
            old = window.plan["day"][morning, None] - own["ghost_day"][morning] > FORGET_DAYS
            for name in ("ghost_lon", "ghost_lat", "ghost_hits", "ghost_nights", "ghost_day"):
                own[name][morning] = np.where(old, 0, own[name][morning])
            tier = window.plan["tier"][morning, None]
            counts = (own["ghost_hits"][morning] >= self.hits[tier]) & (
                own["ghost_nights"][morning] >= self.nights[tier]
            )
            own["ghosts"][morning] = np.packbits(counts, axis=1, bitorder="little")[:, 0]
        return []

    def _at_ghost(self, window: Window, fixes: Fixes) -> Column:
        own = window["quality"]
        at = np.zeros(len(window), bool)
        haunted = np.flatnonzero(own["ghosts"] != 0)
        if haunted.size:
            part = window.take(haunted)
            counts = np.unpackbits(own["ghosts"][haunted, None], axis=1, bitorder="little").astype(bool)
            for slot in range(GHOSTS):
                x, y = part.plane(part["quality"]["ghost_lon"][:, slot], part["quality"]["ghost_lat"][:, slot])
                near = np.hypot(fixes.x_m[haunted] - x, fixes.y_m[haunted] - y) <= NEAR_M
                at[haunted] |= near & counts[:, slot]
        return at

    def _depart(self, window: Window, fixes: Fixes, rows: Column) -> None:
        """The fix is elsewhere than the last one: either the loop closes and the last place is voted, or one begins."""
        part = window.take(rows)
        own, plan, t = part["quality"], part.plan, fixes.time_ms[rows]
        legs = np.minimum(own["last_ms"] - own["left_ms"], t - own["last_ms"])
        loop_ms = np.minimum(LONGEST_LOOP_MS, np.maximum(SHORTEST_LOOP_MS, 2.5 * legs))
        x0, y0 = part.plane(own["left_lon"], own["left_lat"])
        x, y = part.plane(own["last_lon"], own["last_lat"])
        away = np.hypot(x - x0, y - y0)
        closed = (own["left_ms"] > 0) & (t - own["left_ms"] <= loop_ms) & (away >= LEFT_M) & (away <= FAR_M)
        closed &= np.hypot(fixes.x_m[rows] - x0, fixes.y_m[rows] - y0) <= NEAR_M
        into_day = t - plan["day_ms"]
        night = (into_day < 6 * HOUR_MS) | (into_day >= 22 * HOUR_MS)
        own, begun = window["quality"], rows[~closed]
        for i in np.flatnonzero(closed & night & (np.hypot(x, y) > LEFT_M)):
            _vote(own, int(rows[i]), int(plan["day"][i]), float(plan["mx"][i]) * DEGREE, float(plan["my"][i]) * DEGREE)
        own["left_ms"][rows[closed]] = 0
        for name in ("ms", "lon", "lat"):
            own[f"left_{name}"][begun] = own[f"last_{name}"][begun]


def _vote(own: Columns, i: int, day: int, mx: float, my: float) -> None:
    """One more loop through the last place; a new one takes an empty slot, or that of the ghost unseen for longest."""
    lon, lat = int(own["last_lon"][i]), int(own["last_lat"][i])
    hits = own["ghost_hits"][i]
    apart = np.hypot((own["ghost_lon"][i] - lon) * mx, (own["ghost_lat"][i] - lat) * my)
    known = np.flatnonzero((hits > 0) & (apart <= NEAR_M))
    slot: Any = known[0] if known.size else int(np.where(hits > 0, own["ghost_day"][i], -1).argmin())
    if known.size:
        own["ghost_nights"][i, slot] += own["ghost_day"][i, slot] != day and own["ghost_nights"][i, slot] < 255
        own["ghost_hits"][i, slot] += hits[slot] < 255
    else:
        own["ghost_lon"][i, slot], own["ghost_lat"][i, slot] = lon, lat
        own["ghost_hits"][i, slot] = own["ghost_nights"][i, slot] = 1
    own["ghost_day"][i, slot] = day
