"""Where each row stands in its order: the flags of the moment, and when they turn next."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from detectors.pings import DEGREE, NEVER, positions
from detectors.standing import DATUMS, Standing
from detectors.tiers import MINUTE_MS, TIERS, by_tier
from detectors.timeline import Segment, block_of, compiled, terms_of
from detectors.window import EDGE, PLAN
from geofence.datum import to_wgs84
from geofence.fences import NO_FENCES
from geofence.plane import metres_per_degree
from schemas.errors import BadState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from detectors.pings import Column
    from detectors.timeline import Terms
    from detectors.window import Columns, Window
    from geofence.fences import Fences
    from schemas.rules import Rules

NOWHERE: Final = -1
SEGMENT: Final = np.dtype(
    [("from_ms", "i8"), ("flags", "u4"), ("window_ms", "i8"), ("day_ms", "i8"), ("day", "i4"), ("version", "u1")],
)
PLACED: Final = np.dtype(
    [
        *((name, "i8") for name in ("at", "first", "last")),
        *(("tier", "u1"), ("area", "u2"), ("bans", "u2"), ("lon", "f8"), ("lat", "f8"), ("datum", "u1")),
    ],
)
TIER_AT: Final = {tier: number for number, tier in enumerate(TIERS)}
DATUM_AT: Final = {datum: number for number, datum in enumerate(DATUMS)}


class Laid(NamedTuple):
    """A timeline in the pool: its first and last segment, behind which its end stands; and when each segment begins."""

    base: int
    last: int
    begins: list[int]


class Plans:
    """
    The plan of each row (`PLAN`), and one pool of all compiled timelines.

    A plan is a function of the orders and the time alone: it is placed anew after a restart and for a late ping. Rows
    move along their timeline by `advance`; who reaches the end of a block is placed on the next one.
    """

    def __init__(self, rules: Rules, fences: Fences = NO_FENCES) -> None:
        self.fences = fences
        before = by_tier(rules, "curfew", "before_min", MINUTE_MS)
        self.before_ms = {tier.value: int(before[k]) for k, tier in enumerate(TIERS)}
        self.standings: list[Standing | None] = []
        self.plan: Columns = {name: np.zeros(0, PLAN[name]) for name in PLAN.names or ()}
        self.lawful = np.zeros((0, 2), np.int64)
        self.pool = np.zeros(1024, SEGMENT)
        self.used = 0
        self._settled = 0
        self._bases: dict[Terms, Laid] = {}

    def add(self) -> None:
        """Room for one more row, which stands nowhere yet."""
        row = len(self.standings)
        if row == len(self.plan["at"]):
            self.plan = {name: np.resize(array, max(64, 2 * row)) for name, array in self.plan.items()}
            self.lawful = np.resize(self.lawful, (max(64, 2 * row), 2))
        self.standings.append(None)
        self.clear(row)

    def load(self, count: int, rows: Sequence[int], packed: Sequence[bytes]) -> None:
        """
        Room for so many rows, and their orders as they were packed; where they stand is looked up later.

        :raises BadState: when a row has none, or they were written with another layout.
        """
        self.standings = [None] * count
        size = max(64, count)
        self.plan = {name: np.zeros(size, PLAN[name]) for name in PLAN.names or ()}
        self.plan["at"][:], self.plan["change_ms"][:] = NOWHERE, NEVER
        self.lawful = np.zeros((size, 2), np.int64)
        for row, one in zip(rows, packed, strict=True):
            self.standings[row] = Standing.unpack(one)
        if None in self.standings:
            raise BadState("the changelog holds rows without their order: it was truncated")

    def clear(self, row: int) -> None:
        """The row stands nowhere: nothing of it is due."""
        self.plan["at"][row] = NOWHERE
        self.plan["change_ms"][row] = NEVER
        self.plan["flags"][row] = 0

    def stand(self, row: int, standing: Standing | None) -> None:
        """Give the row its orders."""
        self.standings[row], self.lawful[row] = standing, (0, 0)

    def authorised(self, rows: Column, times_ms: Column) -> Column:
        """True for each time that a period of authorisation of its row covers; the last that did is remembered."""
        lawful: Column = (self.lawful[rows, 0] <= times_ms) & (times_ms < self.lawful[rows, 1])
        for i in positions(~lawful).tolist():
            row, t = int(rows[i]), int(times_ms[i])
            lawful[i] = self.lawful[row, 0] <= t < self.lawful[row, 1] or self._is_authorised(row, t)
        return lawful

    def _is_authorised(self, row: int, time_ms: int) -> bool:
        standing = self.standings[row]
        for begin, end in standing.opened().authorised() if standing else ():
            if begin <= time_ms < end:
                self.lawful[row] = begin, end
                return True
        return False

    def place(self, rows: Column, times_ms: Column) -> None:
        """Put rows where their orders stand just after a time each, edges at that moment included."""
        for name, values in self.placed(rows, times_ms).items():
            self.plan[name][rows] = values

    def place_back(self, rows: Column, times_ms: Column) -> None:
        """The same for rows whose orders have not changed: most still stand on the timeline that holds the time."""
        at, first, begins = self.plan["at"][rows], self.plan["first"][rows], self.pool["from_ms"]
        near = (at != NOWHERE) & (begins[first] <= times_ms)
        at = np.where(near, at, first)
        while (later := near & (begins[at] > times_ms)).any():
            at = at - later
        near &= self.pool["version"][at] == self.pool["version"][self.plan["at"][rows]]
        if not near.all():
            self.place(rows[~near], times_ms[~near])
        self._stand_at(self.plan, rows[near], at[near])

    def _stand_at(self, plan: Columns, rows: Column, at: Column) -> None:
        plan["at"][rows] = at
        for name in ("flags", "window_ms", "day_ms", "day"):
            plan[name][rows] = self.pool[name][at]
        plan["change_ms"][rows] = self.pool["from_ms"][at + 1]

    def placed(self, rows: Column, times_ms: Column) -> Columns:
        """
        Plans of rows at a time each, as columns.

        :raises LookupError: for a row without an order.
        """
        out = {name: np.zeros(len(rows), PLAN[name]) for name in PLAN.names or ()}
        places = []
        for row, time_ms in zip(rows.tolist(), times_ms.tolist(), strict=True):
            standing = self.standings[row]
            if standing is None:
                raise LookupError(row)
            orders = standing.opened()
            terms = terms_of(orders, self.before_ms, block_of(orders.newest.zone, time_ms), self.fences.bans)
            base, last, begins = self._bases.get(terms) or self._laid(terms)
            order = orders.at(time_ms)
            home = order.residence
            at = base + bisect_right(begins, time_ms) - 1
            area, bans = self.fences.permitted.number(order.permitted_area), self.fences.bans.number(order.prohibitions)
            places.append((at, base, last, TIER_AT[order.tier], area, bans, home.lon, home.lat, DATUM_AT[home.datum]))
        placed = np.array(places, PLACED)
        for name in ("first", "last", "tier", "area", "bans"):
            out[name][:] = placed[name]
        self._stand_at(out, np.arange(len(rows)), placed["at"])
        lon, lat = to_wgs84(placed["lon"], placed["lat"], placed["datum"])
        out["lon0"][:], out["lat0"][:] = np.rint(lon / DEGREE), np.rint(lat / DEGREE)
        out["mx"][:], out["my"][:] = (DEGREE * metres for metres in metres_per_degree(out["lat0"] * DEGREE))
        return out

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
        self._stand_at(plan, within, at)
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
        for terms, (base, last, begins) in list(self._bases.items()):
            if last in live:
                moved[base : last + 1] = self._lay(pool[base : last + 2]) - base
                self._bases[terms] = Laid(base + int(moved[base]), last + int(moved[base]), begins)
            else:
                del self._bases[terms]
        standing = self.plan["at"] >= 0
        for name in ("at", "first", "last"):
            self.plan[name][standing] += moved[self.plan["last"][standing]]
        self._settled = self.used

    def _laid(self, terms: Terms) -> Laid:
        """Compile a timeline into the pool."""
        timeline = compiled(terms)
        end = Segment(timeline.until_ms, 0, 0, 0, 0, 0)
        base = self._lay(np.array([*timeline.segments, end], SEGMENT))
        begins = [segment.from_ms for segment in timeline.segments]
        self._bases[terms] = laid = Laid(base, base + len(begins) - 1, begins)
        return laid

    def _lay(self, segments: Column) -> int:
        base, self.used = self.used, self.used + len(segments)
        if self.used > len(self.pool):
            self.pool = np.resize(self.pool, max(2 * len(self.pool), self.used))
        self.pool[base : self.used] = segments
        return base
