"""What others send: a feed with clock records in whole batches, and single records of which each place is known."""

import asyncio
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from aiokafka import AIOKafkaProducer, TopicPartition
from kafka import KafkaProducer

from schemas.topics import ORDERS, PINGS
from schemas.wire import CLOCK_KEY
from stream.decode import partition_of
from stream.simulate import Feed
from stream.simulate.feed import merge
from stream.transactions import send_batches
from tests.factories import HOME
from tests.schemas.messages import DEVICE, SIM

if TYPE_CHECKING:
    from stream.partition import Record

HOUR = 3_600_000
MINUTE = 60_000


class Given(NamedTuple):
    """A record to send; without a `partition` to the one of its key."""

    topic: str
    key: bytes | None
    value: bytes | None
    partition: int | None = None


class Place(NamedTuple):
    """Where a record is."""

    topic: str
    partition: int
    offset: int


async def send_all(bootstrap: str, partitions: int, records: Iterable[Given]) -> None:
    """Send records in batches; the order within a partition stays."""
    grouped: dict[TopicPartition, list[Record]] = defaultdict(list)
    for topic, key, value, partition in records:
        number = partition_of(key or b"", partitions) if partition is None else partition
        grouped[TopicPartition(topic, number)].append((key, value, []))
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all") as producer:
        sent = [await send_batches(producer, where, some) for where, some in grouped.items()]
        await asyncio.gather(*(future for futures in sent for future in futures))


def send_each(bootstrap: str, records: Sequence[Given]) -> list[Place]:
    """Send records one by one and say where each one is."""
    producer = KafkaProducer(bootstrap_servers=bootstrap, acks="all", linger_ms=5)
    try:
        sent = [producer.send(r.topic, key=r.key, value=r.value, partition=r.partition) for r in records]
        places = [future.get(timeout=30) for future in sent]
    finally:
        producer.close(timeout=5)
    return [Place(place.topic, place.partition, place.offset) for place in places]


def clocks(partitions: int, clock_ms: int) -> list[Given]:
    """Tell every partition the time."""
    return [Given(PINGS, CLOCK_KEY, b'{"clock_ms":%d}' % clock_ms, number) for number in range(partitions)]


def told(pings: Iterable[tuple[int, str, bytes]], partitions: int, every_ms: int) -> Iterator[Given]:
    """Give pings in the order of their arrival, and the newest time of them to everybody as often as is asked."""
    newest_ms = due_ms = 0
    for time_ms, supervisee, value in pings:
        if time_ms > newest_ms:
            newest_ms = time_ms
            if newest_ms >= due_ms:
                due_ms = newest_ms + every_ms
                yield from clocks(partitions, newest_ms - 1)
        yield Given(PINGS, supervisee.encode(), value)


def ordered(feed: Feed) -> list[Given]:
    """Give the orders of a feed."""
    return [Given(ORDERS, order.supervisee.encode(), order.model_dump_json().encode()) for order in feed.orders]


def ping(supervisee: str, time_ms: int, place: tuple[int, int] = HOME, **changes: Any) -> Given:  # noqa: ANN401
    """Give a located ping with every field, at a place in whole 1e-7 degrees."""
    fields = {
        "supervisee": supervisee,
        "time_ms": time_ms,
        "status": "located",
        "lon": place[0] / 1e7,
        "lat": place[1] / 1e7,
        "datum": "wgs84",
        "accuracy_m": 100,
        "cell": "46000-1",
        "carrier": "cmcc",
        "source": "network",
        "sim": SIM,
        "device": DEVICE,
    }
    return Given(PINGS, supervisee.encode(), json.dumps(fields | changes).encode())


def renamed(feed: Feed, supervisee: str) -> Feed:
    """Tell a feed of one person of somebody else."""
    (order,), (phone,) = feed.orders, feed.phones
    return Feed(
        (order.model_copy(update={"supervisee": supervisee}),),
        (phone._replace(supervisee=supervisee),),
        feed.reports,
        tuple(row._replace(supervisee=supervisee) for row in feed.truth),
        feed.end_ms,
    )


def together(feeds: Sequence[Feed]) -> Feed:
    """Put the people of several feeds into one."""
    before = np.cumsum([0, *(len(feed.phones) for feed in feeds)])
    parts = [feed.reports.copy() for feed in feeds]
    for part, offset in zip(parts, before, strict=False):
        part["phone"] += int(offset)
    return merge(
        [order for feed in feeds for order in feed.orders],
        [phone for feed in feeds for phone in feed.phones],
        parts,
        [row for feed in feeds for row in feed.truth],
        max(feed.end_ms for feed in feeds),
    )
