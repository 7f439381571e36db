"""
Where a worker breaks on purpose, and which of its guards are off: patches of the delivery, for the worker of the tests.

A failpoint strikes at one step of a transaction that carries both rows and alerts, after some that went well, and never
at the first one of a partition, after which a broken worker could not be started; other transactions pass. The trap is
the fault that hits nothing: whoever uses one asserts that it struck.
"""

import asyncio
import contextvars
import os
import signal
import sys
import uuid
from collections.abc import Awaitable, Callable
from typing import Any, Final, Literal

import msgspec
from aiokafka import AIOKafkaProducer

from detectors.gap import Gap
from schemas.topics import ALERTS, PINGS
from stream import agent, app, columns, transactions, transport, worker
from stream.columns import Columns
from stream.partition import Partition, Sent, Snapshot
from tests.faults.evidence import Event, Notebook

Step = Literal["before", "rows", "alerts", "sent", "offsets", "committed", "rule"]
Deed = Literal["kill", "stop", "raise", "pause"]
Guard = Literal["transaction", "offsets", "fencing", "poison", "continuity", "generation"]
STEPS: Final[tuple[Step, ...]] = ("before", "rows", "alerts", "sent", "offsets", "committed")


class Plan(msgspec.Struct, frozen=True):
    """What a worker process is to suffer: `deed` at `step` once `after` transactions went well; guards that are off."""

    evidence: str
    step: Step | None = None
    deed: Deed = "kill"
    after: int = 3
    off: tuple[Guard, ...] = ()
    drop: int = 0
    """So many polls that bring pings are lost on their way, each ninth of them."""
    load_s: float = 0
    """How long each load takes longer."""
    pause_s: float = 0.4
    upon_signal: bool = False
    """Strike at nothing before SIGUSR1."""
    orderly: bool = False
    """After a failure the worker does not end at once, but as if it were told to end."""


class InjectedError(Exception):
    """What a rule or a flush fails with."""


