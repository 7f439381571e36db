"""Worker processes with the counting job, what they are fed, and the verdict on what they left behind."""

import asyncio
import functools
import json
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Coroutine, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, ParamSpec

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from schemas.topics import ALERTS, CHANGELOG, DEAD_LETTERS, ORDERS, PINGS
from stream.decode import partition_of
from stream.transactions import HEADER_KEY, send_batches
from tests.stream.counting import EACH, ROW

if TYPE_CHECKING:
    from stream.partition import Record

ROOT = Path(__file__).parents[2]
PARTITIONS = 4
LONGEST_S = 60

STARTED: list[subprocess.Popen[bytes]] = []
"""Every worker of this run; `tests.stream.conftest` ends those that a failed test has left."""

Sent = list[tuple[bytes | None, bytes | None]]
P = ParamSpec("P")


def in_loop(test: Callable[P, Coroutine[None, None, None]]) -> Callable[P, None]:
    """Run an async test in a loop of its own."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        asyncio.run(test(*args, **kwargs))

    return run


class Verdict(NamedTuple):
    """What a committed reader finds wrong: rows that differ, alerts lost, invented, or published twice."""

    rows: int
    missing: int
    extra: int
    doubled: int


def start(bootstrap: str, group: str, log: Path, step: str = "") -> subprocess.Popen[bytes]:
    """Start a worker; with `step` it kills itself there."""
    command = [sys.executable, "-m", "tests.stream.counting_worker", bootstrap, group, str(PARTITIONS), step]
    with log.open("ab") as out:
        worker = subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=out)
    STARTED.append(worker)
    return worker


def ping(supervisee: str, time_ms: int | None = None) -> tuple[bytes, bytes]:
    """Give a ping as key and value."""
    body = {"supervisee": supervisee, "time_ms": time_ms or int(time.time() * 1000), "status": "no_fix"}
    return supervisee.encode(), json.dumps(body).encode()


def pings(count: int, supervisees: int) -> Sent:
    """Give pings of `s0`, `s1`, ... in turn; each one's time is different, so that a sum tells them apart."""
    now_ms = int(time.time() * 1000)
    return [ping(f"s{i % supervisees}", now_ms - count + i) for i in range(count)]


def orders(supervisees: int) -> Sent:
    """Give an order for each of them."""
    return [(f"s{i}".encode(), b"{}") for i in range(supervisees)]


async def send(bootstrap: str, topic: str, records: Iterable[tuple[bytes | None, bytes | None]]) -> None:
    """Send records to the partitions of their keys; without a key, to partition 0."""
    grouped: dict[int, list[Record]] = defaultdict(list)
    for key, value in records:
        grouped[0 if key is None else partition_of(key, PARTITIONS)].append((key, value, []))
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all") as producer:
        for number, some in grouped.items():
            for future in await send_batches(producer, TopicPartition(topic, number), some):
                await future


class Found(NamedTuple):
    """One record as a committed reader sees it."""

    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: dict[str, bytes]


async def read(bootstrap: str, topic: str) -> list[Found]:
    """Read everything of a topic that is committed, to its end."""
    partitions = [TopicPartition(topic, number) for number in range(PARTITIONS)]
    found: list[Found] = []
    options = {"isolation_level": "read_committed", "enable_auto_commit": False, "auto_offset_reset": "none"}
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap, **options) as consumer:
        ends = await consumer.end_offsets(partitions)
        begins = await consumer.beginning_offsets(partitions)
        consumer.assign(partitions)
        for partition in partitions:
            consumer.seek(partition, begins[partition])
        while any([await consumer.position(partition) < ends[partition] for partition in partitions]):
            for partition, records in (await consumer.getmany(timeout_ms=200)).items():
                found += [Found(partition.partition, r.offset, r.key, r.value, dict(r.headers)) for r in records]
    return found


async def committed(bootstrap: str, group: str, topic: str = PINGS) -> dict[int, int]:
    """Give the group's next offsets of a topic, by partition number."""
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=group, enable_auto_commit=False) as consumer:
        return {n: await consumer.committed(TopicPartition(topic, n)) or 0 for n in range(PARTITIONS)}


async def until_read(bootstrap: str, group: str, topic: str = PINGS) -> None:
    """Wait until the group has committed everything that the topic holds now."""
    partitions = [TopicPartition(topic, number) for number in range(PARTITIONS)]
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap) as consumer:
        ends = {tp.partition: end for tp, end in (await consumer.end_offsets(partitions)).items()}
    deadline = time.monotonic() + LONGEST_S
    while (now := await committed(bootstrap, group, topic)) != ends:
        assert time.monotonic() < deadline, f"{topic} was read up to {now} of {ends}"
        await asyncio.sleep(0.2)


async def verdict(bootstrap: str, group: str) -> Verdict:
    """Count again what the group has committed as read, and hold rows and alerts against it."""
    upto = await committed(bootstrap, group)
    known = {record.key for record in await read(bootstrap, ORDERS)}
    rows: dict[bytes | None, list[int]] = {key: [0, 0] for key in known}
    alerts: set[str] = set()
    for record in await read(bootstrap, PINGS):
        if record.offset < upto[record.partition] and record.key in known and (record.value or b"")[-1:] == b"}":
            row = rows[record.key]
            row[0] += 1
            row[1] += json.loads(record.value or b"")["time_ms"]
            if row[0] % EACH == 0:
                alerts.add(f"{record.key.decode() if record.key else ''}-{row[0]}:0")
    latest = {record.key: record.value for record in await read(bootstrap, CHANGELOG)}
    latest.pop(HEADER_KEY, None)
    stored = {key: list(ROW.unpack(value)) for key, value in latest.items() if value is not None}
    published = Counter((record.value or b"").decode() for record in await read(bootstrap, ALERTS))
    return Verdict(
        rows=sum(rows.get(key) != stored.get(key) for key in rows.keys() | stored.keys()),
        missing=len(alerts - published.keys()),
        extra=len(published.keys() - alerts),
        doubled=published.total() - len(published),
    )


async def dead_letters(bootstrap: str) -> list[tuple[bytes | None, bytes | None, str]]:
    """Give key, value and reason of each dead letter."""
    found = await read(bootstrap, DEAD_LETTERS)
    return [(record.key, record.value, record.headers["vigil-reason"].decode()) for record in found]
