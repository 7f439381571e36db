"""
The same engine over files: no Kafka, no wall clock, the same episodes as the live run.

The clock of each partition is the feed's, as in a worker with `VIGIL_CLOCK=feed`; a line `{"clock_ms": N}` among the
pings pushes all of them on. The trap: where only pings push, the clock stands still at the last of them, so a silence
at the end of the files shows only with an `until_ms` beyond it.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from detectors.engine import Engine
from detectors.findings import EpisodeEvent
from detectors.gate import Limits
from schemas.checkin import CheckIn
from schemas.disposition import Disposition
from schemas.errors import BadConfiguration, Reason
from schemas.rules import Rules
from schemas.topics import PARTITIONS, PINGS
from stream.clock import UNKNOWN, FeedClock, cuts
from stream.decode import Batch, decode, partition_of
from stream.records import Record
from stream.turns import LAST_MS, Chunk, Inputs, Refusal, Turn, chunks, key_of, turns

CUT: Final = 8192
KEPT: Final = 65_536
"""Pings of a partition after which the engine's changes, which nobody stores here, are dropped."""


class Part:
    """One partition number: its engine and its clock."""

    def __init__(self, rules: Rules, limits: Limits) -> None:
        self.engine, self.limits = Engine(rules, limits), limits
        self.clock = FeedClock(limits.future_ms)
        self._kept = 0

    def apply(self, supervisees: list[str], pings: NDArray[np.void]) -> list[tuple[int, Reason]]:
        """Judge and apply pings (`PING`, shape (n,)) in the order of their arrival; gives the refused positions."""
        times = pings["time_ms"]
        clocks = self.clock.judge(times, times)
        accepted, refused = np.ones(len(times), bool), []
        for start, stop, clock_ms in cuts(times, clocks, self.limits.future_ms, self.limits.horizon_ms):
            for i, reason in self.engine.apply(supervisees[start:stop], pings[start:stop], clock_ms):
                accepted[start + i] = False
                refused.append((start + i, reason))
        if accepted.any():
            self.clock.accepted(int(times[accepted].max()))
        self._kept += len(times)
        if self._kept >= KEPT:
            self._kept = 0
            self.engine.take_dirty()
        return refused

    def tick(self, until_ms: int = UNKNOWN) -> None:
        """Push the clock to `until_ms`, if that is later, and fire what is due."""
        self.clock.told(until_ms)
        while self.clock.now() != UNKNOWN and self.engine.tick(self.clock.now()):
            pass

    def take(self, turn: Turn) -> bool:
        """Do a turn; False where nobody of that name has an order."""
        if isinstance(turn.message, bytes):
            self.engine.order(turn.supervisee, turn.message, turn.time_ms)
            return True
        if not self.engine.knows(turn.supervisee):
            return False
        if isinstance(turn.message, CheckIn):
            self.engine.checkin(turn.message)
        elif isinstance(turn.message, Disposition):
            self.engine.disposition(turn.message)
        else:
            self.tick(UNKNOWN if turn.time_ms == LAST_MS else turn.time_ms)
            self.engine.order(turn.supervisee, None, self.clock.now())
        return True


