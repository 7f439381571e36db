"""Orders: what makes one unlawful or unreadable, and that recovery reads the same as arrival."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from schemas.errors import BadInput, Reason
from schemas.order import Order, Tier, decode_order, load_order, months_later
from tests.schemas.messages import order, raw

DAY_MS = 86_400_000
PERIOD = order()["authorisations"][0]
PERMIT = order()["permits"][0]
LEAST = ("supervisee", "order_id", "valid_from_ms", "organisation", "officer", "residence")


def refused(message: object) -> tuple[Reason, str]:
    """Decode a bad order; give the reason and the field."""
    with pytest.raises(BadInput) as refusal:
        decode_order(raw(message))
    return refusal.value.reason, refusal.value.where


def plain(value: object) -> Any:  # noqa: ANN401
    """Read an order through its attributes alone, as its users do."""
    if isinstance(value, str | int | float | None):
        return value
    if isinstance(value, Sequence):
        return [plain(item) for item in value]
    names = getattr(value, "__struct_fields__", None) or (
        type(value).model_fields if isinstance(value, BaseModel) else ()
    )
    return {name: plain(getattr(value, name)) for name in names} or value


@pytest.mark.parametrize("message", [order(), {name: order()[name] for name in LEAST}, order(curfew=None)])
def test_recovery_reads_what_arrival_read(message: dict[str, Any]) -> None:
    """Every attribute is the same by either way, down to the leaves, defaults included."""
    arrived, recovered = decode_order(raw(message)), load_order(raw(message))
    assert plain(arrived) == plain(recovered)
    assert type(arrived.tier) is type(recovered.tier) is Tier


def test_order_is_frozen() -> None:
    """Neither form can be changed in place."""
    with pytest.raises(ValidationError):
        decode_order(raw(order())).minor = False
    with pytest.raises(AttributeError):
        load_order(raw(order())).minor = False


def test_defaults_are_the_citys() -> None:
    """An order that says no more than it must is general, for an adult, by the time of Shanghai, and lifts nothing."""
    got = decode_order(raw({name: order()[name] for name in LEAST}))
    assert (Tier.general, False, "Asia/Shanghai", None) == (got.tier, got.minor, got.zone, got.curfew)
    assert ((), (), (), ()) == (got.permits, got.authorisations, got.phones, got.prohibitions)


def test_three_months_of_positioning_and_not_a_millisecond_more() -> None:
    """Electronic positioning ends at the latest on the same local day three calendar months later."""
    assert isinstance(decode_order(raw(order())), Order)
    longer = PERIOD | {"until_ms": PERIOD["until_ms"] + 1}
    assert (Reason.unreadable_order, "") == refused(order(authorisations=[longer]))


def test_information_verification_may_last() -> None:
    """The limit of three months is that of electronic positioning alone, and of each period alone."""
    years = PERIOD | {"basis": "information_verification", "until_ms": PERIOD["until_ms"] + 700 * DAY_MS}
    renewed = PERIOD | {"from_ms": PERIOD["until_ms"], "until_ms": PERIOD["until_ms"] + 90 * DAY_MS}
    assert 3 == len(decode_order(raw(order(authorisations=[years, PERIOD, renewed]))).authorisations)


def test_three_months_are_local() -> None:
    """Three months end by the clock of the order's zone, through a change of the clocks."""
    begin, end = (round(datetime(2020, month, 31, tzinfo=UTC).timestamp() * 1000) for month in (1, 3))
    period = PERIOD | {"from_ms": begin, "until_ms": end + 30 * DAY_MS - 3_600_000}
    assert decode_order(raw(order(zone="Europe/Berlin", authorisations=[period])))
    assert (Reason.unreadable_order, "") == refused(
        order(zone="Europe/Berlin", authorisations=[period | {"until_ms": period["until_ms"] + 1}])
    )


