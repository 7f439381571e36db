"""
An order: everything the court and the plan ask of one person, as the whole current state.

A null value ends the order and erases what is known of the person.
"""

from calendar import monthrange
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import cache
from typing import Annotated, Self, cast
from zoneinfo import ZoneInfo, available_timezones

import msgspec
from pydantic import AfterValidator, Field, model_validator

from schemas.derive import struct_of
from schemas.errors import BadInput, Reason
from schemas.fields import (
    Adcode,
    Coded,
    Datum,
    Hash,
    Identifier,
    Latitude,
    Longitude,
    Moment,
    Organisation,
    Sent,
    SuperviseeId,
)
from schemas.reading import LARGEST_ORDER, read

__all__ = [
    "Authorisation",
    "Basis",
    "Curfew",
    "Order",
    "Permit",
    "PermitKind",
    "Phone",
    "Prohibition",
    "Residence",
    "Tier",
    "Window",
    "decode_order",
    "load_order",
]

LONGEST_POSITIONING_MONTHS = 3


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _known_zone(zone: str) -> str:
    if zone not in _zones():
        msg = "not a time zone of the IANA database"
        raise ValueError(msg)
    return zone


Zone = Annotated[str, Field(max_length=64), AfterValidator(_known_zone)]
TimeOfDay = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$", description="Local time, such as 22:00.")]


class Tier(Coded):
    """How closely the person is watched; chooses the parameters of the rules."""

    general = "general"
    strict = "strict"


class PermitKind(StrEnum):
    """Leave lifts boundary and curfew, reported-off lifts gap, night shift lifts curfew; nothing else."""

    leave = "leave"
    reported_off = "reported_off"
    night_shift = "night_shift"


class Basis(StrEnum):
    """The ground on which positions may be processed at all."""

    information_verification = "information_verification"
    electronic_positioning = "electronic_positioning"


class Phone(Sent):
    """A SIM on the order and the handsets it may sit in; hashes, never numbers."""

    sim: Hash
    devices: Annotated[tuple[Hash, ...], Field(max_length=16)] = ()


class Residence(Sent):
    """Where the person lives."""

    lon: Longitude
    lat: Latitude
    datum: Datum
    county: Adcode


class Window(Sent):
    """
    One curfew window that begins on each of *days* (Monday is 0).

    The trap: an *end* that is not after *start* lies on the next day, so Friday 22:00-08:00 ends on Saturday.
    """

    days: Annotated[tuple[Annotated[int, Field(ge=0, le=6)], ...], Field(min_length=1, max_length=7)]
    start: TimeOfDay
    end: TimeOfDay


class Curfew(Sent):
    """When the person must be at the residence. On a date in *exceptions* no window begins."""

    zone: Zone = "Asia/Shanghai"
    windows: Annotated[tuple[Window, ...], Field(min_length=1, max_length=32)]
    exceptions: Annotated[tuple[date, ...], Field(max_length=366)] = ()


class Prohibition(Sent):
    """A venue category or a zone, by id, that the person may not enter: exactly one of the two."""

    category: Identifier | None = None
    zone: Identifier | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if (self.category is None) == (self.zone is None):
            msg = "a prohibition names a category or a zone"
            raise ValueError(msg)
        return self


class Permit(Sent):
    """An approved exception from *from_ms* up to *until_ms*, which no longer belongs to it."""

    permit_id: Identifier
    kind: PermitKind
    from_ms: Moment
    until_ms: Moment

    @model_validator(mode="after")
    def _has_length(self) -> Self:
        _ordered(self.from_ms, self.until_ms)
        return self


class Authorisation(Sent):
    """
    A period in which the person's pings may be processed, and the papers it rests on.

    Half-open like a permit. The four papers are dated in the order's zone, none after the period's first day.
    """

    basis: Basis
    from_ms: Moment
    until_ms: Moment
    undertaking: date = Field(description="Signed by the person.")
    notice: date = Field(description="Signed by the person.")
    head_signed: date = Field(description="Signed and stamped by the head of the office.")
    county_approved: date = Field(description="Approved by the county.")
    filing: Identifier = Field(description="Reference under which the county filed it.")

    @model_validator(mode="after")
    def _has_length(self) -> Self:
        _ordered(self.from_ms, self.until_ms)
        return self


class Order(Sent):
    """
    The whole current order of one person.

    Checked beyond the fields: electronic positioning lasts at most three calendar months a period,
    and no period begins before its papers are signed.
    """

    supervisee: SuperviseeId
    order_id: Identifier
    valid_from_ms: Moment
    tier: Tier = Tier.general
    organisation: Organisation
    officer: Identifier = Field(description="Pseudonym of the officer named for the daily work.")
    minor: bool = False
    zone: Zone = Field(default="Asia/Shanghai", description="Where the person's day begins and ends.")
    phones: Annotated[tuple[Phone, ...], Field(max_length=8)] = ()
    residence: Residence
    permitted_area: Identifier | None = Field(default=None, description="Id of the area not to be left.")
    curfew: Curfew | None = None
    prohibitions: Annotated[tuple[Prohibition, ...], Field(max_length=64)] = ()
    permits: Annotated[tuple[Permit, ...], Field(max_length=256)] = ()
    authorisations: Annotated[tuple[Authorisation, ...], Field(max_length=64)] = ()

    @model_validator(mode="after")
    def _is_lawful(self) -> Self:
        zone = ZoneInfo(self.zone)
        for period in self.authorisations:
            begin = datetime.fromtimestamp(period.from_ms / 1000, UTC).astimezone(zone)
            papers = (period.undertaking, period.notice, period.head_signed, period.county_approved)
            if max(papers) > begin.date():
                msg = "an authorisation begins before its papers are signed"
                raise ValueError(msg)
            last = months_later(begin, LONGEST_POSITIONING_MONTHS).timestamp() * 1000
            if period.basis is Basis.electronic_positioning and period.until_ms > last:
                msg = "electronic positioning lasts at most three months"
                raise ValueError(msg)
        return self


def months_later(begin: datetime, months: int) -> datetime:
    """
    Move by calendar months; a day that the month lacks becomes its last one.

    >>> months_later(datetime(2020, 11, 30, tzinfo=UTC), 3).date()
    datetime.date(2021, 2, 28)
    """
    year, month = divmod(begin.year * 12 + begin.month - 1 + months, 12)
    return begin.replace(year=year, month=month + 1, day=min(begin.day, monthrange(year, month + 1)[1]))


def _ordered(from_ms: int, until_ms: int) -> None:
    if from_ms >= until_ms:
        msg = "from_ms must be before until_ms"
        raise ValueError(msg)


def decode_order(raw: bytes) -> Order:
    """
    Read an order on arrival, with every check.

    :raises BadInput: ``unreadable_order``, with the field; ``empty_value`` and ``oversize`` keep their own reason.
    """
    try:
        return read(Order, raw, largest=LARGEST_ORDER)
    except BadInput as refusal:
        if refusal.reason in {Reason.empty_value, Reason.oversize}:
            raise
        raise BadInput(Reason.unreadable_order, refusal.where) from None


_load = msgspec.json.Decoder(struct_of(Order)).decode


def load_order(raw: bytes) -> Order:
    """
    Read an order that :func:`decode_order` accepted before; for recovery, where 100,000 of them wait.

    What comes back has every attribute of :class:`Order` down to the leaves, without being one: it was not validated.

    :raises BadInput: ``unreadable_order`` when the bytes never were an order.
    """
    try:
        return cast("Order", _load(raw))
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise BadInput(Reason.unreadable_order) from None
