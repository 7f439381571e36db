"""
What a worker does between two rebalances: load what it was given, work on it, write the last of it, let go.

The order of a load decides everything: first the producer, so that a former owner who still lives is fenced; then the
rows; then the orders topic from its beginning to its end, since a row without a live order must go; then the rest. A
load is a task of its own that no lock waits for, and what it made is thrown away when the group has moved on meanwhile.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Any, Protocol

import structlog
from aiokafka.errors import KafkaError
from faust.types.tuples import TP

from schemas.errors import BadConfiguration, BadInput, BadState, Unavailable
from schemas.topics import CHANGELOG, ORDERS, SOURCES
from stream import broker
from stream.agent import Agent
from stream.clock import UNKNOWN, Clock, FeedClock, Reading, WallClock
from stream.decode import misrouted
from stream.metrics import Metrics
from stream.partition import Kernel, Partition
from stream.settings import Settings
from stream.store import Header, Reader, check_range, check_topics, positions, read_rows
from stream.transactions import Encode, Transactions, producer_of, stop_producer

LOADS = 4
"""Partitions loaded at a time: a load is bound by the processor, and a second one fills its waits."""
STEP = 512


class Consumer(Protocol):
    """The transport's consumer, as far as the worker uses it."""

    open: set[Any]

    def answer(self, partition: Any) -> Any:  # noqa: ANN401 - Faust's TP is untyped
        """Give the last answered fetch of a partition, or None before the first."""

    def shut(self, partitions: set[Any]) -> None:
        """Deliver nothing more of these partitions for now."""

    async def place(self, offsets: dict[Any, int]) -> None:
        """Deliver these partitions from these offsets on."""


