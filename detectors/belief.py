"""Two states and a belief between them: how much it takes to say that a person is where the order forbids to be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from detectors.tiers import MINUTE_MS, by_tier

if TYPE_CHECKING:
    from detectors.pings import Column, Fixes
    from detectors.window import Columns
    from schemas.rules import Rules

HOUR_MS: Final = 60 * MINUTE_MS
BEYOND: Final = 1
OPEN: Final = 2
"""Levels: out of bounds, which may be lawful at the time; and an episode that is open."""


class Belief:
    """
    The probability that a person is out of bounds, moved by fixes that say so for sure, and by time.

    With time it goes back to what is usual, at the rates at which people go out of bounds and come back; before the
    first fix that is all that is known. A fix multiplies the odds by the same factor, up or down, whatever its
    certainty beyond `sure`: error is sticky, so no single fix may decide. A larger factor after a longer silence, since
    more of the belief has decayed by then; a smaller one where the fix repeats the last one. A fix that cannot tell
    lets the belief fade: of somebody beside a line one fix in ten says beyond, and one in ten within.

    A latch on top of it: set when a fix out of bounds lifts the belief to where it opens, released when one within
    bounds lets it fall to where it closes. Each way, the first fix of the run that led there dates it.
    """

    columns = (("p", "f4"), ("level", "u1"), ("since_ms", "i8"), ("clear_ms", "i8"))

    def __init__(self, rules: Rules, rule: str) -> None:
        enters, leaves = (by_tier(rules, rule, name, HOUR_MS) for name in ("enters_h", "leaves_h"))
        self.rate = 1 / enters + 1 / leaves
        self.usual = leaves / (enters + leaves)
        self.step, self.step_sparse = (by_tier(rules, rule, name) for name in ("step", "step_sparse"))
        self.dense_ms, self.sparse_ms = (by_tier(rules, rule, f"{name}_min", MINUTE_MS) for name in ("dense", "sparse"))
        self.before_ms = by_tier(rules, rule, "before_min", MINUTE_MS)
        self.frozen = by_tier(rules, rule, "frozen_percent") / 100
        self.unsure = by_tier(rules, rule, "unsure_percent") / 100
        self.opens = by_tier(rules, rule, "opens_percent") / 100
        self.closes = by_tier(rules, rule, "closes_percent") / 100

    def after(self, p: Column, ms: Column, tier: Column) -> Column:
        """The belief so long after it was `p`, with nothing heard since."""
        usual = self.usual[tier]
        decayed: Column = usual + (p - usual) * np.exp(-self.rate[tier] * ms)
        return decayed

    def told(self, p: Column, fixes: Fixes, beyond: Column, within: Column, tier: Column) -> Column:
        """The belief after one more fix, which says out of bounds, or not, or neither."""
        ms = fixes.time_ms - fixes.last_ms
        before = self.after(p, ms, tier)
        dense, sparse = self.dense_ms[tier], self.sparse_ms[tier]
        longer = np.clip((ms - dense) / (sparse - dense), 0.0, 1.0)
        step = self.step[tier] + longer * (self.step_sparse[tier] - self.step[tier])
        way = np.where(beyond, 1.0, np.where(within, -1.0, -self.unsure[tier]))
        odds = np.exp(step * np.where(fixes.frozen, self.frozen[tier], 1.0) * way)
        told: Column = before * odds / (1.0 - before + before * odds)
        return told

    def move(self, own: Columns, fixes: Fixes, beyond: Column, within: Column, tier: Column) -> tuple[Column, Column]:
        """Take in one fix a row; says where the latch is set and confirmed by it, and where it was released by it."""
        t, judged, is_set = fixes.time_ms, fixes.accepted, own["level"] > 0
        np.copyto(own["p"], self.told(own["p"], fixes, beyond, within, tier), where=judged, casting="same_kind")
        low, high = own["p"] < self.closes[tier], own["p"] >= self.opens[tier]
        np.copyto(own["since_ms"], t, where=beyond & ~is_set & (own["since_ms"] == 0))
        own["since_ms"][within & ~is_set & low] = 0
        np.copyto(own["clear_ms"], t, where=within & is_set & (own["clear_ms"] == 0))
        certain, back = beyond & high, within & is_set & low
        own["clear_ms"][certain] = 0
        own["level"][certain & ~is_set] = BEYOND
        return certain, back

    def forbid(self, own: Columns, where: Column, now_ms: Column, last_ms: Column, tier: Column) -> Column:
        """What was lawful is not any more: runs begin now at the earliest; says where the last fix still proves it."""
        np.copyto(own["since_ms"], now_ms, where=where & (own["level"] < OPEN) & (own["since_ms"] > 0))
        recent = now_ms - last_ms <= self.before_ms[tier]
        stands: Column = where & recent & (own["level"] == BEYOND) & (own["clear_ms"] == 0)
        return stands

    def forget(self, own: Columns, where: Column, tier: Column) -> None:
        """Begin anew, with what is usual."""
        np.copyto(own["p"], self.usual[tier], where=where, casting="same_kind")
        release(own, where)


def release(own: Columns, where: Any) -> None:  # noqa: ANN401 - whatever an array can be indexed by
    """Release the latch; the belief stays as it is."""
    for name in ("level", "since_ms", "clear_ms"):
        own[name][where] = 0
