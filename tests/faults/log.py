"""What the topics hold for a committed reader, as plain lists; from Kafka, or put together by a test."""

import contextlib
import time
from collections import defaultdict
from collections.abc import Iterable
from typing import Final, NamedTuple

from kafka import KafkaAdminClient, KafkaConsumer

from stream import broker

POLL_MS: Final = 200
LONGEST_S: Final = 60

Headers = dict[str, bytes]


class Record(NamedTuple):
    """One record as a committed reader sees it; `appended_ms` is the time that the broker gave it."""

    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    appended_ms: int


Log = dict[str, dict[int, list[Record]]]
"""Records in offset order, by topic and partition."""


def read(bootstrap: str, topics: Iterable[str]) -> Log:
    """Read all that is committed in these topics now; waits for transactions that are still open."""
    log: Log = {topic: defaultdict(list) for topic in topics}
    with contextlib.closing(broker.reader(bootstrap)) as consumer:
        partitions = [partition for topic in log for partition in broker.partitions_of(consumer, topic)]
        consumer.assign(partitions)
        consumer.seek_to_beginning(*partitions)
        ends, deadline = ends_of(bootstrap, log), time.monotonic() + LONGEST_S
        while late := [p for p in partitions if consumer.position(p) < ends[p.topic, p.partition]]:
            assert time.monotonic() < deadline, f"not readable to their ends: {late}"
            for partition, records in consumer.poll(timeout_ms=POLL_MS).items():
                log[partition.topic][partition.partition] += [
                    Record(r.offset, r.key, r.value, dict(r.headers), r.timestamp) for r in records
                ]
    return log


def ends_of(bootstrap: str, topics: Iterable[str]) -> dict[tuple[str, int], int]:
    """Give the high watermark of each partition: open transactions count, though nobody may read them."""
    with contextlib.closing(KafkaConsumer(bootstrap_servers=bootstrap)) as consumer:
        partitions = [partition for topic in topics for partition in broker.partitions_of(consumer, topic)]
        return {(p.topic, p.partition): end for p, end in consumer.end_offsets(partitions).items()}


def committed(admin: KafkaAdminClient, group: str) -> dict[tuple[str, int], int]:
    """Give the next offsets of a group, by topic and partition."""
    found = admin.list_group_offsets({group: None})[group]
    return {(p.topic, p.partition): entry.offset for p, entry in found.items()}
