"""One made-up person whose minutes are counted from midnight: for examples that fit in a docstring."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, Self

import shapely

from detectors.engine import Engine
from detectors.pings import DEGREE, make
from geofence.fences import Area, Fences, ZoneFence
from geofence.plane import from_plane
from schemas.rules import Rules

if TYPE_CHECKING:
    from detectors.findings import EpisodeEvent

MINUTE_MS: Final = 60_000
MIDNIGHT_MS: Final = 1_772_380_800_000
"""2026-03-02 00:00 in Shanghai."""
HOME: Final = (109.42, 24.33)


class Person:
    """
    Feed pings and ticks by the minute; `said` is what the rules made of the last one.

    >>> Person().ping(minute=0).tick(minute=60).said
    []
    """

    def __init__(
        self,
        curfew: tuple[int, int] | None = None,
        area_m: float | None = None,
        zone_m: tuple[float, float] | None = None,
    ) -> None:
        fences, asked = Fences(), order(curfew)
        if area_m is not None:
            fences.add(Area(kind="area", adcode="450202", name="county"), square(0.0, area_m))
            asked["permitted_area"] = "450202"
        if zone_m is not None:
            fences.add(ZoneFence(kind="zone", id="zone", name="zone"), square(*zone_m))
            asked["prohibitions"] = [{"zone": "zone"}]
        self.engine = Engine(Rules(revision=1), fences=fences)
        self.engine.order("lz-1", json.dumps(asked).encode(), 0)
        self.events: list[EpisodeEvent] = []

    def ping(self, minute: int, away_m: float = 0.0, status: int = 0) -> Self:
        """A ping so many metres east of the residence, with a radius of 100 m."""
        lon, lat = from_plane(away_m, 0.0, *HOME)
        time_ms = MIDNIGHT_MS + minute * MINUTE_MS
        ping = make([(time_ms, round(float(lon) / DEGREE), round(float(lat) / DEGREE), 100, status, 0, 0)])
        self.engine.apply(["lz-1"], ping, -1)
        return self._heard()

    def lie(self, from_minute: int, until_minute: int, away_m: float = 0.0) -> Self:
        """A ping every half hour in that time, each at another coordinate within 60 m of the place."""
        for number, minute in enumerate(range(from_minute, until_minute, 30)):
            self.ping(minute, away_m + 60 * (number % 2))
        return self

    def tick(self, minute: int) -> Self:
        """Nothing but time passes."""
        self.engine.tick(MIDNIGHT_MS + minute * MINUTE_MS)
        return self._heard()

    @property
    def said(self) -> list[str]:
        """The events of the last step, in words."""
        return [
            f"{e.rule} {e.phase} {e.subject}: {e.evidence['kind']}, {e.severity}, {e.reason},"
            f" since {(e.since_ms - MIDNIGHT_MS) // MINUTE_MS}"
            for e in self.events
        ]

    @property
    def last_fix(self) -> int:
        """The minute of the last fix that could be true."""
        return int(self.engine.supervision.windows.hot["quality"]["last_ms"][0] - MIDNIGHT_MS) // MINUTE_MS

    def _heard(self) -> Self:
        self.events = self.engine.take_events()
        return self


def square(east_m: float, half_m: float) -> Any:  # noqa: ANN401 - shapely has no types
    """A square whose middle lies so many metres east of the residence."""
    corners = ((east_m - half_m, -half_m), (east_m + half_m, half_m))
    return shapely.box(*(float(degrees) for corner in corners for degrees in from_plane(*corner, *HOME)))


def order(curfew: tuple[int, int] | None = None) -> dict[str, object]:
    """An order for the person, with a daily curfew between two minutes of the day where one is given."""
    asked: dict[str, object] = {
        "supervisee": "lz-1",
        "order_id": "o-1",
        "valid_from_ms": MIDNIGHT_MS - 86_400_000,
        "organisation": "450000/450200/450202/450202001",
        "officer": "officer-1",
        "residence": {"lon": HOME[0], "lat": HOME[1], "datum": "wgs84", "county": "450202"},
        "authorisations": [
            {
                "basis": "information_verification",
                "from_ms": MIDNIGHT_MS - 86_400_000,
                "until_ms": MIDNIGHT_MS + 90 * 86_400_000,
                "undertaking": "2026-02-20",
                "notice": "2026-02-20",
                "head_signed": "2026-02-20",
                "county_approved": "2026-02-20",
                "filing": "f-1",
            },
        ],
    }
    if curfew:
        start, end = (f"{minute // 60:02}:{minute % 60:02}" for minute in curfew)
        asked["curfew"] = {"windows": [{"days": list(range(7)), "start": start, "end": end}]}
    return asked
