"""Orders, pings and times for tests: each takes only what its test is about, the rest is ordinary."""

import json
from datetime import datetime
from math import cos, radians
from typing import Any, Final
from zoneinfo import ZoneInfo

from tests.reference.ping import NO_POSITION, STATUSES

ZONE: Final = "Asia/Shanghai"
HOME: Final = (1_094_200_000, 243_300_000)  # whole 1e-7 degrees, in Liuzhou
METRES_PER_DEGREE: Final = 110_762.5

PingFields = tuple[int, int, int, int, int, int, int]


def at(local: str, zone: str = ZONE) -> int:
    """
    Milliseconds of a local time.

    >>> at("2020-02-21 22:30")
    1582295400000
    """
    return round(datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


def near(east_m: float, north_m: float, home: tuple[int, int] = HOME) -> tuple[int, int]:
    """Place so many metres east and north of *home*, in whole 1e-7 degrees; good to about 1 %."""
    lon, lat = home
    east = east_m / (METRES_PER_DEGREE * cos(radians(lat * 1e-7)))
    return lon + round(east * 1e7), lat + round(north_m / METRES_PER_DEGREE * 1e7)


def fix(
    time_ms: int, place: tuple[int, int] = HOME, accuracy_m: int = 100, *, phone: int = 0, device: int = 0
) -> PingFields:
    """Give a located ping, in the order time, phone, status, lon, lat, accuracy, device."""
    return time_ms, phone, 0, *place, accuracy_m, device


def answer(time_ms: int, status: str, *, phone: int = 0) -> PingFields:
    """Give a ping without a position: `no_fix`, or a reason of the carrier."""
    return time_ms, phone, STATUSES.index(status), NO_POSITION, NO_POSITION, 0, 0


def window(start: str = "22:00", end: str = "08:00", days: tuple[int, ...] = (0, 1, 2, 3, 4, 5, 6)) -> dict[str, Any]:
    """Give a weekly curfew window, every night by default."""
    return {"days": list(days), "start": start, "end": end}


def curfew(*windows: dict[str, Any], zone: str = ZONE, exceptions: tuple[str, ...] = ()) -> dict[str, Any]:
    """Give a curfew of these windows, or of the usual one."""
    return {"zone": zone, "windows": list(windows) or [window()], "exceptions": list(exceptions)}


def permit(kind: str, from_ms: int, until_ms: int) -> dict[str, Any]:
    """Give a permit named after its kind and beginning."""
    return {"permit_id": f"{kind}-{from_ms}", "kind": kind, "from_ms": from_ms, "until_ms": until_ms}


def authorisation(from_ms: int, until_ms: int) -> dict[str, Any]:
    """Give a period in which the person's pings may be processed, its papers signed long before."""
    papers = dict.fromkeys(("undertaking", "notice", "head_signed", "county_approved"), "2019-12-02")
    return {
        "basis": "information_verification",
        "from_ms": from_ms,
        "until_ms": until_ms,
        "filing": "filing-1",
        **papers,
    }


def order(
    supervisee: str = "lz-1",
    valid_from_ms: int = 1_577_808_000_000,
    *,
    home: tuple[int, int] = HOME,
    authorised: tuple[tuple[int, int], ...] = ((1_577_808_000_000, 1_893_427_200_000),),
    **changes: Any,  # noqa: ANN401
) -> bytes:
    """
    Give an order message as it travels, without a curfew.

    *changes* replace fields of the message: `order(curfew=curfew(), permits=[permit(...)])`.
    """
    message: dict[str, Any] = {
        "supervisee": supervisee,
        "order_id": f"order-of-{supervisee}",
        "valid_from_ms": valid_from_ms,
        "organisation": "450000/450200/450202/450202001",
        "officer": "officer-1",
        "residence": {"lon": home[0] / 1e7, "lat": home[1] / 1e7, "datum": "wgs84", "county": "450202"},
        "authorisations": [authorisation(*period) for period in authorised],
    }
    return json.dumps(message | changes).encode()
