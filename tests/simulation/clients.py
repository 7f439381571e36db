"""What a simulated process reaches the broker with: requests that take their time, get lost, and come twice."""

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeVar

from aiokafka.errors import KafkaError, RequestTimedOutError

from stream.columns import Columns
from tests.simulation.broker import Broker, Fetched, Headers, LaterError, Place, Sent
from tests.simulation.world import Loop, World

T = TypeVar("T")
RETRY_S: Final = 0.3
BACKOFF_S: Final = 0.02


@dataclass(slots=True)
class Net:
    """How long a way takes, and how often something goes wrong: shares of what is lost, or refused for good."""

    latency_s: float = 0.004
    lost: float = 0.0
    unanswered: float = 0.0
    refused: float = 0.0
    polls_lost: float = 0.0


class Link:
    """The way from one process to the broker."""

    def __init__(self, world: World, broker: Broker, loop: Loop, net: Net) -> None:
        self.world, self.broker, self.loop, self.net = world, broker, loop, net
        self.polls_lost = 0

    def _latency_s(self) -> float:
        return self.world.random.expovariate(1 / self.net.latency_s)

    async def ask(self, do: Callable[[], T]) -> T:
        """Let the broker do something, at least once, and give what came of the last time."""
        answer: asyncio.Future[T] = self.loop.create_future()
        draw = self.world.random

        def send() -> None:
            if not answer.done():
                self.world.at(self._latency_s(), arrive)

        def again(delay_s: float) -> None:
            self.loop.call_later(delay_s, send)  # by a timer of the process: the dead and the stopped try nothing

        def arrive() -> None:
            if self.world.now_s < self.broker.away_until_s or draw.random() < self.net.lost:
                again(RETRY_S)
                return
            try:
                result, error = do(), None
            except LaterError:
                again(BACKOFF_S)
                return
            except KafkaError as raised:
                result, error = None, raised
            if draw.random() < self.net.unanswered:
                again(RETRY_S)
                return
            self.world.at(self._latency_s(), partial(self._reply, answer, result, error))

        send()
        return await answer

    def _reply(self, *answered: Any) -> None:  # noqa: ANN401 - a future of whatever was asked
        self.loop.call_soon(_settle, *answered)


def _settle(answer: asyncio.Future[Any], result: object, error: KafkaError | None) -> None:
    if answer.done():
        return
    if error is None:
        answer.set_result(result)
    else:
        answer.set_exception(error)


