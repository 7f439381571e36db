"""Inside a forbidden zone while it is forbidden, or dwelling at a venue of a forbidden category."""

from dataclasses import dataclass
from functools import partial
from math import hypot, sqrt

from schemas.rules import ExclusionRule
from tests.ground import VENUES, ZONES
from tests.reference.belief import SIGMA_IN_RADIUS, Belief, Latch, inside
from tests.reference.ledger import Ledger
from tests.reference.ping import Ping
from tests.reference.place import Place, Plane
from tests.reference.timeline import MINUTE, Flags

SLOTS = 2
CHI_SQUARE_99 = 9.21
SIGMA_95 = 2.448
COUNTED = 255


@dataclass
class Slot:
    """A zone that the person is in, or was."""

    zone: str
    latch: Latch


@dataclass
class Dwell:
    """The mean of some fixes, in metres from the residence."""

    east_m: float
    north_m: float
    first_ms: int
    last_ms: int
    fixes: int = 1
    elsewhere: int = 0
    venue: str | None = None


class Exclusion:
    """Zones in two slots, and one dwell."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.slots: list[Slot | None] = [None] * SLOTS
        self.dwell: Dwell | None = None

    def edge(self, t: int, before: Flags, after: Flags) -> None:
        """What ends, then what is another, then the schedules."""
        ended = before.authorised and not after.authorised
        known = before.plane is not None and after.plane is not None
        other = known and before.prohibitions != after.prohibitions
        moved = before.plane is not None and after.plane is not None and before.plane.home != after.plane.home
        if ended or other:
            self._close_zones(t)
            self.slots = [None] * SLOTS
        if ended or other or moved:
            self._close_dwell(t)
            self.dwell = None
        for slot in self.slots:
            if slot is not None and slot.zone in before.forbidden and slot.zone not in after.forbidden:
                slot.latch.close(t)
            if slot is not None and slot.zone in after.forbidden and slot.zone not in before.forbidden:
                assert after.terms is not None
                slot.latch.forbid(t, after.terms.exclusion)

    def hear(self, ping: Ping, flags: Flags, *, frozen: bool, last_ms: int | None) -> None:
        """One fix that quality believed."""
        assert flags.terms is not None
        for zone in sorted(zone for _, zone in flags.prohibitions if zone in ZONES):
            self._zone(zone, ping, flags, frozen=frozen, last_ms=last_ms)
        categories = {
            category for category, _ in flags.prohibitions if category in {v.category for v in VENUES.values()}
        }
        if categories:
            self._place(ping, flags, categories, frozen=frozen)

    def end(self, t: int) -> None:
        """Close what is open because the order is gone."""
        for slot in self.slots:
            if slot is not None:
                slot.latch.end(t)
        self._close_dwell(t)

    def _zone(self, zone: str, ping: Ping, flags: Flags, *, frozen: bool, last_ms: int | None) -> None:
        assert flags.terms is not None
        rule, t = flags.terms.exclusion, ping.time_ms
        p_inside, sure = inside(ping, ZONES[zone], rule, rule.line_m), rule.sure_percent / 100
        sign = 1 if p_inside >= sure else -1 if p_inside <= 1 - sure else 0
        at = self._slot(zone, take=sign > 0, last_ms=last_ms)
        slot = None if at is None else self.slots[at]
        if at is None or slot is None:
            return
        p = slot.latch.belief.hear(t, sign, frozen=frozen, last_ms=last_ms, rule=rule)
        slot.latch.hear(t, sign, p, asked=zone in flags.forbidden, rule=rule)
        if not slot.latch.is_set and slot.latch.since_ms is None:
            self.slots[at] = None

    def _slot(self, zone: str, *, take: bool, last_ms: int | None) -> int | None:
        for at, slot in enumerate(self.slots):
            if slot is not None and slot.zone == zone:
                return at
        if not take or None not in self.slots:
            return None
        at = self.slots.index(None)
        belief = Belief() if last_ms is None else Belief(0.0, last_ms)
        self.slots[at] = Slot(zone, Latch(belief, partial(self._write, zone)))
        return at

    def _close_zones(self, t: int) -> None:
        for slot in self.slots:
            if slot is not None:
                slot.latch.close(t)

    def _place(self, ping: Ping, flags: Flags, categories: set[str], *, frozen: bool) -> None:
        """Let the fix belong to the dwell or not."""
        assert flags.plane is not None
        assert flags.terms is not None
        rule, dwell, home = flags.terms.exclusion, self.dwell, flags.plane.home
        sigma_m = max(ping.radius_m, rule.floor_m) / SIGMA_IN_RADIUS
        east_m = (ping.lon - home.lon) * 1e-7 * flags.plane.metres_per_lon
        north_m = (ping.lat - home.lat) * 1e-7 * flags.plane.metres_per_lat
        if dwell is not None:
            off_m = hypot(east_m - dwell.east_m, north_m - dwell.north_m)
            if off_m**2 <= CHI_SQUARE_99 * sigma_m**2 * (1 + 1 / dwell.fixes):
                dwell.last_ms, dwell.elsewhere = ping.time_ms, 0
                if not frozen and dwell.fixes < COUNTED:
                    dwell.fixes += 1
                    dwell.east_m += (east_m - dwell.east_m) / dwell.fixes
                    dwell.north_m += (north_m - dwell.north_m) / dwell.fixes
                    self._look(dwell, flags.plane, rule, sigma_m, categories)
                return
            dwell.elsewhere += 1
            if dwell.elsewhere == 1:
                return
            self._close_dwell(dwell.last_ms)
        self.dwell = Dwell(east_m, north_m, ping.time_ms, ping.time_ms)

    def _look(self, dwell: Dwell, plane: Plane, rule: ExclusionRule, sigma_m: float, categories: set[str]) -> None:
        """Look for a venue when the fixes have doubled."""
        is_power = dwell.fixes in {2, 4, 8, 16, 32, 64, 128}
        lasted_ms = dwell.last_ms - dwell.first_ms
        if dwell.venue is not None or not is_power or dwell.fixes < rule.dwell_fixes:
            return
        if lasted_ms < rule.dwell_min * MINUTE or hypot(dwell.east_m, dwell.north_m) <= rule.away_m:
            return
        mean = Place(
            round(plane.home.lon + dwell.east_m / plane.metres_per_lon * 1e7),
            round(plane.home.lat + dwell.north_m / plane.metres_per_lat * 1e7),
        )
        near = sorted(
            (Plane(mean).distance(venue.place, mean), name)
            for name, venue in VENUES.items()
            if venue.category in categories
        )
        if near and near[0][0] <= max(rule.reach_m, SIGMA_95 * sigma_m / sqrt(dwell.fixes)):
            dwell.venue = near[0][1]
            self.ledger.write("exclusion", dwell.venue, dwell.first_ms, None, "venue", "notice")

    def _close_dwell(self, until_ms: int) -> None:
        if self.dwell is not None and self.dwell.venue is not None:
            dwell = self.dwell
            assert dwell.venue is not None
            until_ms = max(until_ms, dwell.first_ms)
            self.ledger.write("exclusion", dwell.venue, dwell.first_ms, until_ms, "venue", "notice")
            dwell.venue = None

    def _write(self, zone: str, since_ms: int, until_ms: int | None) -> None:
        self.ledger.write("exclusion", zone, since_ms, until_ms, "zone", "alert")