class Replay:
    """One run over inputs. Afterwards: `events` as they arose, `refused`, and `newest_ms`."""

    def __init__(self, rules: Rules, limits: Limits, partitions: int = PARTITIONS) -> None:
        self.parts = [Part(rules, limits) for _ in range(partitions)]
        self.events: list[EpisodeEvent] = []
        self.refused: list[Refusal] = []
        self._merged = FeedClock(limits.future_ms)
        self._part_of: dict[str, Part] = {}
        self._turns: list[Turn] = []

    @property
    def counters(self) -> Counter[str]:
        """What the engines counted, all partitions together."""
        return sum((part.engine.counters for part in self.parts), Counter())

    @property
    def newest_ms(self) -> int:
        """The newest ping, clock record or ending so far, or UNKNOWN."""
        return self._merged.now()

    def run(self, inputs: Inputs, cut: int = CUT, until_ms: int | None = None) -> None:
        """
        Take all inputs, `cut` pings at a time, then let the clocks run on to `until_ms` or the newest input.

        Raises BadConfiguration where `until_ms` lies before the newest input, or a file cannot be read.
        """
        self._turns = turns(inputs, self.refused)[::-1]
        for chunk in chunks(inputs.pings, cut, self.refused):
            self._take(chunk)
        self._take_turns(LAST_MS - 1)
        if until_ms is not None and until_ms < self.newest_ms:
            raise BadConfiguration("--until", "lies before the newest input")
        self._tick(self.newest_ms if until_ms is None else until_ms)
        self._take_turns(LAST_MS)
        self._tick()

    def _take(self, chunk: Chunk) -> None:
        values = [record.value for record in chunk.pings]
        batch = decode([key_of(value) for value in values], values)
        self.refused += [Refusal(PINGS, chunk.pings[i].where, reason) for i, reason in batch.refused]
        arrived, start = self._arrived(batch.pings["time_ms"]), 0
        while start < len(arrived):
            self._take_turns(int(arrived[start]))
            stop = int(np.searchsorted(arrived, self._turns[-1].time_ms)) if self._turns else len(arrived)
            self._apply(chunk, batch, start, stop)
            start = stop
        if chunk.clock_ms is not None:
            self._take_turns(chunk.clock_ms)
            self._merged.told(chunk.clock_ms)
        self._tick(UNKNOWN if chunk.clock_ms is None else chunk.clock_ms)

    def _arrived(self, times: NDArray[np.int64]) -> NDArray[np.int64]:
        """Give the moment at which each ping comes: the newest time up to it, of those not too far ahead."""
        before = self._merged.judge(times, times)
        usable = (before == UNKNOWN) | (times <= before + self._merged.future_ms)
        arrived = np.where(usable, np.maximum(times, before), before)
        if len(arrived):
            self._merged.accepted(int(arrived[-1]))
        return arrived

    def _apply(self, chunk: Chunk, batch: Batch, start: int, stop: int) -> None:
        places: dict[int, list[int]] = {}
        parts = [self._part(name) for name in batch.supervisees[start:stop]]
        for position, part in enumerate(parts, start):
            places.setdefault(id(part), []).append(position)
        for at in places.values():
            part = parts[at[0] - start]
            for i, reason in part.apply([batch.supervisees[k] for k in at], batch.pings[at]):
                self.refused.append(Refusal(PINGS, chunk.pings[batch.index[at[i]]].where, reason))

    def _take_turns(self, until_ms: int) -> None:
        """Do what stands at or before a moment."""
        while self._turns and self._turns[-1].time_ms <= until_ms:
            turn = self._turns.pop()
            if not self._part(turn.supervisee).take(turn):
                self.refused.append(Refusal(turn.topic, turn.where, Reason.unknown_supervisee))
            if turn.message is None and turn.time_ms < LAST_MS:
                self._merged.told(turn.time_ms)

    def _tick(self, until_ms: int = UNKNOWN) -> None:
        for part in self.parts:
            part.tick(until_ms)
            self.events += part.engine.take_events()

    def _part(self, supervisee: str) -> Part:
        part = self._part_of.get(supervisee)
        if part is None:
            part = self.parts[partition_of(supervisee.encode(), len(self.parts))]
            self._part_of[supervisee] = part
        return part


def replay(
    orders: Iterable[bytes],
    pings: Iterable[bytes],
    checkins: Iterable[bytes] = (),
    dispositions: Iterable[bytes] = (),
    *,
    rules: Rules,
    limits: Limits,
    partitions: int = PARTITIONS,
    cut: int = CUT,
    until_ms: int | None = None,
) -> list[EpisodeEvent]:
    """Replay records that are at hand and give the events in the order in which they arose. Raises as `Replay.run`."""
    run = Replay(rules, limits, partitions)
    given = [[Record(str(n), value) for n, value in enumerate(values)] for values in (orders, checkins, dispositions)]
    arriving = (Record(str(n), value) for n, value in enumerate(pings))
    run.run(Inputs(given[0], arriving, given[1], given[2]), cut, until_ms)
    return run.events
