"""Orders of people who do not exist: every field filled, every paper dated before what it allows."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final

import numpy as np

from geofence.datum import from_wgs84
from schemas.fields import Datum
from schemas.order import (
    Authorisation,
    Basis,
    Curfew,
    Order,
    Permit,
    Phone,
    Prohibition,
    Residence,
    Window,
)
from stream.simulate.lives import DAY, HOUR
from stream.simulate.people import Life, Person, degrees
from stream.simulate.plans import CURFEW_END_H, CURFEW_START_H

__all__ = ["authorisations", "order_of"]

_TOWNSHIPS: Final = 4
_SUPERVISED_BEFORE_D: Final = 30
_POSITIONING_D: Final = 88
_EVERY_DAY: Final = (0, 1, 2, 3, 4, 5, 6)


def order_of(person: Person, permits: Sequence[Permit], start_ms: int, end_ms: int, zones: Sequence[str] = ()) -> Order:
    """Write the order under which a person is watched from `start_ms` to `end_ms` and for a month on either side."""
    lon, lat = degrees(person.home)
    shifted = from_wgs84(np.array([lon]), np.array([lat]), np.array([Datum.gcj02.code], np.uint8))
    curfew = Window(days=_EVERY_DAY, start=f"{CURFEW_START_H:02}:00", end=f"{CURFEW_END_H:02}:00")
    minor = person.life is Life.pupil
    forbidden = (Prohibition(category="internet_cafe"),) if minor else ()
    township = int(person.sim, 16) % _TOWNSHIPS + 1
    begin_ms, until_ms = start_ms - _SUPERVISED_BEFORE_D * DAY, end_ms + _SUPERVISED_BEFORE_D * DAY
    return Order(
        supervisee=person.supervisee,
        order_id=f"order-{person.supervisee}",
        valid_from_ms=begin_ms,
        tier=person.tier,
        organisation=f"450000/450200/{person.county}/{person.county}{township:03}",
        officer=f"officer-{person.county}{township:03}",
        minor=minor,
        phones=(Phone(sim=person.sim, devices=(person.device,)),),
        residence=Residence(
            lon=round(float(shifted[0][0]), 7),
            lat=round(float(shifted[1][0]), 7),
            datum=Datum.gcj02,
            county=person.county,
        ),
        permitted_area=person.county,
        curfew=Curfew(windows=(curfew,)) if person.has_curfew else None,
        prohibitions=(*forbidden, *(Prohibition(zone=zone) for zone in zones)),
        permits=tuple(permits),
        authorisations=authorisations(person.supervisee, begin_ms, until_ms),
    )


def authorisations(supervisee: str, begin_ms: int, until_ms: int) -> tuple[Authorisation, ...]:
    """Write the periods of one person: verification throughout, positioning in pieces of less than three months."""
    periods = [_period(supervisee, Basis.information_verification, begin_ms, until_ms)]
    for piece_ms in range(begin_ms, until_ms, _POSITIONING_D * DAY):
        end_ms = min(piece_ms + _POSITIONING_D * DAY, until_ms)
        periods.append(_period(supervisee, Basis.electronic_positioning, piece_ms, end_ms))
    return tuple(periods)


def _period(supervisee: str, basis: Basis, from_ms: int, until_ms: int) -> Authorisation:
    begins = _local_date(from_ms)
    return Authorisation(
        basis=basis,
        from_ms=from_ms,
        until_ms=until_ms,
        undertaking=begins - timedelta(days=3),
        notice=begins - timedelta(days=3),
        head_signed=begins - timedelta(days=2),
        county_approved=begins - timedelta(days=1),
        filing=f"filing-{supervisee}-{begins:%Y%m%d}",
    )


def _local_date(time_ms: int) -> date:
    return datetime.fromtimestamp((time_ms + 8 * HOUR) / 1_000, UTC).date()
