"""How probable it is that somebody is where the order does not allow, and the latch on top of that."""

from collections.abc import Callable
from dataclasses import dataclass
from math import erf, exp, hypot, sqrt

from schemas.rules import BeliefRule
from tests.ground import Rectangle
from tests.reference.ping import Ping
from tests.reference.place import Place, Plane
from tests.reference.timeline import HOUR, MINUTE

SIGMA_IN_RADIUS = 1.5151729

Write = Callable[[int, int | None], None]


@dataclass
class Belief:
    """A probability, and when it was last thought about; without one all that is known is what is usual."""

    p: float | None = None
    at_ms: int = 0

    def at(self, t: int, rule: BeliefRule) -> float:
        """Let time pass, which brings it back to what is usual."""
        usual = rule.leaves_h / (rule.leaves_h + rule.enters_h)
        if self.p is None:
            return usual
        hours = (t - self.at_ms) / HOUR
        return usual + (self.p - usual) * exp(-hours * (1 / rule.leaves_h + 1 / rule.enters_h))

    def hear(self, t: int, sign: int, *, frozen: bool, last_ms: int | None, rule: BeliefRule) -> float:
        """Move it by one fix, *last_ms* being the time of the one before."""
        p = self.at(t, rule)
        step = float(rule.step_sparse)
        if last_ms is not None:
            minutes = (t - last_ms) / MINUTE
            share = (minutes - rule.dense_min) / (rule.sparse_min - rule.dense_min)
            step = rule.step + min(1.0, max(0.0, share)) * (rule.step_sparse - rule.step)
        if frozen:
            step *= rule.frozen_percent / 100
        odds = p / (1 - p) * exp((sign or -rule.unsure_percent / 100) * step) if p < 1 else float("inf")
        self.p, self.at_ms = (odds / (1 + odds) if odds < float("inf") else 1.0), t
        return self.p


class Latch:
    """Set and released by the belief; while it is set and asked for, an episode is open."""

    def __init__(self, belief: Belief, write: Write) -> None:
        self.belief = belief
        self.write = write
        self.is_set = False
        self.is_open = False
        self.since_ms: int | None = None
        self.clear_ms: int | None = None

    def hear(self, t: int, sign: int, p: float, *, asked: bool, rule: BeliefRule) -> None:
        """Judge after a fix that was beyond (1), within (-1) or neither (0)."""
        if sign > 0:
            self._beyond(t, is_certain=p >= rule.opens_percent / 100, asked=asked)
        elif sign < 0:
            self._within(t, is_back=p < rule.closes_percent / 100)

    def close(self, until_ms: int) -> None:
        """End what is open; the latch stays as it is."""
        if self.is_open:
            assert self.since_ms is not None
            self.write(self.since_ms, until_ms)
            self.is_open = False

    def forbid(self, t: int, rule: BeliefRule) -> None:
        """What was lawful is not any more: nothing dates from before, and what still stands opens."""
        if self.since_ms is not None and not self.is_open:
            self.since_ms = t
            if self.is_set and self.clear_ms is None and t - self.belief.at_ms <= rule.before_min * MINUTE:
                self._open()

    def end(self, t: int) -> None:
        """The order is gone; nothing ends before it began."""
        if self.since_ms is not None:
            self.close(max(t, self.since_ms))

    def _beyond(self, t: int, *, is_certain: bool, asked: bool) -> None:
        if not self.is_set and self.since_ms is None:
            self.since_ms = t
        if is_certain:
            self.is_set, self.clear_ms = True, None
            if asked and not self.is_open:
                self._open()

    def _within(self, t: int, *, is_back: bool) -> None:
        if self.is_set and self.clear_ms is None:
            self.clear_ms = t
        if is_back:
            if self.clear_ms is not None:
                self.close(self.clear_ms)
            self.is_set, self.since_ms, self.clear_ms = False, None, None

    def _open(self) -> None:
        assert self.since_ms is not None
        self.is_open = True
        self.write(self.since_ms, None)


def inside(ping: Ping, where: Rectangle, rule: BeliefRule, line_m: int) -> float:
    """Probability that the truth lies in a rectangle: that of the one direction times that of the other."""
    sigma_m = hypot(max(ping.radius_m, rule.floor_m) / SIGMA_IN_RADIUS, line_m)
    plane = Plane(Place(ping.lon, ping.lat))
    east = [(lon * 1e7 - ping.lon) * 1e-7 * plane.metres_per_lon / sigma_m for lon in (where.west, where.east)]
    north = [(lat * 1e7 - ping.lat) * 1e-7 * plane.metres_per_lat / sigma_m for lat in (where.south, where.north)]
    return (_below(east[1]) - _below(east[0])) * (_below(north[1]) - _below(north[0]))


def _below(z: float) -> float:
    return (1 + erf(z / sqrt(2))) / 2
