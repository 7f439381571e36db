"""Where each row stands in its order: the flags of the moment, and when they turn next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from detectors.pings import DEGREE, NEVER, positions
from detectors.standing import DATUMS
from detectors.tiers import MINUTE_MS, TIERS, by_tier
from detectors.timeline import Segment, block_of, compiled, terms_of
from detectors.window import EDGE, PLAN
from geofence.datum import to_wgs84
from geofence.plane import metres_per_degree

if TYPE_CHECKING:
    from detectors.pings import Column
    from detectors.standing import Standing
    from detectors.timeline import Terms
    from detectors.window import Columns, Window
    from schemas.rules import Rules

NOWHERE: Final = -1
SEGMENT: Final = np.dtype(
    [("from_ms", "i8"), ("flags", "u1"), ("window_ms", "i8"), ("day_ms", "i8"), ("day", "i4"), ("version", "u1")],
)


class Plans:
    """
    The plan of each row (`PLAN`), and one pool of all compiled timelines.

    A plan is a function of the orders and the time alone: it is placed anew after a restart and for a late ping. Rows
    move along their timeline by `advance`; who reaches the end of a block is placed on the next one.
    """

    def __init__(self, rules: Rules) -> None:
        before = by_tier(rules, "curfew", "before_min", MINUTE_MS)
        self.before_ms = {tier.value: int(before[k]) for k, tier in enumerate(TIERS)}
        self.standings: list[Standing | None] = []
        self.plan: Columns = {name: np.zeros(0, PLAN[name]) for name in PLAN.names or ()}
        self.lawful = np.zeros((0, 2), np.int64)
        self.pool = np.zeros(1024, SEGMENT)
        self.used = 0
        self._settled = 0
        self._bases: dict[Terms, tuple[int, int]] = {}

    def add(self) -> None:
        """Room for one more row, which stands nowhere yet."""
        row = len(self.standings)
        if row == len(self.plan["at"]):
            self.plan = {name: np.resize(array, max(64, 2 * row)) for name, array in self.plan.items()}
            self.lawful = np.resize(self.lawful, (max(64, 2 * row), 2))
        self.standings.append(None)
        self.clear(row)

    def clear(self, row: int) -> None:
        """The row stands nowhere: nothing of it is due."""
        self.plan["at"][row] = NOWHERE
        self.plan["change_ms"][row] = NEVER
        self.plan["flags"][row] = 0

    def stand(self, row: int, standing: Standing | None) -> None:
        """Give the row its orders; the newest period of authorisation is the one looked at first."""
        self.standings[row] = standing
        periods = standing.authorised(standing.newest) if standing else []
        self.lawful[row] = periods[-1] if periods else (0, 0)

    def authorised(self, rows: Column, times_ms: Column) -> Column:
        """True for each time that a period of authorisation of its row covers."""
        lawful: Column = (self.lawful[rows, 0] <= times_ms) & (times_ms < self.lawful[rows, 1])
        for i in positions(~lawful):
            standing, t = self.standings[rows[i]], int(times_ms[i])
            if standing is not None:
                lawful[i] = any(begin <= t < end for begin, end in standing.authorised(standing.newest))
        return lawful

    def place(self, rows: Column, times_ms: Column) -> None:
        """Put rows where their orders stand just after a time each, edges at that moment included."""
        for name, values in self.placed(rows, times_ms).items():
            self.plan[name][rows] = values

    def placed(self, rows: Column, times_ms: Column) -> Columns:
        """
        Plans of rows at a time each, as columns.

        :raises LookupError: for a row without an order.
        """
        out = np.zeros(len(rows), PLAN)
        where = np.empty((len(rows), 2))
        datum = np.empty(len(rows), np.uint8)
        for k, (row, time_ms) in enumerate(zip(rows.tolist(), times_ms.tolist(), strict=True)):
            standing = self.standings[row]
            if standing is None:
                raise LookupError(row)
            newest = standing.newest
            terms = terms_of(standing, newest, self.before_ms, block_of(newest.zone, time_ms))
            base, last = self._bases.get(terms) or self._laid(terms)
            out["at"][k] = base + np.searchsorted(self.pool["from_ms"][base : last + 1], time_ms, "right") - 1
            out["last"][k] = last
            order = newest if len(standing.versions) == 1 else standing.order_at(time_ms)
            out["tier"][k] = TIERS.index(order.tier)
            where[k] = order.residence.lon, order.residence.lat
            datum[k] = DATUMS.index(order.residence.datum)
        for name in ("flags", "window_ms", "day_ms", "day"):
            out[name] = self.pool[name][out["at"]]
        out["change_ms"] = self.pool["from_ms"][out["at"] + 1]
        lon, lat = to_wgs84(where[:, 0], where[:, 1], datum)
        out["lon0"], out["lat0"] = np.rint(lon / DEGREE), np.rint(lat / DEGREE)
        out["mx"], out["my"] = (DEGREE * metres for metres in metres_per_degree(out["lat0"] * DEGREE))
        return {name: out[name].copy() for name in PLAN.names or ()}

    def advance(self, window: Window, edge: Column) -> None:
        """Move the rows where `edge` is true over the edge that is due; `turned` says what turned, else is 0."""
        plan, rows = window.plan, positions(edge)
        plan["turned"][:] = 0
        before, moment = plan["flags"][rows].copy(), plan["change_ms"][rows].copy()
        inside = plan["at"][rows] < plan["last"][rows]
        within = rows[inside]
        at = plan["at"][within] + 1
        renewed = ~inside
        renewed[inside] = self.pool["version"][at] != self.pool["version"][at - 1]
        plan["at"][within] = at
        for name in ("flags", "window_ms", "day_ms", "day"):
            plan[name][within] = self.pool[name][at]
        plan["change_ms"][within] = self.pool["from_ms"][at + 1]
        if renewed.any():
            some = rows[renewed]
            for name, values in self.placed(window.rows[some], moment[renewed]).items():
                plan[name][some] = values
        plan["turned"][rows] = EDGE | (plan["flags"][rows] ^ before)

    def tidy(self) -> None:
        """Drop timelines on which no row stands. Not while a window is out: its rows hold positions in the pool."""
        if self.used < 2 * self._settled + 65_536:
            return
        live = set(self.plan["last"][: len(self.standings)][self.plan["at"][: len(self.standings)] >= 0].tolist())
        pool, self.used = self.pool, 0
        self.pool = np.zeros(1024, SEGMENT)
        moved = np.zeros(len(pool), np.int64)
        for terms, (base, last) in list(self._bases.items()):
            if last in live:
                moved[base : last + 1] = self._lay(pool[base : last + 2]) - base
                self._bases[terms] = (base + int(moved[base]), last + int(moved[base]))
            else:
                del self._bases[terms]
        standing = self.plan["at"] >= 0
        for name in ("at", "last"):
            self.plan[name][standing] += moved[self.plan["last"][standing]]
        self._settled = self.used

    def _laid(self, terms: Terms) -> tuple[int, int]:
        """Compile a timeline into the pool: positions of its first and last segment; its end stands behind them."""
        timeline = compiled(terms)
        end = Segment(timeline.until_ms, 0, 0, 0, 0, 0)
        base = self._lay(np.array([*timeline.segments, end], SEGMENT))
        self._bases[terms] = (base, base + len(timeline.segments) - 1)
        return self._bases[terms]

    def _lay(self, segments: Column) -> int:
        base, self.used = self.used, self.used + len(segments)
        if self.used > len(self.pool):
            self.pool = np.resize(self.pool, max(2 * len(self.pool), self.used))
        self.pool[base : self.used] = segments
        return base
