"""Parameters of rules by tier: a row carries the position of its tier, a rule looks its numbers up by it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from schemas.order import Tier

if TYPE_CHECKING:
    from detectors.pings import Column
    from schemas.rules import Rules

TIERS: Final = tuple(Tier)
MINUTE_MS: Final = 60_000


def by_tier(rules: Rules, rule: str, parameter: str, scale: int = 1) -> Column:
    """One parameter of one rule, for each tier in the order of `TIERS`, times `scale` (60,000 makes ms of minutes)."""
    values = [getattr(getattr(getattr(rules.tiers, tier.value), rule), parameter) for tier in TIERS]
    return np.array([int(v * scale) for v in values], np.int64)
