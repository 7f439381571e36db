"""
Everything that a partition has to say goes out in one Kafka transaction: rows, alerts, dead letters and offsets.

Why one: what a worker decides depends on when it looks, so after a crash it may decide otherwise. An alert that left
before its row could be one that no state remembers; a row that left before its alert could lose it.

The trap is the second try. After a failure half of a batch may be in the rows, so nothing is ever written again by this
process: the first failure poisons it, it ends, and the group gives its partitions to another worker, whose producer
fences ours.
"""

import asyncio
import contextlib
import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import structlog
from aiokafka import AIOKafkaProducer, TopicPartition

from detectors.findings import EpisodeEvent
from schemas.topics import ALERTS, CHANGELOG
from stream.decode import partition_of
from stream.metrics import Metrics
from stream.partition import Headers, Outgoing, Partition, Record, Sent, Snapshot

HEADER_KEY = b"~header"
LAYOUT = 1
EXIT_POISONED = 70
"""Exit code of a worker that ended itself without writing anything more; the reason is the last line of its log."""
BATCH_BYTES = 1 << 19
TRANSACTION_TIMEOUT_MS = 30_000
RELEASE_S = 4.0
STOP_S = 2.0
BREATH = 5
"""The pause between two rounds of transactions is at least this part of the interval."""

Encode = Callable[[EpisodeEvent], tuple[bytes, bytes, Headers]]
"""An event as the record that subscribers read: key, value, headers."""


class GoneError(Exception):
    """The partition left, or another one failed, while a transaction waited."""


class Transactions:
    """
    The owned partitions of one worker and the transactions that carry what they say.

    The steps of a transaction are methods of their own, so that a crash can be tried at each of them.
    """

    def __init__(
        self, group: str, partitions: int, encode: Encode, metrics: Metrics, poisoned: Callable[[BaseException], None]
    ) -> None:
        self.group, self.partitions, self.encode, self.metrics = group, partitions, encode, metrics
        self.owned: dict[int, Partition] = {}
        self.cause: BaseException | None = None
        self._poisoned = poisoned
        self._ending = asyncio.Event()

    def poison(self, cause: BaseException) -> None:
        """Write nothing more, whatever is asked; say why, once, and end."""
        if self.cause is None:
            self.cause = cause
            structlog.get_logger(__name__).critical("worker ends", reason=type(cause).__name__, detail=str(cause))
            self._poisoned(cause)

    async def run(self, interval_s: float) -> None:
        """
        Flush for ever, whether or not records come: silence is what is looked for.

        `interval_s` is counted from begin to begin, or an alert would wait for two transactions and the time between.
        """
        while self.cause is None and not self._ending.is_set():
            began, now_ms = time.monotonic(), int(time.time() * 1000)
            await self.flush([p for p in list(self.owned.values()) if p.hurries(now_ms, p.flushed_ms)])
            with contextlib.suppress(TimeoutError):
                spent_s = time.monotonic() - began
                await asyncio.wait_for(self._ending.wait(), max(interval_s - spent_s, interval_s / BREATH))

    def end(self) -> None:
        """Let `run` return after the transaction under way; cancelled in the middle, it would poison the worker."""
        self._ending.set()

    async def flush(self, partitions: Iterable[Partition]) -> None:
        """One transaction for each partition that has something to say; poisons the worker when one fails."""
        waiting = [self._flush(partition) for partition in partitions if partition.pending()]
        await asyncio.gather(*waiting, return_exceptions=True)  # what failed has poisoned the worker, or was gone

    async def release(self, numbers: Iterable[int]) -> None:
        """
        Write the last transaction of the given partitions, within a deadline, and forget them.

        What does not make it is not lost: the next owner fences our producer and does it again.
        """
        leaving = [self.owned[number] for number in numbers if number in self.owned]
        if self.cause is None:
            last = asyncio.ensure_future(self.flush(leaving))
            done, _ = await asyncio.wait([last], timeout=RELEASE_S)
            if not done:
                structlog.get_logger(__name__).warning("last transaction is late", seconds=RELEASE_S)
        for partition in leaving:
            partition.gone = True
            self.owned.pop(partition.number, None)
        await asyncio.gather(*(stop_producer(partition.producer) for partition in leaving))

    async def _flush(self, partition: Partition) -> None:
        async with partition.flushing:
            if self.cause is not None or not partition.pending():
                return
            began = time.monotonic()
            try:
                # Nothing is awaited until all of it is taken: a row must not be ahead of its alert or its offset.
                snapshot = self._snapshot(partition)
                await self._write(partition, snapshot)
            except BaseException as error:
                if not partition.gone:
                    self.poison(error)
                raise
            partition.committed, partition.flushed_ms = snapshot.offsets, int(time.time() * 1000)
            self.metrics.flush_seconds.observe(time.monotonic() - began)

    def _snapshot(self, partition: Partition) -> Snapshot:
        rows = partition.kernel.take_dirty()
        outbox, partition.outbox = partition.outbox, []
        for event in partition.kernel.take_events():
            subject, body, headers = self.encode(event)
            number = partition.number if subject in partition.routed else partition_of(subject, self.partitions)
            outbox.append(Outgoing(ALERTS, number, subject, body, headers))
            self.metrics.alerts_total.labels(event.rule, event.phase, event.severity).inc()
        rows.append((HEADER_KEY, header(partition, self.group)))
        return Snapshot(rows, outbox, dict(partition.applied))

    async def _write(self, partition: Partition, snapshot: Snapshot) -> None:
        await partition.producer.begin_transaction()
        self._check(partition)
        sent = await self._send_rows(partition, snapshot)
        sent += await self._send_outbox(partition, snapshot)
        for future in sent:
            await future
        self._check(partition)
        await self._send_offsets(partition, snapshot)
        self._check(partition)
        await self._commit(partition)

    async def _send_rows(self, partition: Partition, snapshot: Snapshot) -> Sent:
        nothing: Headers = []  # one for all rows: a list each would be what the collector walks
        rows: list[Record] = [(key, value, nothing) for key, value in snapshot.rows]
        return await send_batches(partition.producer, TopicPartition(CHANGELOG, partition.number), rows)

    async def _send_outbox(self, partition: Partition, snapshot: Snapshot) -> Sent:
        grouped: dict[TopicPartition, list[Record]] = defaultdict(list)
        for topic, number, key, value, headers in snapshot.outbox:
            grouped[TopicPartition(topic, number)].append((key, value, headers))
        sent: Sent = []
        for destination, records in grouped.items():
            sent += await send_batches(partition.producer, destination, records)
        return sent

    async def _send_offsets(self, partition: Partition, snapshot: Snapshot) -> None:
        offsets = {
            TopicPartition(topic, partition.number): at
            for topic, at in snapshot.offsets.items()
            if partition.committed.get(topic) != at
        }
        if offsets:
            await partition.producer.send_offsets_to_transaction(offsets, self.group)

    async def _commit(self, partition: Partition) -> None:
        await partition.producer.commit_transaction()

    def _check(self, partition: Partition) -> None:
        """Stop where an await has cost us the partition, or another one has failed meanwhile."""
        if self.cause is not None or partition.gone:
            raise GoneError