class Worker:
    """The owned partition numbers of one process, and how they come and go."""

    def __init__(
        self,
        settings: Settings,
        kernel: Callable[[], Kernel],
        encode: Encode,
        metrics: Metrics,
        poisoned: Callable[[BaseException], None],
    ) -> None:
        self.settings, self.kernel, self.metrics = settings, kernel, metrics
        self.consumer: Consumer
        self.transactions = Transactions(settings.group, settings.partitions, encode, metrics, poisoned)
        self.agent = Agent(
            self.transactions,
            lambda: self.consumer,
            metrics,
            partitions=settings.partitions,
        )
        self.generation = 0
        self.numbers: set[int] = set()
        self._loads: dict[int, asyncio.Task[None]] = {}
        self._turns = asyncio.Semaphore(LOADS)
        self._routines: list[asyncio.Task[None]] = []

    def begin(self) -> None:
        """Start the transactions' timer and the clock."""
        routines = self.transactions.run(self.settings.flush_s), self.agent.run_clock()
        self._routines = [asyncio.ensure_future(routine) for routine in routines]

    def poison(self, cause: BaseException) -> None:
        """End the process without writing anything more."""
        self.transactions.poison(cause)

    def assigned(self, partitions: set[Any], generation: int) -> None:
        """Begin to load; one number of all source topics or none, else orders and pings would part."""
        by_topic = {topic: {tp.partition for tp in partitions if tp.topic == topic} for topic in SOURCES}
        self.numbers, self.generation = by_topic[ORDERS], generation
        if any(numbers != self.numbers for numbers in by_topic.values()):
            self.poison(BadConfiguration("assignment", f"the source topics have different partitions: {by_topic}"))
            return
        structlog.get_logger(__name__).info("partitions assigned", partitions=sorted(self.numbers))
        if not self.numbers:
            return
        topics = asyncio.ensure_future(asyncio.to_thread(describe, self.settings.bootstrap, self.settings.partitions))
        topics.add_done_callback(lambda asked: asked.cancelled() or asked.exception())  # nobody may be left to ask
        for number in sorted(self.numbers):
            self._loads[number] = load = asyncio.ensure_future(self._load(number, generation, topics))
            load.add_done_callback(self._loaded)

    async def revoked(self, partitions: set[Any]) -> None:
        """Write the last transaction of what leaves, and forget it; loads under way are given up."""
        numbers = {tp.partition for tp in partitions}
        self.numbers -= numbers
        loads = [self._loads.pop(number) for number in numbers & self._loads.keys()]
        for load in loads:
            load.cancel()
        await self.transactions.release(numbers)
        self.agent.gauges.forget(numbers)
        await asyncio.gather(*loads, return_exceptions=True)

    async def closed(self) -> None:
        """Let go of everything at the end of the process."""
        self.agent.end()
        self.transactions.end()
        await self.revoked({TP(ORDERS, number) for number in self.numbers})
        await asyncio.gather(*self._routines, return_exceptions=True)

    async def out_of_range(self, partition: Any) -> None:  # noqa: ANN401 - Faust's TP is untyped
        """Say which records retention has taken before they were read, and end."""
        topic, number = partition
        if number in self.transactions.owned:
            async with Reader(self.settings.bootstrap, self.settings.group) as reader:
                bounds = await reader.bounds(topic, number)
            try:
                check_range(topic, number, self.transactions.owned[number].taken[topic], bounds)
            except BadState as error:
                self.poison(error)

    def loading(self) -> list[int]:
        """List the assigned numbers that do not work yet."""
        return sorted(self.numbers - self.transactions.owned.keys())

    async def _load(self, number: int, generation: int, topics: asyncio.Future[dict[str, str]]) -> None:
        began = time.monotonic()
        try:
            async with self._turns:
                partition = await self._read(number, topics)
                if not self._is_current(number, generation):
                    await stop_producer(partition.producer)
                    return
                self.transactions.owned[number] = partition
            await self.consumer.place({TP(topic, number): at for topic, at in partition.applied.items()})
        except KafkaError as error:
            raise Unavailable(f"loading partition {number}: {type(error).__name__}: {error}") from error
        else:
            self.metrics.load_seconds.observe(time.monotonic() - began)
        finally:
            self._loads.pop(number, None)

    def _loaded(self, load: asyncio.Task[None]) -> None:
        """A partition that cannot be loaded must not be worked on."""
        error = None if load.cancelled() else load.exception()
        if error is not None:
            self.poison(error)

    def _is_current(self, number: int, generation: int) -> bool:
        return generation == self.generation and number in self.numbers and self.transactions.cause is None

    async def _read(self, number: int, topics: asyncio.Future[dict[str, str]]) -> Partition:
        settings = self.settings
        producer = producer_of(settings.bootstrap, settings.group, number)
        try:
            await producer.start()
            async with Reader(settings.bootstrap, settings.group) as reader:
                topic_ids = await asyncio.shield(topics)
                committed = {topic: await reader.committed(topic, number) for topic in SOURCES}
                records, header = await read_rows(reader, number, settings.group)
                if header is not None:
                    check_topics(header, topic_ids)
                applied = await positions(reader, number, header, committed)
                readings = {topic: Reading() for topic in SOURCES}
                for topic, at in applied.items():
                    readings[topic].read(at, UNKNOWN)
                partition = Partition(
                    number, self.kernel(), producer, self._clock(readings, header), readings, topic_ids, applied
                )
                # The group's own: where the broker has lost them, the next transaction writes them again.
                partition.committed = {topic: at for topic, at in committed.items() if at is not None}
                partition.kernel.load(records)
                records.clear()
                await self._read_orders(reader, partition, UNKNOWN if header is None else header.clock_ms)
            partition.taken = dict(partition.applied)
        except BaseException:
            with contextlib.suppress(KafkaError):
                await stop_producer(producer)
            raise
        return partition

    async def _read_orders(self, reader: Reader, partition: Partition, last_ms: int) -> None:
        """Bring the rows to the end of the orders topic, and erase those that have no live order there."""
        live: dict[bytes | None, bytes | None] = {}
        bounds = await reader.bounds(ORDERS, partition.number)
        async for columns in reader.read(ORDERS, partition.number, bounds):
            seen = sum(offset < partition.applied[ORDERS] for offset in columns.offsets)
            before = dict(zip(columns.keys[:seen], columns.values[:seen], strict=True))
            await self._recall(partition, before)
            live.update(before)
            new = columns.part(seen, len(columns))
            live.update(zip(new.keys, new.values, strict=True))
            await self.agent.work(partition, ORDERS, new)
        ended_ms = max(last_ms, partition.readings[ORDERS].appended_ms)
        for supervisee in [s for s in partition.kernel.supervisees() if live.get(s.encode()) is None]:
            partition.kernel.order(supervisee, None, ended_ms)

    async def _recall(self, partition: Partition, orders: dict[bytes | None, bytes | None]) -> None:
        """Give the rules the orders that they have taken before but keep no row of; not those refused as misrouted."""
        for count, (key, value) in enumerate(orders.items()):
            if key is None or value is None or partition.kernel.knows(name := key.decode("utf-8", "replace")):
                continue
            if not misrouted([key], partition.number, self.settings.partitions):
                with contextlib.suppress(BadInput):  # it went to the dead letters when it came
                    partition.kernel.order(name, value, partition.clock.now())
            if count % STEP == 0:
                await asyncio.sleep(0)

    def _clock(self, readings: dict[str, Reading], header: Header | None) -> Clock:
        if self.settings.clock == "feed":
            return FeedClock(self.settings.future_ms, UNKNOWN if header is None else header.clock_ms)
        return WallClock(readings.values(), round(self.settings.settle_s * 1000))


def describe(bootstrap: str, partitions: int) -> dict[str, str]:
    """
    Give the topic id of each source topic.

    Raises BadConfiguration where a topic is missing or has another number of partitions: keys would move.
    """
    with broker.reaching(bootstrap), contextlib.closing(broker.admin(bootstrap)) as admin:
        found = {entry["name"]: entry for entry in admin.describe_topics([*SOURCES, CHANGELOG])}
    for topic in (*SOURCES, CHANGELOG):
        entry = found.get(topic)
        if entry is None or entry["error_code"]:
            raise BadConfiguration(topic, "the topic does not exist: create it with `vigil topics apply`")
        if len(entry["partitions"]) != partitions:
            count = len(entry["partitions"])
            raise BadConfiguration(topic, f"has {count} partitions, VIGIL_PARTITIONS is {partitions}: keys would move")
    return {topic: str(found[topic]["topic_id"]) for topic in SOURCES}