class Batch:
    """Records that are sent together; how many it takes, the seed says."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.records: list[Sent] = []

    def append(self, *, key: bytes | None, value: bytes | None, headers: Headers, timestamp: object) -> object:  # noqa: ARG002
        """Take one more, or give None when full."""
        if len(self.records) == self.most:
            return None
        self.records.append((key, value, list(headers)))
        return self

    def record_count(self) -> int:
        """Count them."""
        return len(self.records)


class Producer:
    """As `aiokafka.AIOKafkaProducer` with a transactional id: requests leave in order, one after the other."""

    def __init__(self, link: Link, transactional_id: str) -> None:
        self.link, self.transactional_id, self.epoch = link, transactional_id, -1
        self._queue: asyncio.Queue[tuple[Callable[[], None], asyncio.Future[None]]] = asyncio.Queue()
        self._sender: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Fence whoever had the id before."""
        self.epoch = await self.link.ask(lambda: self.link.broker.begin(self.transactional_id))
        self.run()

    def run(self) -> None:
        """Send what is given from now on."""
        self._sender = asyncio.ensure_future(self._send())

    async def stop(self) -> None:
        """Send what was given, then nothing more."""
        await self._queue.join()
        if self._sender is not None:
            self._sender.cancel()

    def create_batch(self) -> Batch:
        """Give an empty batch."""
        return Batch(self.link.world.random.randrange(1, 12))

    async def begin_transaction(self) -> None:
        """Nothing that the broker need know."""

    async def send_batch(self, batch: Batch, topic: str, *, partition: int) -> asyncio.Future[None]:
        """Hand over a batch; the future says when the broker has it."""
        place, draw = (topic, partition), self.link.world.random
        if draw.random() < self.link.net.refused:
            if draw.random() < 0.5:
                self._give(self._once(lambda: self._append(place, batch)))
            return self._give(_refuse)
        return self._give(self._once(lambda: self._append(place, batch)))

    async def send_offsets_to_transaction(self, offsets: dict[Any, int], group: str) -> None:  # noqa: ARG002
        """Hand over next offsets, and wait until the broker has them."""
        found = {(tp.topic, tp.partition): at for tp, at in offsets.items()}
        await self._give(lambda: self.link.broker.add_offsets(self.transactional_id, self.epoch, found))

    async def commit_transaction(self) -> None:
        """End the transaction well, and wait until that is decided."""
        await self._give(lambda: self.link.broker.end(self.transactional_id, self.epoch, "committed"))

    async def abort_transaction(self) -> None:
        """Give the transaction up, and wait until that is decided."""
        await self._give(lambda: self.link.broker.end(self.transactional_id, self.epoch, "aborted"))

    def _append(self, place: Place, batch: Batch) -> None:
        self.link.broker.produce(self.transactional_id, self.epoch, place, batch.records)

    def _give(self, do: Callable[[], None]) -> asyncio.Future[None]:
        done: asyncio.Future[None] = self.link.loop.create_future()
        self._queue.put_nowait((do, done))
        return done

    @staticmethod
    def _once(do: Callable[[], None]) -> Callable[[], None]:
        """Sequence numbers: what was appended is not appended again when its client asks twice."""
        appended = False

        def guarded() -> None:
            nonlocal appended
            if not appended:
                do()
                appended = True

        return guarded

    async def _send(self) -> None:
        while True:
            do, done = await self._queue.get()
            try:
                await self.link.ask(do)
            except KafkaError as error:
                if not done.done():
                    done.set_exception(error)
                    done.exception()  # not every future of a transaction that failed is awaited
            else:
                if not done.done():
                    done.set_result(None)
            self._queue.task_done()


def _refuse() -> None:
    raise RequestTimedOutError


class Reader:
    """As `aiokafka.AIOKafkaConsumer` without a group, as far as the loading of a partition uses it."""

    def __init__(self, link: Link) -> None:
        self.link, self.at, self.places = link, dict[Place, int](), list[Place]()
        self._fetcher = self

    async def start(self) -> None:
        """Connect."""
        await self.link.ask(lambda: None)

    async def stop(self) -> None:
        """Disconnect."""

    async def beginning_offsets(self, tps: Collection[Any]) -> dict[Any, int]:
        """Give the first offsets: nothing is ever deleted here."""
        return await self.link.ask(lambda: dict.fromkeys(tps, 0))

    async def end_offsets(self, tps: Collection[Any]) -> dict[Any, int]:
        """Give the ends for a committed reader."""
        return await self.link.ask(lambda: {tp: self.link.broker.logs[tp.topic, tp.partition].stable() for tp in tps})

    async def committed(self, tp: Any) -> int | None:  # noqa: ANN401
        """Give the group's next offset."""
        return await self.link.ask(lambda: self.link.broker.committed.get((tp.topic, tp.partition)))

    def assign(self, tps: Collection[Any]) -> None:
        """Read these."""

    def seek(self, tp: Any, offset: int) -> None:  # noqa: ANN401
        """Read on from here."""
        self.at[tp.topic, tp.partition] = offset

    async def poll(self, wanted: Collection[Any]) -> dict[Any, Columns]:
        """Give what there is."""
        (tp,) = wanted
        place, found = (tp.topic, tp.partition), dict[Any, Columns]()
        fetched = await self.link.ask(lambda: self.link.broker.fetch(place, self.at[place]))
        if fetched.next > self.at[place]:
            found[tp] = columns(self.at[place], fetched)
            self.at[place] = fetched.next
        else:
            await asyncio.sleep(BACKOFF_S)
        return found


def columns(start: int, fetched: Fetched) -> Columns:
    """Give fetched records as the transport would."""
    out = Columns(start)
    for offset, entry in fetched.records:
        out.keys.append(entry.key)
        out.values.append(entry.value)
        out.offsets.append(offset)
        out.appended.append((len(out.offsets), entry.appended_ms))
    out.end = fetched.next
    return out
