"""
From a ping to its alert: a sender at a steady rate, `vigil run` on the last core, and a subscriber who reads committed.

Sender, subscriber and broker share the first core. Everybody pings once a second on the clock of the machine; a phone
in two hundred answers `powered off`, which is an alert at once, and some fall silent, which is one after a minute. A
ping's moment is the one in its body, before it is sent; an alert's is when the subscriber has it. Check-ins and
dispositions are subscribed and idle. Options: `bootstrap`, `input`, `rules`, `people`.
"""

import asyncio
import contextlib
import json
import os
import re
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import psutil
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from kafka import KafkaAdminClient
from kafka.errors import RetriableError

from schemas.topics import ALERTS, ORDERS, PINGS
from tests.bench import county, feeding, machine

GROUP: Final = "bench-latency"
TICKS: Final = 20
"""How often in a second the sender sends; each time another twentieth of the people."""
MARKED: Final = 200
SILENT: Final = 200
SECONDS: Final = 80
SILENT_FROM_S: Final = 5
LIMIT_MS: Final = 60_000
SETTLE_S: Final = 5
_TIME: Final = re.compile(rb'"time_ms":\d+')
_STATUS: Final = re.compile(rb'"status":"\w+"')


class Sender:
    """Pings of everybody, once a second; `sent_ms` by person of what must come back as an alert at once."""

    def __init__(self, drawn: county.Input, people: int) -> None:
        first: dict[int, bytes] = {}
        for person, value in zip(drawn.persons, drawn.values, strict=True):
            if b'"status":"located"' in value:
                first.setdefault(person, value)
        self.people = [person for person in sorted(first) if person < people]
        self.names = [name.encode() for name in drawn.supervisees]
        self.numbers = drawn.partitions(feeding.PARTITIONS)
        self.halves = {person: _TIME.split(first[person], maxsplit=1) for person in self.people}
        self.silent = set(self.people[:: len(self.people) // SILENT][:SILENT])
        self.marked: dict[str, set[int]] = defaultdict(set)
        self.last_ms: dict[str, int] = {}
        self.sent = 0
        self.latest_s = 0.0

    async def run(self, producer: AIOKafkaProducer, seconds: int) -> None:
        """Send for so many seconds, tick by tick."""
        began = time.monotonic()
        for tick in range(seconds * TICKS):
            due_s = began + tick / TICKS
            await asyncio.sleep(max(0.0, due_s - time.monotonic()))
            self.latest_s = max(self.latest_s, time.monotonic() - due_s)
            now_ms = int(time.time() * 1000)
            batches: dict[int, Any] = {}
            for person in self.people[tick % TICKS :: TICKS]:
                if person in self.silent and tick >= SILENT_FROM_S * TICKS:
                    continue
                number = self.numbers[person]
                if number not in batches:
                    batches[number] = producer.create_batch()
                value = self._value(person, now_ms, tick // TICKS)
                batches[number].append(key=self.names[person], value=value, timestamp=None)
                self.sent += 1
            for number, batch in batches.items():
                await producer.send_batch(batch, PINGS, partition=number)

    def _value(self, person: int, now_ms: int, second: int) -> bytes:
        before, after = self.halves[person]
        value = before + b'"time_ms":%d' % now_ms + after
        name = self.names[person].decode()
        if person in self.silent:
            self.last_ms[name] = now_ms
        elif second and (person + second * 7) % MARKED == 0:
            self.marked[name].add(now_ms)
            return _STATUS.sub(b'"status":"powered_off"', value, count=1)
        return value


class Subscriber:
    """What came: the delay of each marked ping's alert, and of each silent person's; in ms."""

    def __init__(self, sender: Sender) -> None:
        self.sender = sender
        self.delays: list[int] = []
        self.silences: list[int] = []
        self.alerts = 0

    async def run(self, bootstrap: str) -> None:
        """Read until cancelled."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=bootstrap,
            isolation_level="read_committed",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=100,
        )
        async with consumer:
            consumer.assign([TopicPartition(ALERTS, number) for number in range(feeding.PARTITIONS)])
            while True:
                found = await consumer.getmany(timeout_ms=1000)
                now_ms = int(time.time() * 1000)
                for records in found.values():
                    for record in records:
                        self._take(record.key.decode(), json.loads(record.value), now_ms)

    def told(self) -> str:
        """Say how much came."""
        marked = sum(map(len, self.sender.marked.values()))
        return f"{len(self.delays)} of {marked} answers, {len(self.silences)} of {len(self.sender.silent)} silences"

    def _take(self, name: str, body: dict[str, Any], now_ms: int) -> None:
        self.alerts += 1
        if body["rule"] != "gap" or body["phase"] != "opened":
            return
        since_ms = round(np.datetime64(body["since"].removesuffix("Z"), "ms").astype(np.int64).item())
        if since_ms in self.sender.marked[name]:
            self.delays.append(now_ms - since_ms)
        elif self.sender.last_ms.get(name) == since_ms:
            self.silences.append(now_ms - since_ms - LIMIT_MS - SETTLE_S * 1000)


@contextlib.contextmanager
def worker(bootstrap: str, rules: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a worker on the last core, and put ourselves on the first."""
    changes = {
        "VIGIL_KAFKA_BOOTSTRAP": bootstrap,
        "VIGIL_GROUP": GROUP,
        "VIGIL_PARTITIONS": str(feeding.PARTITIONS),
        "VIGIL_SETTLE_S": str(SETTLE_S),
        "VIGIL_RULES_FILE": rules,
        "VIGIL_HTTP_PORT": "0",
    }
    command = [sys.executable, "-c", "from stream.cli import main; main()", "run"]
    process = subprocess.Popen(command, cwd=machine.ROOT, env=machine.environment(changes))
    os.sched_setaffinity(0, {machine.cores()[0]})
    try:
        yield process
        assert process.poll() is None, "the worker has ended by itself"
        process.terminate()
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()


def wait_for_orders(bootstrap: str) -> None:
    """Return once the worker has committed all orders."""
    ends = {number: end for number, end in feeding.ends(bootstrap, ORDERS).items() if end}
    with contextlib.closing(KafkaAdminClient(bootstrap_servers=bootstrap)) as admin:
        read: dict[int, int] = {}
        while read != ends:
            time.sleep(0.2)
            with contextlib.suppress(RetriableError):  # a broker that has never seen a group makes room for it first
                found = admin.list_group_offsets({GROUP: None})[GROUP]
                read = {p.partition: at.offset for p, at in found.items() if p.topic == ORDERS and at.offset}


async def measure(options: dict[str, Any], process: psutil.Process) -> dict[str, Any]:
    """Send, and listen until the last silence is long over."""
    sender = Sender(county.load(Path(options["input"])), options["people"])
    subscriber = Subscriber(sender)
    listening = asyncio.ensure_future(subscriber.run(options["bootstrap"]))
    producer = AIOKafkaProducer(bootstrap_servers=options["bootstrap"], max_batch_size=1 << 20, linger_ms=0)
    async with producer:
        began, busy_s, cpu_s = time.monotonic(), machine.busy_s(machine.cores()[1]), _cpu_s(process)
        await sender.run(producer, SECONDS)
        took_s, cpu_s = time.monotonic() - began, _cpu_s(process) - cpu_s
        others_s = machine.busy_s(machine.cores()[1]) - busy_s - cpu_s
    await asyncio.sleep(3)
    listening.cancel()
    await asyncio.wait([listening])
    marked = sum(map(len, sender.marked.values()))
    assert (marked, len(sender.silent)) == (len(subscriber.delays), len(subscriber.silences)), subscriber.told()
    return {
        "pings_per_s": sender.sent / took_s,
        "cpu_share": cpu_s / took_s,
        "others_share": others_s / took_s,
        "sender_late_s": sender.latest_s,
        "alerts": subscriber.alerts,
        "ping_to_alert_s": _percentiles_s(subscriber.delays),
        "silence_beyond_settle_s": _percentiles_s(subscriber.silences),
    }


def _cpu_s(process: psutil.Process) -> float:
    """Give the processor time that a process has had."""
    times = process.cpu_times()
    return float(times.user + times.system)


def _percentiles_s(delays_ms: list[int]) -> list[float]:
    """Give median, 99th percentile and the longest, in seconds."""
    found: list[float] = (np.percentile(delays_ms, [50, 99, 100]) / 1000).tolist()
    return found


def main() -> None:
    """Measure."""
    result, options = machine.begin()
    with worker(options["bootstrap"], options["rules"]) as process:
        wait_for_orders(options["bootstrap"])
        found = asyncio.run(measure(options, psutil.Process(process.pid)))
    machine.leave(result, found)


if __name__ == "__main__":
    main()
