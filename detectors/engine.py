"""
The engine of one partition: two verbs, `apply` and `tick`, and orders that act at their own time.

What comes out does not depend on how the stream was cut, on restarts, or on the order in which pings arrive inside the
horizon: a late ping makes its row run again from an earlier copy, and only the difference is published.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import repeat
from typing import TYPE_CHECKING, Final

import numpy as np

from detectors.boundary import Boundary
from detectors.curfew import Curfew
from detectors.exclusion import Exclusion
from detectors.gap import Gap
from detectors.gate import Limits, refusals
from detectors.night_venue import NightVenue
from detectors.pings import in_order, joined, picked, positions, repeats
from detectors.quality import Quality
from detectors.residence import Residence
from detectors.standing import Standing
from detectors.supervision import AT_ONCE, Supervision
from detectors.windows import COPIES
from geofence.fences import NO_FENCES
from schemas.errors import BadInput, BadState, Reason
from schemas.order import decode_order

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from detectors.findings import EpisodeEvent
    from detectors.pings import Column
    from detectors.window import Detector
    from geofence.fences import Fences
    from schemas.checkin import CheckIn
    from schemas.disposition import Disposition
    from schemas.rules import Rules

SLOTS: Final = tuple(str(slot).encode() for slot in range(COPIES))
FLOOR: Final = b"~floor:"


def watching(rules: Rules, fences: Fences) -> tuple[Detector, ...]:
    """Every rule, in the order in which they see a ping; nothing registers itself."""
    return (
        Quality(rules),
        Gap(rules),
        Curfew(rules),
        Boundary(rules, fences),
        Exclusion(rules, fences),
        NightVenue(rules, fences),
        Residence(),
    )


class Engine:
    """
    Supervisees of one partition number: their rows, orders, episodes, and the pings of the last hours.

    Time is an argument: `clock_ms` is the clock of the partition, negative while it is not known. A refused ping
    changes nothing. Late pings wait until the next `settle`, so that many of one row cost one run.
    """

    def __init__(self, rules: Rules, limits: Limits = Limits(), fences: Fences = NO_FENCES) -> None:  # noqa: B008
        self.limits = limits
        self.supervision = Supervision(watching(rules, fences), rules, fences, limits.horizon_ms)
        self.counters: Counter[str] = Counter()
        self._late: list[tuple[Column, Column, Column]] = []
        self._waits = np.zeros(0, bool)
        """Rows of which late pings wait."""
        self._ordered: set[int] = set()
        self._tombstones: list[bytes] = []
        self._floored = False

    def __len__(self) -> int:
        return len(self.supervision.windows)

    def knows(self, supervisee: str) -> bool:
        """True for a person with a live order."""
        return supervisee in self.supervision.windows.index

    def supervisees(self) -> Iterable[str]:
        """Everybody with a live order."""
        return self.supervision.windows.index.keys()

    def order(self, supervisee: str, raw: bytes | None, now_ms: int) -> None:
        """
        Take in an order message; None ends the order, closes what is open at `now_ms`, and erases the row.

        A message equal to the newest one changes nothing, so orders may be read again from the beginning.

        :raises BadInput: before anything was changed, when the bytes are no order or that of somebody else.
        """
        of = self.supervision
        row = of.windows.index.get(supervisee)
        if raw is None:
            if row is not None:
                self.settle()
                self._tombstones += of.end(row, now_ms)
                self._ordered.discard(row)
            return
        known = None if row is None else of.plans.standings[row]
        if known is not None and known.versions[-1].raw == raw:
            return
        order = decode_order(raw)
        if order.supervisee != supervisee:
            raise BadInput(Reason.key_mismatch, "supervisee")
        if row is None or known is None:
            row = of.windows.add(supervisee)
            if row == len(of.plans.standings):
                of.plans.add()
            of.plans.stand(row, Standing().with_order(raw, order, 0))
        else:
            self.settle()
            frontier = int(of.windows.frontier(np.array([row]))[0])
            standing = known.with_order(raw, order, frontier - 2 * of.keep_ms)
            of.plans.stand(row, standing)
            if of.has_begun(row):
                of.reconsider(row, known.differs_from(standing), frontier)
        self._ordered.add(row)

    def checkin(self, checkin: CheckIn) -> None:
        """Record a check-in; of people without an order nothing is kept."""
        self.supervision.windows.count(checkin.supervisee, "checkin")

    def disposition(self, disposition: Disposition) -> None:
        """Record a human's verdict or measure."""
        self.supervision.windows.count(disposition.supervisee, "disposition")

    def apply(self, supervisees: Sequence[str], pings: Column, clock_ms: int | Column) -> list[tuple[int, Reason]]:
        """
        Take in pings (`PING`, in any order); gives the refused ones by position, with the reason.

        `clock_ms` is the clock by which they are judged, one for all or one for each.

        What is refused changes nothing; everything else is in the state before this returns, late pings included:
        they wait for `settle`, which every reader of results calls.
        """
        of = self.supervision
        rows = np.array(list(map(of.windows.index.get, supervisees, repeat(-1))), np.int64)
        refused = refusals(of, rows, pings["time_ms"], clock_ms, self.limits)
        if refused:
            good = np.ones(len(rows), bool)
            good[list(refused)] = False
            rows, pings = rows[good], picked(pings, good)
        order = in_order(rows, pings)
        rows, pings = rows[order], picked(pings, order)
        repeated = repeats(rows, pings)
        self.counters["accepted"] += len(rows)
        if repeated.any():
            self.counters["duplicate"] += int(repeated.sum())
            rows, pings = rows[~repeated], picked(pings, ~repeated)
        late = pings["time_ms"] <= of.windows.frontier(rows)
        self._waits = np.pad(self._waits, (0, len(of.windows.due) - len(self._waits)))  # people may have come since
        self._set_aside(rows, pings, late, late)
        waits = self._waits[rows]
        self._set_aside(rows, pings, late, waits & ~late)
        if not waits.all():
            of.advance(rows[~waits], picked(pings, ~waits))
        return sorted(refused.items())

    def _set_aside(self, rows: Column, pings: Column, late: Column, where: Column) -> None:
        """Let pings wait for `settle`, with all that follow of their rows: one run, and no silence found in between."""
        if where.any():
            self._waits[rows[where]] = True
            self._late.append((rows[where], picked(pings, where), late[where]))

    def tick(self, clock_ms: int, limit: int = 4096) -> bool:
        """Fire deadlines up to the clock, of at most `limit` rows; True when more is due: call again."""
        self.settle()
        of = self.supervision
        rows = positions(of.windows.due[: len(of.windows.ids)] <= clock_ms)
        if len(rows):
            of.pass_time(rows[:limit], clock_ms)
        of.inputs.forget(clock_ms - of.keep_ms)
        more = len(rows) > limit or bool((of.windows.due[rows] <= clock_ms).any())
        if not more:
            of.ticked_ms = max(of.ticked_ms, clock_ms)
        return more

    def settle(self) -> None:
        """Run the rows again for which late pings wait."""
        if not self._late:
            return
        of = self.supervision
        waiting_rows, waiting, waiting_late = zip(*self._late, strict=True)
        rows, pings, late = np.concatenate(waiting_rows), joined(waiting), np.concatenate(waiting_late)
        self._late, waited = [], len(rows)
        self._waits[rows] = False
        distinct = np.unique(rows)
        seen_at, seen = of.inputs.of(distinct, np.full(len(distinct), int(pings["time_ms"].min()) - 1))
        rows, pings = np.concatenate((distinct[seen_at], rows)), joined((seen, pings))
        order = in_order(rows, pings)  # of equal pings the seen one comes first
        rows, pings = rows[order], picked(pings, order)
        fresh = (order >= len(seen)) & ~repeats(rows, pings)
        self.counters["late"] += int(late[order[fresh] - len(seen)].sum())
        rows, pings = rows[fresh], picked(pings, fresh)
        self.counters["duplicate"] += waited - len(rows)
        if len(rows):
            distinct, first = np.unique(rows, return_index=True)
            of.windows.hear(distinct, pings["time_ms"][first])
            of.inputs.add(rows, of.windows.hot["core"]["serial"][rows], pings)
            of.rerun(distinct, pings["time_ms"][first])

    @property
    def records(self) -> int:
        """How many changelog records hold the state, once `take_dirty` has been written."""
        of = self.supervision
        episodes = sum(map(bool, of.episodes.of.values()))
        return of.windows.records + len(of.windows) + episodes + of.inputs.records + self._floored

    def take_events(self) -> list[EpisodeEvent]:
        """What is to be published since the last call, in order."""
        self.settle()
        episodes = self.supervision.episodes
        events, episodes.events = episodes.events, []
        return events

    def pending(self) -> bool:
        """True when events or rows wait to be written."""
        of = self.supervision
        waiting = self._late or self._tombstones or self._ordered or of.episodes.events or of.episodes.dirty
        return bool(waiting or of.windows.dirty.any() or of.inputs.fresh)

    def take_dirty(self) -> list[tuple[bytes, bytes | None]]:
        """Changelog records since the last call; None is a tombstone. Taken together they are the whole state."""
        self.settle()
        of, ids = self.supervision, self.supervision.windows.ids
        out: list[tuple[bytes, bytes | None]] = [(key, None) for key in self._tombstones]
        out += of.windows.take_dirty()
        standings = [(row, of.plans.standings[row]) for row in self._ordered]
        out += [(f"o:{ids[row]}".encode(), standing.packed if standing else None) for row, standing in standings]
        out += [(f"e:{ids[row]}".encode(), of.episodes.pack(row)) for row in of.episodes.dirty]
        if chunks := of.inputs.take():
            out += [(f"~inputs:{number}".encode(), data) for number, data in chunks]
            out.append((FLOOR, str(of.inputs.floor_ms).encode()))
            self._floored = True
        self._tombstones, self._ordered, of.episodes.dirty = [], set(), set()
        of.plans.tidy()
        return out

    def load(self, records: Mapping[bytes, bytes]) -> None:
        """
        Take over the state of a partition: the last value of every key that `take_dirty` ever gave.

        :raises BadState: when it was written with another layout, or is not whole.
        """
        groups: defaultdict[bytes, tuple[list[bytes], list[bytes]]] = defaultdict(lambda: ([], []))
        for key, value in records.items():
            group, _, name = key.partition(b":")
            names, values = groups[group]
            names.append(name)
            values.append(value)
        names, values = groups[b"h"]
        index = {name: row for row, name in enumerate(names)}
        of = self.supervision
        try:
            copies = [([index[name] for name in groups[slot][0]], groups[slot][1]) for slot in SLOTS]
            of.windows.load([name.decode() for name in names], values, copies)
            of.plans.load(len(names), [index[name] for name in groups[b"o"][0]], groups[b"o"][1])
            for name, value in zip(*groups[b"e"], strict=True):
                of.episodes.unpack(index[name], value)
        except KeyError:
            raise BadState("the changelog holds records of people without a row: it was truncated") from None
        numbers, chunks = groups[b"~inputs"]
        core = of.windows.hot["core"][: len(names)]
        of.inputs.load(zip(map(int, numbers), chunks, strict=True), core["serial"], int(records.get(FLOOR, b"0")))
        self._floored = FLOOR in records
        of.ticked_ms = int(core["fired_ms"].max(initial=0))
        of.windows.due[: len(names)][core["newest_ms"] > 0] = AT_ONCE
