"""A county: repeatable, on the contract, and true to its own truth."""

import json
from collections import Counter
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from schemas.order import PermitKind, decode_order
from schemas.ping import Ping, Status
from schemas.wire import decode_pings
from stream.simulate.county import County
from stream.simulate.feed import Feed
from stream.simulate.lives import DAY, HOUR, MINUTE
from stream.simulate.silences import Outage
from tests.stream.simulated import MONDAY, SEED, person_of

CONTACT = (Status.located.code, Status.no_fix.code)
COUNTY = County(people=60, seed=SEED, start_ms=MONDAY, days=5, offenders=0.4, on_permit=0.3)


@cache
def _feed() -> Feed:
    return COUNTY.feed()


def _of(feed: Feed, supervisee: str) -> np.ndarray:
    number = [phone.supervisee for phone in feed.phones].index(supervisee)
    return np.asarray(feed.reports[feed.reports["phone"] == number])


def test_the_same_seed_gives_the_same_bytes_and_another_does_not() -> None:
    """Whoever repeats a run has the same orders, pings and truth, to the last byte."""
    small = replace(COUNTY, people=3, days=2)
    first, second = (list(small.feed().pings()) for _ in range(2))

    assert first == second
    assert small.feed().orders == small.feed().orders
    assert first != list(replace(small, seed=SEED + 1).feed().pings())


def test_a_life_does_not_change_when_others_are_added() -> None:
    """The first people of a larger county are those of the smaller one."""
    few = list(replace(COUNTY, people=3, days=2).feed().pings())
    many = [ping for ping in replace(COUNTY, people=6, days=2).feed().pings() if ping.supervisee <= "lz-000002"]

    assert few == many


def test_every_ping_is_on_the_contract_with_every_field() -> None:
    """All records decode; a located one fills each field of the schema."""
    pings = list(_feed().pings())
    decoded = decode_pings([ping.supervisee.encode() for ping in pings], [ping.value for ping in pings])
    located = next(fields for ping in pings if (fields := json.loads(ping.value))["status"] == "located")

    assert [] == decoded.refused
    assert len(_feed()) == len(decoded.index) == len(pings)
    assert set(Ping.model_fields) == set(located)


def test_pings_are_in_time_order_and_inside_the_span() -> None:
    """A feed can be sent as it comes."""
    times = [ping.time_ms for ping in _feed().pings()]

    assert sorted(times) == times
    assert MONDAY <= times[0] < times[-1] < MONDAY + 5 * DAY == _feed().end_ms


def test_orders_are_on_the_contract_and_cover_the_days() -> None:
    """Each order passes all checks of the schema, and its authorisations hold for every ping."""
    for order in _feed().orders:
        read = decode_order(order.model_dump_json().encode())

        assert order == read
        assert any(a.from_ms <= MONDAY and a.until_ms >= _feed().end_ms for a in read.authorisations)
        assert read.residence.county == read.permitted_area == read.organisation.split("/")[2]


def test_the_residence_on_the_order_is_where_the_nights_are() -> None:
    """The wire position of the order, back on WGS-84, is the drawn home."""
    quiet = replace(COUNTY, people=5, days=2, offenders=0.0, on_permit=0.0, stickiness=0.0).feed()
    for number, order in enumerate(quiet.orders):
        person, _ = person_of(number)
        reports = _of(quiet, order.supervisee)
        hour = (reports["time_ms"] - MONDAY) % DAY // HOUR
        nights = reports[(hour >= 22) | (hour < 5)]
        if not any(permit.kind is PermitKind.night_shift for permit in order.permits):
            east, north = np.median(nights["x"]) - person.home.x, np.median(nights["y"]) - person.home.y

            assert np.hypot(east, north) < np.median(nights["accuracy_m"])


