"""Evidence as it is read back from an alert."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np

from detectors.standing import Span, united
from geofence.plane import to_plane
from schemas.ping import Status

__all__ = ["HOUR_MS", "MINUTE_MS", "Evidence", "Found", "Ping", "apart_m", "is_fix", "of_phone", "permits", "windows"]

MINUTE_MS: Final = 60_000
HOUR_MS: Final = 60 * MINUTE_MS
DAYS_BEFORE: Final = 2
DAYS_AFTER: Final = 1

Evidence = dict[str, Any]
Ping = dict[str, Any]
Found = tuple[int | None, str]
"""When an episode begins, None where the evidence does not bear one, and why."""


def of_phone(evidence: Evidence) -> list[Ping]:
    """Pings of the phone, those of a wristband left out."""
    return [ping for ping in evidence["pings"] if ping.get("source") != "wristband"]


def is_fix(ping: Ping) -> bool:
    """True for a ping with a position that can be true."""
    return ping["status"] == Status.located and "lon" in ping and "rejected" not in ping


def permits(evidence: Evidence, *kinds: str) -> list[Span]:
    """When permits of those kinds hold."""
    return united((p["from_ms"], p["until_ms"]) for p in evidence["order"]["permits"] if p["kind"] in kinds)


def apart_m(one: Ping, other: Ping) -> float:
    """Metres between two pings."""
    return float(np.hypot(*to_plane(one["lon"], one["lat"], other["lon"], other["lat"])))


def windows(hours: dict[str, Any], first_ms: int) -> Iterator[Span]:
    """Windows of local hours about a time, whichever day they begin."""
    zone, exceptions = ZoneInfo(hours["zone"]), {date.fromisoformat(day) for day in hours.get("exceptions", [])}
    today = datetime.fromtimestamp(first_ms / 1000, zone).date()
    for day in (today + timedelta(days=k) for k in range(-DAYS_BEFORE, DAYS_AFTER + 1)):
        for window in hours["windows"]:
            if day.weekday() in window["days"] and day not in exceptions:
                start, end = time.fromisoformat(window["start"]), time.fromisoformat(window["end"])
                last = day + timedelta(days=end <= start)
                yield _at(day, start, zone), _at(last, end, zone)


def _at(day: date, clock: time, zone: ZoneInfo) -> int:
    return round(datetime.combine(day, clock, zone).timestamp() * 1000)