class Failpoints:
    """Applies a plan to the classes of the delivery. Call `apply` before anything of them is made."""

    def __init__(self, plan: Plan, notebook: Notebook) -> None:
        self.plan, self.notebook, self.left = plan, notebook, plan.after
        self.armed = contextvars.ContextVar("armed", default=False)

    def apply(self) -> None:
        """Patch what the plan names, and nothing else."""
        if self.plan.step == "rule":
            self._rule()
        elif self.plan.step is not None:
            self._steps()
        if self.plan.upon_signal:
            self.left = sys.maxsize
            signal.signal(signal.SIGUSR1, self._arm)
        if self.plan.orderly:
            patch(app, end_process=lambda _: os.kill(os.getpid(), signal.SIGTERM))
        if self.plan.drop:
            self._drop()
        if self.plan.load_s:
            self._slow_loads()
        for guard in self.plan.off:
            {
                "transaction": self._plain_producer,
                "offsets": self._offsets_first,
                "fencing": self._random_ids,
                "poison": self._no_poison,
                "continuity": self._no_continuity,
                "generation": self._no_generation,
            }[guard]()

    def _arm(self, *_: object) -> None:
        self.left = self.plan.after

    async def strike(self) -> None:
        """Do the deed; what is stopped goes on from here once it is woken."""
        self.notebook.note(Event("struck", why=f"{self.plan.deed} {self.plan.step}"))
        if self.plan.deed == "raise":
            raise InjectedError(self.plan.step)
        if self.plan.deed == "pause":
            await asyncio.sleep(self.plan.pause_s)
        else:
            os.kill(os.getpid(), signal.SIGKILL if self.plan.deed == "kill" else signal.SIGSTOP)

    def _steps(self) -> None:
        of, step = transactions.Transactions, self.plan.step
        write, rows, outbox = of._write, of._send_rows, of._send_outbox  # noqa: SLF001 - its steps are for this

        async def _write(self_: Any, partition: Partition, snapshot: Snapshot) -> None:  # noqa: ANN401
            full = len(snapshot.rows) > 1 and any(record.topic == ALERTS for record in snapshot.outbox)
            full = full and bool(partition.committed)
            self.left -= full
            once = self.left == -1 or self.plan.deed in {"kill", "pause"}
            self.armed.set(full and self.left < 0 and once)
            if step == "before" and self.armed.get():
                await self.strike()
            await write(self_, partition, snapshot)
            if step == "committed" and self.armed.get():
                await self.strike()

        async def part_way(send: Callable[..., Awaitable[Sent]], self_: Any, *args: Any) -> Sent:  # noqa: ANN401
            """Let a part of it arrive at the broker, then strike; who survives sends all of the rest."""
            partition, snapshot = args
            some = snapshot._replace(rows=snapshot.rows[: len(snapshot.rows) // 2], outbox=snapshot.outbox[:1])
            for future in await send(self_, partition, some):
                await future
            await self.strike()
            rest = snapshot._replace(rows=snapshot.rows[len(snapshot.rows) // 2 :], outbox=snapshot.outbox[1:])
            return await send(self_, partition, rest)

        async def _send_rows(self_: Any, *args: Any) -> Sent:  # noqa: ANN401
            struck = step == "rows" and self.armed.get()
            return await (part_way(rows, self_, *args) if struck else rows(self_, *args))

        async def _send_outbox(self_: Any, *args: Any) -> Sent:  # noqa: ANN401
            struck = step == "alerts" and self.armed.get()
            return await (part_way(outbox, self_, *args) if struck else outbox(self_, *args))

        patch(of, _write=_write, _send_rows=_send_rows, _send_outbox=_send_outbox)
        for name, at in (("_send_offsets", "sent"), ("_commit", "offsets")):
            if step == at:
                patch(of, **{name: self._before(getattr(of, name))})

    def _before(self, original: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
        async def struck(*args: Any) -> None:  # noqa: ANN401
            if self.armed.get():
                await self.strike()
            await original(*args)

        return struck

    def _rule(self) -> None:
        """Let a rule fail once, in the middle of a batch."""
        original = Gap.observe

        def observe(self_: Any, window: Any, fixes: Any) -> Any:  # noqa: ANN401
            self.left -= 1
            if self.left == -1:
                self.notebook.note(Event("struck", why="raise rule"))
                raise InjectedError("rule")
            return original(self_, window, fixes)

        patch(Gap, observe=observe)

    def _drop(self) -> None:
        original, polls = columns.poll, 0

        async def poll(*args: Any) -> dict[Any, Columns]:  # noqa: ANN401
            nonlocal polls
            found = await original(*args)
            for partition in [p for p in found if p.topic == PINGS]:
                polls += 1
                if polls % 9 == 0 and polls <= 9 * self.plan.drop:
                    self.notebook.note(Event("struck", why="drop"))
                    del found[partition]
            return found

        patch(transport, poll=poll)

    def _slow_loads(self) -> None:
        original = worker.Worker._read  # noqa: SLF001 - the load itself

        async def _read(*args: Any) -> Partition:  # noqa: ANN401
            await asyncio.sleep(self.plan.load_s)
            return await original(*args)

        patch(worker.Worker, _read=_read)

    @staticmethod
    def _plain_producer() -> None:
        patch(worker, producer_of=Plain)

    @staticmethod
    def _offsets_first() -> None:
        """Commit offsets in a transaction of their own, before the one with the rows."""
        of = transactions.Transactions
        write, offsets = of._write, of._send_offsets  # noqa: SLF001 - its steps are for this

        async def _write(self_: Any, partition: Partition, snapshot: Snapshot) -> None:  # noqa: ANN401
            async with partition.producer.transaction():
                await offsets(self_, partition, snapshot)
            await write(self_, partition, snapshot)

        async def _send_offsets(*_: object) -> None:
            """They went ahead."""

        patch(of, _write=_write, _send_offsets=_send_offsets)

    @staticmethod
    def _random_ids() -> None:
        original = transactions.producer_of
        patch(worker, producer_of=lambda bootstrap, _, number: original(bootstrap, uuid.uuid4().hex, number))

    @staticmethod
    def _no_poison() -> None:
        """Go on after a failure, as if nothing had been; a transaction that failed is given up."""
        of = transactions.Transactions
        write = of._write  # noqa: SLF001 - its steps are for this

        async def _write(self_: Any, partition: Partition, snapshot: Snapshot) -> None:  # noqa: ANN401
            try:
                await write(self_, partition, snapshot)
            except InjectedError:
                await partition.producer.abort_transaction()
                raise

        patch(of, _write=_write, poison=lambda *_: None)

    @staticmethod
    def _no_continuity() -> None:
        """Take whatever comes as what was owed."""
        take, deliver = agent.Agent.take, transport.Consumer._deliver  # noqa: SLF001 - both checks

        async def _take(self_: Any, tp: Any, arrived: Columns) -> None:  # noqa: ANN401
            if (partition := self_.transactions.owned.get(tp.partition)) is not None:
                partition.taken[tp.topic] = arrived.start
            await take(self_, tp, arrived)

        async def _deliver(self_: Any, partition: Any, arrived: Columns, generation: int) -> None:  # noqa: ANN401
            if partition in self_.open:
                self_._read_offset[partition] = arrived.start  # noqa: SLF001
            await deliver(self_, partition, arrived, generation)

        patch(agent.Agent, take=_take)
        patch(transport.Consumer, _deliver=_deliver)

    @staticmethod
    def _no_generation() -> None:
        """Let every load that began come to its end, and install what it made."""
        original = worker.Worker.revoked

        async def revoked(self_: Any, partitions: set[Any]) -> None:  # noqa: ANN401
            self_._loads = {}  # noqa: SLF001
            await original(self_, partitions)

        patch(worker.Worker, _is_current=lambda *_: True, revoked=revoked)


class Plain(AIOKafkaProducer):  # type: ignore[misc]
    """A producer without transactions: what is sent is there at once. Offsets go by a second one."""

    def __init__(self, bootstrap: str, group: str, number: int) -> None:
        super().__init__(bootstrap_servers=bootstrap, linger_ms=0, max_batch_size=transactions.BATCH_BYTES)
        self._offsets = transactions.producer_of(bootstrap, group, number)

    async def start(self) -> None:
        """Start both."""
        await super().start()
        await self._offsets.start()

    async def stop(self) -> None:
        """Stop both."""
        await super().stop()
        await self._offsets.stop()

    async def begin_transaction(self) -> None:
        """There is none."""

    async def commit_transaction(self) -> None:
        """There is none."""

    async def send_offsets_to_transaction(self, offsets: Any, group: str) -> None:  # noqa: ANN401
        """Commit them at once."""
        async with self._offsets.transaction():
            await self._offsets.send_offsets_to_transaction(offsets, group)


def patch(owner: object, **changes: object) -> None:
    """Replace attributes for the rest of the process."""
    for name, value in changes.items():
        setattr(owner, name, value)
