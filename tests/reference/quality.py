"""Which positions can be true: null island, learned ghosts, impossible speed."""

from dataclasses import dataclass
from typing import NamedTuple

from tests.reference.ping import Ping
from tests.reference.place import Place, Plane
from tests.reference.timeline import HOUR, MINUTE, Flags

NULL_ISLAND = 100_000  # 0.01 degrees
GHOST_WITHIN_M = 100
LEG_MIN_M, LEG_MAX_M = 300, 5000
LOOP_MIN, LOOP_MAX = 10 * MINUTE, 75 * MINUTE
SLOTS = 8
FORGET_DAYS = 30


class Fix(NamedTuple):
    """A fix that was believed."""

    place: Place
    radius_m: int
    time_ms: int


NOWHERE = Place(0, 0)


@dataclass
class Ghost:
    """A place to which the network throws the phone; no hits means that the slot is empty."""

    place: Place = NOWHERE
    hits: int = 0
    nights: int = 0
    last_day: int = 0
    is_active: bool = False


class Quality:
    """Judges located pings, and learns ghosts from loops A-B-A at night; a ghost counts from the next day on."""

    def __init__(self) -> None:
        self.reported: Place | None = None
        self.last: Fix | None = None
        self.left: Fix | None = None
        self.ghosts = [Ghost() for _ in range(SLOTS)]

    def edge(self, before: Flags, after: Flags) -> None:
        """At a new local day old ghosts are forgotten, and only then others become active."""
        if before.day == after.day or after.terms is None:
            return
        rule = after.terms.quality
        for number, ghost in enumerate(self.ghosts):
            if ghost.hits and after.day - ghost.last_day > FORGET_DAYS:
                self.ghosts[number] = Ghost()
        for ghost in self.ghosts:
            ghost.is_active = ghost.hits >= rule.ghost_hits and ghost.nights >= rule.ghost_nights

    def repeats(self, ping: Ping, flags: Flags) -> bool:
        """Whether the phone reports the place that it reported last, believed or not; then it is remembered."""
        assert flags.plane is not None
        assert flags.terms is not None
        before, self.reported = self.reported, Place(ping.lon, ping.lat)
        return before is not None and flags.plane.distance(before, self.reported) <= flags.terms.quality.frozen_m

    def accepts(self, ping: Ping, flags: Flags) -> bool:
        """Whether this located ping is a fix; if so it is remembered."""
        assert flags.plane is not None
        assert flags.terms is not None
        plane = flags.plane
        fix = Fix(Place(ping.lon, ping.lat), ping.radius_m, ping.time_ms)
        if abs(fix.place.lon) < NULL_ISLAND and abs(fix.place.lat) < NULL_ISLAND:
            return False
        if any(g.is_active and plane.distance(g.place, fix.place) <= GHOST_WITHIN_M for g in self.ghosts):
            return False
        if self.last is not None:
            beyond = max(0.0, plane.distance(fix.place, self.last.place) - fix.radius_m - self.last.radius_m)
            if beyond > flags.terms.quality.speed_mps * (fix.time_ms - self.last.time_ms) / 1000:
                return False
        self._remember(fix, plane, flags)
        return True

    def _remember(self, fix: Fix, plane: Plane, flags: Flags) -> None:
        last, left = self.last, self.left
        if last is not None and plane.distance(fix.place, last.place) > LEG_MIN_M:
            if left is not None and _is_loop(left, last, fix, plane):
                is_night = not 6 * HOUR <= fix.time_ms - flags.day_start < 22 * HOUR
                if is_night and plane.from_home(last.place) > LEG_MIN_M:
                    self._vote(last.place, plane, flags.day)
                self.left = None
            else:
                self.left = last
        self.last = fix

    def _vote(self, place: Place, plane: Plane, day: int) -> None:
        known = [g for g in self.ghosts if g.hits and plane.distance(g.place, place) <= GHOST_WITHIN_M]
        if known:
            ghost = known[0]
            ghost.hits = min(255, ghost.hits + 1)
            ghost.nights += ghost.last_day != day
            ghost.last_day = day
            return
        empty = [n for n, g in enumerate(self.ghosts) if not g.hits]
        oldest = min(range(SLOTS), key=lambda n: self.ghosts[n].last_day)
        self.ghosts[empty[0] if empty else oldest] = Ghost(place, 1, 1, day)


def _is_loop(left: Fix, last: Fix, fix: Fix, plane: Plane) -> bool:
    out, back = last.time_ms - left.time_ms, fix.time_ms - last.time_ms
    longest = min(LOOP_MAX, max(LOOP_MIN, 2.5 * min(out, back)))
    return (
        plane.distance(fix.place, left.place) <= GHOST_WITHIN_M
        and LEG_MIN_M <= plane.distance(left.place, last.place) <= LEG_MAX_M
        and fix.time_ms - left.time_ms <= longest
    )
