"""
What must come of the source topics: one pass of the same rules over each partition's log, no Kafka, no crash.

The records of a partition number are taken in the order in which the broker appended them, over all four topics, and
time passes at each clock record. That is one of the many orders in which a worker may see them; the county is made so
that the result is the same for each of them.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from detectors.engine import Engine
from schemas.checkin import CheckIn
from schemas.disposition import Disposition
from schemas.errors import BadInput, Reason
from schemas.reading import read
from schemas.topics import CHECKINS, DISPOSITIONS, ORDERS, PINGS, SOURCES
from schemas.wire import CLOCK_KEY
from stream.clock import FeedClock, told
from stream.decode import decode, misrouted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from detectors.findings import EpisodeEvent
    from detectors.gate import Limits
    from schemas.rules import Rules
    from tests.faults.log import Log, Record

Origin = tuple[str, int, int]
"""Topic, partition and offset of a record."""

MODELS: Final[dict[str, Any]] = {CHECKINS: CheckIn, DISPOSITIONS: Disposition}


class Arrived(NamedTuple):
    """One record of any source topic."""

    topic: str
    record: Record

    @property
    def name(self) -> str:
        """The supervisee that the key names."""
        return (self.record.key or b"").decode("utf-8", "replace")


class Oracle:
    """One partition number; afterwards `engine`, the `events`, `refused` by origin, and `accepted` pings of `heard`."""

    def __init__(self, number: int, partitions: int, rules: Rules, limits: Limits) -> None:
        self.number, self.partitions, self.limits = number, partitions, limits
        self.engine, self.clock = Engine(rules, limits), FeedClock(limits.future_ms)
        self.events: list[EpisodeEvent] = []
        self.refused: dict[Origin, Reason] = {}
        self.accepted = self.heard = 0

    def take(self, log: Log) -> None:
        """Take everything that the log holds of this number, then let time pass to its last clock record."""
        self.heard = sum(record.key != CLOCK_KEY for record in log[PINGS].get(self.number, []))
        for topic, run in groupby(arrived(log, self.number), key=lambda entry: entry.topic):
            entries = [entry for entry in run if not self._is_refused(entry)]
            if topic == PINGS:
                self._hear([entry.record for entry in entries])
            else:
                for entry in entries:
                    self._read(entry)
        self._pass_time()

    def _is_refused(self, entry: Arrived) -> bool:
        """Refuse what stands on the wrong partition, and what is about somebody without an order."""
        topic, record = entry
        if record.key in {None, CLOCK_KEY}:
            return False
        if misrouted([record.key], self.number, self.partitions):
            self._refuse(topic, record.offset, Reason.misrouted)
        elif topic != ORDERS and not self.engine.knows(entry.name):
            self._refuse(topic, record.offset, Reason.unknown_supervisee)
        else:
            return False
        return True

    def _refuse(self, topic: str, offset: int, reason: Reason) -> None:
        self.refused[topic, self.number, offset] = reason

    def _read(self, entry: Arrived) -> None:
        topic, record = entry
        try:
            if topic == ORDERS:
                self.engine.order(entry.name, record.value, self.clock.now())
                self.events += self.engine.take_events()
                return
            message = read(MODELS[topic], record.value)
            if message.supervisee != entry.name:
                raise BadInput(Reason.key_mismatch)  # noqa: TRY301 - refused like what cannot be read
            (self.engine.checkin if topic == CHECKINS else self.engine.disposition)(message)
        except BadInput as error:
            self._refuse(topic, record.offset, error.reason)

    def _hear(self, records: list[Record]) -> None:
        """Take pings up to each clock record, then let time pass to it."""
        while records:
            upto = next((i + 1 for i, record in enumerate(records) if record.key == CLOCK_KEY), len(records))
            self._apply(records[:upto])
            self._pass_time()
            records = records[upto:]

    def _apply(self, records: list[Record]) -> None:
        batch = decode([record.key for record in records], [record.value for record in records])
        for i, reason in batch.refused:
            self._refuse(PINGS, records[i].offset, reason)
        times, at = batch.pings["time_ms"], batch.index
        accepted = np.ones(len(times), bool)
        judged = self.clock.judge(times, times, told(batch.clocks, at))
        for i, reason in self.engine.apply(batch.supervisees, batch.pings, judged):
            accepted[i] = False
            self._refuse(PINGS, records[at[i]].offset, reason)
        self.accepted += int(accepted.sum())
        if accepted.any():
            self.clock.accepted(int(times[accepted].max()))
        for _, clock_ms in batch.clocks:
            self.clock.told(clock_ms)

    def _pass_time(self) -> None:
        while self.engine.tick(self.clock.now()):
            pass
        self.events += self.engine.take_events()


def arrived(log: Log, number: int) -> Iterator[Arrived]:
    """Merge what the source topics hold of a partition number, in the order in which the broker appended it."""
    entries = [Arrived(topic, record) for topic in SOURCES for record in log[topic].get(number, [])]
    return iter(sorted(entries, key=lambda entry: entry.record.appended_ms))
