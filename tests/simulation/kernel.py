"""A small kernel for the simulation: it counts, and it decides by the clock, which no second try repeats."""
# ruff: noqa: D102 - the methods are those of stream.partition.Kernel, which says what each is for

import struct
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.findings import EpisodeEvent
from schemas.checkin import CheckIn
from schemas.disposition import Disposition
from schemas.errors import BadInput, BadState, Reason
from tests.stream.counting import event

ROW: Final = struct.Struct("<qqqqq")
EACH: Final = 5
SAID: Final = 6
CODE_MS: Final = 37


class Row(NamedTuple):
    """Pings and the sum of their times, messages, how often a tick said something, and the sum of when."""

    pings: int = 0
    times: int = 0
    messages: int = 0
    said: int = 0
    when: int = 0


class Tallying:
    """Each `EACH`th ping opens an episode, and so does a tick at some times and not at others, `SAID` times at most."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}
        self.dirty: set[str] = set()
        self.events: list[EpisodeEvent] = []
        self.erased: set[str] = set()
        self.counters: dict[str, int] = {}

    def _set(self, name: str, row: Row) -> None:
        self.rows[name] = row
        self.dirty.add(name)

    def order(self, supervisee: str, raw: bytes | None, now_ms: int) -> None:  # noqa: ARG002
        if raw is None:
            if self.rows.pop(supervisee, None) is not None:
                self.erased.add(supervisee)
                self.dirty.discard(supervisee)
            return
        if raw[:1] != b"{":
            raise BadInput(Reason.unreadable_order)
        if supervisee not in self.rows:
            self.erased.discard(supervisee)
            self._set(supervisee, Row())

    def checkin(self, checkin: CheckIn) -> None:
        self._message(checkin.supervisee)

    def disposition(self, disposition: Disposition) -> None:
        self._message(disposition.supervisee)

    def _message(self, name: str) -> None:
        row = self.rows[name]
        self._set(name, row._replace(messages=row.messages + 1))

    def knows(self, supervisee: str) -> bool:
        return supervisee in self.rows

    def supervisees(self) -> Iterable[str]:
        return list(self.rows)

    def apply(
        self,
        supervisees: Sequence[str],
        pings: NDArray[np.void],
        clock_ms: int | NDArray[np.int64],  # noqa: ARG002
    ) -> Collection[tuple[int, Reason]]:
        for name, time_ms in zip(supervisees, pings["time_ms"].tolist(), strict=True):
            row = self.rows[name]
            self._set(name, row._replace(pings=row.pings + 1, times=row.times + time_ms))
            if (row.pings + 1) % EACH == 0:
                self.events.append(event(name, row.pings + 1, time_ms))
        return []

    def tick(self, clock_ms: int, limit: int = 4096) -> bool:  # noqa: ARG002
        if clock_ms % CODE_MS < CODE_MS // 3:
            for name, row in self.rows.items():
                if row.said < min(SAID, row.pings // 2) and (clock_ms // CODE_MS + len(name)) % 3 == 0:
                    said = event(f"{name}", row.said + 1, clock_ms)
                    self.events.append(said._replace(episode_id=f"{name}!{row.said + 1}"))
                    self._set(name, row._replace(said=row.said + 1, when=row.when + clock_ms))
        return False

    def pending(self) -> bool:
        return bool(self.dirty or self.events or self.erased)

    def take_events(self) -> list[EpisodeEvent]:
        events, self.events = self.events, []
        return events

    def take_dirty(self) -> list[tuple[bytes, bytes | None]]:
        rows: list[tuple[bytes, bytes | None]] = [(n.encode(), ROW.pack(*self.rows[n])) for n in sorted(self.dirty)]
        rows += [(name.encode(), None) for name in sorted(self.erased)]
        self.dirty, self.erased = set(), set()
        return rows

    def load(self, records: Mapping[bytes, bytes]) -> None:
        if any(len(value) != ROW.size for value in records.values()):
            raise BadState("a row of the wrong size")
        self.rows = {key.decode(): Row(*ROW.unpack(value)) for key, value in records.items()}

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def records(self) -> int:
        return len(self.rows)


def encode(found: EpisodeEvent) -> tuple[bytes, bytes, list[tuple[str, bytes]]]:
    """Give the alert: which episode, and when."""
    return found.supervisee.encode(), f"{found.episode_id}@{found.at_ms}".encode(), []
