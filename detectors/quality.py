"""Ping quality: which fixes cannot be true."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from detectors.ghosts import LEFT_M, Ghosts
from detectors.pings import NEVER, positions
from detectors.tiers import by_tier
from detectors.window import DAY

if TYPE_CHECKING:
    from detectors.findings import Finding
    from detectors.pings import Column, Fixes
    from detectors.window import Window
    from schemas.rules import Rules

NULL_ISLAND: Final = 100_000
"""Within 0.01 degrees of 0, 0 a position is a default, not a place."""


class Quality:
    """
    Marks a fix that cannot be true and leaves it out of containment; it is still a contact.

    Null island; faster than 55 m/s beyond both radii since the last accepted fix; within 100 m of a learned ghost.
    A repeat within 20 m of the last reported position is *frozen*: it stays a fix, but is no new evidence.

    The trap: speed is measured from the last accepted fix, so one wrong fix that was accepted makes true ones look
    fast for a while; both radii and the time since are in the test, so it ends by itself. Finds nothing; no delay.

    >>> from detectors.examples import Person
    >>> person = Person().ping(minute=0).ping(minute=1, away_m=9_000)
    >>> person.last_fix
    0
    >>> person.ping(minute=6, away_m=10).last_fix
    6
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
            *Ghosts.columns,
        ],
    )

    def __init__(self, rules: Rules) -> None:
        self.ghosts = Ghosts(rules)
        self.speed_mps = by_tier(rules, "quality", "speed_mps")
        self.frozen_m = by_tier(rules, "quality", "frozen_m")

    def observe(self, window: Window, fixes: Fixes) -> list[Finding]:
        """Judge each fix (`fixes.accepted`, `fixes.frozen`), say when the last one was, then remember it."""
        own, tier, located, pings = window["quality"], window.plan["tier"], fixes.located, fixes.pings
        null = (np.abs(pings["lon"]) < NULL_ISLAND) & (np.abs(pings["lat"]) < NULL_ISLAND)
        known = own["last_ms"] > 0
        last = window.plane(own["last_lon"], own["last_lat"])
        moved = np.hypot(fixes.x_m - last[0], fixes.y_m - last[1])
        beyond = np.maximum(0.0, moved - fixes.r_m - own["last_r_m"])
        fast = known & (beyond * 1000 > self.speed_mps[tier] * (fixes.time_ms - own["last_ms"]))
        fixes.accepted = located & ~(null | fast | self.ghosts.at(window, fixes))
        x, y = window.plane(own["seen_lon"], own["seen_lat"])
        seen = (own["seen_lon"] != 0) | (own["seen_lat"] != 0)
        fixes.frozen = located & seen & (np.hypot(fixes.x_m - x, fixes.y_m - y) <= self.frozen_m[tier])
        jumped = positions(fixes.accepted & known & (moved > LEFT_M))
        if jumped.size:
            self.ghosts.depart(window, fixes, jumped, last)
        fixes.last_ms = own["last_ms"].copy()
        for name in ("lon", "lat"):
            np.copyto(own[f"seen_{name}"], pings[name], where=located)
            np.copyto(own[f"last_{name}"], pings[name], where=fixes.accepted)
        np.copyto(own["last_ms"], fixes.time_ms, where=fixes.accepted)
        np.copyto(own["last_r_m"], fixes.r_m.astype(np.uint16), where=fixes.accepted)
        return []

    def due(self, window: Window) -> Column:
        """Silence never changes what is known of quality."""
        return np.full(len(window), NEVER)

    def fire(self, window: Window, now_ms: Column) -> list[Finding]:
        """A day ended for some rows (whenever it did: `now_ms` says nothing more)."""
        del now_ms
        rows = positions(window.turned(DAY) & (window["quality"]["ghost_hits"] > 0).any(axis=1))
        if rows.size:
            self.ghosts.morning(window, rows)
        return []
