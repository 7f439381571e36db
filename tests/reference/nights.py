"""Where the nights end: the vote of each, the places they were spent in, and what is said of those."""

from dataclasses import dataclass, field
from math import hypot, sqrt
from statistics import median
from typing import NamedTuple

from tests.ground import venues_near
from tests.reference.ledger import Ledger
from tests.reference.ping import Ping
from tests.reference.place import Place, Plane
from tests.reference.quality import GHOST_WITHIN_M, Quality
from tests.reference.stays import Cluster, Spot, Stays
from tests.reference.timeline import HOUR, Flags

DAWN, DUSK, NIGHT = 7 * HOUR, 22 * HOUR, 9 * HOUR
SPOTS_KEPT = 10
PLACES_KEPT = 3
RADIUS_IN_SIGMA = 1.515
STEP_MS = 180_000
DAY_S = 86_400


class Seen(NamedTuple):
    """A new coordinate of the night: 50 m steps from the residence, 20 m steps of radius, 3 min steps of the night."""

    x: int
    y: int
    radius: int
    step: int


class Vote(NamedTuple):
    """Where a night was spent: metres from the residence, and the error of that."""

    x_m: float
    y_m: float
    sd_m: float
    least_m: float = 0.0
    is_lone: bool = False


@dataclass
class Haunt:
    """A place in which nights ended; `days` are those on which they did."""

    place: Place
    sd_m: int
    days: set[int] = field(default_factory=set)
    kind: str = ""  # of what is said of it: repeated, prohibited, unconfirmed; doubted is for the residence
    since_ms: int = 0


