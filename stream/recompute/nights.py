"""Night venues, and residences at which nobody stays, found once more from the nights that the alert names."""

from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from stream.recompute.evidence import Evidence, Found

__all__ = ["nights_elsewhere"]

NIGHTS: Final = 14
DAY_MS: Final = 86_400_000


def nights_elsewhere(evidence: Evidence, at_ms: int, until_ms: int | None) -> Found:
    """The end of the first of the nights that ended there, enough of them, in the last fourteen."""
    rule = evidence["parameters"]
    today = datetime.fromtimestamp(at_ms / 1000, ZoneInfo(evidence["zone"])).date()
    ages = [(today - date.fromisoformat(night)).days for night in evidence.get("nights", [])]
    if until_ms is not None or 0 not in ages:
        return None, "the alert that opened it names the nights"
    said = f"{len(ages)} of {NIGHTS} nights ended {evidence['distance_m']} m from the residence"
    if len(ages) < rule["nights"] or evidence["distance_m"] < rule["distance_m"] or max(ages) >= NIGHTS:
        return None, said
    return at_ms - max(ages) * DAY_MS, said
