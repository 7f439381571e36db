"""Two states and a belief between them: how much it takes to say that a person is where the order forbids to be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from detectors.tiers import MINUTE_MS, by_tier

if TYPE_CHECKING:
    from detectors.pings import Column, Fixes
    from schemas.rules import Rules

HOUR_MS = 60 * MINUTE_MS


class Belief:
    """
    The probability that a person is out of bounds, moved by fixes that say so for sure, and by time.

    With time it goes back to what is usual, at the rates at which people go out of bounds and come back; before the
    first fix that is all that is known. A fix multiplies the odds by the same factor, up or down, whatever its
    certainty beyond `sure`: error is sticky, so no single fix may decide. A larger factor after a longer silence, since
    more of the belief has decayed by then; a smaller one where the fix repeats the last one.
    """

    columns = (("p", "f4"),)

    def __init__(self, rules: Rules, rule: str) -> None:
        enters, leaves = (by_tier(rules, rule, name, HOUR_MS) for name in ("enters_h", "leaves_h"))
        self.rate = 1 / enters + 1 / leaves
        self.usual = leaves / (enters + leaves)
        self.step, self.step_sparse = (by_tier(rules, rule, name) for name in ("step", "step_sparse"))
        self.dense_ms, self.sparse_ms = (by_tier(rules, rule, f"{name}_min", MINUTE_MS) for name in ("dense", "sparse"))
        self.frozen = by_tier(rules, rule, "frozen_percent") / 100
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
        odds = np.exp(step * np.where(fixes.frozen, self.frozen[tier], 1.0) * (beyond.astype(np.int8) - within))
        told: Column = before * odds / (1.0 - before + before * odds)
        return told
