"""A run of outside pings: how much it takes to say that a person is away, given that error is sticky."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from detectors.pings import positions
from detectors.tiers import MINUTE_MS, by_tier

if TYPE_CHECKING:
    from detectors.pings import Column, Fixes
    from detectors.window import Window
    from schemas.rules import Rules

SPOTS: Final = 3


class Outside:
    """
    Counts outside pings since the last one at home: how many, over what time, at how many distinct coordinates.

    A phone that lies still may repeat one wrong place for hours, so a coordinate within 20 m of one seen in the run
    counts once. Where pings are 20 min apart, two distinct ones suffice instead of three.
    """

    columns = (
        ("run_n", "u2"),
        ("run_first_ms", "i8"),
        ("run_last_ms", "i8"),
        ("spots", "u1"),
        ("clear_n", "u1"),
        ("spot_lon", "i4", (SPOTS,)),
        ("spot_lat", "i4", (SPOTS,)),
    )

    def __init__(self, rules: Rules) -> None:
        self.pings = by_tier(rules, "curfew", "pings")
        self.span_ms = by_tier(rules, "curfew", "span_min", MINUTE_MS)
        self.distinct = by_tier(rules, "curfew", "distinct")
        self.distinct_sparse = by_tier(rules, "curfew", "distinct_sparse")
        self.sparse_ms = by_tier(rules, "curfew", "sparse_min", MINUTE_MS)
        self.distance_m = by_tier(rules, "curfew", "distance_m")
        self.floor_m = by_tier(rules, "curfew", "floor_m")
        self.clear_m = by_tier(rules, "curfew", "clear_m")
        self.frozen_m = by_tier(rules, "quality", "frozen_m")

    def judge(self, window: Window, fixes: Fixes, judged: Column) -> tuple[Column, Column]:
        """Which fixes say outside, and which say home; a fix that says neither is unsure."""
        tier = window.plan["tier"]
        outside = judged & (fixes.d_m - np.maximum(fixes.r_m, self.floor_m[tier]) > self.distance_m[tier])
        return outside, judged & (fixes.d_m - fixes.r_m < self.clear_m[tier])

    def extend(self, window: Window, fixes: Fixes, outside: Column) -> None:
        """One more outside ping for each of those rows."""
        own, t = window["curfew"], fixes.time_ms
        np.copyto(own["run_first_ms"], t, where=outside & (own["run_n"] == 0))
        np.copyto(own["run_last_ms"], t, where=outside)
        own["clear_n"][outside] = 0
        own["run_n"] += outside & (own["run_n"] < np.iinfo(np.uint16).max)
        fresh = outside & (own["spots"] < SPOTS)
        for spot in range(SPOTS):
            x, y = window.plane(own["spot_lon"][:, spot], own["spot_lat"][:, spot])
            near = (fixes.x_m - x) ** 2 + (fixes.y_m - y) ** 2 <= self.frozen_m[window.plan["tier"]] ** 2
            fresh &= ~(near & (spot < own["spots"]))
        rows = positions(fresh)
        own["spot_lon"][rows, own["spots"][rows]] = fixes.pings["lon"][rows]
        own["spot_lat"][rows, own["spots"][rows]] = fixes.pings["lat"][rows]
        own["spots"][rows] += 1

    def satisfied(self, window: Window) -> Column:
        """True for the rows whose run is enough."""
        tier, own = window.plan["tier"], window["curfew"]
        span = own["run_last_ms"] - own["run_first_ms"]
        sparse = span >= self.sparse_ms[tier] * (own["run_n"].astype(np.int64) - 1)
        need = np.where(sparse, self.distinct_sparse[tier], self.distinct[tier])
        return (own["run_n"] >= self.pings[tier]) & (span >= self.span_ms[tier]) & (own["spots"] >= need)

    def empty(self, window: Window, where: Column) -> None:
        """Forget the run of those rows, and how far it was cleared."""
        for name in ("run_n", "spots", "clear_n"):
            window["curfew"][name][where] = 0
