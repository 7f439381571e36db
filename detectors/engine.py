"""
The engine of one partition: two verbs, `apply` and `tick`, and orders that act at their own time.

What comes out does not depend on how the stream was cut, on restarts, or on the order in which pings arrive inside the
horizon: a late ping makes its row run again from an earlier copy, and only the difference is published.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from detectors.curfew import Curfew
from detectors.episodes import Context, Episodes
from detectors.evidence import judged
from detectors.gap import Gap
from detectors.inputs import Inputs
from detectors.pings import NEVER, PING, in_order, repeats
from detectors.plans import NOWHERE, Plans
from detectors.quality import Quality
from detectors.rounds import Rounds
from detectors.standing import Standing
from detectors.windows import NO_COPY, Windows
from schemas.errors import BadInput, BadState, Reason
from schemas.order import decode_order

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from detectors.findings import EpisodeEvent, Finding
    from detectors.pings import Column
    from detectors.window import Columns, Window
    from schemas.checkin import CheckIn
    from schemas.disposition import Disposition
    from schemas.rules import Rules

HOUR_MS: Final = 3_600_000
MINUTE_MS: Final = 60_000
DETECTORS: Final = (Quality, Gap, Curfew)
"""The whole list, in the order in which they see a ping; nothing registers itself."""


class Limits(NamedTuple):
    """How far from the clock a ping may lie: `horizon_ms` before it, `future_ms` after it."""

    horizon_ms: int = 6 * HOUR_MS
    future_ms: int = 2 * MINUTE_MS


class Engine:
    """
    Supervisees of one partition number: their rows, orders, episodes, and the pings of the last hours.

    Time is an argument: `clock_ms` is the clock of the partition, negative while it is not known. A refused ping
    changes nothing. Late pings wait until the next `settle`, so that many of one row cost one run.
    """

    def __init__(self, rules: Rules, limits: Limits = Limits()) -> None:  # noqa: B008
        self.limits = limits
        self.detectors = tuple(detector(rules) for detector in DETECTORS)
        self.windows = Windows(self.detectors)
        self.plans = Plans(rules)
        self.rounds = Rounds(self.detectors, self.plans)
        self.inputs = Inputs()
        self.counters: Counter[str] = Counter()
        self._spacing_ms = limits.horizon_ms // 2
        self._keep_ms = 2 * limits.horizon_ms
        self.episodes = Episodes(lambda row: self.windows.ids[row], self._context, 2 * self._keep_ms)
        self._late: list[tuple[Column, Column]] = []
        self._waits = np.zeros(0, bool)
        self._ordered: set[int] = set()
        self._tombstones: list[tuple[bytes, bytes | None]] = []

    def __len__(self) -> int:
        return len(self.windows)

    def knows(self, supervisee: str) -> bool:
        """True for a person with a live order."""
        return supervisee in self.windows.index

    def order(self, supervisee: str, raw: bytes | None, now_ms: int) -> None:
        """
        Take in an order message; None ends the order, closes what is open at `now_ms`, and erases the row.

        A message equal to the newest one changes nothing, so orders may be read again from the beginning.

        :raises BadInput: before anything was changed, when the bytes are no order or that of somebody else.
        """
        row = self.windows.index.get(supervisee)
        if raw is None:
            if row is not None:
                self._end(row, now_ms)
            return
        if row is not None and (standing := self.plans.standings[row]) and standing.versions[-1].raw == raw:
            return
        order = decode_order(raw)
        if order.supervisee != supervisee:
            raise BadInput(Reason.key_mismatch, "supervisee")
        if row is None:
            row = self.windows.add(supervisee)
            if row == len(self.plans.standings):
                self.plans.add()
                self._waits = np.resize(self._waits, len(self.windows.hot))
            self._waits[row] = False
            self.plans.stand(row, Standing().with_order(raw, order, 0))
        else:
            self.settle()
            frontier = int(self.windows.frontier(np.array([row]))[0])
            before = self.plans.standings[row] or Standing()
            after = before.with_order(raw, order, frontier - 2 * self._keep_ms)
            self.plans.stand(row, after)
            if self.plans.plan["at"][row] != NOWHERE:
                self._reconsider(row, before.differs_from(after), frontier)
        self._ordered.add(row)

    def checkin(self, checkin: CheckIn) -> None:
        """Record a check-in; of people without an order nothing is kept."""
        self._count(checkin.supervisee, "checkin", checkin.time_ms)

    def disposition(self, disposition: Disposition) -> None:
        """Record a human's verdict or measure."""
        self._count(disposition.supervisee, "disposition", disposition.time_ms)

    def apply(self, supervisees: Sequence[str], pings: Column, clock_ms: int) -> list[tuple[int, Reason]]:
        """
        Take in pings (`PING`, in any order); gives the refused ones by position, with the reason.

        :raises BadInput: never; what is wrong with a ping is in the answer.
        """
        find = self.windows.index.get
        rows = np.array([find(name, -1) for name in supervisees], np.int64)
        refused = self._refused(rows, pings, clock_ms)
        if refused:
            good = np.ones(len(rows), bool)
            good[[position for position, _ in refused]] = False
            rows, pings = rows[good], pings[good]
        order = in_order(rows, pings)
        rows, pings = rows[order], pings[order]
        again = repeats(rows, pings)
        late = pings["time_ms"] <= self.windows.frontier(rows)
        self.counters["duplicate"] += int(again.sum())
        self.counters["accepted"] += len(rows)
        if (late & ~again).any():
            where = late & ~again
            self._late.append((rows[where], pings[where]))
            self._waits[rows[where]] = True
        where = ~(late | again)
        rows, pings = rows[where], pings[where]
        if len(rows):
            hour = (pings["time_ms"] - pings["time_ms"].min()) // self._spacing_ms
            for part in range(int(hour.max()) + 1):
                now = hour == part
                if now.any():
                    self._advance(rows[now], pings[now])
        return refused

    def tick(self, clock_ms: int, limit: int = 4096) -> bool:
        """Fire the deadlines up to the clock, of at most `limit` rows; True when more rows are due."""
        self.settle()
        rows = np.flatnonzero(self.windows.due[: len(self.windows.ids)] <= clock_ms)
        some = rows[:limit]
        if len(some):
            self._copy(some, self.windows.due[some])
            window = self._checkout(some)
            self.episodes.record(self.rounds.pass_time(window, np.full(len(some), clock_ms), silence=True))
            self._checkin(window)
        self.inputs.forget(clock_ms - self._keep_ms)
        return len(rows) > limit

    def settle(self) -> None:
        """Run the rows again for which late pings wait."""
        if not self._late:
            return
        rows, pings = (np.concatenate(parts) for parts in zip(*self._late, strict=True))
        self._late = []
        order = in_order(rows, pings)
        rows, pings = rows[order], pings[order]
        fresh = ~repeats(rows, pings)
        distinct = np.unique(rows)
        self._waits[distinct] = False
        seen_at, seen = self.inputs.of(distinct, np.full(len(distinct), int(pings["time_ms"].min()) - 1))
        fresh &= ~_in(rows, pings, distinct[seen_at], seen)
        self.counters["duplicate"] += int((~fresh).sum())
        self.counters["late"] += int(fresh.sum())
        rows, pings = rows[fresh], pings[fresh]
        if len(rows):
            distinct, first = np.unique(rows, return_index=True)
            self.inputs.add(rows, self.windows.hot["core"]["serial"][rows], pings)
            self._rerun(distinct, pings["time_ms"][first])

    def take_events(self) -> list[EpisodeEvent]:
        """What is to be published since the last call, in order."""
        self.settle()
        events, self.episodes.events = self.episodes.events, []
        return events

    def pending(self) -> bool:
        """True when events or rows wait to be written."""
        return bool(self.episodes.events or self._late or self._tombstones or self._ordered or self.windows.dirty.any())

    def take_dirty(self) -> list[tuple[bytes, bytes | None]]:
        """Changelog records since the last call; None is a tombstone. Taken together they are the whole state."""
        self.settle()
        ids = self.windows.ids
        out, self._tombstones = self._tombstones, []
        out += self.windows.take_dirty()
        for row in self._ordered:
            standing = self.plans.standings[row]
            out.append((f"o:{ids[row]}".encode(), standing.pack() if standing else None))
        for row in self.episodes.dirty:
            out.append((f"e:{ids[row]}".encode(), self.episodes.pack(row)))
        if chunks := self.inputs.take():
            out += [(f"~inputs:{number}".encode(), data) for number, data in chunks]
            out.append((b"~floor:", str(self.inputs.floor_ms).encode()))
        self._ordered, self.episodes.dirty = set(), set()
        self.plans.tidy()
        return out

    def load(self, records: Mapping[bytes, bytes]) -> None:
        """
        Take over the state of a partition: the last value of every key that `take_dirty` ever gave.

        :raises BadState: when it was written with another layout, or is not whole.
        """
        groups: dict[str, list[tuple[str, bytes]]] = {}
        for key, value in records.items():
            group, _, name = key.decode().partition(":")
            groups.setdefault(group, []).append((name, value))
        copies = [(int(slot), *record) for slot in ("0", "1", "2") for record in groups.get(slot, [])]
        self.windows.load(groups.get("h", []), copies)
        self._waits = np.zeros(len(self.windows.hot), bool)
        index = self.windows.index
        for _ in self.windows.ids:
            self.plans.add()
        for name, value in groups.get("o", []):
            if name in index:
                self.plans.stand(index[name], Standing.unpack(value))
        if None in self.plans.standings:
            msg = "the changelog holds rows without their order: it was truncated"
            raise BadState(msg)
        for name, value in groups.get("e", []):
            if name in index:
                self.episodes.unpack(index[name], value)
        serials = self.windows.hot["core"]["serial"][: len(index)].tolist()
        chunks = [(int(number), value) for number, value in groups.get("~inputs", [])]
        floor_ms = int(dict(groups.get("~floor", [])).get("", b"0"))
        self.inputs.load(chunks, {serial: row for row, serial in enumerate(serials)}, floor_ms)
        rows = np.arange(len(index))
        started = rows[self.windows.hot["core"]["newest_ms"][rows] > 0]
        for part in np.array_split(started, len(started) // 4096 + 1):
            self.plans.place(part, self.windows.frontier(part))
            self._schedule(self._checkout(part))

    def _refused(self, rows: Column, pings: Column, clock_ms: int) -> list[tuple[int, Reason]]:
        """Positions that may not or cannot be used, with the reason that comes first."""
        t, unknown = pings["time_ms"], rows < 0
        lawless, future, old = (np.zeros(len(rows), bool) for _ in range(3))
        known = np.flatnonzero(~unknown)
        lawless[known] = ~self.plans.authorised(rows[known], t[known])
        if clock_ms >= 0:
            future, old = t > clock_ms + self.limits.future_ms, t < clock_ms - self.limits.horizon_ms
        late = known[t[known] <= self.windows.frontier(rows[known])]
        if len(late):
            usable = self.windows.usable(rows[late], self.inputs.floor_ms)
            oldest = np.where(usable, self.windows.copied[rows[late]], NEVER).min(axis=1)
            old[late] |= t[late] <= oldest
        refused: dict[int, Reason] = {}
        for where, reason in (
            (unknown, Reason.unknown_supervisee),
            (lawless, Reason.not_authorised),
            (future, Reason.future),
            (old, Reason.too_late),
        ):
            for position in np.flatnonzero(where).tolist():
                refused.setdefault(position, reason)
        return sorted(refused.items())

    def _advance(self, rows: Column, pings: Column) -> None:
        """Pings in order of row and time, each after all that its row has seen."""
        distinct, starts, counts = np.unique(rows, return_index=True, return_counts=True)
        order = np.argsort(-counts, kind="stable")
        distinct, starts, counts = distinct[order], starts[order], counts[order]
        first_ms = pings["time_ms"][starts]
        self._copy(distinct, first_ms)
        new = self.plans.plan["at"][distinct] == NOWHERE
        if new.any():
            self.plans.place(distinct[new], first_ms[new])
        self.inputs.add(rows, self.windows.hot["core"]["serial"][rows], pings)
        window = self._checkout(distinct)
        self.episodes.record(self.rounds.run(window, pings, starts, counts))
        self._checkin(window)

    def _copy(self, rows: Column, times_ms: Column) -> None:
        """Keep copies of rows that go on after a while; late pings that wait are run first, for they need the old."""
        ageing = self.windows.ageing(rows, times_ms, self._spacing_ms)
        if len(ageing):
            if self._waits[ageing].any():
                self.settle()
            self.windows.copy(ageing)

    def _rerun(self, rows: Column, from_ms: Column) -> None:
        """Run rows (sorted, distinct) again from a copy before `from_ms`, and publish what differs."""
        usable = self.windows.usable(rows, self.inputs.floor_ms)
        copied = self.windows.copied[rows]
        before = usable & (copied < from_ms[:, None])
        slots = np.where(
            before.any(axis=1),
            np.where(before, copied, NO_COPY).argmax(axis=1),
            np.where(usable, copied, NEVER).argmin(axis=1),
        )
        base = copied[np.arange(len(rows)), slots]
        fired = self.windows.hot["core"]["fired_ms"][rows]
        at, pings = self.inputs.of(rows, base)
        counts = np.bincount(at, minlength=len(rows))
        starts = np.concatenate(([0], np.cumsum(counts)[:-1]))
        order = np.argsort(-counts, kind="stable")
        rows, slots, base, fired = rows[order], slots[order], base[order], fired[order]
        counts, starts = counts[order], starts[order]
        first = np.where(counts > 0, pings["time_ms"][np.minimum(starts, max(len(pings) - 1, 0))], fired)
        plan = self.plans.placed(rows, np.where(base > 0, base, first))
        window = self.windows.checkout_copies(rows, slots, plan)
        np.minimum(window["core"]["first_ms"], first, out=window["core"]["first_ms"])
        busy = int((counts > 0).sum())
        found = self.rounds.run(window.head(busy), pings, starts[:busy], counts[:busy])
        found += self.rounds.pass_time(window, fired, silence=True)
        core = window["core"]
        core["fired_ms"][:] = np.maximum(core["fired_ms"], fired)
        self._checkin(window)
        by_row: dict[int, list[Finding]] = {int(row): [] for row in rows}
        for finding in found:
            by_row[finding.row].append(finding)
        for row, after_ms in zip(rows.tolist(), base.tolist(), strict=True):
            self.episodes.revise(row, after_ms, by_row[row])
        self.windows.recopy(rows, base)

    def _reconsider(self, row: int, from_ms: int, frontier: int) -> None:
        """The orders of a row changed: from then on, or from a time that it has passed already."""
        rows = np.array([row])
        if from_ms <= frontier and self.windows.usable(rows, self.inputs.floor_ms).any():
            self._rerun(rows, np.array([from_ms]))
        else:
            self.plans.place(rows, np.array([frontier]))
            self._checkin(self._checkout(rows))

    def _end(self, row: int, now_ms: int) -> None:
        self.settle()
        self.episodes.end(row, now_ms)
        name = self.windows.ids[row]
        self._tombstones += [(key, None) for key in self.windows.keys(row)]
        self._tombstones += [(f"{group}:{name}".encode(), None) for group in "oe"]
        self.inputs.erase(row, self.windows.hot["core"]["serial"])
        self.windows.remove(row)
        self.plans.clear(row)
        self.plans.stand(row, None)
        self._ordered.discard(row)

    def _checkout(self, rows: Column) -> Window:
        return self.windows.checkout(rows, {name: array[rows] for name, array in self.plans.plan.items()})

    def _checkin(self, window: Window) -> None:
        self.windows.checkin(window)
        for name, array in window.plan.items():
            self.plans.plan[name][window.rows] = array
        self._schedule(window)

    def _schedule(self, window: Window) -> None:
        self.windows.due[window.rows] = np.minimum(self.rounds.due(window), window.plan["change_ms"])

    def _count(self, supervisee: str, what: str, time_ms: int) -> None:
        row = self.windows.index.get(supervisee)
        if row is not None:
            core = self.windows.hot["core"]
            core[f"{what}s"][row] += 1
            core[f"{what}_ms"][row] = max(time_ms, int(core[f"{what}_ms"][row]))
            self.windows.dirty[row] = True

    def _context(self, row: int, finding: Finding) -> Context:
        """What an event says of the order in force, and of the pings that led to it."""
        standing = self.plans.standings[row]
        if standing is None:
            raise LookupError(row)
        order = standing.order_at(finding.at_ms)
        since = np.array([finding.since_ms - HOUR_MS])
        _, pings = self.inputs.of(np.array([row]), since)
        return Context(order.organisation, f"{order.order_id}@{order.valid_from_ms}", judged(order, pings, finding))


def _in(rows: Column, pings: Column, seen_rows: Column, seen: Column) -> Column:
    """True for each (row, ping) that stands among the seen ones."""
    known = set(zip(seen_rows.tolist(), seen.tolist(), strict=True))
    return np.array([pair in known for pair in zip(rows.tolist(), pings.tolist(), strict=True)], bool)
