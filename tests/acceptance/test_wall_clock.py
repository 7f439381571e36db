"""Vigil by the wall clock, as it runs every day: what it refuses, what it never says, a silence that it waits for."""

import json
import time
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from schemas.errors import Reason
from schemas.topics import CHECKINS, DISPOSITIONS, ORDERS, PINGS
from schemas.wire import CLOCK_KEY
from stream.decode import partition_of
from tests.acceptance.conftest import Installing
from tests.acceptance.installation import Installation
from tests.acceptance.processes import until
from tests.acceptance.sender import HOUR, MINUTE, Given, Place, ping
from tests.acceptance.subscriber import Found, moment
from tests.factories import order
from tests.schemas.messages import checkin, disposition, raw

PARTITIONS = 4
PERSON, STRANGER, OUTLAW = "canary-person", "canary-stranger", "canary-outlaw"
PLACE = (1_094_271_828, 243_314_159)
SIM, DEVICE = "5ca1ab1e" * 4, "0ddba11f" * 4
# Whatever of these stood in a log, a metric or a header would tell who was where.
CANARIES = ("canary", "109.427", "24.331", *map(str, PLACE), SIM, DEVICE)
MINUTE_RULES = """
revision = 3
[tiers.general.gap]
overdue_min = 1
gap_min = 1
cap_min = 2
"""

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(120)]


class Case(NamedTuple):
    """A record that must be refused, and why; `kept` says whether its bytes may be."""

    record: Given
    reason: Reason
    kept: bool = True


class Refused(NamedTuple):
    """The cases, where each of them lies, and the dead letters."""

    cases: list[Case]
    places: list[Place]
    letters: list[Found]


def now_ms() -> int:
    """Give the time of the sender's clock."""
    return round(time.time() * 1000)


def good(supervisee: str = PERSON, time_ms: int | None = None) -> Given:
    """Give a ping that says everything that must never leak."""
    return ping(supervisee, time_ms or now_ms(), PLACE, sim=SIM, device=DEVICE)


def changed(before: str, after: str) -> Given:
    """Give that ping with one piece of its text in place of another."""
    record = good()
    assert record.value is not None
    assert before.encode() in record.value
    return record._replace(value=record.value.replace(before.encode(), after.encode()))


def on(topic: str, value: bytes | None, key: str | None = PERSON) -> Given:
    """Give a record; without a key it goes to partition 0."""
    return Given(topic, key.encode(), value) if key else Given(topic, None, value, 0)


def bad_pings() -> list[Case]:
    """Give one ping of each kind that is refused."""
    whole = good().value
    elsewhere = (partition_of(PERSON.encode(), PARTITIONS) + 1) % PARTITIONS
    return [
        Case(on(PINGS, b'{"supervisee":"canary-person","lon":109.4271828,'), Reason.not_json),
        Case(on(PINGS, b"\xff\xfe canary"), Reason.not_json),
        Case(changed('"lon": 109.4271828', '"lon": NaN'), Reason.out_of_range),
        Case(changed('"lat": 24.3314159', '"lat": 124.3314159'), Reason.out_of_range),
        Case(changed('"lon": 109.4271828', '"lon": "109.4271828"'), Reason.wrong_type),
        Case(changed('"accuracy_m": 100', '"accuracy_m": [100]'), Reason.wrong_type),
        Case(changed('"time_ms"', '"time"'), Reason.missing_field),
        Case(changed('"carrier": "cmcc"', f'"carrier": "cmcc", "more": "{"x" * 4096}"'), Reason.oversize),
        Case(good(STRANGER)._replace(key=PERSON.encode()), Reason.key_mismatch),
        Case(changed("{", f'{{"supervisee": "{STRANGER}", '), Reason.duplicate_key),
        Case(on(PINGS, None), Reason.empty_value),
        Case(on(PINGS, whole, key=None), Reason.key_missing),
        Case(changed("wgs84", "mars"), Reason.unknown_datum),
        Case(changed('"datum": "wgs84", ', ""), Reason.unknown_datum),
        Case(changed("located", "vanished"), Reason.unknown_status),
        Case(good(STRANGER), Reason.unknown_supervisee, kept=False),
        Case(good(OUTLAW), Reason.not_authorised, kept=False),
        Case(good(time_ms=now_ms() + 10 * MINUTE), Reason.future),
        Case(good(time_ms=now_ms() - 7 * HOUR), Reason.too_late),
        Case(good()._replace(partition=elsewhere), Reason.misrouted),
        Case(on(PINGS, b'{"clock_ms":"canary"}')._replace(key=CLOCK_KEY), Reason.wrong_type),
    ]


def bad_others() -> list[Case]:
    """Give what is refused on the other topics."""
    odd = {"lon": 109.4271828, "lat": 24.3314159}
    return [
        Case(on(ORDERS, b'{"supervisee": "canary-person"}'), Reason.unreadable_order),
        Case(on(ORDERS, b"canary"), Reason.unreadable_order),
        Case(on(ORDERS, order(STRANGER)), Reason.key_mismatch),
        Case(on(ORDERS, order(PERSON, officer="x" * 70_000)), Reason.oversize),
        Case(on(CHECKINS, b"{canary"), Reason.not_json),
        Case(on(CHECKINS, raw(checkin(supervisee=PERSON, answer="perhaps", **odd))), Reason.wrong_type),
        Case(on(CHECKINS, raw(checkin(supervisee=STRANGER))), Reason.key_mismatch),
        Case(on(CHECKINS, raw(checkin(supervisee=STRANGER, **odd)), STRANGER), Reason.unknown_supervisee, kept=False),
        Case(on(DISPOSITIONS, None), Reason.empty_value),
        Case(on(DISPOSITIONS, raw(disposition(supervisee=PERSON, episode_id=None))), Reason.wrong_type),
        Case(on(DISPOSITIONS, raw(disposition(supervisee=PERSON)), key=None), Reason.key_missing),
    ]


