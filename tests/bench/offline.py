"""
The worker's own code on the records of a run, without broker, sockets and Faust: where each microsecond goes.

Fetched bytes become columns, the agent applies them, and each piece ends in the rows and alerts of a transaction that
is built and thrown away. Options: `input`, the file of the records; `passes` over the decoder; `profile`, where to
write what cProfile saw. Also measured here: `list(map(decode, values))` on the same records, and the scan for
deadlines over a million rows, and the pause that the start of the curfew makes where all have the same.
"""

import asyncio
import cProfile
import gc
import itertools
import statistics
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
from aiokafka import TopicPartition
from aiokafka.consumer.fetcher import READ_COMMITTED, PartitionRecords
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from prometheus_client import CollectorRegistry

from detectors.engine import Engine
from detectors.findings import EpisodeEvent
from detectors.gate import Limits
from detectors.pings import NEVER
from schemas import wire
from schemas.rules import load_rules
from schemas.topics import ORDERS, PINGS, SOURCES
from stream import columns as reading
from stream.agent import Agent
from stream.alerts import encode
from stream.app import FETCH_BYTES
from stream.clock import FeedClock, Reading
from stream.decode import decode
from stream.metrics import Metrics
from stream.partition import Partition, Record
from stream.settings import Settings
from stream.simulate.lives import DAY, HOUR
from stream.transactions import BATCH_BYTES, Transactions
from tests.bench import county, machine
from tests.bench.feeding import BATCH_BYTES as FED_BYTES
from tests.bench.feeding import PARTITIONS
from tests.bench.stopwatch import Stopwatch

POLLED: Final = 8_192
CHUNK: Final = 512
MILLION: Final = 1_000_000
CROWD: Final = 100_000
CARRIED: Final = 8
"""Pieces in one transaction, as in a worker that is behind."""
REST: Final = "measured around all of it, in no stage"


class Nowhere:
    """A producer whose batches go nowhere."""

    def create_batch(self) -> BatchBuilder:
        """Give what a transactional producer gives."""
        return BatchBuilder(BATCH_BYTES, 0, is_transactional=1)

    async def send_batch(self, builder: BatchBuilder, topic: str, *, partition: int) -> None:
        """Build the bytes and forget them."""
        del topic, partition
        builder._build()  # noqa: SLF001 - what the producer's sender does with it


def fetches(number: int, topic: str, records: list[Record]) -> Iterator[PartitionRecords]:
    """Give records as the fetcher has them: so many record batches at a time as a fetch may hold."""
    waiting, size, offset, start = list[bytes](), 0, 0, 0
    for builder in _batches(records):
        batch = offset.to_bytes(8, "big") + bytes(builder._build())[8:]  # noqa: SLF001 - as a broker places it
        offset += builder.record_count()
        if size + len(batch) > FETCH_BYTES and waiting:
            yield _parsed(number, topic, waiting, start)
            waiting, size, start = [], 0, offset - builder.record_count()
        waiting.append(batch)
        size += len(batch)
    yield _parsed(number, topic, waiting, start)


def _batches(records: list[Record]) -> Iterator[BatchBuilder]:
    builder = BatchBuilder(FED_BYTES, 0)
    for key, value, headers in records:
        if builder.append(key=key, value=value, headers=headers, timestamp=1) is None:
            yield builder
            builder = BatchBuilder(FED_BYTES, 0)
            builder.append(key=key, value=value, headers=headers, timestamp=1)
    yield builder


def _parsed(number: int, topic: str, batches: list[bytes], start: int) -> PartitionRecords:
    memory = MemoryRecords(b"".join(batches))
    return PartitionRecords(TopicPartition(topic, number), memory, [], start, None, None, True, READ_COMMITTED)  # noqa: FBT003


class Offline:
    """Agent and transactions of one worker over all partition numbers, fed from memory."""

    def __init__(self) -> None:
        settings = Settings(clock="feed", partitions=PARTITIONS)
        rules = load_rules(settings.rules_file)
        limits = Limits(settings.horizon_ms, settings.future_ms)
        metrics = Metrics(CollectorRegistry())

        def say(event: EpisodeEvent) -> Any:  # noqa: ANN401
            return encode(event, rules.revision, settings.alert_source, structured=False)

        self.transactions = Transactions("bench", PARTITIONS, say, metrics, _raise)
        self.agent = Agent(self.transactions, _no_source, metrics, partitions=PARTITIONS)
        for number in range(PARTITIONS):
            self.transactions.owned[number] = Partition(
                number,
                Engine(rules, limits),
                Nowhere(),
                FeedClock(settings.future_ms),
                {topic: Reading() for topic in SOURCES},
                dict.fromkeys(SOURCES, "id"),
                dict.fromkeys(SOURCES, 0),
            )

    async def take(self, number: int, topic: str, columns: reading.Columns, *, last: bool = True) -> None:
        """Apply columns; the last of some write a transaction of what they brought."""
        partition = self.transactions.owned[number]
        await self.agent.work(partition, topic, columns)
        if not last:
            return
        partition.kernel.tick(partition.clock.now())
        snapshot = self.transactions._snapshot(partition)  # noqa: SLF001 - the steps of a flush
        await self.transactions._send_rows(partition, snapshot)  # noqa: SLF001
        await self.transactions._send_outbox(partition, snapshot)  # noqa: SLF001


