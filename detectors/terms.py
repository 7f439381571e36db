"""What of the orders a finding rests on, as it stands in the alert: enough to find it again without them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from detectors.pings import DEGREE
from detectors.standing import home

if TYPE_CHECKING:
    from detectors.findings import Finding
    from detectors.standing import Orders
    from schemas.order import Curfew

__all__ = ["terms"]

DAY_MS: Final = 86_400_000


def terms(orders: Orders, finding: Finding) -> dict[str, Any]:
    """
    Residence, curfew, and the permits and authorisations that touch the time from the day before it to the finding.

    Residence and curfew are those of the version in force, permits and authorisations those of the newest message;
    `same_from_ms` is since when residence and permitted area are what they are.
    """
    order, spans = orders.at(finding.at_ms), orders.authorised()
    from_ms, until_ms = finding.since_ms - DAY_MS, finding.at_ms
    lon, lat = home(order)
    return {
        "same_from_ms": _same_from(orders, finding.at_ms),
        "residence": {"lon": round(lon * DEGREE, 7), "lat": round(lat * DEGREE, 7)},
        "curfew": None if order.curfew is None else _hours(order.curfew),
        "permits": [
            {"kind": permit.kind.value, "from_ms": permit.from_ms, "until_ms": permit.until_ms}
            for permit in orders.newest.permits
            if permit.from_ms <= until_ms and permit.until_ms >= from_ms
        ],
        "authorised": [list(span) for span in spans if span[0] <= until_ms and span[1] >= from_ms],
    }


def _same_from(orders: Orders, at_ms: int) -> int:
    same_from, before = orders.held[0][0], orders.held[0][1]
    for since_ms, order in orders.held[1:]:
        if since_ms <= at_ms and (home(order), order.permitted_area) != (home(before), before.permitted_area):
            same_from = since_ms
        before = order
    return same_from


def _hours(curfew: Curfew) -> dict[str, Any]:
    windows = [{"days": list(window.days), "start": window.start, "end": window.end} for window in curfew.windows]
    return {"zone": curfew.zone, "windows": windows, "exceptions": [day.isoformat() for day in curfew.exceptions]}