class Nights:
    """The rules night venue and residence."""

    def __init__(self, ledger: Ledger, quality: Quality) -> None:
        self.ledger = ledger
        self.quality = quality
        self._forget()

    def _forget(self) -> None:
        self.stays = Stays()
        self.seen: list[Seen] = []
        self.left: Vote | None = None
        self.ends_ms: int | None = None
        self.was_home = False
        self.haunts: list[Haunt | None] = [None] * PLACES_KEPT
        self.residence_ms: int | None = None

    def edge(self, t: int, before: Flags, after: Flags) -> None:
        """A permit makes the night begin anew; another residence, or none any more, makes everything begin anew."""
        if before.lifted != after.lifted:
            self.seen, self.left = [], None
            if self.stays.stay is not None:
                self.stays.stay.since_s = t // 1000
        moved = before.plane is not None and after.plane is not None and before.plane.home != after.plane.home
        if moved or (before.authorised and not after.authorised):
            self.end(t)
            self._forget()

    def hear(self, ping: Ping, flags: Flags, *, frozen: bool) -> None:
        """One fix that quality believed."""
        assert flags.plane is not None
        east_m, north_m = flags.plane.east_north(Place(ping.lon, ping.lat))
        variance = (max(ping.radius_m, 100) / RADIUS_IN_SIGMA) ** 2 + 150**2
        over = self.stays.hear(Spot(ping.time_ms // 1000, east_m * 100, north_m * 100, variance), frozen=frozen)
        into_day = ping.time_ms - flags.day_start
        counts = (into_day < DAWN or into_day >= DUSK) and not flags.lifted
        if over is not None:
            self.was_home |= _is_home(over)
            if counts:
                self._leave(over)
        if counts:
            if self.ends_ms is None:
                self.ends_ms = flags.day_start + DAWN + (24 * HOUR if into_day >= DUSK else 0)
            self._see(ping, east_m, north_m)

    def deadline(self) -> int | None:
        """When the night ends."""
        return self.ends_ms

    def fire(self, flags: Flags) -> None:
        """The night is over."""
        assert self.ends_ms is not None
        assert flags.plane is not None
        t, day = self.ends_ms, (self.ends_ms + 12 * HOUR) // (24 * HOUR)
        used, stay = self._used(), self.stays.stay
        vote = self._vote(used)
        if stay is not None:
            self.was_home |= _is_home(stay)
            if vote is None and not flags.lifted:
                self._leave(stay)
        self.haunts = [haunt if haunt is not None and haunt.days else None for haunt in self.haunts]
        for haunt in filter(None, self.haunts):
            haunt.days = {night for night in haunt.days if night > day - 14}
        left = self.left and self.left._replace(least_m=_least_m(used))
        for one in (left, vote):
            if one is not None:
                self._count(one, day, flags.plane)
        self.seen, self.left = [], None
        self.ends_ms = flags.day_start + 24 * HOUR + DAWN if any(self.haunts) else None
        self._say(t, day, flags)

    def end(self, t: int) -> None:
        """Nothing is asked any more; nothing ends before it began."""
        for number, haunt in enumerate(self.haunts):
            if haunt is not None and haunt.kind in {"repeated", "prohibited", "unconfirmed"}:
                self._write(number, haunt, max(t, haunt.since_ms))
        if self.residence_ms is not None:
            self._write_residence(max(t, self.residence_ms))

    def _see(self, ping: Ping, east_m: float, north_m: float) -> None:
        assert self.ends_ms is not None
        x, y = round(east_m / 50), round(north_m / 50)
        step = self._step(ping.time_ms)
        if max(abs(x), abs(y)) > 32_767:
            return
        if self.seen and ((self.seen[-1].x, self.seen[-1].y) == (x, y) or step - self.seen[-1].step < 5):
            return
        self.seen.append(Seen(x, y, min(round(max(ping.radius_m, 100) / 20), 255), step))
        self.seen = self.seen[-SPOTS_KEPT:]

    def _step(self, t: int) -> int:
        assert self.ends_ms is not None
        return min(max((t // 1000 * 1000 - (self.ends_ms - NIGHT)) // STEP_MS, 0), NIGHT // STEP_MS)

    def _leave(self, stay: Cluster) -> None:
        """A stay that was over before the night was, or that is all that can be said of it."""
        if self.ends_ms is None:
            return
        x, y = round(stay.x_cm / 100 / 50), round(stay.y_cm / 100 / 50)
        begun_s = max(stay.since_s, (self.ends_ms - NIGHT) // 1000)
        if stay.last_s - begun_s >= 90 * 60 and max(abs(x), abs(y)) <= 32_767:
            self.left = Vote(x * 50, y * 50, stay.sd_m)

    def _used(self) -> list[Seen]:
        """The last two and a half hours of the night, the coordinate in force at their beginning included."""
        end = self._last_step()
        early = [seen.step for seen in self.seen if seen.step < end - 50]
        return [seen for seen in self.seen if seen.step >= max(early, default=-1)]

    def _last_step(self) -> int:
        assert self.quality.last is not None
        return self._step(self.quality.last.time_ms)

    def _vote(self, used: list[Seen]) -> Vote | None:
        """The middle of them."""
        if not used:
            return None
        x, y = median(seen.x * 50 for seen in used), median(seen.y * 50 for seen in used)
        radius = median(seen.radius * 20 for seen in used)
        agree = [seen for seen in used if (seen.x * 50 - x) ** 2 + (seen.y * 50 - y) ** 2 <= (2.2 * radius) ** 2]
        if self._last_step() - used[0].step < 30 or len(agree) * 2 < len(used):
            return None
        sd_m = 1.25 * radius / RADIUS_IN_SIGMA / sqrt(len(used))
        return Vote(x, y, sd_m, _least_m(used), len(used) == 1 and radius > 100)

    def _count(self, vote: Vote, day: int, plane: Plane) -> None:
        place = plane.at(vote.x_m, vote.y_m)
        ghosts = [g for g in self.quality.ghosts if g.is_active]
        if hypot(vote.x_m, vote.y_m) <= max(250, vote.sd_m):
            return
        if any(plane.distance(ghost.place, place) <= GHOST_WITHIN_M for ghost in ghosts):
            return
        near = [h for h in self.haunts if h is not None and plane.distance(h.place, place) <= _reach(h, vote)]
        if near:
            haunt = min(near, key=lambda h: plane.distance(h.place, place))
            if not (vote.is_lone and plane.distance(haunt.place, place) <= 50):
                _join(haunt, place, vote)
                haunt.days.add(day)
            return
        fresh = Haunt(place, max(1, round(max(vote.sd_m, vote.least_m))), {day})
        if None in self.haunts:
            self.haunts[self.haunts.index(None)] = fresh
            return
        free = [n for n, haunt in enumerate(self.haunts) if haunt is not None and not haunt.kind]
        if free:
            self.haunts[min(free, key=self._worth)] = fresh

    def _worth(self, number: int) -> tuple[int, int]:
        haunt = self.haunts[number]
        assert haunt is not None
        return len(haunt.days), max(haunt.days, default=0)

    def _say(self, t: int, day: int, flags: Flags) -> None:
        assert flags.terms is not None
        assert flags.plane is not None
        lasting = {"repeated", "prohibited", "unconfirmed"}
        for number, haunt in enumerate(self.haunts):
            if haunt is None:
                continue
            was, kind = haunt.kind, self._kind(haunt, day, flags) if haunt.days else ""
            if was in lasting and kind not in lasting:
                self._write(number, haunt, t)
            elif was not in lasting and kind in lasting:
                rule = flags.terms.night_venue
                if len(haunt.days) < rule.nights or not _is_beyond(haunt, rule.distance_m, flags.plane):
                    continue
                haunt.since_ms = t if was == "doubted" else t // 1000 * 1000 - (day - min(haunt.days)) * DAY_S * 1000
            haunt.kind = kind
            if kind in lasting:
                self._write(number, haunt, None)
        self._say_residence(t, day)

    def _say_residence(self, t: int, day: int) -> None:
        doubted = [haunt for haunt in filter(None, self.haunts) if haunt.kind == "doubted"]
        if self.residence_ms is None and doubted:
            most = max(doubted, key=lambda haunt: len(haunt.days))
            self.residence_ms = t - (day - min(most.days)) * DAY_S * 1000
            self._write_residence(None)
        elif self.residence_ms is not None and not doubted:
            self._write_residence(t)
            self.residence_ms = None

    def _kind(self, haunt: Haunt, day: int, flags: Flags) -> str:
        assert flags.terms is not None
        assert flags.plane is not None
        if haunt.kind == "doubted" and not self.was_home:
            return "doubted"
        reach_m = round(2.448 * hypot(haunt.sd_m, 60))
        forbidden = {category for category, _ in flags.prohibitions}
        is_forbidden = any(category in forbidden for category, _ in venues_near(haunt.place, reach_m))
        if haunt.kind == "prohibited" or (day in haunt.days and is_forbidden):
            return "prohibited"
        if self.was_home:
            return "repeated"
        rule = flags.terms.residence
        enough = len(haunt.days) >= rule.nights and _is_beyond(haunt, rule.distance_m, flags.plane)
        return "doubted" if enough else "unconfirmed"

    def _write(self, number: int, haunt: Haunt, until_ms: int | None) -> None:
        self.ledger.write("night_venue", f"place {number + 1}", haunt.since_ms, until_ms, haunt.kind, "alert")

    def _write_residence(self, until_ms: int | None) -> None:
        assert self.residence_ms is not None
        self.ledger.write("residence", "registered", self.residence_ms, until_ms, "elsewhere", "notice")


def _least_m(used: list[Seen]) -> float:
    """What a coarse source is wrong by at one place, night after night."""
    return 0.35 * median(seen.radius * 20 for seen in used) if used else 0.0


def _is_home(stay: Cluster) -> bool:
    return stay.from_home_m <= 250 and stay.last_s - stay.since_s >= 3600


def _is_beyond(haunt: Haunt, least_m: int, plane: Plane) -> bool:
    return plane.from_home(haunt.place) > max(least_m, 2.5 * haunt.sd_m)


def _reach(haunt: Haunt, vote: Vote) -> float:
    return min(max(3 * sqrt(haunt.sd_m**2 + vote.sd_m**2), 350), 1200)


def _join(haunt: Haunt, place: Place, vote: Vote) -> None:
    weight = haunt.sd_m**2 / (haunt.sd_m**2 + vote.sd_m**2)
    lon = round(haunt.place.lon + (place.lon - haunt.place.lon) * weight)
    lat = round(haunt.place.lat + (place.lat - haunt.place.lat) * weight)
    haunt.place, haunt.sd_m = Place(lon, lat), max(1, round(max(sqrt(haunt.sd_m**2 * (1 - weight)), vote.least_m)))
