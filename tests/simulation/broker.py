"""
A broker that keeps its promises: partitions with transactions, fenced producers, committed offsets; all in memory.

What matters of Kafka is that the end of a transaction is decided in one place and seen in others later: each partition
gets its marker at a moment of its own, readers stop before the first transaction that is still open there, and a
producer that begins anew waits until its former transaction is marked everywhere.
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

from aiokafka.errors import ProducerFenced

from tests.simulation.world import World

Place = tuple[str, int]
Headers = list[tuple[str, bytes]]
Sent = tuple[bytes | None, bytes | None, Headers]
MARKER_S: Final = 0.05
"""The longest that a marker takes to reach a partition."""
TIMEOUT_S: Final = 30.0
OFFSETS: Final[Place] = ("__consumer_offsets", 0)


class LaterError(Exception):
    """The broker is not ready for the request; its client tries again."""


@dataclass(slots=True, eq=False)
class Transaction:
    """What one producer writes together; `unmarked` are the places that do not know yet how it ended."""

    state: Literal["open", "committed", "aborted"] = "open"
    unmarked: set[Place] = field(default_factory=set)
    offsets: dict[Place, int] = field(default_factory=dict)


@dataclass(slots=True)
class Producer:
    """What the coordinator knows of a transactional id."""

    epoch: int = -1
    transaction: Transaction | None = None


class Entry(NamedTuple):
    """One offset of a partition: a record, or a marker, which nobody is given."""

    key: bytes | None
    value: bytes | None
    headers: Headers
    appended_ms: int
    transaction: Transaction | None
    is_marker: bool = False

    @property
    def visible(self) -> bool:
        """Whether a committed reader is given it."""
        return not self.is_marker and (self.transaction is None or self.transaction.state == "committed")


@dataclass(slots=True)
class Log:
    """One partition; `begun` are the first offsets of transactions that have no marker here."""

    entries: list[Entry] = field(default_factory=list)
    begun: dict[Transaction, int] = field(default_factory=dict)

    def stable(self) -> int:
        """Give the offset before which everything is decided."""
        return min(self.begun.values(), default=len(self.entries))


class Fetched(NamedTuple):
    """Records by offset, the next offset to ask for, and the end of the log, open transactions included."""

    records: list[tuple[int, Entry]]
    next: int
    end: int


class Broker:
    """Logs, transactional ids, and the offsets of one group."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.logs: defaultdict[Place, Log] = defaultdict(Log)
        self.producers: defaultdict[str, Producer] = defaultdict(Producer)
        self.committed: dict[Place, int] = {}
        self.away_until_s = 0.0
        self.fenced = 0

    def now_ms(self) -> int:
        """Give the time at which a record is appended now."""
        return int(self.world.now_s * 1000)

    def begin(self, transactional_id: str) -> int:
        """Give the epoch of a new producer; whoever had the id before is fenced and what it left open aborted."""
        producer = self.producers[transactional_id]
        if (left := producer.transaction) is not None:
            if left.state == "open":
                producer.epoch += 1
                self._end(producer, left, "aborted")
            if producer.transaction is not None:
                raise LaterError
        producer.epoch += 1
        return producer.epoch

    def append(self, place: Place, records: list[Sent]) -> None:
        """Append records without a transaction."""
        self.logs[place].entries += [Entry(*record, self.now_ms(), None) for record in records]

    def produce(self, transactional_id: str, epoch: int, place: Place, records: list[Sent]) -> None:
        """Append records inside the producer's transaction."""
        transaction, log = self._opened(transactional_id, epoch), self.logs[place]
        if transaction not in log.begun:
            log.begun[transaction] = len(log.entries)
            transaction.unmarked.add(place)
        log.entries += [Entry(*record, self.now_ms(), transaction) for record in records]

    def add_offsets(self, transactional_id: str, epoch: int, offsets: dict[Place, int]) -> None:
        """Let the group's offsets move when the transaction ends well."""
        transaction = self._opened(transactional_id, epoch)
        transaction.offsets.update(offsets)
        transaction.unmarked.add(OFFSETS)

    def end(self, transactional_id: str, epoch: int, state: Literal["committed", "aborted"]) -> None:
        """Decide the end of the transaction."""
        producer = self._current(transactional_id, epoch)
        if producer.transaction is not None and producer.transaction.state == "open":
            self._end(producer, producer.transaction, state)

    def fetch(self, place: Place, position: int) -> Fetched:
        """Give what a committed reader finds from a position on."""
        log = self.logs[place]
        stable = log.stable()
        found = [(at, log.entries[at]) for at in range(position, stable) if log.entries[at].visible]
        return Fetched(found, max(position, stable), len(log.entries))

    def _current(self, transactional_id: str, epoch: int) -> Producer:
        producer = self.producers[transactional_id]
        if epoch != producer.epoch:
            self.fenced += 1
            raise ProducerFenced
        return producer

    def _opened(self, transactional_id: str, epoch: int) -> Transaction:
        producer = self._current(transactional_id, epoch)
        if producer.transaction is None:
            producer.transaction = begun = Transaction()
            self.world.at(TIMEOUT_S, lambda: self._time_out(producer, begun))
        if producer.transaction.state != "open":
            raise LaterError
        return producer.transaction

    def _time_out(self, producer: Producer, transaction: Transaction) -> None:
        if transaction.state == "open":
            producer.epoch += 1
            self._end(producer, transaction, "aborted")

    def _end(self, producer: Producer, transaction: Transaction, state: Literal["committed", "aborted"]) -> None:
        transaction.state = state
        for place in sorted(transaction.unmarked):
            self.world.at(self.world.random.uniform(0, MARKER_S), self._marking(producer, transaction, place))
        if not transaction.unmarked:
            producer.transaction = None

    def _marking(self, producer: Producer, transaction: Transaction, place: Place) -> Callable[[], None]:
        def mark() -> None:
            if place != OFFSETS:
                log = self.logs[place]
                log.entries.append(Entry(None, None, [], self.now_ms(), transaction, is_marker=True))
                del log.begun[transaction]
            elif transaction.state == "committed":
                self.committed.update(transaction.offsets)
            transaction.unmarked.discard(place)
            if not transaction.unmarked:
                producer.transaction = None

        return mark
