"""
Faust's Kafka transport, replaced: one event carries the records of one partition from one poll, as `Columns`.

Registered as the URL scheme `columns://`. Offsets are not Faust's business here: they are committed in the transaction
that writes the rows, so acknowledging, Faust's commits and its commit after a failed agent do nothing.

The trap is the position. Faust's own `_read_offset` means the last offset after a delivery, the next one after a seek,
and None for offset 0; here it is the next offset, always a number. Columns that do not begin there are dropped and
fetched again from there, so that a poll from before a seek can neither skip nor repeat.
"""
# ruff: noqa: ANN401, SLF001 - Faust has no types and no hook for any of it; stream/private_names.py lists the names used

import time
from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

import aiokafka
import faust
from aiokafka.errors import OffsetOutOfRangeError
from faust.transport.drivers import TRANSPORTS
from faust.transport.drivers import aiokafka as driver
from faust.types import ConsumerMessage
from faust.types.tuples import TP

from stream.columns import Columns, poll

SCHEME = "columns"
FETCH_WAIT_MS = 100
"""How long the broker may hold an empty fetch; one is in flight per broker, so it delays every other partition."""
POLL_S = 0.1


class Answer(NamedTuple):
    """A fetch that the broker answered: sent at `sent_ms` (our clock), when the log ended at `end`."""

    sent_ms: int
    end: int


class Delivery(Protocol):
    """What the consumer tells the worker; everything runs on the worker's own loop."""

    def assigned(self, partitions: set[Any], generation: int) -> None:
        """Begin to load what was assigned; returns at once, since heartbeats wait for it."""

    async def revoked(self, partitions: set[Any]) -> None:
        """Write the last transaction of each revoked partition within a deadline, then forget it."""

    async def closed(self) -> None:
        """End like a revocation of everything."""

    async def out_of_range(self, partition: Any) -> None:
        """Say which records are gone and end, unless the position that is owed lies inside the log."""

    def poison(self, cause: BaseException) -> None:
        """End the process without writing anything more."""


class ColumnsMessage(ConsumerMessage):  # type: ignore[misc]
    """What Faust passes on for one `Columns`."""


class ColumnsSchema(faust.Schema):  # type: ignore[misc]
    """Hands the columns on as they are: a record that cannot be read is the agent's business."""

    def compile(self, app: Any, **_: object) -> Any:
        """Give the decoder that Faust calls for each event."""

        async def decode(message: Any, *, propagate: bool = False) -> Any:  # noqa: ARG001
            return app.create_event(None, message.value, None, message)

        return decode


class Thread(driver.AIOKafkaConsumerThread):  # type: ignore[misc]
    """The fetch thread. Everything that touches the fetcher runs here, seeks included."""

    answers: dict[Any, Answer]

    def _create_worker_consumer(self, transport: Any) -> aiokafka.AIOKafkaConsumer:
        conf = self.app.conf
        self._assignor = self.app.assignor
        self.answers = {}
        return aiokafka.AIOKafkaConsumer(
            client_id=conf.broker_client_id,
            group_id=conf.id,
            group_instance_id=conf.consumer_group_instance_id,
            bootstrap_servers=driver.server_list(transport.url, transport.default_port),
            partition_assignment_strategy=[self._assignor],
            enable_auto_commit=False,
            auto_offset_reset="none",
            isolation_level="read_committed",
            fetch_max_wait_ms=FETCH_WAIT_MS,
            max_poll_interval_ms=int(conf.broker_max_poll_interval * 1000),
            max_partition_fetch_bytes=conf.consumer_max_fetch_size,
            request_timeout_ms=int(conf.broker_request_timeout * 1000),
            session_timeout_ms=int(conf.broker_session_timeout * 1000),
            rebalance_timeout_ms=int(conf.broker_rebalance_timeout * 1000),
            heartbeat_interval_ms=int(conf.broker_heartbeat_interval * 1000),
        )

    async def on_start(self) -> None:
        """Start the consumer, and note from then on when each fetch was sent."""
        await super().on_start()
        fetcher = self._ensure_consumer()._fetcher
        self._send_fetch = fetcher._proc_fetch_request
        fetcher._proc_fetch_request = self._noted_fetch

    async def _noted_fetch(self, assignment: Any, node_id: int, request: Any) -> Any:
        """
        Remember the moment of sending, not of reading the answer: a process that was stopped reads it hours later.

        The end is the high watermark: records of an open transaction are still to come, though nobody may read them.
        """
        sent_ms = int(time.time() * 1000)
        woke = await self._send_fetch(assignment, node_id, request)
        if assignment.active:
            for topic, partitions in request.topics:
                for number, *_ in partitions:
                    state = assignment.state_value(aiokafka.TopicPartition(topic, number))
                    if state.timestamp is not None and state.timestamp >= sent_ms:
                        self.answers[TP(topic, number)] = Answer(sent_ms, state.highwater)
        return woke

    async def _fetch_records(
        self,
        consumer: Any,
        active_partitions: set[Any],
        timeout: float = POLL_S,  # noqa: ASYNC109 - Faust's name
        max_records: int | None = None,  # noqa: ARG002 - Faust's name
    ) -> dict[Any, Columns]:
        """Faust's own name for a poll; here with columns, and of the given partitions only."""
        return await poll(consumer._fetcher, active_partitions, timeout) if self.consumer.flow_active else {}

    async def place(self, positions: Mapping[Any, int]) -> None:
        """Seek on this thread, so that no fetch under way can win; what was fetched before is dropped."""
        await self.call_thread(self._place, dict(positions))

    async def _place(self, positions: Mapping[Any, int]) -> None:
        consumer = self._ensure_consumer()
        assigned = consumer.assignment()
        for topic, number in positions:
            partition = aiokafka.TopicPartition(topic, number)
            if partition in assigned:
                consumer.seek(partition, positions[TP(topic, number)])


