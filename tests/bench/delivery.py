"""
Delivery alone: the application with an agent that does nothing, and aiokafka's `getmany` on the same topic.

Options: `bootstrap`, `who` (`columns` or `getmany`), `records`, how many there are. The clock runs from the first
records to the last.
"""

import asyncio
import os
import signal
import time
from collections.abc import Callable
from typing import Any

import aiokafka
from prometheus_client import CollectorRegistry

from detectors.engine import Engine
from schemas.rules import Rules, load_rules
from schemas.topics import PINGS
from stream import app as application
from stream.agent import Agent
from stream.metrics import Metrics
from stream.settings import Settings
from stream.transport import FETCH_WAIT_MS
from tests.bench import machine
from tests.bench.feeding import PARTITIONS
from tests.bench.opening import open_together


class Count:
    """Counts records to the last; `wall_s` and `cpu_s` from the first ones on."""

    def __init__(self, records: int, ending: Callable[[], None]) -> None:
        self.records, self.seen, self.polls, self._ending = records, 0, 0, ending
        self.wall_s = self.cpu_s = 0.0

    def add(self, count: int) -> None:
        """Take note of so many records."""
        if not self.seen:
            self._began = time.perf_counter(), time.process_time()
        self.seen += count
        self.polls += 1
        if self.seen >= self.records:
            self.wall_s = time.perf_counter() - self._began[0]
            self.cpu_s = time.process_time() - self._began[1]
            self._ending()


async def columns(bootstrap: str, records: int) -> Count:
    """Measure our own transport, from the broker into an agent that drops what it gets."""
    settings = Settings(kafka_bootstrap=bootstrap, partitions=PARTITIONS, group="bench-delivery", clock="feed")
    rules: Rules = load_rules(settings.rules_file)
    app = application.build(settings, lambda: Engine(rules), _unsaid, Metrics(CollectorRegistry()))
    count = Count(records, lambda: os.kill(os.getpid(), signal.SIGTERM))
    take = Agent.take

    async def drop(agent: Any, tp: Any, given: Any) -> None:  # noqa: ANN401 - Faust has no types
        if tp.topic != PINGS or not len(given):
            await take(agent, tp, given)
            return
        agent.transactions.owned[tp.partition].taken[PINGS] = given.end
        count.add(len(given))

    Agent.take = drop  # type: ignore[method-assign, assignment]
    open_together(lambda: None)
    await application.serve(app)
    return count


async def getmany(bootstrap: str, records: int) -> Count:
    """Measure aiokafka's own consumer under the same fetch settings."""
    consumer = aiokafka.AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        max_partition_fetch_bytes=application.FETCH_BYTES,
        fetch_max_wait_ms=FETCH_WAIT_MS,
    )
    done: list[bool] = []
    count = Count(records, lambda: done.append(True))
    await consumer.start()
    consumer.assign([aiokafka.TopicPartition(PINGS, number) for number in range(PARTITIONS)])
    while not done:
        for given in (await consumer.getmany(timeout_ms=500)).values():
            count.add(len(given))
    await consumer.stop()
    return count


def _unsaid(event: object) -> Any:  # noqa: ANN401 - never called
    raise AssertionError(event)


def main() -> None:
    """Measure one of the two."""
    result, options = machine.begin()
    way = {"columns": columns, "getmany": getmany}[options["who"]]
    count = asyncio.run(way(options["bootstrap"], options["records"]))
    machine.leave(result, {"wall_s": count.wall_s, "cpu_s": count.cpu_s, "seen": count.seen, "polls": count.polls})


if __name__ == "__main__":
    main()
