"""
What becomes of the records of all source topics: orders, pings, check-ins and dispositions, in one agent.

One agent, because what decides about a ping (its order, its check-ins) comes from the other topics of the same number.

The trap is the order that comes a moment after its person's first ping, on another topic: a ping of somebody unknown
waits until the orders topic has been read past the moment at which the ping was appended, and with it whatever follows
it on that topic, so that offsets stay true. Only then is it refused.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

import numpy as np
from faust.types.tuples import TP
from numpy.typing import NDArray

from schemas.checkin import CheckIn
from schemas.disposition import Disposition
from schemas.errors import BadInput, BadState, Reason
from schemas.reading import read
from schemas.topics import CHECKINS, DISPOSITIONS, ORDERS, PINGS
from schemas.wire import CLOCK_KEY
from stream.clock import UNKNOWN, told
from stream.columns import Columns
from stream.deadletters import Refusals, letters
from stream.decode import decode, misrouted
from stream.gauges import Gauges
from stream.metrics import Metrics
from stream.partition import Partition
from stream.transactions import Transactions

MANY = 8_192
"""Pings between two awaits."""
FEW = 256
"""Records between two awaits on the topics that are read one by one."""
TICK_S = 0.05
GAUGES_MS = 1_000

Refused = list[tuple[int, Reason]]
Positions = NDArray[np.int64]
M = TypeVar("M", CheckIn, Disposition)


class Source(Protocol):
    """Where columns come from: the transport's consumer."""

    open: set[Any]

    def answer(self, partition: Any) -> Any:  # noqa: ANN401 - Faust's TP is untyped
        """Give the last answered fetch of a partition (`sent_ms`, `end`), or None before the first."""

    def shut(self, partitions: set[Any]) -> None:
        """Deliver nothing more of these partitions for now."""


