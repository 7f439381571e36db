"""What a rule about places said of each fix, one after the other: what its evidence shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from detectors.boundary import K
from detectors.pings import DEGREE
from geofence.containment import Answer, answers

if TYPE_CHECKING:
    from detectors.findings import Finding
    from detectors.pings import Fixes
    from geofence.fences import Fences
    from schemas.order import Order
    from schemas.rules import BoundaryRule, CurfewRule, TierRules

Verdicts = list[dict[str, Any]]


def verdicts(order: Order, tier: TierRules, fences: Fences, fixes: Fixes, finding: Finding) -> Verdicts:
    """Give for each ping with a position the answer of the rule that found something, else that of the curfew."""
    if finding.rule == "boundary":
        return _of_the_area(fences, order.permitted_area, tier.boundary, fixes)
    return [{"answer": _of_the_residence(d, r, tier.curfew)} for d, r in zip(fixes.d_m, fixes.r_m, strict=True)]


def _of_the_area(fences: Fences, area: str | None, rule: BoundaryRule, fixes: Fixes) -> Verdicts:
    sigma = np.hypot(np.maximum(fixes.r_m, rule.floor_m) / K, rule.line_m)
    lon, lat = (fixes.pings[name] * DEGREE for name in ("lon", "lat"))
    p_inside = fences.permitted.p_inside(fences.permitted.number(area), lon, lat, sigma)
    said = answers(p_inside, rule.sure_percent / 100)
    return [
        {"p_outside": round(1.0 - float(p), 3), "answer": Answer(one).name.lower()}
        for p, one in zip(p_inside, said, strict=True)
    ]


def _of_the_residence(distance_m: float, radius_m: float, rule: CurfewRule) -> str:
    if distance_m - max(radius_m, rule.floor_m) > rule.distance_m:
        return "out"
    return "in" if distance_m - radius_m < rule.clear_m else "unsure"
