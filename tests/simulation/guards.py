"""
The guards of the delivery, each with a way to switch it off for the length of a run.

A simulation that finds nothing with a guard off would find nothing without the guard either.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, Final
from unittest import mock

from aiokafka.errors import KafkaError

from stream.agent import Agent
from stream.columns import Columns
from stream.partition import Partition, Snapshot
from stream.transactions import Transactions
from stream.transport import Consumer as Transport
from stream.worker import Worker
from tests.simulation.broker import Broker, Fetched, Place
from tests.simulation.case import RuleError
from tests.simulation.clients import Batch, Producer
from tests.simulation.process import Consumer, Process

Changes = list[tuple[object, str, object]]


def offsets_first() -> Changes:
    """Commit the offsets in a transaction of their own, before the one with the rows."""
    write, offsets = Transactions._write, Transactions._send_offsets  # noqa: SLF001 - the steps are for this

    async def _write(self: Transactions, partition: Partition, snapshot: Snapshot) -> None:
        await partition.producer.begin_transaction()
        await offsets(self, partition, snapshot)
        await partition.producer.commit_transaction()
        await write(self, partition, snapshot)

    async def _send_offsets(*_: object) -> None:
        """They went ahead."""

    return [(Transactions, "_write", _write), (Transactions, "_send_offsets", _send_offsets)]


class Plain(Producer):
    """A producer without transactions: what arrives is there."""

    async def commit_transaction(self) -> None:
        """There is none."""

    async def send_offsets_to_transaction(self, offsets: dict[Any, int], group: str) -> None:  # noqa: ARG002
        """Commit them at once."""
        found = {(tp.topic, tp.partition): at for tp, at in offsets.items()}
        await self._give(lambda: self.link.broker.committed.update(found))

    def _append(self, place: Place, batch: Batch) -> None:
        self.link.broker.append(place, batch.records)


def plain_producer() -> Changes:
    """Send without transactions."""
    return [(Process, "new_producer", lambda self, group, number: Plain(self.link, f"{group}-{number}"))]


def random_ids() -> Changes:
    """Give each producer a transactional id of its own, so that it fences nobody."""

    def new_producer(self: Process, group: str, number: int) -> Producer:
        return Producer(self.link, f"{group}-{number}-{next(self.world.serial)}")

    return [(Process, "new_producer", new_producer)]


class Tardy(Producer):
    """A producer that fences its predecessor with its first transaction."""

    async def start(self) -> None:
        """Begin to send."""
        self.run()

    async def begin_transaction(self) -> None:
        """Fence, once."""
        if self.epoch < 0:
            self.epoch = await self.link.ask(lambda: self.link.broker.begin(self.transactional_id))


def late_fence() -> Changes:
    """Read the rows before the former owner is fenced."""
    return [(Process, "new_producer", lambda self, group, number: Tardy(self.link, f"{group}-{number}"))]


def no_poison() -> Changes:
    """Go on after a failure; a transaction that failed is given up."""
    write = Transactions._write  # noqa: SLF001 - the steps are for this

    async def _write(self: Transactions, partition: Partition, snapshot: Snapshot) -> None:
        try:
            await write(self, partition, snapshot)
        except (RuleError, KafkaError):
            with contextlib.suppress(KafkaError):
                await partition.producer.abort_transaction()
            raise

    return [(Transactions, "_write", _write), (Transactions, "poison", lambda *_: None)]


def no_continuity() -> Changes:
    """Take whatever comes as what was owed."""
    take, deliver = Agent.take, Transport._deliver  # noqa: SLF001 - both checks

    async def _take(self: Agent, tp: Any, arrived: Columns) -> None:  # noqa: ANN401
        if (partition := self.transactions.owned.get(tp.partition)) is not None:
            partition.taken[tp.topic] = arrived.start
        await take(self, tp, arrived)

    async def _deliver(self: Any, partition: Any, arrived: Columns, generation: int) -> None:  # noqa: ANN401
        if partition in self.open:
            self._read_offset[partition] = arrived.start
        await deliver(self, partition, arrived, generation)

    return [(Agent, "take", _take), (Consumer, "_deliver", _deliver)]


def no_generation() -> Changes:
    """Let every load that began come to its end, and install what it made."""
    revoked = Worker.revoked

    async def _revoked(self: Worker, partitions: set[Any]) -> None:
        self._loads = {}
        await revoked(self, partitions)

    return [(Worker, "_is_current", lambda *_: True), (Worker, "revoked", _revoked)]


def dropped_polls() -> Changes:
    """Let what was polled for an earlier generation go, and wait for more to show that it is missing."""
    deliver = Transport._deliver  # noqa: SLF001 - the check

    async def _deliver(self: Any, partition: Any, arrived: Columns, generation: int) -> None:  # noqa: ANN401
        if self.flow_active and self.app.consumer_generation_id == generation and partition in self.open:
            await deliver(self, partition, arrived, generation)

    return [(Consumer, "_deliver", _deliver)]


def uncommitted() -> Changes:
    """Read what no transaction has confirmed."""

    def fetch(self: Broker, place: Place, position: int) -> Fetched:
        log = self.logs[place]
        found = [(at, log.entries[at]) for at in range(position, len(log.entries)) if not log.entries[at].is_marker]
        return Fetched(found, max(position, len(log.entries)), len(log.entries))

    return [(Broker, "fetch", fetch)]


GUARDS: Final[tuple[Callable[[], Changes], ...]] = (
    offsets_first,
    plain_producer,
    random_ids,
    late_fence,
    no_poison,
    no_continuity,
    no_generation,
    dropped_polls,
    uncommitted,
)


@contextlib.contextmanager
def off(guard: Callable[[], Changes]) -> Iterator[None]:
    """Switch a guard off."""
    with contextlib.ExitStack() as stack:
        for owner, name, value in guard():
            stack.enter_context(mock.patch.object(owner, name, value))
        yield