@pytest.mark.parametrize("paper", ["undertaking", "notice", "head_signed", "county_approved"])
def test_papers_come_first(paper: str) -> None:
    """Nothing is processed under a period that begins before one of its papers is signed; the same day will do."""
    assert (Reason.unreadable_order, "") == refused(order(authorisations=[PERIOD | {paper: "2020-01-02"}]))


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"supervisee": "~lz"}, "supervisee"),
        ({"valid_from_ms": "1577808000000"}, "valid_from_ms"),
        ({"tier": "severe"}, "tier"),
        ({"organisation": "450202"}, None),
        ({"organisation": "450000/450202001"}, "organisation"),
        ({"zone": "Asia/Liuzhou"}, "zone"),
        ({"zone": "../UTC"}, "zone"),
        ({"zone": "Asia"}, "zone"),
        ({"surname": "x"}, "surname"),
        ({"minor": 1}, "minor"),
        ({"residence": {"lon": 109, "lat": 24, "county": "450202"}}, "residence.datum"),
        ({"residence": None}, "residence"),
        ({"phones": [{"sim": "0"}]}, "phones.0.sim"),
        ({"curfew": {"windows": []}}, "curfew.windows"),
        ({"curfew": {"windows": [{"days": [7], "start": "22:00", "end": "08:00"}]}}, "curfew.windows.0.days.0"),
        ({"curfew": {"windows": [{"days": [0], "start": "24:00", "end": "08:00"}]}}, "curfew.windows.0.start"),
        ({"curfew": {"windows": [{"days": [0], "start": "22:00", "end": "8:00"}]}}, "curfew.windows.0.end"),
        ({"prohibitions": [{}]}, "prohibitions.0"),
        ({"prohibitions": [{"category": "bar", "zone": "z"}]}, "prohibitions.0"),
        ({"permits": [PERMIT | {"until_ms": PERMIT["from_ms"]}]}, "permits.0"),
        ({"permits": [PERMIT | {"kind": "holiday"}]}, "permits.0.kind"),
        ({"authorisations": [PERIOD | {"until_ms": PERIOD["from_ms"]}]}, "authorisations.0"),
        ({"authorisations": [PERIOD | {"county_approved": None}]}, "authorisations.0.county_approved"),
    ],
)
def test_faults_are_named(change: dict[str, Any], where: str | None) -> None:
    """A bad order is refused with the field at fault; a path of one level is a fine organisation."""
    if where is None:
        assert decode_order(raw(order(**change)))
    else:
        assert (Reason.unreadable_order, where) == refused(order(**change))


def test_refusals_hold_no_values() -> None:
    """What stands in the order does not stand in the refusal."""
    with pytest.raises(BadInput) as refusal:
        decode_order(raw(order(officer=["secret"])))
    assert "unreadable_order: officer" == str(refusal.value)
    assert refusal.value.__cause__ is None


@pytest.mark.parametrize(
    ("value", "reason"),
    [(b"", Reason.empty_value), (b" " * 65_537, Reason.oversize), (b"{", Reason.unreadable_order)],
)
def test_sizes_are_judged_first(value: bytes, reason: Reason) -> None:
    """Nothing and too much have reasons of their own."""
    with pytest.raises(BadInput) as refusal:
        decode_order(value)
    assert reason is refusal.value.reason


@pytest.mark.parametrize("value", [b"", b"{", b"{}", b"\xff", b'{"supervisee":"\xff"}'])
def test_recovery_refuses_bytes_that_never_were_an_order(value: bytes) -> None:
    """Bytes that no order could have are unreadable, not a crash."""
    with pytest.raises(BadInput) as refusal:
        load_order(value)
    assert Reason.unreadable_order is refusal.value.reason


def test_months_end_where_the_month_ends() -> None:
    """A day that the later month lacks becomes its last; the year turns over."""
    assert datetime(2020, 2, 29, tzinfo=UTC) == months_later(datetime(2019, 11, 30, tzinfo=UTC), 3)
    assert datetime(2021, 3, 31, tzinfo=UTC) == months_later(datetime(2020, 12, 31, tzinfo=UTC), 3)