def test_a_gap_of_the_truth_has_no_contact_inside_and_one_at_each_end() -> None:
    """It begins with the last contact, or with the first code, and ends with the next contact."""
    gaps = [row for row in _feed().truth if row.rule == "gap"]
    for row in gaps:
        assert row.supervisee is not None
        reports = _of(_feed(), row.supervisee)
        contacts = reports["time_ms"][np.isin(reports["status"], CONTACT)]
        until_ms = _feed().end_ms if row.until_ms is None else row.until_ms

        assert not ((contacts > row.since_ms) & (contacts < until_ms)).any()
        assert row.until_ms is None or row.until_ms in contacts
        at_start = reports["status"][reports["time_ms"] == row.since_ms][0]
        assert at_start in (CONTACT if row.kind == "silent" else (Status(row.kind).code,))
    assert {"silent", "powered_off", "suspended", "arrears"} == {row.kind for row in gaps}


def test_an_absence_of_the_truth_lies_in_the_curfew_and_is_seen_from_afar() -> None:
    """The pings inside it lie away from home, those of the same night outside of it at home."""
    for row in (row for row in _feed().truth if row.rule == "curfew" and row.kind != "minor"):
        assert row.supervisee is not None
        assert row.until_ms is not None
        person, _ = person_of(int(row.supervisee.removeprefix("lz-")))
        reports = _of(_feed(), row.supervisee)
        inside = reports[
            (reports["time_ms"] > row.since_ms + 10 * MINUTE) & (reports["time_ms"] < row.until_ms - 10 * MINUTE)
        ]
        away = np.hypot(inside["x"] - person.home.x, inside["y"] - person.home.y)

        assert (row.since_ms - MONDAY) % DAY // HOUR in {22, 23, 0, 1, 2}
        assert row.until_ms - row.since_ms <= 8 * HOUR
        assert np.median(away) > 500
    assert {"whole_night", "late", "left", "minor"} == {row.kind for row in _feed().truth if row.rule == "curfew"}


def test_what_a_permit_covers_is_no_violation() -> None:
    """People on leave, reported off or on night shift do not stand in the truth."""
    kinds = Counter(permit.kind for order in _feed().orders for permit in order.permits)
    permitted = {order.supervisee for order in _feed().orders if order.permits}
    nights = {row.supervisee for row in _feed().truth if row.rule == "curfew"}

    assert set(PermitKind) == set(kinds)
    assert not permitted & nights


def test_each_person_has_one_of_the_intervals() -> None:
    """In a mixed county some phones are asked every five minutes, some every half an hour."""
    mixed = replace(COUNTY, people=40, days=1, interval_min=(5.0, 30.0), offenders=0.0, on_permit=0.0).feed()
    counts = np.bincount(mixed.reports["phone"], minlength=40)

    assert counts.min() < 48 + 15
    assert counts.max() > 200
    assert not ((counts > 80) & (counts < 120)).any()


def test_an_outage_silences_the_phones_around_it_and_no_others() -> None:
    """Nobody whose home is far away loses a ping, and at night everybody near loses all of them."""
    outage = Outage(MONDAY + DAY + HOUR, MONDAY + DAY + 4 * HOUR, 0.0, 0.0, 3_000.0)
    quiet = replace(COUNTY, offenders=0.0, on_permit=0.0, days=2)
    before, after = quiet.feed(), replace(quiet, outages=(outage,)).feed()
    lost = Counter(p.supervisee for p in before.pings() if outage.from_ms <= p.time_ms < outage.until_ms)
    lost.subtract(Counter(p.supervisee for p in after.pings() if outage.from_ms <= p.time_ms < outage.until_ms))
    hit = {supervisee for supervisee, count in lost.items() if count > 0}
    homes = {f"lz-{n:06d}": np.hypot(*person_of(n)[0].home) for n in range(quiet.people)}

    assert hit
    assert all(homes[supervisee] < 10_000 for supervisee in hit)
    assert [("outage", "cell", outage.from_ms, outage.until_ms)] == [row[1:] for row in after.truth]


def test_days_too_few_for_a_night_have_no_violations() -> None:
    """A violation is only scripted where the night before and after it lie in the span."""
    assert () == replace(COUNTY, people=10, days=1, offenders=1.0).feed().truth


def test_an_unknown_county_is_refused() -> None:
    """Nobody lives in a county that the fences do not have."""
    with pytest.raises(KeyError, match="110101"):
        replace(COUNTY, counties=("110101",)).feed()
