"""One partition number of all source topics: its rows, what is not yet sent, and how far the rows have read."""

import asyncio
from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np
from aiokafka import AIOKafkaProducer
from numpy.typing import NDArray

from detectors.findings import EpisodeEvent
from schemas.checkin import CheckIn
from schemas.disposition import Disposition
from schemas.errors import Reason
from schemas.topics import PINGS
from stream.clock import UNKNOWN, Clock, Reading
from stream.columns import Columns

Headers = list[tuple[str, bytes]]
BEHIND_MS = 2_000
UNHURRIED_MS = 4_000


class Kernel(Protocol):
    """What delivery asks of the rules; `detectors.engine.Engine` in earnest, a counter in the tests of delivery."""

    def order(self, supervisee: str, raw: bytes | None, now_ms: int) -> None:
        """Take the whole current order, or its end at `now_ms`. Raises BadInput before anything has changed."""

    def checkin(self, checkin: CheckIn) -> None:
        """Take one check-in."""

    def disposition(self, disposition: Disposition) -> None:
        """Take one verdict or measure."""

    def knows(self, supervisee: str) -> bool:
        """Whether the supervisee has a live order."""

    def supervisees(self) -> Iterable[str]:
        """Name everybody with a live order."""

    def apply(
        self, supervisees: Sequence[str], pings: NDArray[np.void], clock_ms: int | NDArray[np.int64]
    ) -> Collection[tuple[int, Reason]]:
        """Take pings (`detectors.pings.PING`, shape (n,)) and say which positions are refused."""

    def tick(self, clock_ms: int, limit: int = ...) -> bool:
        """Fire what is due at `clock_ms`, at most `limit` rows; True: more is due."""

    def pending(self) -> bool:
        """Whether events or changed rows wait."""

    def take_events(self) -> list[EpisodeEvent]:
        """Hand over what is to be published, in order, once."""

    def take_dirty(self) -> list[tuple[bytes, bytes | None]]:
        """Hand over the changelog records since the last call, once; None erases."""

    def load(self, records: Mapping[bytes, bytes]) -> None:
        """Take the last value of every changelog key. Raises BadState."""

    def __len__(self) -> int:
        """Count the supervisees with a live order."""

    @property
    def records(self) -> int:
        """Count the changelog records that hold the state, once what `take_dirty` gave is written."""

    @property
    def counters(self) -> Mapping[str, int]:
        """What has been counted since the start, `late` and `duplicate` among it."""


class Outgoing(NamedTuple):
    """A record to send, on a partition of its own topic."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    headers: Headers


@dataclass(slots=True, eq=False)
class Partition:
    """
    What a worker holds for one partition number.

    By source topic: `applied` and `committed` are next offsets, `taken` is the one that the transport owes, `topic_ids`
    are what the offsets belong to, `held` keeps in order the columns that wait for the orders topic, and `advanced_ms`
    says when the topic last moved or stood at its end. `routed` are keys of live orders that belong to this number;
    `ticked_ms` is the clock of the last tick, `tended_ms` and `flushed_ms` are the wall times of the last tick and
    transaction; `gone` once the partition has left.
    """

    number: int
    kernel: Kernel
    producer: AIOKafkaProducer
    clock: Clock
    readings: dict[str, Reading]
    topic_ids: dict[str, str]
    applied: dict[str, int]
    committed: dict[str, int] = field(default_factory=dict)
    outbox: list[Outgoing] = field(default_factory=list)
    held: dict[str, deque[Columns]] = field(default_factory=dict)
    routed: set[bytes | None] = field(default_factory=set)
    ticked_ms: int = UNKNOWN
    tended_ms: int = 0
    flushed_ms: int = 0
    advanced_ms: dict[str, int] = field(default_factory=dict)
    taken: dict[str, int] = field(default_factory=dict)
    flushing: asyncio.Lock = field(default_factory=asyncio.Lock)
    misrouted: int = 0
    shown: dict[str, int] = field(default_factory=dict)
    gone: bool = False

    def pending(self) -> bool:
        """Whether a transaction has anything to say."""
        return self.applied != self.committed or bool(self.outbox) or self.kernel.pending()

    def read(self, topic: str, position: int, appended_ms: int) -> None:
        """Everything of `topic` before the offset `position` is in the rows."""
        self.applied[topic] = position
        self.readings[topic].read(position, appended_ms)

    def hurries(self, now_ms: int, since_ms: int) -> bool:
        """
        Whether it is time again for what was last done at `since_ms`: a transaction, or a look for silence.

        A partition that reads what was appended a while ago takes longer steps: each ping makes its row and its late
        pings dearer when there are few between two of them.
        """
        behind = 0 <= self.readings[PINGS].moment_ms < now_ms - BEHIND_MS
        return not behind or now_ms - since_ms >= UNHURRIED_MS

    def progress_ms(self) -> int:
        """When the topic that lags most last moved or stood at its end; 0 before the first answer of each."""
        return min(self.advanced_ms.get(topic, 0) for topic in self.readings)


class Snapshot(NamedTuple):
    """What one transaction carries, taken in one go."""

    rows: list[tuple[bytes, bytes | None]]
    outbox: list[Outgoing]
    offsets: dict[str, int]


Record = tuple[bytes | None, bytes | None, Headers]
Sent = list[Any]
