"""What silence, late pings and a null order do on real Kafka, where only clock records push the time on."""

from collections.abc import Iterator

import numpy as np
import pytest

from detectors.gate import Limits
from schemas.errors import Reason
from schemas.rules import load_rules
from schemas.topics import ORDERS
from stream.decode import partition_of
from stream.replay import replay
from stream.settings import CHECKOUT
from stream.simulate.lives import DAY
from tests.acceptance.conftest import Installing
from tests.acceptance.installation import Installation
from tests.acceptance.sender import HOUR, MINUTE, Given, ping
from tests.acceptance.subscriber import Body, moment
from tests.factories import HOME, at, curfew, near, order

PARTITIONS = 4

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def vigil(installing: Installing) -> Iterator[Installation]:
    """One worker, and days that follow each other: each test has people and a day of its own."""
    with installing("feed-clock", PARTITIONS) as vigil:
        vigil.start()
        yield vigil


def every(minutes: int, supervisee: str, begin_ms: int, end_ms: int) -> list[Given]:
    """Give pings at home, the last one at `end_ms`."""
    return [ping(supervisee, time_ms) for time_ms in range(begin_ms, end_ms + 1, minutes * MINUTE)]


def given(*orders: bytes) -> list[Given]:
    """Give orders as records."""
    names = [raw.split(b'"')[3] for raw in orders]
    return [Given(ORDERS, name, raw) for name, raw in zip(names, orders, strict=True)]


def of_partition(number: int, prefix: str, count: int) -> list[str]:
    """Name people whose records all go to one partition."""
    names = (f"{prefix}-{i}" for i in range(1000))
    return [name for name in names if partition_of(name.encode(), PARTITIONS) == number][:count]


def said(bodies: list[Body]) -> list[tuple[str, str, str, int, int]]:
    """Give phase, class, severity, since and at of each event."""
    return [(b["phase"], b["evidence"]["kind"], b["severity"], moment(b["since"]), moment(b["at"])) for b in bodies]


def test_who_is_outside_when_the_window_opens_is_found_by_the_clock_alone(vigil: Installation) -> None:
    """The breach opens at ten sharp, without any ping since ten to ten, and not a second before."""
    who, edge_ms = "edge", at("2026-03-02 22:00")
    home = every(10, who, edge_ms - 3 * HOUR, edge_ms - HOUR)
    away = [ping(who, edge_ms - m * MINUTE, near(900 + 4 * m, 300)) for m in (50, 40, 30, 20, 10)]
    vigil.send(given(order(who, curfew=curfew())) + home + away)

    vigil.settle(edge_ms - 1)
    assert [] == vigil.events(who)

    vigil.settle(edge_ms)
    assert [("opened", "left", "notice", edge_ms, edge_ms)] == [
        (phase, "left", severity, since, when) for phase, _, severity, since, when in said(vigil.events(who))
    ]


def test_a_partition_whose_phones_all_fall_silent(vigil: Installation) -> None:
    """Overdue and gap come at their own times; a worker is killed in between, and nobody sends a record after it."""
    people, noon_ms = of_partition(3, "silent", 3), at("2026-03-04 12:00")
    last = {name: noon_ms + i * MINUTE for i, name in enumerate(people)}
    vigil.send(given(*map(order, people)))
    for hour in range(24, 0, -1):
        ends = {name: t - (hour - 1) * HOUR for name, t in last.items()}
        vigil.send([one for name, t in ends.items() for one in every(10, name, t - HOUR, t)])

    vigil.settle(noon_ms + 2 * HOUR - 1)
    overdue = {name: [("opened", "overdue", "notice", t, t + HOUR)] for name, t in last.items()}
    assert overdue == {name: said(vigil.events(name)) for name in people}

    vigil.kill(vigil.workers[0])
    vigil.start()
    vigil.settle(noon_ms + 3 * HOUR)
    gap = {name: [*overdue[name], ("updated", "gap", "alert", t, t + 2 * HOUR)] for name, t in last.items()}
    assert gap == {name: said(vigil.events(name)) for name in people}