class Consumer(driver.Consumer):  # type: ignore[misc]
    """Delivers the partitions in `open`, each from the position at which it was opened."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.open: set[Any] = set()

    @property
    def delivery(self) -> Delivery:
        """The worker, which the application carries."""
        worker: Delivery = self.app.delivery
        return worker

    def answer(self, partition: Any) -> Answer | None:
        """Give the last answered fetch of a partition, or None before the first."""
        answers: dict[Any, Answer] = self._thread.answers
        return answers.get(partition)

    async def place(self, positions: Mapping[Any, int]) -> None:
        """Open the given partitions at the given next offsets."""
        await self._thread.place(positions)
        self._read_offset.update(positions)
        self.open.update(positions)

    def shut(self, partitions: set[Any]) -> None:
        """Deliver nothing more of these partitions; what was fetched of them stays where it is."""
        self.open -= partitions

    def _new_consumer_thread(self) -> Thread:
        return Thread(self, loop=self.loop, beacon=self.beacon)

    async def _drain_messages(self, fetcher: Any) -> None:
        """Faust's fetch loop, with one callback for each partition and poll."""
        while not (self.should_stop or fetcher.should_stop):
            if not self.flow_active:
                await self.wait(self.can_resume_flow)
                continue
            # With nothing open too: a consumer that does not poll while it loads is put out of the group.
            generation = self.app.consumer_generation_id
            try:
                polled = await self._thread.getmany(set(self.open), POLL_S)
            except OffsetOutOfRangeError as error:
                partition = TP(*next(iter(error.args[0])))
                await self.delivery.out_of_range(partition)
                await self._thread.place({partition: self._read_offset[partition]})
                continue
            for partition, columns in polled.items():
                await self._deliver(TP(*partition), columns, generation)

    async def _deliver(self, partition: Any, columns: Columns, generation: int) -> None:
        is_current = self.flow_active and self.app.consumer_generation_id == generation and partition in self.open
        owed = self._read_offset.get(partition)
        if not is_current or columns.start != owed:
            # The poll has moved the position on, perhaps past a seek: what is dropped must come again by itself.
            # Where nothing is open, whoever opens it places it; at the end there is no thread any more to do it.
            if owed is not None and self.open:
                await self._thread.place({partition: owed})
            return
        message = ColumnsMessage(
            partition.topic, partition.partition, columns.end - 1, 0.0, 0, (), None, columns, None, 0, len(columns),
            partition, generation_id=generation,
        )  # fmt: skip
        await self.wait_first(self.callback(message), self.suspend_flow.wait())
        self._read_offset[partition] = columns.end

    def ack(self, message: Any) -> bool:
        """Let Faust forget the message; nothing is committed by it."""
        message.acked = True
        self._unacked_messages.discard(message)
        return True

    async def perform_seek(self) -> None:
        """Nothing: a partition is placed once its rows are loaded."""

    async def commit(self, topics: object = None, start_new_transaction: bool = True) -> bool:  # noqa: FBT001, FBT002, ARG002
        """Nothing: offsets are committed with the rows that contain them."""
        return False

    force_commit = commit

    async def verify_all_partitions_active(self) -> None:
        """Nothing: Faust looks at its own commits here and would report that there are none."""

    def on_buffer_full(self, tp: object) -> None:
        """Nothing: a full channel blocks the fetch loop, which is all the back-pressure there need be."""

    def on_buffer_drop(self, tp: object) -> None:
        """Nothing, for the same reason."""

    async def on_task_error(self, exc: BaseException) -> None:
        """Faust would commit here; but half a batch may be in the rows."""
        self.delivery.poison(exc)

    async def on_partitions_revoked(self, revoked: set[Any]) -> None:
        """Stop delivering, write the last transaction, then let Faust forget."""
        self.stop_flow()
        self.open.clear()
        await self.delivery.revoked(revoked)
        await super().on_partitions_revoked(revoked)

    async def on_partitions_assigned(self, assigned: set[Any], generation_id: int = 0) -> None:
        """Let Faust resume its flow, and load what was assigned meanwhile."""
        self.delivery.assigned(assigned, generation_id)
        await super().on_partitions_assigned(assigned, generation_id)

    async def on_stop(self) -> None:
        """Write what is left before the thread leaves the group."""
        self.open.clear()
        await self.delivery.closed()
        await super().on_stop()


class Transport(driver.Transport):  # type: ignore[misc]
    """The transport behind `columns://host:port`."""

    Consumer = Consumer


TRANSPORTS.aliases[SCHEME] = "stream.transport:Transport"