@pytest.fixture(scope="module")
def vigil(installing: Installing, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """One worker whose rules count a minute of silence as a gap, and which says all that it ever says."""
    rules = tmp_path_factory.mktemp("rules") / "rules.toml"
    rules.write_text(MINUTE_RULES, encoding="utf-8")
    given = {"clock": "wall", "settle_s": 1, "rules_file": rules, "log_level": "debug"}
    with installing("wall-clock", PARTITIONS, **given) as vigil:
        vigil.start().ready()
        yield vigil


@pytest.fixture(scope="module")
def refused(vigil: Installation) -> Refused:
    """Send a good ping, everything bad, and a good ping again; read the dead letters."""
    orders = [order(PERSON), order(OUTLAW, authorised=((now_ms() - 48 * HOUR, now_ms() - 24 * HOUR),))]
    vigil.send(on(ORDERS, raw_order, name) for raw_order, name in zip(orders, (PERSON, OUTLAW), strict=True))
    vigil.until_read()
    cases = bad_pings() + bad_others()
    _, *places, _ = vigil.send_each([good(), *(case.record for case in cases), good()])
    vigil.until_read()
    return Refused(cases, places, vigil.dead_letters())


def origin(letter: Found) -> Place:
    """Give the place of the record that a dead letter is about."""
    names = ("vigil-origin-topic", "vigil-origin-partition", "vigil-origin-offset")
    topic, partition, offset = map(letter.header, names)
    return Place(topic, int(partition), int(offset))


def test_each_bad_record_is_a_dead_letter_once(refused: Refused) -> None:
    """Origin, reason, key and bytes of each, on the number that it came on; no bytes where no order covers it."""
    expected = [
        (place, str(case.reason), place.partition, case.record.key, case.record.value if case.kept else None)
        for case, place in zip(refused.cases, refused.places, strict=True)
    ]
    found = [(origin(one), one.header("vigil-reason"), one.partition, one.key, one.value) for one in refused.letters]

    assert sorted(expected, key=lambda row: row[0]) == sorted(found, key=lambda row: row[0])
    assert set(Reason) == {case.reason for case in refused.cases}


@pytest.mark.usefixtures("refused")
def test_the_worker_lives_and_every_record_is_counted(vigil: Installation) -> None:
    """Both good pings are accepted, accepted and refused are all that was sent, and readiness names the misrouted."""
    (worker,) = vigil.workers
    refusals = {topic: vigil.total("vigil_records_refused_total", topic=topic) for topic in (PINGS, ORDERS)}

    assert (2, len(bad_pings()), 4) == (vigil.total("vigil_pings_accepted_total"), refusals[PINGS], refusals[ORDERS])
    assert 1 == vigil.total("vigil_records_refused_total", topic=PINGS, reason="future")
    assert 200 == worker.get("/live")[0]
    assert 503 == worker.get("/ready")[0]
    assert "murmur2" in worker.get("/ready")[1]


def test_nothing_personal_is_said_outside_the_topics(vigil: Installation, refused: Refused) -> None:
    """No name, place or hash stands in the log, in the metrics, or in a header of a dead letter."""
    (worker,) = vigil.workers
    headers = json.dumps([[name, value.decode()] for one in refused.letters for name, value in one.headers])
    said = {"log": worker.text, "metrics": worker.get("/metrics")[1], "ready": worker.get("/ready")[1]}

    assert refused.letters
    for where, text in {**said, "headers": headers}.items():
        assert [] == [canary for canary in CANARIES if canary in text], where


def test_phones_that_fall_silent_before_a_restart_after_which_nothing_comes(vigil: Installation) -> None:
    """Each gap opens at its own minute, though who heard the last ping was killed and no record followed."""
    names = (f"quiet-{number}" for number in range(1000))
    people = [name for name in names if partition_of(name.encode(), PARTITIONS) == 2][:3]
    last = {name: now_ms() - 40_000 + 700 * number for number, name in enumerate(people)}
    vigil.send(on(ORDERS, order(name), name) for name in people)
    vigil.send(ping(name, time_ms) for name, time_ms in last.items())
    vigil.until_read()
    assert [] == vigil.events(*people)

    vigil.kill(vigil.workers[0])
    vigil.start()
    until(lambda: len(vigil.events(*people)) >= len(people), lambda: vigil.workers[0].text)

    assert {name: ("opened", "gap", "alert", time_ms, time_ms + MINUTE) for name, time_ms in last.items()} == {
        b["supervisee"]: (b["phase"], b["evidence"]["kind"], b["severity"], moment(b["since"]), moment(b["at"]))
        for b in vigil.events(*people)
    }
    assert 3 == len(vigil.events(*people))
    assert {3} == {b["rules_revision"] for b in vigil.events(*people)}
