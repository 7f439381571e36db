"""What the agent does with records, without a broker: who waits, who is refused, and what time it is."""

import asyncio
import json
from typing import Any

import pytest
from faust.types.tuples import TP
from prometheus_client import CollectorRegistry

from schemas.errors import BadState, Reason
from schemas.topics import CHECKINS, DISPOSITIONS, ORDERS, PINGS, SOURCES
from schemas.wire import CLOCK_KEY
from stream.agent import Agent
from stream.clock import UNKNOWN, Clock, FeedClock, Reading, WallClock
from stream.columns import Columns
from stream.deadletters import MostlyRefusedError
from stream.decode import partition_of
from stream.metrics import Metrics
from stream.partition import Partition
from stream.transactions import Transactions
from stream.transport import Answer
from tests.stream.counting import Counting, encode
from tests.stream.workers import ping

PARTITIONS = 4
NUMBER = partition_of(b"s0", PARTITIONS)
NOW_MS = 1_700_000_000_000


class Source:
    """Stands in for the consumer: what is open, and what the broker has answered."""

    def __init__(self) -> None:
        self.open: set[Any] = {TP(topic, NUMBER) for topic in SOURCES}
        self.answers: dict[Any, Answer] = {}

    def answer(self, partition: object) -> Answer | None:
        """Give what the test has put there."""
        return self.answers.get(partition)

    def shut(self, partitions: set[Any]) -> None:
        """Close."""
        self.open -= partitions


class Bench:
    """One partition and its agent; `give` delivers records that were appended at a time."""

    def __init__(self, *, feed: bool = False) -> None:
        self.source, self.kernel = Source(), Counting()
        self.causes: list[BaseException] = []
        metrics = Metrics(CollectorRegistry())
        transactions = Transactions("group", PARTITIONS, encode, metrics, self.causes.append)
        self.agent = Agent(transactions, lambda: self.source, metrics, partitions=PARTITIONS)
        readings = {topic: Reading() for topic in SOURCES}
        clock: Clock = FeedClock(120_000) if feed else WallClock(readings.values(), 0)
        nothing = dict.fromkeys(SOURCES, 0)
        self.partition = Partition(NUMBER, self.kernel, None, clock, readings, {}, dict(nothing))
        self.partition.taken = nothing
        transactions.owned[NUMBER] = self.partition

    async def give(self, topic: str, *records: tuple[bytes | None, bytes | None], at_ms: int = NOW_MS) -> None:
        """Deliver records as the next ones of a topic."""
        columns = Columns(self.partition.taken[topic])
        columns.keys, columns.values = [key for key, _ in records], [value for _, value in records]
        columns.offsets = [columns.start + i for i in range(len(records))]
        columns.end = columns.start + len(records)
        columns.appended = [(len(records), at_ms)]
        await self.agent.take(TP(topic, NUMBER), columns)

    async def answer(self, sent_ms: int, ends: dict[str, int]) -> None:
        """Let the broker have answered, and the clock run once."""
        for topic, end in ends.items():
            self.source.answers[TP(topic, NUMBER)] = Answer(sent_ms, end)
        running = asyncio.ensure_future(self.agent.run_clock())
        await asyncio.sleep(0.01)
        self.agent.end()
        await running
        self.agent._ending = False  # noqa: SLF001 - begin anew

    def refused(self) -> list[tuple[bytes | None, str]]:
        """Key and reason of each dead letter."""
        return [(letter.key, dict(letter.headers)["vigil-reason"].decode()) for letter in self.partition.outbox]


def stranger() -> str:
    """Somebody without an order, who belongs to the same partition."""
    return next(name for i in range(100) if partition_of((name := f"x{i}").encode(), PARTITIONS) == NUMBER)


def test_somebody_unknown_waits_for_the_orders() -> None:
    """Expected: what follows waits too, offsets stay; refused once the orders have been read past the append time."""

    async def scenario() -> None:
        bench = Bench()
        await bench.give(ORDERS, (b"s0", b"{}"), at_ms=NOW_MS - 1_000)
        await bench.give(PINGS, ping("s0", NOW_MS), ping(stranger(), NOW_MS), ping("s0", NOW_MS))
        assert (1, 1) == (bench.partition.applied[PINGS], bench.kernel.rows["s0"][0])
        assert TP(PINGS, NUMBER) not in bench.source.open
        await bench.give(PINGS, ping("s0", NOW_MS))
        assert 1 == bench.partition.applied[PINGS]
        await bench.answer(NOW_MS, {ORDERS: 1})
        assert 1 == bench.partition.applied[PINGS], "the order may have been appended in the same millisecond"
        await bench.answer(NOW_MS + 1, {ORDERS: 1})
        assert (4, 3) == (bench.partition.applied[PINGS], bench.kernel.rows["s0"][0])
        assert [(stranger().encode(), Reason.unknown_supervisee)] == bench.refused()
        assert [None] == [letter.value for letter in bench.partition.outbox]
        assert TP(PINGS, NUMBER) in bench.source.open

    asyncio.run(scenario())


