"""What arrives is delivered whole, in order and once; what cannot be true any more is refused with its remedy."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType, NewTopic
from kafka.structs import OffsetAndMetadata
from prometheus_client import CollectorRegistry

from schemas.errors import Reason
from schemas.topics import ALERTS, CHANGELOG, CHECKINS, ORDERS, PINGS
from stream.app import App, build, live, ready, serve
from stream.decode import partition_of
from stream.metrics import Metrics
from stream.settings import Settings
from stream.transactions import EXIT_POISONED, HEADER_KEY
from tests.conftest import FreshTopics
from tests.stream.counting import Counting, encode
from tests.stream.workers import (
    PARTITIONS,
    Verdict,
    committed,
    dead_letters,
    in_loop,
    orders,
    ping,
    pings,
    read,
    send,
    start,
    until_read,
    verdict,
)

pytestmark = pytest.mark.kafka
CLEAN = Verdict(rows=0, missing=0, extra=0, doubled=0)
HOME = partition_of(b"s0", PARTITIONS)


@asynccontextmanager
async def running(kafka: str, group: str) -> AsyncIterator[App]:
    """Run a worker in this process; the test fails when it poisons itself."""
    settings = Settings(kafka_bootstrap=kafka, group=group, partitions=PARTITIONS, session_timeout_s=6, settle_s=0)
    causes: list[BaseException] = []
    app = build(settings, Counting, encode, Metrics(CollectorRegistry()), causes.append)
    serving = asyncio.ensure_future(serve(app))
    try:
        async with asyncio.timeout(60):
            while ready(app.delivery):  # noqa: ASYNC110 - nothing tells a worker's readiness but asking
                await asyncio.sleep(0.05)
        yield app
    finally:
        await app.stop()
        await serving
    assert causes == []


def refused(kafka: str, group: str, log: Path) -> str:
    """Start a worker, expect it to end itself, and give its log."""
    worker = start(kafka, group, log)
    try:
        assert worker.wait(30) == EXIT_POISONED, log.read_text()
    finally:
        worker.kill()
    return log.read_text()


async def work(kafka: str, group: str, log: Path) -> None:
    """Let a worker read everything and end in order."""
    worker = start(kafka, group, log)
    try:
        await until_read(kafka, group, ORDERS)
        await until_read(kafka, group)
        worker.terminate()
        assert worker.wait(20) == 0, log
    finally:
        worker.kill()


def delete_before(admin: KafkaAdminClient, topic: str, offset: int) -> None:
    """Delete what lies before an offset of the home partition; -1 means its end. Compaction alone would forbid it."""
    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {"cleanup.policy": "compact,delete"})])
    admin.delete_records({TopicPartition(topic, HOME): offset})


@in_loop
async def test_order_and_pings_in_event_out(kafka: str, fresh_topics: FreshTopics) -> None:
    """Expected: one alert, a row, a header, both refused records with reason; only readable ones keep their bytes."""
    fresh_topics()
    await send(kafka, ORDERS, orders(1))
    await send(kafka, PINGS, [*pings(10, 1), (b"s0", b"{"), ping("stranger"), (None, b"{}")])
    async with running(kafka, "skeleton") as app:
        await until_read(kafka, "skeleton")
        assert [b"s0-10:0"] == [found.value for found in await read(kafka, ALERTS)]
        assert [] == ready(app.delivery) == live(app.delivery)
    assert CLEAN == await verdict(kafka, "skeleton")
    assert {
        (b"s0", b"{", Reason.not_json),
        (b"stranger", None, Reason.unknown_supervisee),
        (None, b"{}", Reason.key_missing),
    } == set(await dead_letters(kafka))
    header = [found for found in await read(kafka, CHANGELOG) if (found.partition, found.key) == (HOME, HEADER_KEY)][-1]
    body = json.loads(header.value or b"")
    assert (1, 12) == (body["rows"], body["topics"][PINGS]["next"])


@in_loop
async def test_misrouted(kafka: str, fresh_topics: FreshTopics) -> None:
    """Expected: a record on another partition than its key's is refused and readiness says so."""
    fresh_topics()
    await send(kafka, ORDERS, orders(1))
    async with running(kafka, "misrouted") as app:
        async with AIOKafkaProducer(bootstrap_servers=kafka) as producer:
            key, value = ping("s0")
            await producer.send_and_wait(PINGS, key=key, value=value, partition=(HOME + 1) % PARTITIONS)
        await until_read(kafka, "misrouted")
        assert [(key, value, Reason.misrouted)] == await dead_letters(kafka)
        assert "murmur2" in ready(app.delivery)[0]


