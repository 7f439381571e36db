"""
The Faust application of one worker: what it is made of, how it starts, and how it ends.

Faust's web server stays off, since it shows the state of people to whoever asks. There is one agent for all source
topics, no table, and the co-partitioning assignor: with no tables and no standbys Faust would silently take round robin
and give the orders of a person to one worker and the pings to another.
"""

import asyncio
import logging
import os
import signal
from collections.abc import Callable

import faust
from aiokafka.errors import KafkaError

from schemas.errors import Unavailable
from schemas.topics import SOURCES
from stream.agent import now_ms
from stream.metrics import Metrics
from stream.partition import Kernel
from stream.settings import Settings
from stream.transactions import EXIT_POISONED, Encode
from stream.transport import SCHEME, ColumnsSchema
from stream.worker import Worker

FETCH_BYTES = 1 << 20
QUEUED = 2
"""Polls that wait for the agent; more only costs memory."""
POLL_INTERVAL_S = 120
STALLED_S = 60


class App(faust.App):  # type: ignore[misc]
    """Faust's application, which carries the worker for the transport and makes no folders where it is started."""

    delivery: Worker

    def _create_directories(self) -> None:
        """Nothing: there is no table to store."""


def build(
    settings: Settings,
    kernel: Callable[[], Kernel],
    encode: Encode,
    metrics: Metrics,
    poisoned: Callable[[BaseException], None] | None = None,
) -> App:
    """
    Put a worker together; `kernel` gives the rules of one partition number.

    `poisoned` ends the process by default; nothing may be written after it was called. Needs a running event loop.
    """
    app = App(
        settings.group,
        broker=[f"{SCHEME}://{address.strip()}" for address in settings.bootstrap.split(",")],
        web_enabled=False,
        table_standby_replicas=1,
        topic_partitions=settings.partitions,
        topic_allow_declare=False,
        topic_disable_leader=True,
        broker_session_timeout=settings.session_timeout_s,
        broker_heartbeat_interval=settings.session_timeout_s / 4,
        broker_rebalance_timeout=60,
        broker_request_timeout=max(40.0, settings.session_timeout_s + 5),
        broker_max_poll_interval=POLL_INTERVAL_S,
        consumer_max_fetch_size=FETCH_BYTES,
        producer_request_timeout=30,
        stream_wait_empty=False,
    )
    worker = Worker(settings, kernel, encode, metrics, poisoned or end_process)
    app.delivery = worker
    worker.consumer = app.consumer
    topic = app.topic(*SOURCES, schema=ColumnsSchema(), maxsize=QUEUED)
    app.agent(topic, name="vigil", concurrency=1)(worker.agent.run)
    return app


async def serve(app: App) -> None:
    """
    Run until SIGTERM or SIGINT, then write the last transactions and leave the group.

    Raises Unavailable when no broker answers at the start.
    """
    ending = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ending.set)
    app.delivery.begin()
    try:
        await app.start()
    except KafkaError as error:
        raise Unavailable(f"{type(error).__name__}: {error}") from error
    stopped = await app.wait_for_stopped(ending.wait())
    if stopped and app.crash_reason is not None:
        app.delivery.poison(app.crash_reason)
    await app.stop()


def end_process(_: BaseException) -> None:
    """End at once: whatever an orderly end would still write comes from rows that may be half done."""
    logging.shutdown()
    os._exit(EXIT_POISONED)


def live(worker: Worker) -> list[str]:
    """Name each partition that has neither moved nor stood at its end for a minute."""
    limit = now_ms() - STALLED_S * 1000
    return [
        f"partition {number} has not moved for {STALLED_S} s"
        for number, partition in sorted(worker.transactions.owned.items())
        if 0 < partition.progress_ms() < limit
    ]


def ready(worker: Worker) -> list[str]:
    """Say what keeps the worker from working on everything it was given."""
    complaints = [f"partition {number} is loading" for number in worker.loading()]
    complaints += [
        f"partition {number} got {partition.misrouted} records of other partitions: a sender does not hash with murmur2"
        for number, partition in sorted(worker.transactions.owned.items())
        if partition.misrouted
    ]
    return complaints + ([] if worker.numbers else ["no partition is assigned"])
