"""The pings behind an event, and how each was judged: what an officer is shown, and what a court can recompute."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from detectors.doubts import doubts
from detectors.pings import DEGREE, NO_POSITION, STATUSES, WRISTBAND, Fixes, positions
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
HEAD: Final = 8
TAIL: Final = 10


def evidence(order: Order, rules: Rules, pings: Column, finding: Finding, fences: Fences = NO_FENCES) -> dict[str, Any]:
    """
    What the recomputation of a finding needs beside the order.

    The effective parameters of the rule, the zone in which times are local, and the pings up to the finding: time,
    status, position, 68 % radius, distance to the residence, and how the rule judged it (`in`, `out`, `unsure`), or why
    ping quality rejected it.
    """
    tier: TierRules = getattr(rules.tiers, order.tier)
    used = pings[pings["time_ms"] <= finding.at_ms]
    lon0, lat0 = home(order)
    mx, my = metres_per_degree(lat0 * DEGREE)
    placed = used["lon"] != NO_POSITION
    x = np.where(placed, (used["lon"].astype(np.int64) - lon0) * DEGREE * mx, np.nan)
    y = np.where(placed, (used["lat"].astype(np.int64) - lat0) * DEGREE * my, np.nan)
    fixes = Fixes(used, x, y)
    ghosts = np.array(finding.facts.get("ghosts", []), np.int64).reshape(-1, 2) - (lon0, lat0)
    rejected = doubts(fixes, ghosts * DEGREE * np.array([mx, my]), tier.quality)
    shown = _shown(used, finding)
    located = np.array([i for i in shown if fixes.located[i]], np.int64)
    judged = iter(verdicts(order, tier, fences, fixes.take(located), finding))
    rows: list[dict[str, Any]] = []
    for i in shown:
        row: dict[str, Any] = {"time_ms": int(used["time_ms"][i]), "status": STATUSES[used["status"][i]].value}
        if placed[i]:
            row |= {
                "lon": round(float(used["lon"][i]) * DEGREE, 7),
                "lat": round(float(used["lat"][i]) * DEGREE, 7),
                "radius_m": float(fixes.r_m[i]),
                "distance_m": round(float(fixes.d_m[i]), 1),
            }
        answer = next(judged) if fixes.located[i] else {}
        row |= answer if rejected[i] is None else {"rejected": rejected[i]}
        if used["phone"][i] >= WRISTBAND:
            row["source"] = "wristband"
        rows.append(row)
    parameters = {"parameters": getattr(tier, finding.rule).model_dump(), "quality": tier.quality.model_dump()}
    return {"zone": order.zone, "tier": order.tier, **_place(order, fences, finding), **parameters, "pings": rows}


def _place(order: Order, fences: Fences, finding: Finding) -> dict[str, Any]:
    """What the finding is about, where that is a place: the area, or the hours in which a zone is forbidden."""
    if finding.rule == "boundary":
        return {"permitted_area": order.permitted_area}
    if finding.rule == "exclusion" and finding.kind == "zone":
        schedule = fences.zones[finding.subject].schedule
        return {"schedule": None if schedule is None else schedule.model_dump(mode="json")}
    return {}


def _shown(used: Column, finding: Finding) -> list[int]:
    """
    Which pings an alert has room for: the last, those about its beginning, and between them those that differ.

    A repeat of the same coordinate is no new evidence, so it is what goes first.
    """
    count = len(used)
    begin = min(finding.since_ms, finding.facts.get("run_first_ms") or finding.since_ms)
    first = max(min(int(np.searchsorted(used["time_ms"], begin)) - 2, count - MOST), 0)
    if count - first <= MOST:
        return list(range(first, count))
    head, tail = range(first, first + HEAD), range(count - TAIL, count)
    between = used[first + HEAD - 1 : count - TAIL]
    names = ("lon", "lat", "status")
    other = np.any([between[name][1:] != between[name][:-1] for name in names], axis=0)
    differing = first + HEAD + positions(other)
    return [*head, *differing[: MOST - HEAD - TAIL].tolist(), *tail]