def header(partition: Partition, group: str) -> bytes:
    """Give the record that says what the rows of a partition contain: how many, and of which topics up to where."""
    topics = {
        topic: {"id": partition.topic_ids[topic], "next": at} for topic, at in sorted(partition.applied.items())
    }
    body: dict[str, Any] = {"layout": LAYOUT, "group": group, "rows": partition.kernel.records, "topics": topics}
    body["clock_ms"] = partition.clock.now()
    return json.dumps(body, separators=(",", ":")).encode()


def producer_of(bootstrap: str, group: str, number: int) -> AIOKafkaProducer:
    """Give the one producer that may write for a partition number; starting it fences whoever had it before."""
    return AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        client_id=f"vigil-{number}",
        transactional_id=f"{group}-{number}",
        transaction_timeout_ms=TRANSACTION_TIMEOUT_MS,
        max_batch_size=BATCH_BYTES,
        linger_ms=0,
    )


async def stop_producer(producer: AIOKafkaProducer) -> None:
    """Stop it within a deadline; what it left open, the next owner's producer aborts."""
    stopping = asyncio.ensure_future(producer.stop())
    await asyncio.wait([stopping], timeout=STOP_S)


async def send_batches(producer: AIOKafkaProducer, destination: TopicPartition, records: Iterable[Record]) -> Sent:
    """Send whole record batches, which cost a tenth of single sends. Returns the futures that must be awaited."""
    sent: Sent = []
    builder = producer.create_batch()
    for key, value, headers in records:
        if builder.append(key=key, value=value, headers=headers, timestamp=None) is None:
            sent.append(await producer.send_batch(builder, destination.topic, partition=destination.partition))
            builder = producer.create_batch()
            builder.append(key=key, value=value, headers=headers, timestamp=None)
    if builder.record_count():
        sent.append(await producer.send_batch(builder, destination.topic, partition=destination.partition))
    return sent
