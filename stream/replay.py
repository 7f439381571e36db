"""
The same engine over files: no Kafka, no wall clock, the same episodes as the live run.

The clock of each partition is the feed's, as in a worker with `VIGIL_CLOCK=feed`; a line `{"clock_ms": N}` among the
pings pushes all of them on. The trap: where only pings push, the clock stands still at the last of them, so a silence
at the end of the files shows only with an `until_ms` beyond it.
"""

from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from detectors.engine import Engine
from detectors.findings import EpisodeEvent
from detectors.gate import Limits
from geofence.fences import NO_FENCES, Fences
from schemas.checkin import CheckIn
from schemas.disposition import Disposition
from schemas.errors import BadConfiguration, Reason
from schemas.rules import Rules
from schemas.topics import PARTITIONS, PINGS
from stream.clock import UNKNOWN, FeedClock
from stream.decode import decode, partition_of
from stream.records import Record
from stream.turns import LAST_MS, Chunk, Inputs, Refusal, Turn, chunks, key_of, turns

CUT: Final = 32_768
KEPT: Final = 65_536
"""Pings after which the engine's changes, which nobody stores here, are dropped."""


class Replay:
    """
    One run over inputs. Afterwards: `events` as they arose, `refused`, and `newest_ms`.

    There is one engine for all partition numbers, since who shares a partition decides nothing, but a clock for each:
    by it a ping is refused, and deadlines fire once the clocks of all partitions have reached them.
    """

    def __init__(self, rules: Rules, limits: Limits, fences: Fences = NO_FENCES, partitions: int = PARTITIONS) -> None:
        self.engine, self.limits = Engine(rules, limits, fences), limits
        self.clocks = [FeedClock(limits.future_ms) for _ in range(partitions)]
        self.events: list[EpisodeEvent] = []
        self.refused: list[Refusal] = []
        self._merged = FeedClock(limits.future_ms)
        self._numbers: dict[str, int] = {}
        self._turns: list[Turn] = []
        self._kept = 0

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
        self._tell(self.newest_ms if until_ms is None else until_ms)
        self._tick()
        self._take_turns(LAST_MS)
        self.events += self.engine.take_events()

    def _take(self, chunk: Chunk) -> None:
        values = [record.value for record in chunk.pings]
        batch = decode([key_of(value) for value in values], values)
        self.refused += [Refusal(PINGS, chunk.pings[i].where, reason) for i, reason in batch.refused]
        arrived, start = self._arrived(batch.pings["time_ms"]), 0
        while start < len(arrived):
            self._take_turns(int(arrived[start]))
            stop = int(np.searchsorted(arrived, self._turns[-1].time_ms)) if self._turns else len(arrived)
            for i, reason in self._apply(batch.supervisees[start:stop], batch.pings[start:stop]):
                self.refused.append(Refusal(PINGS, chunk.pings[batch.index[start + i]].where, reason))
            start = stop
        if chunk.clock_ms is not None:
            self._take_turns(chunk.clock_ms)
            self._merged.told(chunk.clock_ms)
            self._tell(chunk.clock_ms)
        self._tick()

    def _arrived(self, times: NDArray[np.int64]) -> NDArray[np.int64]:
        """Give the moment at which each ping comes: the newest time up to it, of those not too far ahead."""
        before = self._merged.judge(times, times, np.full_like(times, UNKNOWN))
        usable = (before == UNKNOWN) | (times <= before + self._merged.future_ms)
        arrived = np.where(usable, np.maximum(times, before), before)
        if len(arrived):
            self._merged.accepted(int(arrived[-1]))
        return arrived

    def _apply(self, supervisees: list[str], pings: NDArray[np.void]) -> list[tuple[int, Reason]]:
        """Judge each ping by the clock of its partition, and apply; gives the refused positions."""
        times = pings["time_ms"]
        numbers = np.array([self._number(name) for name in supervisees], np.int64)
        clocks = np.empty_like(times)
        for number in np.unique(numbers):
            of = numbers == number
            clocks[of] = self.clocks[number].judge(times[of], times[of], np.full(int(of.sum()), UNKNOWN))
        refused = self.engine.apply(supervisees, pings, clocks)
        accepted = np.ones(len(times), bool)
        accepted[[i for i, _ in refused]] = False
        for number in np.unique(numbers[accepted]):
            self.clocks[number].accepted(int(times[accepted & (numbers == number)].max()))
        self._kept += len(times)
        return refused

    def _take_turns(self, until_ms: int) -> None:
        """Do what stands at or before a moment."""
        while self._turns and self._turns[-1].time_ms <= until_ms:
            turn = self._turns.pop()
            if not self._do(turn):
                self.refused.append(Refusal(turn.topic, turn.where, Reason.unknown_supervisee))

    def _do(self, turn: Turn) -> bool:
        """Do one thing; False where nobody of that name has an order."""
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
            self._end(turn)
        return True

    def _end(self, turn: Turn) -> None:
        """End an order, once everything before that moment has been said."""
        at_ms = self.newest_ms if turn.time_ms == LAST_MS else turn.time_ms
        self._merged.told(at_ms)
        while self.engine.tick(at_ms):
            pass
        self.engine.order(turn.supervisee, None, at_ms)

    def _tell(self, clock_ms: int) -> None:
        for clock in self.clocks:
            clock.told(clock_ms)

    def _tick(self) -> None:
        known = [clock.now() for clock in self.clocks if clock.now() != UNKNOWN]
        while known and self.engine.tick(min(known)):
            pass
        self.events += self.engine.take_events()
        if self._kept >= KEPT:
            self._kept = 0
            self.engine.take_dirty()

    def _number(self, supervisee: str) -> int:
        number = self._numbers.get(supervisee)
        if number is None:
            number = self._numbers[supervisee] = partition_of(supervisee.encode(), len(self.clocks))
        return number


def replay(
    orders: Iterable[bytes],
    pings: Iterable[bytes],
    checkins: Iterable[bytes] = (),
    dispositions: Iterable[bytes] = (),
    *,
    rules: Rules,
    limits: Limits,
    fences: Fences = NO_FENCES,
    partitions: int = PARTITIONS,
    cut: int = CUT,
    until_ms: int | None = None,
) -> list[EpisodeEvent]:
    """Replay records that are at hand and give the events in the order in which they arose. Raises as `Replay.run`."""
    run = Replay(rules, limits, fences, partitions)
    given = [[Record(str(n), value) for n, value in enumerate(values)] for values in (orders, checkins, dispositions)]
    arriving = (Record(str(n), value) for n, value in enumerate(pings))
    run.run(Inputs(given[0], arriving, given[1], given[2]), cut, until_ms)
    return run.events
