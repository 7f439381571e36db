"""A worker process with the counting job, for tests that kill it; its arguments are those of `main`."""

import asyncio
import os
import signal
import sys
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry

from stream.app import build, serve
from stream.metrics import Metrics
from stream.partition import Partition, Sent, Snapshot
from stream.settings import Settings
from stream.transactions import Transactions
from tests.stream.counting import Counting, encode

if TYPE_CHECKING:
    from collections.abc import Callable

STEPS = ("_send_rows", "_send_outbox", "_send_offsets", "_commit")
WARM = 3
"""Transactions that succeed before the fatal one, so that there is something to spoil."""


def kill_between(transactions: Transactions) -> None:
    """Do it wrong: commit the rows before the alerts, and end the process in between."""
    send = transactions._send_outbox  # noqa: SLF001 - the step to spoil

    async def fatal(partition: Partition, snapshot: Snapshot) -> Sent:
        if not snapshot.outbox:
            return await send(partition, snapshot)
        await partition.producer.commit_transaction()
        os.kill(os.getpid(), signal.SIGKILL)
        return []

    transactions._send_outbox = fatal  # type: ignore[method-assign]  # noqa: SLF001


def kill_before(transactions: Transactions, step: str) -> None:
    """End the process without warning just before `step` of a transaction; `after` means just after its commit."""
    name = "_commit" if step == "after" else step
    original: Callable[..., Any] = getattr(transactions, name)
    left = WARM

    async def fatal(partition: Partition, *args: Any) -> Any:  # noqa: ANN401 - stands in for any step
        nonlocal left
        left -= bool(partition.kernel.counters["pings"])
        if step == "after":
            await original(partition, *args)
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return None if step == "after" else await original(partition, *args)

    setattr(transactions, name, fatal)


async def main(bootstrap: str, group: str, partitions: str, step: str) -> None:
    """Serve until a signal, or until the fatal step."""
    settings = Settings(
        kafka_bootstrap=bootstrap, group=group, partitions=int(partitions), session_timeout_s=6, flush_s=0.1, settle_s=0
    )
    app = build(settings, Counting, encode, Metrics(CollectorRegistry()))
    if step == "between":
        kill_between(app.delivery.transactions)
    elif step:
        kill_before(app.delivery.transactions, step)
    await serve(app)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:5]))
