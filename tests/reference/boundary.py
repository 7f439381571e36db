"""Outside the permitted area, without leave."""

from dataclasses import dataclass
from math import erf, exp, hypot, sqrt

from schemas.rules import BeliefRule, BoundaryRule
from tests.ground import Rectangle, permitted
from tests.reference.ledger import Ledger
from tests.reference.ping import Ping
from tests.reference.place import Place, Plane
from tests.reference.timeline import HOUR, MINUTE, Flags

SIGMA_IN_RADIUS = 1.5151729


@dataclass
class Belief:
    """How probable it is that the person is out of bounds, and when that was last thought about."""

    p: float | None = None
    at_ms: int = 0

    def at(self, t: int, rule: BeliefRule) -> float:
        """Let time pass, which brings it back to what is usual."""
        usual = rule.leaves_h / (rule.leaves_h + rule.enters_h)
        if self.p is None:
            return usual
        hours = (t - self.at_ms) / HOUR
        return usual + (self.p - usual) * exp(-hours * (1 / rule.leaves_h + 1 / rule.enters_h))

    def hear(self, t: int, sign: int, *, frozen: bool, since_ms: int | None, rule: BeliefRule) -> float:
        """Move it by one fix, *since_ms* being the time of the one before."""
        p = self.at(t, rule)
        step = float(rule.step_sparse)
        if since_ms is not None:
            minutes = (t - since_ms) / MINUTE
            share = (minutes - rule.dense_min) / (rule.sparse_min - rule.dense_min)
            step = rule.step + min(1.0, max(0.0, share)) * (rule.step_sparse - rule.step)
        if frozen:
            step *= rule.frozen_percent / 100
        odds = p / (1 - p) * exp(sign * step) if p < 1 else float("inf")
        self.p, self.at_ms = (odds / (1 + odds) if odds < float("inf") else 1.0), t
        return self.p


class Boundary:
    """A latch, set by the belief; it becomes an episode where no leave covers it."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self._forget()

    def _forget(self) -> None:
        self.belief = Belief()
        self.is_out = False
        self.is_open = False
        self.since_ms: int | None = None
        self.clear_ms: int | None = None

    def edge(self, t: int, before: Flags, after: Flags) -> None:
        """What ends, then what is another, then leave."""
        if before.authorised and not after.authorised:
            self._close(t)
            self._forget()
        if before.plane is not None and after.plane is not None:
            moved = before.plane.home != after.plane.home or before.area != after.area
            if moved:
                self._close(t)
                self._forget()
        if after.leave and not before.leave:
            self._close(t)
        if before.leave and not after.leave and self.since_ms is not None:
            self.since_ms = t
            if self.is_out and self.clear_ms is None and self._stands(t, after):
                self._open()

    def hear(self, ping: Ping, flags: Flags, *, frozen: bool, last_ms: int | None) -> None:
        """One fix that quality believed."""
        assert flags.terms is not None
        rule, t = flags.terms.boundary, ping.time_ms
        area = permitted(flags.area)
        if not area:
            return
        sign = verdict(ping, area, rule)
        p = self.belief.hear(t, sign, frozen=frozen, since_ms=last_ms, rule=rule)
        if sign > 0:
            self._outside(t, flags, is_certain=p >= rule.opens_percent / 100)
        elif sign < 0:
            self._inside(t, is_back=p < rule.closes_percent / 100)

    def end(self, t: int) -> None:
        """The order is gone; nothing ends before it began."""
        if self.is_open:
            assert self.since_ms is not None
            self._close(max(t, self.since_ms))

    def _outside(self, t: int, flags: Flags, *, is_certain: bool) -> None:
        if not self.is_out and self.since_ms is None:
            self.since_ms = t
        if is_certain:
            self.is_out, self.clear_ms = True, None
            if not flags.leave and not self.is_open:
                self._open()

    def _inside(self, t: int, *, is_back: bool) -> None:
        if self.is_out and self.clear_ms is None:
            self.clear_ms = t
        if is_back:
            if self.clear_ms is not None:
                self._close(self.clear_ms)
            self.is_out, self.since_ms, self.clear_ms = False, None, None

    def _stands(self, t: int, flags: Flags) -> bool:
        assert flags.terms is not None
        rule = flags.terms.boundary
        return self.belief.at(t, rule) >= rule.closes_percent / 100

    def _open(self) -> None:
        assert self.since_ms is not None
        self.is_open = True
        self.ledger.write("boundary", "permitted_area", self.since_ms, None, "outside", "alert")

    def _close(self, until_ms: int) -> None:
        if self.is_open:
            assert self.since_ms is not None
            self.ledger.write("boundary", "permitted_area", self.since_ms, until_ms, "outside", "alert")
            self.is_open = False


def verdict(ping: Ping, area: list[Rectangle], rule: BoundaryRule) -> int:
    """1 where the person is outside for sure, -1 where inside, 0 where that cannot be told."""
    sigma_m = hypot(max(ping.radius_m, rule.floor_m) / SIGMA_IN_RADIUS, rule.line_m)
    p_inside = sum(inside(ping, where, sigma_m) for where in area)
    sure = rule.sure_percent / 100
    return 1 if p_inside <= 1 - sure else -1 if p_inside >= sure else 0


def inside(ping: Ping, where: Rectangle, sigma_m: float) -> float:
    """Probability that the truth lies in a rectangle: that of the one direction times that of the other."""
    plane = Plane(Place(ping.lon, ping.lat))
    east = [(lon * 1e7 - ping.lon) * 1e-7 * plane.metres_per_lon / sigma_m for lon in (where.west, where.east)]
    north = [(lat * 1e7 - ping.lat) * 1e-7 * plane.metres_per_lat / sigma_m for lat in (where.south, where.north)]
    return (_below(east[1]) - _below(east[0])) * (_below(north[1]) - _below(north[0]))


def _below(z: float) -> float:
    return (1 + erf(z / sqrt(2))) / 2