@in_loop
async def test_offsets_that_the_broker_lost(
    kafka: str, admin: KafkaAdminClient, fresh_topics: FreshTopics, tmp_path: Path
) -> None:
    """Expected: the group's offsets come back from the rows, with no new record, and all zeros."""
    fresh_topics()
    await send(kafka, ORDERS, orders(20))
    await send(kafka, PINGS, pings(2_000, 20))
    await work(kafka, "lost-offsets", tmp_path / "log")
    admin.delete_groups(["lost-offsets"])
    assert 0 == sum((await committed(kafka, "lost-offsets")).values())
    await work(kafka, "lost-offsets", tmp_path / "log")
    assert 2_000 == sum((await committed(kafka, "lost-offsets")).values())
    assert CLEAN == await verdict(kafka, "lost-offsets")


@in_loop
async def test_seek_behind_its_back(kafka: str, fresh_topics: FreshTopics) -> None:
    """Expected: all zeros though the fetcher jumps under the worker: what does not follow on is fetched again."""
    fresh_topics()
    await send(kafka, ORDERS, orders(20))
    await send(kafka, PINGS, pings(2_000, 20))
    async with running(kafka, "seek") as app:
        await until_read(kafka, "seek")
        for turn in range(10):
            places = {tp: min(turn * 50, 300) for tp in app.consumer.open if tp.topic == PINGS}
            await app.consumer._thread.place(places)  # noqa: SLF001 - nobody else may seek
            await send(kafka, PINGS, pings(200, 20))
        await until_read(kafka, "seek")
    assert CLEAN == await verdict(kafka, "seek")


@in_loop
async def test_nothing_but_markers(kafka: str, fresh_topics: FreshTopics) -> None:
    """Expected: offsets move past aborted transactions and markers, and what was aborted is not seen."""
    fresh_topics()
    await send(kafka, ORDERS, orders(1))
    async with running(kafka, "markers"):
        async with AIOKafkaProducer(bootstrap_servers=kafka, transactional_id="carrier") as producer:
            for _ in range(3):
                await producer.begin_transaction()
                for key, value in pings(5, 1):
                    await producer.send(PINGS, key=key, value=value, partition=HOME)
                await producer.flush()
                await producer.abort_transaction()
                await producer.begin_transaction()
                await producer.send_offsets_to_transaction({TopicPartition(PINGS, HOME): 0}, "elsewhere")
                await producer.commit_transaction()
        await until_read(kafka, "markers")
        await send(kafka, PINGS, pings(10, 1))
        await until_read(kafka, "markers")
    assert [b"s0-10:0"] == [found.value for found in await read(kafka, ALERTS)]


@in_loop
async def test_order_ends(kafka: str, fresh_topics: FreshTopics) -> None:
    """Expected: a null order erases the row, for good: later pings are refused without their content."""
    fresh_topics()
    await send(kafka, ORDERS, orders(2))
    await send(kafka, PINGS, pings(4, 2))
    async with running(kafka, "ended"):
        await until_read(kafka, "ended")
        await send(kafka, ORDERS, [(b"s0", None)])
        await until_read(kafka, "ended", ORDERS)
        await send(kafka, PINGS, [ping("s0")])
        await until_read(kafka, "ended")
    assert [(b"s0", None, Reason.unknown_supervisee)] == await dead_letters(kafka)
    rows = {found.key: found.value for found in await read(kafka, CHANGELOG)}
    assert rows[b"s0"] is None
    assert rows[b"s1"] is not None


