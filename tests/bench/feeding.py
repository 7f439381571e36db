"""Topics made anew and filled before any clock starts."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from aiokafka import AIOKafkaProducer
from kafka import KafkaAdminClient
from kafka.admin import NewTopic

from schemas.topics import ORDERS, PINGS, TOPICS
from schemas.wire import CLOCK_KEY
from stream import broker, topics
from tests.bench.county import Input

if TYPE_CHECKING:
    from aiokafka.producer.message_accumulator import BatchBuilder

PARTITIONS: Final = 16
BATCH_BYTES: Final = 1 << 16
"""Record batches of the feeding producer: what a busy sender with the usual linger makes."""
_UNDER_WAY: Final = 64

Record = tuple[int, bytes | None, bytes | None]

logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # a new topic's leader may need a moment: it tries again


def renew(bootstrap: str, *names: str) -> None:
    """Delete these topics (all of the table, if none is named) and make them again, empty."""
    wanted = set(names) or {topic.name for topic in TOPICS}
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        present = wanted & set(admin.list_topics())
        if present:
            admin.delete_topics(sorted(present))
        while wanted & set(admin.list_topics()):
            time.sleep(0.02)
    finally:
        admin.close()
    topics.apply(bootstrap, PARTITIONS, replication=1)


def make(bootstrap: str, partitions: int, *names: str) -> None:
    """Make topics that are not of the table."""
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        admin.create_topics([NewTopic(name, partitions, 1) for name in names], wait_for_metadata=True)
    finally:
        admin.close()


def send(bootstrap: str, topic: str, records: Iterable[Record]) -> None:
    """Send (partition, key, value) records in whole batches, and wait until the broker has them."""
    asyncio.run(_send(bootstrap, topic, records))


def send_orders(bootstrap: str, drawn: Input) -> None:
    """Send every order."""
    numbers = drawn.partitions(PARTITIONS)
    people = zip(numbers, drawn.supervisees, drawn.orders, strict=True)
    send(bootstrap, ORDERS, ((number, name.encode(), order) for number, name, order in people))


def send_pings(bootstrap: str, drawn: Input, *, clock: bool = True) -> None:
    """Send every ping and, behind them, a clock record to each partition."""
    numbers = drawn.partitions(PARTITIONS)
    records = [
        (numbers[person], key, value)
        for person, key, value in zip(drawn.persons, drawn.keys(), drawn.values, strict=True)
    ]
    if clock:
        records += [(number, CLOCK_KEY, drawn.clock()) for number in range(PARTITIONS)]
    send(bootstrap, PINGS, records)


def ends(bootstrap: str, topic: str) -> dict[int, int]:
    """Give the offset after the last record of each partition."""
    with contextlib.closing(broker.reader(bootstrap)) as reader:
        found = reader.end_offsets(broker.partitions_of(reader, topic))
    return {partition.partition: offset for partition, offset in found.items()}


async def _send(bootstrap: str, topic: str, records: Iterable[Record]) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, max_batch_size=BATCH_BYTES, linger_ms=0)
    await producer.start()
    builders: dict[int, BatchBuilder] = {}
    waiting = []
    try:
        for number, key, value in records:
            builder = builders.get(number)
            if builder is None or builder.append(key=key, value=value, timestamp=None) is None:
                if builder is not None:
                    waiting.append(await producer.send_batch(builder, topic, partition=number))
                builder = builders[number] = producer.create_batch()
                builder.append(key=key, value=value, timestamp=None)
            if len(waiting) >= _UNDER_WAY:
                await asyncio.gather(*waiting)
                waiting.clear()
        waiting += [await producer.send_batch(b, topic, partition=number) for number, b in builders.items()]
        await asyncio.gather(*waiting)
    finally:
        await producer.stop()
