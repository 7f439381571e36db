"""
One worker process of the simulation: the real worker, agent, transactions, store and fetch loop; the rest stands in.

Stands in: Faust, the fetch thread and the client of the group, each as far as the delivery can tell. The methods of the
transport that decide what is delivered are borrowed from it, so that they are tried too.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial
from types import SimpleNamespace
from typing import Any, Final, NamedTuple

from aiokafka import TopicPartition
from faust.types.tuples import TP
from prometheus_client import CollectorRegistry

from schemas.topics import PINGS, SOURCES
from stream import transport
from stream.columns import Columns
from stream.metrics import Metrics
from stream.partition import Kernel
from stream.settings import Settings
from stream.transactions import Encode
from stream.transport import Answer
from stream.worker import Worker
from tests.simulation.broker import Broker, Fetched
from tests.simulation.clients import Link, Net, Producer, Reader, columns
from tests.simulation.group import SESSION_S, Group
from tests.simulation.world import Loop, World

METRICS: Final = Metrics(CollectorRegistry())
"""One for all: nobody looks, and a new one for each process would cost more than the run."""
QUEUED: Final = 2


class Job(NamedTuple):
    """What the workers of a run are made of."""

    settings: Settings
    kernel: Callable[[], Kernel]
    encode: Encode


class Process:
    """A worker process by name: it starts, is struck, and ends."""

    def __init__(self, world: World, broker: Broker, group: Group, job: Job, name: str, net: Net) -> None:
        self.world, self.group, self.name, self.job = world, group, name, job
        self.loop = Loop(world, name)
        world.loops.append(self.loop)
        self.link = Link(world, broker, self.loop, net)
        self.ended: str | None = None
        self.is_ending = False
        self.loop.process = self  # what is patched finds its process by its loop
        self.loop.begin(self._main())

    @property
    def lives(self) -> bool:
        """Whether it may still do something, perhaps after it was woken."""
        return self.ended is None

    def kill(self, why: str = "killed") -> None:
        """End without warning."""
        if self.ended is None:
            self.ended, self.loop.runs = why, False
            self.world.tell(self.name, why)

    def stop(self, for_s: float) -> None:
        """Stand still, then go on."""
        self.loop.runs = False
        self.world.tell(self.name, f"stopped for {for_s:.2f} s")
        self.world.at(for_s, self._wake)

    def terminate(self) -> None:
        """End in order."""
        if not self.is_ending:
            self.is_ending = True
            self.world.tell(self.name, "told to end")
            self.loop.begin(self._end("ended in order"))

    def poisoned(self, cause: BaseException) -> None:
        """End as `stream.app.end_process` does; where the job asks for it, as if it had been told to end."""
        why = f"poisoned: {type(cause).__name__}: {cause}"
        if self.world.random.random() < 0.5:
            self.kill(why)
        elif not self.is_ending:
            self.is_ending = True
            self.world.tell(self.name, f"{why}; ends in order")
            self.loop.begin(self._end(why))

    def new_producer(self, group: str, number: int) -> Producer:
        """Give a producer of this process."""
        return Producer(self.link, f"{group}-{number}")

    def new_reader(self) -> Reader:
        """Give a reader of this process."""
        return Reader(self.link)

    def is_busy(self, how: str) -> bool:
        """Whether it is at something that is worth a fault."""
        if how == "writing":
            return any(partition.flushing.locked() for partition in self.worker.transactions.owned.values())
        if how == "loading":
            return bool(self.worker.loading())
        return True

    def _wake(self) -> None:
        if self.ended is None:
            self.loop.runs = True
            self.world.tell(self.name, "woken")

    async def _main(self) -> None:
        job = self.job
        self.worker = Worker(job.settings, job.kernel, job.encode, METRICS, self.poisoned)
        self.consumer = Consumer(self)
        self.worker.consumer = self.consumer
        self.worker.begin()
        for routine in (self.worker.agent.run(self.consumer), self.consumer.drain(), self._belong()):
            self.loop.begin(routine).add_done_callback(self._finished)

    def _finished(self, routine: asyncio.Task[None]) -> None:
        """Faust ends a worker of which a part has failed, and so does this."""
        if (error := routine.exception()) is not None:
            self.kill(f"failed: {type(error).__name__}: {error}")

    async def _belong(self) -> None:
        """Be a member of the group until told to end."""
        while not self.is_ending:
            given = await self.link.ask(lambda: self.group.join(self.name))
            self.consumer.app.consumer_generation_id = given.generation
            tps = {TP(topic, number) for topic in SOURCES for number in given.numbers}
            await self.pass_over()
            self.consumer.assigned(tps, given.generation)
            await self._beat_on(given.generation)
            self.world.tell(self.name, "has to join anew")
            self.consumer.thread.settled.clear()
            await self.pass_over()
            beating = asyncio.ensure_future(self._beat_on(-1))
            await self.consumer.revoked(tps)
            beating.cancel()

    async def _beat_on(self, generation: int) -> None:
        """Be heard until the generation is over; with none given, until cancelled."""
        while not self.is_ending:
            is_over = not await self.link.ask(lambda: self.group.beat(self.name, generation))
            if is_over and generation >= 0:
                return
            await asyncio.sleep(SESSION_S / 4)

    async def pass_over(self) -> None:
        """From one thread to another, which may be busy."""
        draw = self.world.random
        await asyncio.sleep(draw.uniform(0, 0.002) if draw.random() < 0.8 else draw.uniform(0, 0.1))

    async def _end(self, why: str) -> None:
        self.consumer.open.clear()
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self.worker.closed(), 30)
        if self.lives:
            await self.link.ask(lambda: self.group.leave(self.name))
        self.kill(why)


class Thread:
    """The fetch thread: positions, polls, and what the broker answered last."""

    def __init__(self, process: Process) -> None:
        self.process, self.answers = process, dict[Any, Answer]()
        self.positions: dict[Any, int] = {}
        self.settled = asyncio.Event()

    async def place(self, positions: Mapping[Any, int]) -> None:
        """Seek."""
        await self.process.pass_over()
        self.positions.update(positions)

    async def getmany(self, wanted: set[Any], timeout_s: float) -> dict[Any, Columns]:
        """
        Poll the wanted partitions until one has something; now and then what came is lost on the way to the loop.

        As in aiokafka a poll that meets a rebalance waits until it is over, then goes on for what it was asked.
        """
        link, out = self.process.link, dict[Any, Columns]()
        await self.process.pass_over()
        await self.settled.wait()
        until_s = link.world.now_s + timeout_s
        while not out and link.world.now_s < until_s:
            asked = {tp: self.positions[tp] for tp in sorted(wanted & self.positions.keys())}
            sent_ms = int(link.world.now_s * 1000)
            fetched = await link.ask(partial(self._fetch, asked))
            for tp, found in fetched.items():
                self.answers[tp] = Answer(sent_ms, found.end)
                if found.next > asked[tp] == self.positions.get(tp):
                    self.positions[tp] = found.next
                    out[TopicPartition(*tp)] = columns(asked[tp], found)
            if not out:
                await asyncio.sleep(timeout_s / 3)
        for tp in [tp for tp in out if tp.topic == PINGS and link.world.random.random() < link.net.polls_lost]:
            link.polls_lost += 1
            del out[tp]
        await self.process.pass_over()
        return out

    def _fetch(self, asked: dict[Any, int]) -> dict[Any, Fetched]:
        broker = self.process.link.broker
        return {tp: broker.fetch((tp.topic, tp.partition), at) for tp, at in asked.items()}


class Consumer:
    """The transport's consumer without Faust below it."""

    _drain_messages = transport.Consumer._drain_messages  # noqa: SLF001 - tried as it is
    _deliver = transport.Consumer._deliver  # noqa: SLF001
    place = transport.Consumer.place
    shut = transport.Consumer.shut
    answer = transport.Consumer.answer

    def __init__(self, process: Process) -> None:
        self.process, self._thread = process, Thread(process)
        self.thread = self._thread
        self.app = SimpleNamespace(delivery=process.worker, consumer_generation_id=-1)
        self.delivery = process.worker
        self.open: set[Any] = set()
        self._read_offset: dict[Any, int] = {}
        self._channel: asyncio.Queue[Any] = asyncio.Queue(QUEUED)
        self.should_stop = self.flow_active = False
        self.can_resume_flow, self.suspend_flow = asyncio.Event(), asyncio.Event()

    async def drain(self) -> None:
        """Run the fetch loop."""
        await self._drain_messages(SimpleNamespace(should_stop=False))  # type: ignore[misc]  # borrowed

    def assigned(self, tps: set[Any], generation: int) -> None:
        """Pass an assignment on, and let what comes flow a while later."""
        self._thread.settled.set()
        self.delivery.assigned(tps, generation)
        self.process.loop.call_later(self.process.world.random.uniform(0, 0.05), self._resume, generation)

    async def revoked(self, tps: set[Any]) -> None:
        """Pass a revocation on, and drop what waits for the agent."""
        self.flow_active = False
        self.can_resume_flow.clear()
        self.suspend_flow.set()
        self.open.clear()
        await self.delivery.revoked(tps)
        for tp in tps:
            self._read_offset.pop(tp, None)
            self._thread.positions.pop(tp, None)
        while not self._channel.empty():
            self._channel.get_nowait()

    def _resume(self, generation: int) -> None:
        if self.app.consumer_generation_id == generation:
            self.flow_active = True
            self.can_resume_flow.set()
            self.suspend_flow.clear()

    async def callback(self, message: Any) -> None:  # noqa: ANN401 - Faust has no types
        """Hand an event to the agent, once there is room."""
        await self._channel.put(message)

    def noack(self) -> "Consumer":
        """Be the agent's stream."""
        return self

    async def events(self) -> AsyncIterator[Any]:
        """Give events for ever."""
        while True:
            message = await self._channel.get()
            yield SimpleNamespace(message=SimpleNamespace(tp=message.tp), value=message.value, ack=lambda: None)

    @staticmethod
    async def wait(event: asyncio.Event) -> None:
        """Wait for an event, as Faust's services do."""
        await event.wait()

    @staticmethod
    async def wait_first(*waiting: Any) -> None:  # noqa: ANN401
        """Wait for the first, and give up the rest."""
        tasks = [asyncio.ensure_future(coroutine) for coroutine in waiting]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