@in_loop
async def test_row_without_a_live_order_goes(
    kafka: str, fresh_topics: FreshTopics, admin: KafkaAdminClient, tmp_path: Path
) -> None:
    """Expected: a row whose order is no longer on the orders topic is erased when it is loaded."""
    fresh_topics()
    await send(kafka, ORDERS, orders(1))
    await work(kafka, "erased", tmp_path / "log")
    await send(kafka, ORDERS, [(b"other", b"{}")])
    delete_before(admin, ORDERS, 1)
    await work(kafka, "erased", tmp_path / "log")
    rows = {found.key: found.value for found in await read(kafka, CHANGELOG)}
    assert rows[b"s0"] is None


@in_loop
async def test_retention_passed(
    kafka: str, fresh_topics: FreshTopics, admin: KafkaAdminClient, tmp_path: Path
) -> None:
    """Expected: records deleted unread stop the worker, with from and to; an operator's offset lets it go on."""
    fresh_topics()
    group, log = "retention", tmp_path / "log"
    await send(kafka, ORDERS, orders(1))
    await send(kafka, PINGS, pings(10, 1))
    await work(kafka, group, log)
    await send(kafka, PINGS, pings(50, 1))
    delete_before(admin, PINGS, 40)
    said = refused(kafka, group, log)
    assert f"{PINGS}[{HOME}] was read up to 10 and now begins at 40" in said
    while (await committed(kafka, group))[HOME] != 40:  # refused until the group has noticed that its member is gone
        admin.alter_group_offsets(group, {TopicPartition(PINGS, HOME): OffsetAndMetadata(40, "", None)})
        await asyncio.sleep(0.5)
    await work(kafka, group, log)
    rows = {found.key: found.value for found in await read(kafka, CHANGELOG)}
    assert 30 == int.from_bytes((rows[b"s0"] or b"")[:8], "little")


@in_loop
async def test_recreated_topic(
    kafka: str, fresh_topics: FreshTopics, admin: KafkaAdminClient, tmp_path: Path
) -> None:
    """Expected: a source topic that was deleted and created again is refused by its id."""
    fresh_topics()
    await send(kafka, ORDERS, orders(1))
    await work(kafka, "recreated", tmp_path / "log")
    admin.delete_topics([CHECKINS])
    await asyncio.sleep(0.5)
    admin.create_topics([NewTopic(CHECKINS, PARTITIONS, 1)])
    assert f"{CHECKINS} is not the topic that the rows were made from" in refused(
        kafka, "recreated", tmp_path / "log"
    )


@in_loop
async def test_truncated_changelog(
    kafka: str, fresh_topics: FreshTopics, admin: KafkaAdminClient, tmp_path: Path
) -> None:
    """Expected: a changelog that lost rows is refused, and so is one that lost everything."""
    fresh_topics()
    group, log = "truncated", tmp_path / "log"
    await send(kafka, ORDERS, orders(40))
    await work(kafka, group, log)
    await send(kafka, PINGS, pings(1, 1))
    await work(kafka, group, log)
    delete_before(admin, CHANGELOG, 1)
    assert "rows where its header counts" in refused(kafka, group, log)
    delete_before(admin, CHANGELOG, -1)
    assert f"{CHANGELOG}[{HOME}] is empty" in refused(kafka, group, log)


@in_loop
async def test_other_partition_count(kafka: str, fresh_topics: FreshTopics, tmp_path: Path) -> None:
    """Expected: topics with another number of partitions than the setting's are refused, since keys would move."""
    fresh_topics(partitions=PARTITIONS * 2)
    assert f"has {PARTITIONS * 2} partitions" in refused(kafka, "partitions", tmp_path / "log")