def test_an_order_that_comes_a_moment_later_is_in_time() -> None:
    """Expected: the ping that waited is accepted, nothing is refused."""

    async def scenario() -> None:
        bench = Bench()
        await bench.give(PINGS, ping(stranger(), NOW_MS))
        await bench.give(ORDERS, (stranger().encode(), b"{}"), at_ms=NOW_MS)
        await bench.answer(NOW_MS + 1, {ORDERS: 1})
        assert 1 == bench.kernel.rows[stranger()][0]
        assert [] == bench.refused()

    asyncio.run(scenario())


def test_checkins_and_dispositions() -> None:
    """Expected: what can be read reaches the rules; another key, no key, and somebody unknown do not."""
    checkin = {"supervisee": "s0", "checkin_id": "c", "time_ms": NOW_MS, "answer": "missed"}
    verdict = {
        "supervisee": "s0", "disposition_id": "d", "time_ms": NOW_MS, "verdict": "external",
        "organisation": "450000", "officer": "o",
    }  # fmt: skip

    async def scenario() -> None:
        bench = Bench()
        await bench.give(ORDERS, (b"s0", b"{}"))
        await bench.answer(NOW_MS + 1, dict.fromkeys(SOURCES, 0) | {ORDERS: 1})
        await bench.give(CHECKINS, (b"s0", json.dumps(checkin).encode()), (None, json.dumps(checkin).encode()))
        await bench.give(CHECKINS, (stranger().encode(), json.dumps(checkin).encode()))
        await bench.give(DISPOSITIONS, (b"s0", json.dumps(verdict).encode()), (b"s0", b"{}"))
        await bench.give(DISPOSITIONS, (b"s0", json.dumps(verdict | {"supervisee": "s1"}).encode()))
        assert ["c", "d"] == [getattr(m, "checkin_id", None) or getattr(m, "disposition_id", None)
                              for m in bench.kernel.messages]  # fmt: skip
        assert [
            (None, Reason.key_missing),
            (stranger().encode(), Reason.unknown_supervisee),
            (b"s0", Reason.missing_field),
            (b"s0", Reason.key_mismatch),
        ] == bench.refused()

    asyncio.run(scenario())


def test_backlog_is_judged_by_its_own_time() -> None:
    """Expected: yesterday's pings read today are not late, today's among them is from the future."""
    yesterday = NOW_MS - 24 * 3_600_000

    async def scenario() -> None:
        bench = Bench()
        await bench.give(ORDERS, (b"s0", b"{}"), at_ms=yesterday)
        await bench.give(PINGS, ping("s0", yesterday), ping("s0", NOW_MS), at_ms=yesterday)
        await bench.give(PINGS, ping("s0", NOW_MS), at_ms=NOW_MS)
        assert 2 == bench.kernel.rows["s0"][0]
        assert [(b"s0", Reason.future)] == bench.refused()

    asyncio.run(scenario())


def test_nothing_fires_before_every_topic_was_answered() -> None:
    """Expected: no tick until each source topic has said until when it is complete; then at the least of them."""

    async def scenario() -> None:
        bench = Bench()
        await bench.give(ORDERS, (b"s0", b"{}"))
        await bench.answer(NOW_MS + 5_000, {ORDERS: 1, PINGS: 0, CHECKINS: 0})
        assert UNKNOWN == bench.kernel.clock_ms
        await bench.answer(NOW_MS + 6_000, {DISPOSITIONS: 0})
        assert NOW_MS + 5_000 == bench.kernel.clock_ms

    asyncio.run(scenario())


def test_clock_records_push_the_feed_clock() -> None:
    """Expected: each one acts before the pings behind it, so that a long silence in a replay is not the future."""
    later_ms = NOW_MS + 40 * 24 * 3_600_000
    tick = (CLOCK_KEY, json.dumps({"clock_ms": later_ms}).encode())

    async def scenario() -> None:
        bench = Bench(feed=True)
        await bench.give(ORDERS, (b"s0", b"{}"), at_ms=1)
        await bench.give(PINGS, ping("s0", NOW_MS), tick, ping("s0", later_ms), ping("s0", 2 * later_ms), at_ms=1)
        assert 2 == bench.kernel.rows["s0"][0]
        assert later_ms == bench.partition.clock.now()
        assert [(b"s0", Reason.future)] == bench.refused()

    asyncio.run(scenario())


def test_columns_that_do_not_follow() -> None:
    """Expected: a hole in what is delivered is never stepped over."""

    async def scenario() -> None:
        bench = Bench()
        bench.partition.taken[PINGS] = 7
        columns = Columns(8)
        with pytest.raises(BadState, match="came from offset 8 where 7 was next"):
            await bench.agent.take(TP(PINGS, NUMBER), columns)

    asyncio.run(scenario())


def test_a_feed_that_is_all_wrong_ends_the_worker() -> None:
    """Expected: after a thousand refusals that outnumber the rest the worker says why; strangers do not count."""

    async def scenario() -> None:
        bench = Bench()
        await bench.give(ORDERS, (b"s0", b"{}"), at_ms=NOW_MS + 10)
        await bench.give(PINGS, *[ping(stranger(), NOW_MS)] * 2_000)
        assert 2_000 == len(bench.refused())
        await bench.give(PINGS, *[(b"s0", b"?")] * 999)
        with pytest.raises(MostlyRefusedError, match="not_json"):
            await bench.give(PINGS, *[(b"s0", b"?")] * 3_000)

    asyncio.run(scenario())