def _raise(cause: BaseException) -> None:
    raise cause


def _no_source() -> Any:  # noqa: ANN401
    raise LookupError


def by_partition(drawn: county.Input) -> Iterator[tuple[int, list[Record], list[Record]]]:
    """Give orders and pings of each partition number."""
    numbers = drawn.partitions(PARTITIONS)
    names = [name.encode() for name in drawn.supervisees]
    orders: list[list[Record]] = [[] for _ in range(PARTITIONS)]
    pings: list[list[Record]] = [[] for _ in range(PARTITIONS)]
    for number, name, order in zip(numbers, names, drawn.orders, strict=True):
        orders[number].append((name, order, []))
    for person, value in zip(drawn.persons, drawn.values, strict=True):
        pings[numbers[person]].append((names[person], value, []))
    for number in range(PARTITIONS):
        pings[number].append((wire.CLOCK_KEY, drawn.clock(), []))
        yield number, orders[number], pings[number]


async def stages(drawn: county.Input, profile: str | None) -> dict[str, Any]:
    """Run everything once; gives processor seconds by stage and of the whole."""
    offline, waiting = Offline(), dict[int, list[PartitionRecords]]()
    for number, orders, pings in by_partition(drawn):
        for fetched in fetches(number, ORDERS, orders):
            await offline.take(number, ORDERS, reading.read_columns(fetched))
        waiting[number] = list(fetches(number, PINGS, pings))[::-1]
    gc.collect()
    stopwatch = Stopwatch()
    profiler = cProfile.Profile() if profile else None
    if profiler:
        profiler.enable()
    else:
        stopwatch.start()
    began, pieces = time.process_time(), 0
    for number in itertools.chain(*itertools.repeat(range(PARTITIONS), max(map(len, waiting.values())))):
        if waiting[number]:
            pieces += 1
            columns = reading.read_columns(waiting[number].pop())
            await offline.take(number, PINGS, columns, last=len(waiting[number]) % CARRIED == 0)
    whole_s = time.process_time() - began
    if profiler and profile:
        profiler.disable()
        profiler.dump_stats(Path(profile))
    seconds = dict(stopwatch.seconds)
    kernels = [partition.kernel for partition in offline.transactions.owned.values()]
    counters = sum((Counter(kernel.counters) for kernel in kernels), Counter())
    seconds[REST] = whole_s - sum(seconds.values())
    return {"stages": seconds, "whole_s": whole_s, "pieces": pieces, "counters": counters}


def decoding(values: list[bytes], size: int, passes: int) -> float:
    """Give the processor seconds of `list(map(decode, values))`, `size` records at a time: the median of passes."""
    found = []
    for _ in range(passes):
        began = time.process_time()
        for start in range(0, len(values), size):
            list(map(wire.decode, values[start : start + size]))
        found.append(time.process_time() - began)
    return statistics.median(found)


def scanning() -> float:
    """Give the milliseconds of a tick over a million rows of which none is due: the median of passes."""
    engine = Engine(load_rules(Settings().rules_file))
    windows = engine.supervision.windows
    windows.ids, windows.due = [""] * MILLION, np.full(MILLION, NEVER)
    found = []
    for _ in range(15):
        began = time.perf_counter()
        engine.tick(1)
        found.append(time.perf_counter() - began)
    return statistics.median(found) * 1000


def curfew_start() -> dict[str, float]:
    """Give the longest pause, and the whole time, that a hundred thousand curfews cost that begin at once."""
    drawn = county.draw(CROWD, CROWD * 2)
    batch = decode(drawn.keys(), drawn.values)
    engine = Engine(load_rules(Settings().rules_file))
    for supervisee, order in zip(drawn.supervisees, drawn.orders, strict=True):
        engine.order(supervisee, order, 0)
    begins_ms = county.MONDAY_MS + 2 * DAY + 22 * HOUR
    early = batch.pings["time_ms"] < begins_ms
    engine.apply([batch.supervisees[i] for i in np.flatnonzero(early)], batch.pings[early], -1)
    while engine.tick(begins_ms - 1):
        pass
    pauses, more = [], True
    while more:
        began = time.perf_counter()
        more = engine.tick(begins_ms)
        pauses.append(time.perf_counter() - began)
    return {"longest_ms": max(pauses) * 1000, "all_ms": sum(pauses) * 1000, "people": len(engine)}


def main() -> None:
    """Measure decoder, stages and scan."""
    result, options = machine.begin()
    drawn = county.load(Path(options["input"]))
    found: dict[str, Any] = {
        "decode_s": decoding(drawn.values, POLLED, options["passes"]),
        "decode_chunk_s": decoding(drawn.values, CHUNK, options["passes"]),
        "decode_whole_s": decoding(drawn.values, len(drawn.values), options["passes"]),
        "scan_ms": scanning(),
        "curfew_start": curfew_start(),
    }
    if options["stages"]:
        found |= asyncio.run(stages(drawn, options.get("profile")))
    machine.leave(result, found)


if __name__ == "__main__":
    main()
