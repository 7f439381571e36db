"""The pings behind an event, and how each was judged: what an officer is shown, and what a court can recompute."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from detectors.pings import DEGREE, NO_POSITION, STATUSES, Fixes
from detectors.standing import home
from geofence.plane import metres_per_degree

if TYPE_CHECKING:
    from detectors.findings import Finding
    from detectors.pings import Column
    from schemas.order import Order

MOST: Final = 24


def judged(order: Order, pings: Column, finding: Finding) -> dict[str, Any]:
    """The last pings up to the finding, with their distance to the residence of the order."""
    used = pings[pings["time_ms"] <= finding.at_ms][-MOST:]
    lon0, lat0 = home(order)
    mx, my = metres_per_degree(lat0 * DEGREE)
    placed = used["lon"] != NO_POSITION
    x = np.where(placed, (used["lon"].astype(np.int64) - lon0) * DEGREE * mx, np.nan)
    y = np.where(placed, (used["lat"].astype(np.int64) - lat0) * DEGREE * my, np.nan)
    fixes = Fixes(used, x, y)
    rows = []
    for i in range(len(used)):
        row: dict[str, Any] = {"time_ms": int(used["time_ms"][i]), "status": STATUSES[used["status"][i]].value}
        if placed[i]:
            row |= {
                "lon": round(float(used["lon"][i]) * DEGREE, 7),
                "lat": round(float(used["lat"][i]) * DEGREE, 7),
                "radius_m": float(fixes.r_m[i]),
                "distance_m": round(float(fixes.d_m[i]), 1),
            }
        rows.append(row)
    return {"pings": rows}