@pytest.mark.parametrize(("day", "restarted"), [("2026-03-05", False), ("2026-03-06", True)])
def test_a_phone_that_uploads_five_hours_at_once(vigil: Installation, day: str, restarted: bool) -> None:  # noqa: FBT001 - a case
    """The gap that was announced meanwhile is taken back or mended, to what the stream in order would have given."""
    names = {word: f"{word}-{day}" for word in ("whole", "tail", "head")}
    lost_ms, now_ms = at(f"{day} 07:00"), at(f"{day} 12:00")
    orders = [order(name) for name in names.values()]
    live = [one for name in names.values() for one in every(10, name, lost_ms - HOUR, lost_ms)]
    stored = every(10, names["whole"], lost_ms + 10 * MINUTE, now_ms)
    stored += every(10, names["tail"], lost_ms + 3 * HOUR, now_ms)
    stored += every(10, names["head"], lost_ms + 10 * MINUTE, lost_ms + HOUR)
    vigil.send(given(*orders) + live)
    vigil.settle(now_ms)
    announced = {e.supervisee: e for e in vigil.standing(*names.values())}
    assert {(name, "gap", lost_ms, None) for name in names.values()} == {
        (e.supervisee, e.kind, e.since_ms, e.until_ms) for e in announced.values()
    }

    if restarted:
        assert 0 == vigil.stop(vigil.workers[0])
        vigil.start()
    vigil.send(stored)
    vigil.settle(now_ms + MINUTE)

    assert [] == vigil.standing(names["whole"])
    (tail,) = vigil.standing(names["tail"])
    assert (lost_ms, lost_ms + 3 * HOUR) == (tail.since_ms, tail.until_ms)
    (head,) = vigil.standing(names["head"])
    assert (lost_ms + HOUR, None, "gap") == (head.since_ms, head.until_ms, head.kind)
    for word, last in (("whole", "retracted"), ("head", "retracted"), ("tail", "closed")):
        first = announced[names[word]].episode_id
        assert ["opened", last] == [b["phase"] for b in vigil.events(names[word]) if b["episode_id"] == first]
    assert in_order(orders, live + stored, now_ms + MINUTE) == {
        (e.episode_id, e.kind, e.since_ms, e.until_ms, e.severity) for e in vigil.standing(*names.values())
    }


def in_order(orders: list[bytes], pings: list[Given], until_ms: int) -> set[tuple[str, str, int, int | None, str]]:
    """Give the episodes of the same pings, had each come in time."""
    values = sorted((one.value for one in pings if one.value), key=lambda value: value.split(b'"time_ms"')[1])
    rules = load_rules(CHECKOUT / "deploy" / "rules.toml")
    events = replay(
        orders, values, rules=rules, limits=Limits(future_ms=31 * DAY), partitions=PARTITIONS, until_ms=until_ms
    )
    last = {event.episode_id: event for event in events}
    return {
        (e.episode_id, e.evidence["kind"], e.since_ms, e.until_ms, e.severity)
        for e in last.values()
        if e.phase != "retracted"
    }


def test_a_null_order_closes_and_erases(vigil: Installation) -> None:
    """The open gap closes with `order_ended`, and neither name, hash nor place is left in what a worker would load."""
    (who, neighbour), device = of_partition(1, "erased", 2), "c0ffee" * 5 + "00"
    noon_ms, place = at("2026-03-07 12:00"), near(12_345, 6_789)
    vigil.send(given(order(who, phones=[{"sim": device, "devices": [device]}], home=place), order(neighbour)))
    vigil.send([ping(who, noon_ms - m * MINUTE, place, sim=device, device=device) for m in (40, 20, 0)])
    vigil.send(every(20, neighbour, noon_ms - HOUR, noon_ms))
    vigil.settle(noon_ms + 3 * HOUR)
    # As the columns hold them: the beginning of the hash, and the place in whole 1e-7 degrees.
    traces = [who.encode(), bytes.fromhex(device)[3::-1], np.array(place, "<i4").tobytes()]
    assert [True, True, True] == [is_in(vigil.rows(), trace) for trace in traces]

    vigil.send([Given(ORDERS, who.encode(), None)])
    vigil.until_read()
    (left,) = vigil.send_each([ping(who, noon_ms + 3 * HOUR, place)])
    vigil.settle(noon_ms + 3 * HOUR + MINUTE)

    (ended,) = vigil.standing(who)
    assert (noon_ms, noon_ms + 3 * HOUR, "order_ended") == (ended.since_ms, ended.until_ms, ended.reason)
    assert [False, False, False] == [is_in(vigil.rows(), trace) for trace in traces]
    assert is_in(vigil.rows(), neighbour.encode())
    assert [None] == [e.until_ms for e in vigil.standing(neighbour)]
    (letter,) = [r for r in vigil.dead_letters() if r.header("vigil-origin-offset") == str(left.offset)]
    assert (Reason.unknown_supervisee, None) == (letter.header("vigil-reason"), letter.value)
    assert HOME != place


def is_in(rows: dict[bytes, bytes], trace: bytes) -> bool:
    """Whether a key or a value holds the bytes."""
    return any(trace in key or trace in value for key, value in rows.items())
