"""`vigil run` as it is, but for what a plan breaks: `python -m tests.faults.worker PLAN`."""

import asyncio
import sys
from pathlib import Path
from typing import Any

import msgspec

from schemas.topics import SOURCES
from stream import agent, cli, transactions, worker
from stream.partition import Partition
from tests.faults.evidence import Event, Notebook
from tests.faults.failpoints import Failpoints, Plan, patch


def witness(notebook: Notebook) -> None:
    """Let the delivery say what it does, as it does it."""
    read, load, tick = Partition.read, worker.Worker._read, agent.Agent._tick  # noqa: SLF001 - what is witnessed
    assigned, revoked, poison = worker.Worker.assigned, worker.Worker.revoked, transactions.Transactions.poison

    def _read(self: Partition, topic: str, position: int, appended_ms: int) -> None:
        read(self, topic, position, appended_ms)
        notebook.note(Event("read", number=self.number, offsets={topic: position}))

    async def _load(*args: Any) -> Partition:  # noqa: ANN401
        try:
            partition = await load(*args)
        except asyncio.CancelledError:
            notebook.note(Event("given up"))
            raise
        offsets = {topic: partition.committed.get(topic, 0) for topic in SOURCES}
        notebook.note(Event("placed", number=partition.number, offsets=offsets))
        return partition

    async def _tick(self: agent.Agent, partition: Partition) -> None:
        before = partition.ticked_ms
        await tick(self, partition)
        if partition.ticked_ms != before:
            notebook.note(Event("ticked", number=partition.number, clock_ms=partition.ticked_ms))

    def _assigned(self: worker.Worker, partitions: set[Any], generation: int) -> None:
        notebook.note(Event("assigned", numbers=by_topic(partitions)))
        assigned(self, partitions, generation)

    async def _revoked(self: worker.Worker, partitions: set[Any]) -> None:
        if partitions:
            notebook.note(Event("revoked", numbers=by_topic(partitions)))
        await revoked(self, partitions)

    def _poison(self: transactions.Transactions, cause: BaseException) -> None:
        notebook.note(Event("poisoned", why=f"{type(cause).__name__}: {cause}"))
        poison(self, cause)

    patch(Partition, read=_read)
    patch(agent.Agent, _tick=_tick)
    patch(worker.Worker, _read=_load, assigned=_assigned, revoked=_revoked)
    patch(transactions.Transactions, poison=_poison)


def by_topic(partitions: set[Any]) -> dict[str, list[int]]:
    """Give partition numbers by source topic."""
    return {topic: sorted(tp.partition for tp in partitions if tp.topic == topic) for topic in SOURCES}


def main() -> None:
    """Break what is to be broken, then be `vigil run`."""
    plan = msgspec.json.decode(sys.argv[1], type=Plan)
    notebook = Notebook(Path(plan.evidence))
    Failpoints(plan, notebook).apply()
    witness(notebook)
    sys.argv[1:] = ["run"]
    cli.main()


if __name__ == "__main__":
    main()