class Agent:
    """Applies what arrives to the rows of the owned partitions, and fires what is due."""

    def __init__(
        self,
        transactions: Transactions,
        source: Callable[[], Source],
        metrics: Metrics,
        *,
        partitions: int,
    ) -> None:
        self.transactions, self.source, self.metrics = transactions, source, metrics
        self.partitions = partitions
        self.refusals, self.gauges = Refusals(), Gauges(metrics)
        self._ending = False
        self._handlers = {
            ORDERS: self._orders,
            PINGS: self._pings,
            CHECKINS: self._checkins,
            DISPOSITIONS: self._dispositions,
        }

    async def run(self, stream: Any) -> None:  # noqa: ANN401 - Faust's stream is untyped
        """Faust's agent: take every event until the end. The first failure ends the worker."""
        async for event in stream.noack().events():
            try:
                await self.take(event.message.tp, event.value)
            except Exception as error:  # noqa: BLE001 - half of the event may be in the rows
                self.transactions.poison(error)
            event.ack()

    async def take(self, tp: Any, columns: Columns) -> None:  # noqa: ANN401 - Faust's TP is untyped
        """Apply the columns of one partition, or hold them back behind what is already held."""
        partition = self.transactions.owned.get(tp.partition)
        if partition is None or self.transactions.cause is not None:
            return
        if columns.start != partition.taken[tp.topic]:
            owed = partition.taken[tp.topic]
            raise BadState(f"{tp.topic}[{tp.partition}] came from offset {columns.start} where {owed} was next")
        partition.taken[tp.topic] = columns.end
        if tp.topic in partition.held:
            partition.held[tp.topic].append(columns)
        else:
            await self.work(partition, tp.topic, columns)

    async def work(self, partition: Partition, topic: str, columns: Columns) -> bool:
        """Apply columns piece by piece; False: what is left waits at the front of `held`, or the partition is gone."""
        if not len(columns):
            partition.read(topic, columns.end, UNKNOWN)
        while len(columns):
            size = self._size(topic, columns)
            piece = columns.part(0, size) if size < len(columns) else columns
            done = self._apply(partition, topic, piece)
            rest = columns.part(done, len(columns))
            appended = columns.appended_ms(np.array([done - 1])).item() if done else UNKNOWN
            partition.read(topic, rest.start, appended)
            partition.advanced_ms[topic] = now_ms()
            if done < len(piece):
                partition.held.setdefault(topic, deque()).appendleft(rest)
                self.source().shut({TP(topic, partition.number)})
                return False
            columns = rest
            await asyncio.sleep(0)
            if self._is_gone(partition):
                return False
        return True

    async def run_clock(self) -> None:
        """Fire what is due on every owned partition, in slices, and go back to what was held; until `end`."""
        shown_ms = 0
        while not self._ending and self.transactions.cause is None:
            try:
                for partition in list(self.transactions.owned.values()):
                    self._ask(partition)
                    await self._release(partition)
                    await self._tick(partition)
                if now_ms() - shown_ms > GAUGES_MS:
                    shown_ms = now_ms()
                    self.gauges.show(self.transactions.owned.values())
            except Exception as error:  # noqa: BLE001 - a rule that failed has left its rows half done
                self.transactions.poison(error)
            await asyncio.sleep(TICK_S)

    def end(self) -> None:
        """Let `run_clock` return."""
        self._ending = True

    def _is_gone(self, partition: Partition) -> bool:
        return partition.gone or self.transactions.cause is not None

    @staticmethod
    def _size(topic: str, columns: Columns) -> int:
        """Give how many records to apply before the next await."""
        return min(len(columns), MANY if topic == PINGS else FEW)

    def _apply(self, partition: Partition, topic: str, columns: Columns) -> int:
        """Apply the columns up to the first record that must wait, and return how many that were."""
        fresh = set(columns.keys) - partition.routed - {None, CLOCK_KEY}
        wrong = misrouted(fresh, partition.number, self.partitions)
        unknown: set[bytes | None] = set()
        if topic != ORDERS and fresh:
            unknown = {key for key in fresh - wrong if not partition.kernel.knows(_name(key))}
            partition.routed |= fresh - wrong - unknown
        done = self._undecided(partition, columns, unknown) if unknown else len(columns)
        refused: Refused = []
        at = np.arange(done)
        if wrong or unknown:
            why = dict.fromkeys(wrong, Reason.misrouted) | dict.fromkeys(unknown, Reason.unknown_supervisee)
            refused = [(i, why[key]) for i, key in enumerate(columns.keys[:done]) if key in why]
            at = np.delete(at, [i for i, _ in refused])
        refused += self._handlers[topic](partition, columns, at)
        self._refuse(partition, topic, columns, refused, done)
        return done

    @staticmethod
    def _undecided(partition: Partition, columns: Columns, unknown: set[bytes | None]) -> int:
        """Index of the first record of somebody unknown whose order may still come, else the number of records."""
        index = np.array([i for i, key in enumerate(columns.keys) if key in unknown])
        waits = columns.appended_ms(index) >= partition.readings[ORDERS].moment_ms
        return int(index[waits.argmax()]) if waits.any() else len(columns)

    def _orders(self, partition: Partition, columns: Columns, at: Positions) -> Refused:
        refused: Refused = []
        appended = columns.appended_ms(np.arange(len(columns)))
        for i in at.tolist():
            key, value = columns.keys[i], columns.values[i]
            try:
                if key is None:
                    raise BadInput(Reason.key_missing)  # noqa: TRY301 - refused like what the kernel refuses
                partition.kernel.order(_name(key), value, partition.clock.at(int(appended[i])))
            except BadInput as error:
                refused.append((i, error.reason))
            else:
                if value is None:
                    partition.routed.discard(key)
        return refused

    def _checkins(self, partition: Partition, columns: Columns, at: Positions) -> Refused:
        return _each(CheckIn, partition.kernel.checkin, columns, at)

    def _dispositions(self, partition: Partition, columns: Columns, at: Positions) -> Refused:
        return _each(Disposition, partition.kernel.disposition, columns, at)

    def _pings(self, partition: Partition, columns: Columns, at: Positions) -> Refused:
        whole = len(at) == len(columns)
        some = () if whole else at.tolist()
        keys = columns.keys if whole else [columns.keys[i] for i in some]
        batch = decode(keys, columns.values if whole else [columns.values[i] for i in some])
        where = at[batch.index]
        times, appended = batch.pings["time_ms"], columns.appended_ms(where)
        clocks = partition.clock.judge(times, appended, told(batch.clocks, batch.index))
        accepted = np.ones(len(times), bool)
        refused: Refused = [(int(at[i]), reason) for i, reason in batch.refused]
        for i, reason in partition.kernel.apply(batch.supervisees, batch.pings, clocks):
            accepted[i] = False
            refused.append((int(where[i]), reason))
        if accepted.any():
            partition.clock.accepted(int(times[accepted].max()))
            self.metrics.pings_accepted_total.inc(int(accepted.sum()))
            self.metrics.ping_delay_seconds.observe_many((appended[accepted] - times[accepted]) / 1000)
        for _, clock_ms in batch.clocks:
            partition.clock.told(clock_ms)
        return refused

    def _refuse(self, partition: Partition, topic: str, columns: Columns, refused: Refused, records: int) -> None:
        partition.outbox += letters(partition, topic, columns, sorted(refused))
        for _, reason in refused:
            self.metrics.records_refused_total.labels(topic, reason).inc()
            partition.misrouted += reason is Reason.misrouted
        self.refusals.count(records, [reason for _, reason in refused])

    def _ask(self, partition: Partition) -> None:
        """Take over what the broker has answered since."""
        for topic, reading in partition.readings.items():
            answer = self.source().answer(TP(topic, partition.number))
            if answer is not None:
                reading.answered(*answer)
                if reading.position >= answer.end:
                    partition.advanced_ms[topic] = max(partition.advanced_ms.get(topic, 0), answer.sent_ms)

    async def _release(self, partition: Partition) -> None:
        """Try again what was held; once nothing is, let the transport deliver that topic again."""
        for topic, waiting in list(partition.held.items()):
            while waiting:
                if not await self.work(partition, topic, waiting.popleft()):
                    break
            else:
                del partition.held[topic]
                self.source().open.add(TP(topic, partition.number))

    async def _tick(self, partition: Partition) -> None:
        clock_ms = partition.clock.now()
        if clock_ms == UNKNOWN or clock_ms <= partition.ticked_ms:
            return
        if not partition.hurries(now_ms(), partition.tended_ms):
            return
        more = True
        while more and not self._is_gone(partition):
            more = partition.kernel.tick(clock_ms)
            await asyncio.sleep(0)
        partition.ticked_ms, partition.tended_ms = clock_ms, now_ms()


def now_ms() -> int:
    """Wall time in ms; for progress and metrics only, never for a rule."""
    return int(time.time() * 1000)


def _name(key: bytes | None) -> str:
    return "" if key is None else key.decode("utf-8", "replace")


def _each(model: type[M], take: Callable[[M], None], columns: Columns, at: Positions) -> Refused:
    """Read and take one record after the other; its key must be the supervisee that it names."""
    refused: Refused = []
    for i in at.tolist():
        try:
            message = read(model, columns.values[i])
            if columns.keys[i] is None:
                raise BadInput(Reason.key_missing)  # noqa: TRY301 - refused like what cannot be read
            if message.supervisee != _name(columns.keys[i]):
                raise BadInput(Reason.key_mismatch)  # noqa: TRY301
            take(message)
        except BadInput as error:
            refused.append((i, error.reason))
    return refused
