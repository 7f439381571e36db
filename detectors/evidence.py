"""The pings behind an event, and how each was judged: what an officer is shown, and what a court can recompute."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from detectors.pings import DEGREE, NO_POSITION, STATUSES, Fixes
from detectors.standing import home
from detectors.verdicts import verdicts
from geofence.fences import NO_FENCES
from geofence.plane import metres_per_degree

if TYPE_CHECKING:
    from detectors.findings import Finding
    from detectors.pings import Column
    from geofence.fences import Fences
    from schemas.order import Order
    from schemas.rules import Rules, TierRules

MOST: Final = 24


def evidence(order: Order, rules: Rules, pings: Column, finding: Finding, fences: Fences = NO_FENCES) -> dict[str, Any]:
    """
    What the recomputation of a finding needs beside the order.

    The effective parameters of the rule, the zone in which times are local, and the last pings up to the finding: time,
    status, position, 68 % radius, distance to the residence, and how the rule judged it (`in`, `out`, `unsure`).
    """
    tier: TierRules = getattr(rules.tiers, order.tier)
    used = pings[pings["time_ms"] <= finding.at_ms][-MOST:]
    lon0, lat0 = home(order)
    mx, my = metres_per_degree(lat0 * DEGREE)
    placed = used["lon"] != NO_POSITION
    x = np.where(placed, (used["lon"].astype(np.int64) - lon0) * DEGREE * mx, np.nan)
    y = np.where(placed, (used["lat"].astype(np.int64) - lat0) * DEGREE * my, np.nan)
    fixes = Fixes(used, x, y)
    judged = iter(verdicts(order, tier, fences, fixes.take(placed), finding))
    rows: list[dict[str, Any]] = []
    for i in range(len(used)):
        row: dict[str, Any] = {"time_ms": int(used["time_ms"][i]), "status": STATUSES[used["status"][i]].value}
        if placed[i]:
            row |= {
                "lon": round(float(used["lon"][i]) * DEGREE, 7),
                "lat": round(float(used["lat"][i]) * DEGREE, 7),
                "radius_m": float(fixes.r_m[i]),
                "distance_m": round(float(fixes.d_m[i]), 1),
                **next(judged),
            }
        rows.append(row)
    parameters = getattr(tier, finding.rule).model_dump()
    places = {"permitted_area": order.permitted_area} if finding.rule == "boundary" else {}
    return {"zone": order.zone, "tier": order.tier, **places, "parameters": parameters, "pings": rows}
