"""
A feed into a folder of JSON lines, or onto the topics of a broker.

The trap: in a replayed feed nobody's clock moves in silence, so a gap would be found only at the next ping. Clock
records go to every partition, every five simulated minutes unless told otherwise, and behind the last ping as far as is
asked.
"""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from kafka import KafkaProducer

from schemas.errors import BadConfiguration, Unavailable
from schemas.topics import ORDERS, PINGS
from schemas.wire import CLOCK_KEY
from stream import broker
from stream.load import Outgoing, load
from stream.simulate.feed import Feed, SentPing
from stream.simulate.lives import MINUTE

__all__ = ["CLOCK_EVERY_MS", "Progress", "run_to_files", "run_to_kafka"]

CLOCK_EVERY_MS: Final = 5 * MINUTE
_SHOWN_EVERY: Final = 1_000

Timeline = Iterator[tuple[int, SentPing | None]]
Progress = Callable[[int, int], None]
"""Told now and then, and at the end: how many pings are out, of how many."""


def run_to_files(feed: Feed, folder: Path, progress: Progress) -> None:
    """
    Write `orders.jsonl`, `pings.jsonl` and `truth.jsonl` into a folder, which is made if need be.

    The last line of the pings is a clock record at the end of the feed, so that a replay also sees the last silence.
    Raises BadConfiguration when a file cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        orders = "".join(f"{order.model_dump_json()}\n" for order in feed.orders)
        (folder / "orders.jsonl").write_text(orders, "utf-8")
        truth = "".join(f"{json.dumps(row.as_json())}\n" for row in feed.truth)
        (folder / "truth.jsonl").write_text(truth, "utf-8")
        with (folder / "pings.jsonl").open("wb") as file:
            for count, ping in enumerate(feed.pings(), start=1):
                file.write(ping.value + b"\n")
                _show(progress, count, len(feed))
            file.write(_clock(feed.end_ms) + b"\n")
    except OSError as error:
        raise BadConfiguration(folder, f"cannot be written ({error.strerror})") from error


def run_to_kafka(
    feed: Feed,
    bootstrap: str,
    progress: Progress,
    *,
    speed: float | None = None,
    after_ms: int = 0,
    clock_every_ms: int = CLOCK_EVERY_MS,
) -> None:
    """
    Send the orders, then pings and clock records in time order.

    `speed` is how many simulated seconds pass in a real one, None as fast as the broker takes them. `after_ms` is how
    far the clock runs on behind the end of the feed: with the horizon, everything late is settled. `clock_every_ms` is
    how long a silence of everybody may last, in the feed's time, before a worker is told the time.

    Raises Unavailable when a record is not acknowledged, BadConfiguration when a topic is missing.
    """
    with broker.reaching(bootstrap):
        # A producer would wait a minute for a topic that is not there.
        reader = broker.reader(bootstrap)
        try:
            broker.partitions_of(reader, ORDERS)
            partitions = len(broker.partitions_of(reader, PINGS))
        finally:
            reader.close()
    load(bootstrap, (Outgoing(o.supervisee.encode(), o.model_dump_json().encode()) for o in feed.orders), lambda: None)
    with broker.reaching(bootstrap):
        producer = broker.producer(bootstrap)
        try:
            events = timeline(feed, after_ms, clock_every_ms)
            _send(producer, partitions, events, lambda count: _show(progress, count, len(feed)), speed)
        finally:
            producer.close(timeout=5)


def timeline(feed: Feed, after_ms: int, every_ms: int = CLOCK_EVERY_MS) -> Timeline:
    """
    Give the pings with their times and, between them, the moments (None) at which the clock is told.

    A moment comes behind all pings that are not later, and none is later than the end of the feed and `after_ms`.
    """
    moment = None
    for ping in feed.pings():
        if moment is None:
            moment = ping.time_ms - ping.time_ms % every_ms
        while moment < ping.time_ms:
            yield moment, None
            moment += every_ms
        yield ping.time_ms, ping
    end_ms = feed.end_ms + after_ms
    moment = end_ms if moment is None else moment
    yield from ((at_ms, None) for at_ms in range(moment, end_ms, every_ms))
    yield end_ms, None


def _send(
    producer: KafkaProducer, partitions: int, events: Timeline, sent: Callable[[int], None], speed: float | None
) -> None:
    failures: list[Exception] = []
    count, started, first_ms = 0, time.monotonic(), None
    for at_ms, ping in events:
        first_ms = at_ms if first_ms is None else first_ms
        if speed is not None:
            time.sleep(max(0.0, started + (at_ms - first_ms) / 1_000 / speed - time.monotonic()))
        if ping is None:
            for partition in range(partitions):
                told = producer.send(PINGS, key=CLOCK_KEY, value=_clock(at_ms), partition=partition)
                told.add_errback(failures.append)
            continue
        producer.send(PINGS, key=ping.supervisee.encode(), value=ping.value).add_errback(failures.append)
        count += 1
        sent(count)
        if failures:
            break
    producer.flush()
    if failures:
        raise Unavailable(f"{PINGS}: a ping was not acknowledged ({failures[0]})") from failures[0]


def _clock(at_ms: int) -> bytes:
    return b'{"clock_ms":%d}' % at_ms


def _show(progress: Progress, count: int, total: int) -> None:
    if count % _SHOWN_EVERY == 0 or count == total:
        progress(count, total)
