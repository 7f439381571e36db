"""Dwelling: how long a person has been about one place, and whether that place may be a forbidden venue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from detectors.boundary import K
from detectors.findings import Finding, Phase
from detectors.pings import DEGREE, positions
from detectors.tiers import MINUTE_MS, by_tier
from geofence.bans import key

if TYPE_CHECKING:
    from detectors.pings import Column, Fixes
    from detectors.window import Window
    from geofence.fences import Fences
    from schemas.rules import Rules

GATE: Final = 9.21
"""Chi-square of 99 %, two degrees of freedom: a fix further off its dwell than that does not belong to it."""
REACH: Final = 2.448
"""Sigma in a radius that holds the truth with 95 %."""
MOST: Final = 255
ENDS: Final = 2
"""Fixes elsewhere that end a dwell; one alone may be wrong."""


class Dwelling:
    """
    The mean of the fixes about one place, how many there are, and from when to when.

    A fix that repeats the last one is in favour of the dwell, but moves neither the mean nor the count. Venues are
    looked for when the dwell has 4, 8, 16 and so on fixes: each time the mean is half as uncertain again as before.
    """

    columns = (
        *(("x_m", "f4"), ("y_m", "f4"), ("fixes", "u1"), ("elsewhere", "u1")),
        *(("first_ms", "i8"), ("lasted_ms", "u4"), ("venue", "u4")),
    )

    def __init__(self, rules: Rules, fences: Fences) -> None:
        self.fences = fences
        self.floor_m = by_tier(rules, "exclusion", "floor_m")
        self.dwell_ms = by_tier(rules, "exclusion", "dwell_min", MINUTE_MS)
        self.least = by_tier(rules, "exclusion", "dwell_fixes")
        self.reach_m = by_tier(rules, "exclusion", "reach_m")
        self.away_m = by_tier(rules, "exclusion", "away_m")

    def move(self, window: Window, fixes: Fixes, judged: Column) -> list[Finding]:
        """Take in one fix of each of those rows: it belongs to the dwell, or is elsewhere; two of those end it."""
        own, tier = window["exclusion"], window.plan["tier"]
        sigma = np.maximum(fixes.r_m, self.floor_m[tier]) / K
        count = np.maximum(own["fixes"], 1).astype(np.float64)
        east, north = fixes.x_m - own["x_m"], fixes.y_m - own["y_m"]
        near = east * east + north * north <= GATE * sigma * sigma * (1 + 1 / count)
        here = judged & (own["fixes"] > 0) & near
        gone = judged & ~here
        grows = here & ~fixes.frozen & (own["fixes"] < MOST)
        own["fixes"][grows] += 1
        for name, step in (("x_m", east), ("y_m", north)):
            np.add(own[name], step / (count + 1), out=own[name], where=grows, casting="same_kind")
        lasted = np.minimum(fixes.time_ms - own["first_ms"], np.iinfo(np.uint32).max)
        np.copyto(own["lasted_ms"], lasted, where=here, casting="unsafe")
        own["elsewhere"][here] = 0
        own["elsewhere"][gone] += 1
        ended = gone & ((own["fixes"] == 0) | (own["elsewhere"] >= ENDS))
        found = self.stop(window, ended, fixes.time_ms)
        own["fixes"][ended] = 1
        for name, values in (("x_m", fixes.x_m), ("y_m", fixes.y_m), ("first_ms", fixes.time_ms)):
            np.copyto(own[name], values, where=ended, casting="same_kind")
        doubled = (own["fixes"] >= self.least[tier]) & ((own["fixes"] & (own["fixes"] - 1)) == 0)
        ripe = grows & doubled & (own["venue"] == 0) & (own["lasted_ms"] >= self.dwell_ms[tier])
        return found + self._look(
            window, ripe, np.maximum(self.reach_m[tier], REACH * sigma / np.sqrt(count + 1)), fixes.time_ms
        )

    def stop(self, window: Window, where: Column, at_ms: Column, reason: str = "dwell") -> list[Finding]:
        """Forget the dwell of those rows; at a venue it ends with its last fix, or with what stopped it."""
        own, found = window["exclusion"], list[Finding]()
        for i in positions(where & (own["venue"] > 0)).tolist():
            last = int(own["first_ms"][i]) + int(own["lasted_ms"][i]) if reason == "dwell" else int(at_ms[i])
            found.append(self._say(window, i, "closed", int(at_ms[i]), reason)._replace(until_ms=last))
        for name in ("fixes", "elsewhere", "lasted_ms", "venue"):
            own[name][where] = 0
        return found

    def _look(self, window: Window, ripe: Column, reach_m: Column, at_ms: Column) -> list[Finding]:
        """The nearest venue of a forbidden category at which the mean of the dwell may be."""
        own, plan, found = window["exclusion"], window.plan, list[Finding]()
        away = np.hypot(own["x_m"], own["y_m"]) > self.away_m[plan["tier"]]
        for i in positions(ripe & away).tolist():
            lon = float(plan["lon0"][i] + own["x_m"][i] / plan["mx"][i]) * DEGREE
            lat = float(plan["lat0"][i] + own["y_m"][i] / plan["my"][i]) * DEGREE
            categories = self.fences.bans.of(int(plan["bans"][i])).categories
            near = self.fences.index.near(lon, lat, float(reach_m[i]))
            venues = [name for name, _ in near if name in self.fences.venues]
            venue = next((name for name in venues if self.fences.venues[name].category in categories), None)
            if venue is not None:
                own["venue"][i] = key(venue)
                found.append(self._say(window, i, "opened", int(at_ms[i])))
        return found

    def _say(self, window: Window, i: int, phase: Phase, at_ms: int, reason: str = "dwell") -> Finding:
        own, row = window["exclusion"], int(window.rows[i])
        venue = self.fences.bans.names[int(own["venue"][i])]
        facts = {"category": self.fences.venues[venue].category, "dwell_fixes": int(own["fixes"][i])}
        since = int(own["first_ms"][i])
        return Finding(row, "exclusion", venue, phase, since, at_ms, None, "venue", "notice", reason, facts)
