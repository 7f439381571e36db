"""The empty job: counts pings, so that delivery can be measured and broken without any rule."""
# ruff: noqa: D102 - the methods are those of stream.partition.Kernel, which says what each is for

import struct
from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from detectors.findings import EpisodeEvent
from schemas.checkin import CheckIn
from schemas.disposition import Disposition
from schemas.errors import BadInput, BadState, Reason
from stream.clock import UNKNOWN

ROW = struct.Struct("<qq184x")
EACH = 10


class Counting:
    """
    A kernel that remembers, per supervisee, how many pings it saw and the sum of their times: a row of 200 bytes.

    Each tenth ping of a supervisee opens an episode. An order is `{...}`; anything else is unreadable.
    """

    def __init__(self) -> None:
        self.rows: dict[str, list[int]] = {}
        self.dirty: set[str] = set()
        self.events: list[EpisodeEvent] = []
        self.erased: set[str] = set()
        self.counters: dict[str, int] = {"pings": 0}
        self.clock_ms = UNKNOWN
        self.messages: list[CheckIn | Disposition] = []

    def order(self, supervisee: str, raw: bytes | None, now_ms: int) -> None:  # noqa: ARG002
        if raw is None:
            if self.rows.pop(supervisee, None) is not None:
                self.erased.add(supervisee)
                self.dirty.discard(supervisee)
            return
        if raw[:1] != b"{":
            raise BadInput(Reason.unreadable_order)
        if supervisee not in self.rows:
            self.rows[supervisee] = [0, 0]
            self.erased.discard(supervisee)
            self.dirty.add(supervisee)

    def checkin(self, checkin: CheckIn) -> None:
        self.messages.append(checkin)

    def disposition(self, disposition: Disposition) -> None:
        self.messages.append(disposition)

    def knows(self, supervisee: str) -> bool:
        return supervisee in self.rows

    def supervisees(self) -> Iterable[str]:
        return list(self.rows)

    def apply(
        self, supervisees: Sequence[str], pings: NDArray[np.void], clock_ms: int | NDArray[np.int64]
    ) -> Collection[tuple[int, Reason]]:
        refused = []
        times = pings["time_ms"]
        early = (np.broadcast_to(clock_ms, times.shape) != UNKNOWN) & (times > clock_ms + 120_000)
        for position, (supervisee, time_ms) in enumerate(zip(supervisees, times.tolist(), strict=True)):
            if early[position]:
                refused.append((position, Reason.future))
                continue
            row = self.rows[supervisee]
            self.counters["pings"] += 1
            row[0] += 1
            row[1] += time_ms
            self.dirty.add(supervisee)
            if row[0] % EACH == 0:
                self.events.append(event(supervisee, row[0], time_ms))
        return refused

    def tick(self, clock_ms: int, limit: int = 4096) -> bool:  # noqa: ARG002
        self.clock_ms = clock_ms
        return False

    def pending(self) -> bool:
        return bool(self.dirty or self.events or self.erased)

    def take_events(self) -> list[EpisodeEvent]:
        events, self.events = self.events, []
        return events

    def take_dirty(self) -> list[tuple[bytes, bytes | None]]:
        rows: list[tuple[bytes, bytes | None]] = [(name.encode(), ROW.pack(*self.rows[name])) for name in self.dirty]
        rows += [(name.encode(), None) for name in self.erased]
        self.dirty, self.erased = set(), set()
        return rows

    def load(self, records: Mapping[bytes, bytes]) -> None:
        if any(len(value) != ROW.size for value in records.values()):
            raise BadState("a row of the wrong size")
        self.rows = {key.decode(): list(ROW.unpack(value)) for key, value in records.items()}

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def records(self) -> int:
        return len(self.rows)


def event(supervisee: str, count: int, time_ms: int) -> EpisodeEvent:
    """Give the episode that the `count`th ping of a supervisee opens."""
    return EpisodeEvent(
        supervisee, f"{supervisee}-{count}", 0, "opened", "gap", "contact", "notice", "officer", "450000",
        time_ms, None, time_ms, "counted", "1", None, {"count": count},
    )  # fmt: skip


def encode(found: EpisodeEvent) -> tuple[bytes, bytes, list[tuple[str, bytes]]]:
    """Stand in for the alert that subscribers read."""
    return found.supervisee.encode(), f"{found.episode_id}:{found.revision}".encode(), []
