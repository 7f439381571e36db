"""How often a phone is heard of: what the gap rule learns of a person, 80 bytes each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from detectors.pings import positions
from detectors.tiers import MINUTE_MS, by_tier

if TYPE_CHECKING:
    from detectors.pings import Column
    from detectors.window import Columns
    from schemas.rules import Rules

UPPER_MS: Final = 30_000 * 1.25 ** np.arange(40)
"""Upper edges of the histogram of intervals."""
MOST: Final = np.iinfo(np.uint16).max


class Rhythm:
    """
    A histogram of the intervals between contacts, that fades by a quarter each day, and the limit drawn from it.

    limit = max(60 min, 2 x the 99th percentile), at most 3 h; before 50 intervals the gap's own limit. It changes at
    the day edge only. Integer throughout, so that no machine and no cut of the stream counts otherwise.
    """

    columns = (("limit_ms", "i4"), ("histogram", "u2", (40,)), ("learned", "u2"))

    def __init__(self, rules: Rules) -> None:
        self.overdue_ms = by_tier(rules, "gap", "overdue_min", MINUTE_MS)
        self.gap_ms = by_tier(rules, "gap", "gap_min", MINUTE_MS)
        self.cap_ms = by_tier(rules, "gap", "cap_min", MINUTE_MS)
        self.factor = by_tier(rules, "gap", "quantile_factor")
        self.warmup = by_tier(rules, "gap", "warmup")

    def learn(self, own: Columns, where: Column, now_ms: Column) -> None:
        """Count the interval that ends now, unless its clock was started anew by a permit."""
        rows = positions(where & (own["contact_ms"] > 0) & (own["clock_ms"] == own["contact_ms"]))
        bins = np.minimum(np.searchsorted(UPPER_MS, now_ms[rows] - own["contact_ms"][rows]), 39)
        own["histogram"][rows, bins] += own["histogram"][rows, bins] < MOST
        own["learned"][rows] += own["learned"][rows] < MOST

    def limits(self, own: Columns, tier: Column) -> tuple[Column, Column]:
        """Silence in ms at which each row is overdue, and at which it is a gap."""
        gap = self.gap_ms[tier]
        limit = np.where(own["limit_ms"] > 0, own["limit_ms"], gap)
        return limit, np.maximum(gap, limit)

    def morning(self, own: Columns, rows: Column, tier: Column) -> None:
        """A day ended for the rows: draw the limit from what was learned, then let it fade."""
        histogram = own["histogram"][rows]
        reached = np.cumsum(histogram, axis=1, dtype=np.int64)
        total = reached[:, -1]
        percentile = UPPER_MS[np.minimum((reached * 100 < total[:, None] * 99).sum(axis=1), 39)]
        limit = (self.factor[tier] * percentile).astype(np.int64) // 1000 * 1000
        limit = np.clip(limit, self.overdue_ms[tier], self.cap_ms[tier])
        limit = np.where(total > 0, limit, own["limit_ms"][rows])
        own["limit_ms"][rows] = np.where(own["learned"][rows] < self.warmup[tier], self.gap_ms[tier], limit)
        own["histogram"][rows] = histogram.astype(np.int64) * 3 // 4
