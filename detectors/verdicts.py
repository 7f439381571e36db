"""What a rule about places said of each fix, one after the other: what its evidence shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from detectors.boundary import K
from detectors.pings import DEGREE
from geofence.containment import Answer, answers
from geofence.index import distance_m

if TYPE_CHECKING:
    from collections.abc import Iterator

    from detectors.findings import Finding
    from detectors.pings import Fixes
    from geofence.fences import Fences
    from schemas.order import Order
    from schemas.rules import BeliefRule, BoundaryRule, CurfewRule, ExclusionRule, TierRules

Verdicts = list[dict[str, Any]]


def verdicts(order: Order, tier: TierRules, fences: Fences, fixes: Fixes, finding: Finding) -> Verdicts:
    """Give for each ping with a position the answer of the rule that found something, else that of the curfew."""
    if finding.rule == "boundary":
        return _of_the_area(fences, order.permitted_area, tier.boundary, tier.curfew, fixes)
    if finding.rule == "exclusion" and finding.kind == "zone":
        return _of_the_zone(fences, finding.subject, tier.exclusion, fixes)
    if finding.rule == "exclusion":
        return [{"venue_m": round(metres, 1)} for metres in _to_the_venue(fences, finding.subject, fixes)]
    return [{"answer": _of_the_residence(d, r, tier.curfew)} for d, r in zip(fixes.d_m, fixes.r_m, strict=True)]


def _of_the_area(fences: Fences, area: str | None, rule: BoundaryRule, home: CurfewRule, fixes: Fixes) -> Verdicts:
    judged = _judged(fences, area, rule, rule.line_m, fixes)
    away = [_of_the_residence(d, r, home) == "out" for d, r in zip(fixes.d_m, fixes.r_m, strict=True)]
    return [
        {"p_outside": round(1.0 - p, 3), "answer": answer if answer != "out" or far else "unsure"}
        for (p, answer), far in zip(judged, away, strict=True)
    ]


def _of_the_zone(fences: Fences, zone: str, rule: ExclusionRule, fixes: Fixes) -> Verdicts:
    judged = _judged(fences, zone, rule, rule.line_m, fixes)
    return [{"p_inside": round(p, 3), "answer": answer} for p, answer in judged]


def _judged(
    fences: Fences, area: str | None, rule: BeliefRule, line_m: int, fixes: Fixes
) -> Iterator[tuple[float, str]]:
    """Give the probability to be inside, and the answer, of each fix."""
    sigma = np.hypot(np.maximum(fixes.r_m, rule.floor_m) / K, line_m)
    lon, lat = (fixes.pings[name] * DEGREE for name in ("lon", "lat"))
    p_inside = fences.permitted.p_inside(fences.permitted.number(area), lon, lat, sigma)
    for p, answer in zip(p_inside, answers(p_inside, rule.sure_percent / 100), strict=True):
        yield float(p), Answer(answer).name.lower()


def _to_the_venue(fences: Fences, venue: str, fixes: Fixes) -> Iterator[float]:
    for lon, lat in zip(fixes.pings["lon"], fixes.pings["lat"], strict=True):
        yield distance_m(fences.shapes[venue], float(lon) * DEGREE, float(lat) * DEGREE)


def _of_the_residence(distance_m: float, radius_m: float, rule: CurfewRule) -> str:
    if distance_m - max(radius_m, rule.floor_m) > rule.distance_m:
        return "out"
    return "in" if distance_m - radius_m < rule.clear_m else "unsure"
