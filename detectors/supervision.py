"""The rows of one partition and how they move: with pings, with time alone, and once more when a ping came late."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from detectors.episodes import Context, Episodes
from detectors.evidence import evidence
from detectors.inputs import Inputs
from detectors.pings import NEVER, picked
from detectors.plans import NOWHERE, Plans
from detectors.rounds import Rounds
from detectors.terms import terms
from detectors.windows import NO_COPY, Windows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from detectors.findings import Finding
    from detectors.pings import Column
    from detectors.window import Detector, Window
    from geofence.fences import Fences
    from schemas.rules import Rules

HOUR_MS: Final = 3_600_000
AT_ONCE: Final = 0
"""When a row is due that was loaded: where it stands in its orders is looked up when it moves, or by the next tick."""
LONGEST_MS: Final = 30 * 24 * HOUR_MS
MARGIN_MS: Final = 300_000
"""Two spacings reach over the horizon, also for a ping that is a little ahead of the clock."""


class Supervision:
    """
    Rows, plans, pings and episodes that belong together, and the three ways in which a row goes on.

    `advance` takes pings that come after all that a row has seen; `pass_time` takes time alone; `rerun` starts from an
    earlier copy, which is what makes the result independent of the order of arrival.
    """

    def __init__(self, detectors: Sequence[Detector], rules: Rules, fences: Fences, horizon_ms: int) -> None:
        self.rules = rules
        self.windows = Windows(detectors)
        self.plans = Plans(rules, fences)
        self.rounds = Rounds(detectors, self.plans)
        self.inputs = Inputs()
        self.spacing_ms = horizon_ms // 2 + MARGIN_MS
        self.keep_ms = 2 * horizon_ms
        self.ticked_ms = 0
        """Up to when deadlines have been fired of all rows: a row that is run again must not lag behind."""
        self.episodes = Episodes(lambda row: self.windows.ids[row], self._contexts, self.windows.settled_ms)

    def advance(self, rows: Column, pings: Column) -> None:
        """Pings in order of row and time, each after all that its row has seen."""
        self.inputs.add(rows, self.windows.hot["core"]["serial"][rows], pings)
        self.episodes.record(self._go_on(rows, pings))

    def _go_on(self, rows: Column, pings: Column) -> list[Finding]:
        """Take pings in order of row and time, in stretches short enough to keep copies between them."""
        found: list[Finding] = []
        stretch = (pings["time_ms"] - pings["time_ms"].min(initial=NEVER)) // self.spacing_ms
        for number in np.unique(stretch):
            now = stretch == number
            found += self._go(rows[now], picked(pings, now))
        return found

    def _go(self, rows: Column, pings: Column) -> list[Finding]:
        distinct, starts, counts = np.unique(rows, return_index=True, return_counts=True)
        order = np.argsort(-counts, kind="stable")
        distinct, starts, counts = distinct[order], starts[order], counts[order]
        first_ms = pings["time_ms"][starts]
        self.windows.copy(self.windows.ageing(distinct, first_ms, self.spacing_ms))
        self.windows.hear(distinct, first_ms)
        self._place(distinct, first_ms)
        window = self._checkout(distinct)
        found = self.rounds.run(window, pings, starts, counts)
        self._checkin(window)
        return found

    def pass_time(self, rows: Column, clock_ms: int) -> None:
        """
        Fire what is due of rows up to the clock, with nothing heard of them.

        After a leap of the clock only a part, so that no call takes long and copies are kept where a late ping may need
        them: the rest is due again.
        """
        loaded = rows[self.windows.due[rows] == AT_ONCE]
        if len(loaded):
            self._schedule(self._checkout(loaded))
            rows = rows[self.windows.due[rows] <= clock_ms]
        due_ms = self.windows.due[rows]
        self.windows.copy(self.windows.ageing(rows, due_ms, self.spacing_ms))
        window = self._checkout(rows)
        until_ms = np.clip(clock_ms - self.keep_ms, due_ms + self.spacing_ms, due_ms + LONGEST_MS)
        until_ms = np.minimum(until_ms, clock_ms)
        self.episodes.record(self.rounds.pass_time(window, until_ms, silence=True))
        self._checkin(window)

    def rerun(self, rows: Column, from_ms: Column) -> None:
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
        newest, fired = (self.windows.hot["core"][name][rows] for name in ("newest_ms", "fired_ms"))
        at, pings = self.inputs.of(rows, base)
        lawful = self.plans.authorised(rows[at], pings["time_ms"])
        at, pings = at[lawful], picked(pings, lawful)
        self.windows.restore(rows, slots)
        begun = base > 0
        self.plans.place_back(rows[begun], base[begun])
        for row in rows[~begun].tolist():
            self.plans.clear(row)
        found = self._go_on(rows[at], pings)
        window = self._checkout(rows)
        found += self.rounds.pass_time(window, np.maximum(fired, self.ticked_ms), silence=True)
        found += self.rounds.pass_time(window, newest)
        np.maximum(window["core"]["fired_ms"], fired, out=window["core"]["fired_ms"])
        self._checkin(window)
        by_row: dict[int, list[Finding]] = {int(row): [] for row in rows}
        for finding in found:
            by_row[finding.row].append(finding)
        for row, after_ms in zip(rows.tolist(), base.tolist(), strict=True):
            self.episodes.revise(row, after_ms, by_row[row])

    def reconsider(self, row: int, from_ms: int, frontier: int) -> None:
        """The orders of a row changed: from then on, or from a time that it has passed; evidence begins before that."""
        from_ms -= max(self.plans.before_ms.values())
        rows = np.array([row])
        self.plans.clear(row)
        if from_ms <= frontier and self.windows.usable(rows, self.inputs.floor_ms).any():
            self.rerun(rows, np.array([from_ms]))
        else:
            self.plans.place(rows, np.array([frontier]))
            self._checkin(self._checkout(rows))

    def has_begun(self, row: int) -> bool:
        """True once a ping of the row has been seen."""
        return bool(self.windows.hot["core"]["newest_ms"][row] > 0)

    def end(self, row: int, now_ms: int) -> list[bytes]:
        """Let time run to the end, close what is open, leave nothing of the row; gives the keys of its records."""
        if self.has_begun(row):
            while int(self.windows.due[row]) <= now_ms:
                self.pass_time(np.array([row]), now_ms)
            window = self._checkout(np.array([row]))
            moment = np.array([max(now_ms, self.episodes.open_since(row))])
            self.episodes.record(self.rounds.end(window, moment))
        self.episodes.end(row)
        keys = [*self.windows.keys(row), *(f"{group}:{self.windows.ids[row]}".encode() for group in "oe")]
        self.inputs.erase(row, self.windows.hot["core"]["serial"])
        self.windows.remove(row)
        self.plans.clear(row)
        self.plans.stand(row, None)
        return keys

    def _place(self, rows: Column, first_ms: Column) -> None:
        """Look up where rows stand in their orders: those that were loaded, and new ones at their first ping."""
        lost = self.plans.plan["at"][rows] == NOWHERE
        if lost.any():
            rows, first_ms = rows[lost], first_ms[lost]
            begun = self.windows.hot["core"]["newest_ms"][rows] > 0
            self.plans.place(rows, np.where(begun, self.windows.frontier(rows), first_ms))

    def _checkout(self, rows: Column) -> Window:
        loaded = rows[(self.windows.due[rows] == AT_ONCE) & (self.windows.hot["core"]["newest_ms"][rows] > 0)]
        if len(loaded):
            self._place(loaded, self.windows.frontier(loaded))
        return self.windows.checkout(rows, {name: array[rows] for name, array in self.plans.plan.items()})

    def _checkin(self, window: Window) -> None:
        self.windows.checkin(window)
        for name, array in window.plan.items():
            self.plans.plan[name][window.rows] = array
        self._schedule(window)

    def _schedule(self, window: Window) -> None:
        self.windows.due[window.rows] = np.minimum(self.rounds.due(window), window.plan["change_ms"])

    def _contexts(self, findings: Sequence[Finding]) -> list[Context]:
        """What events say of the orders in force, and of the pings that led to them: one look-up for all."""
        reach_ms = max(HOUR_MS, *self.plans.before_ms.values()) + 1
        since = {finding.row: finding.since_ms for finding in sorted(findings, key=lambda f: -f.since_ms)}
        rows = np.array(sorted(since), np.int64)
        at, pings = self.inputs.of(rows, np.array([since[row] - reach_ms for row in rows.tolist()], np.int64))
        begins = np.searchsorted(at, np.arange(len(rows) + 1))
        places = {row: slice(begins[k], begins[k + 1]) for k, row in enumerate(rows.tolist())}
        return [self._context(finding, pings[places[finding.row]], reach_ms) for finding in findings]

    def _context(self, finding: Finding, pings: Column, reach_ms: int) -> Context:
        standing = self.plans.standings[finding.row]
        if standing is None:
            raise LookupError(finding.row)
        orders = standing.opened()
        order = orders.at(finding.at_ms)
        pings = pings[pings["time_ms"] > finding.since_ms - reach_ms]
        version = f"{order.order_id}@{order.valid_from_ms}"
        shown = evidence(order, self.rules, pings, finding, self.plans.fences) | {"order": terms(orders, finding)}
        return Context(order.organisation, version, shown)
