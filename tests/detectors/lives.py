"""Seeded lives: what one person's order said and what the phone said, over some days, rich in edges."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from tests.factories import HOME, ZONE, at, curfew, near, order, permit, window
from tests.reference.ping import NO_POSITION, STATUSES, Ping

MINUTE: Final = 60_000
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
BASE: Final = at("2026-03-02 00:00")
REACH: Final = 5 * HOUR  # how far back a message may change what was
FOREVER: Final = at("2027-01-01 00:00")
BERLIN: Final = "Europe/Berlin"
SHORT_NIGHT: Final = at("2026-03-28 00:00", BERLIN)  # the clock goes forward in the night after


@dataclass
class Life:
    """Messages and pings with the moments at which they arrive when nothing is late; a raw None ends the order."""

    name: str
    messages: list[tuple[int, bytes | None]] = field(default_factory=list)
    pings: list[Ping] = field(default_factory=list)


class Track:
    """Writes pings as time goes by. All draws are the caller's, so that one seed gives one life."""

    def __init__(self, draw: Random, start_ms: int, home: tuple[int, int] = HOME) -> None:
        self.draw = draw
        self.now = start_ms
        self.home = home
        self.pings: list[Ping] = []

    def put(self, east_m: float, north_m: float, accuracy_m: int = 100, *, phone: int = 0) -> None:
        """Add a fix now."""
        place = near(east_m, north_m, self.home)
        self.pings.append(Ping(self.now, phone, 0, *place, accuracy_m, self.draw.choice((0, 0, 7))))

    def say(self, status: str, *, phone: int = 0) -> None:
        """Add an answer without a position now."""
        self.pings.append(Ping(self.now, phone, STATUSES.index(status), NO_POSITION, NO_POSITION, 0, 0))

    def stay(self, until_ms: int, every_ms: int, east_m: float, spread_m: float, accuracy_m: int) -> None:
        """Add fixes about one place; no spread repeats the same one."""
        while self.now < until_ms:
            wobble = [self.draw.uniform(-spread_m, spread_m) for _ in range(2)]
            self.put(east_m + wobble[0], wobble[1], accuracy_m)
            self.now += every_ms

    def loop(self, east_m: float, leg_ms: int) -> None:
        """Go here, there, here: what a network does to a phone that lies still."""
        for east in (0, east_m, 0):
            self.put(east + self.draw.uniform(-20, 20), 0)
            self.now += leg_ms

    def keep_silent(self, ms: int) -> None:
        """Nothing, so that the next ping lies exactly *ms* after the last one."""
        if self.pings:
            self.now = self.pings[-1].time_ms + ms

    def meet(self, moments: Sequence[int]) -> None:
        """Add pings exactly at, or one millisecond beside, moments at which something turns."""
        for moment in moments:
            before = [p for p in self.pings if p.time_ms < moment]
            if before and self.draw.random() < 0.3:
                last = self.draw.choice(before[-3:])
                self.pings.append(last._replace(time_ms=moment + self.draw.choice((-1, 0, 0, 1))))

    def repeat(self) -> None:
        """Add records with the time of another: repeated ones, other phones, wristbands, other answers."""
        for ping in self.draw.sample(self.pings, len(self.pings) // 20):
            other = self.draw.choice(
                (
                    ping,
                    ping._replace(phone=1),
                    ping._replace(device=9),
                    ping._replace(phone=129),
                    ping._replace(accuracy_m=ping.accuracy_m + 200),
                    Ping(ping.time_ms, self.draw.choice((0, 1)), self.draw.choice((1, 2, 4, 6)), *ping[3:]),
                )
            )
            self.pings.append(other)


def _home(track: Track, until_ms: int, every_ms: int) -> None:
    track.stay(until_ms, every_ms, 0, 60, 100)


def _away(track: Track, until_ms: int, every_ms: int) -> None:
    track.stay(until_ms, every_ms, track.draw.choice((600, 900, 1500, 4000)), 60, track.draw.choice((0, 30, 100, 300)))


def _frozen(track: Track, until_ms: int, every_ms: int) -> None:
    track.stay(until_ms, every_ms, track.draw.choice((700, 1500)), track.draw.choice((0, 0, 9, 14)), 100)


def _grey(track: Track, until_ms: int, every_ms: int) -> None:
    track.stay(until_ms, every_ms, track.draw.choice((180, 470, 500)), 70, track.draw.choice((30, 100, 350, 800)))


def _wavering(track: Track, until_ms: int, every_ms: int) -> None:
    while track.now < until_ms:
        east = track.draw.choice((0, 900, 900, 900, 450))
        track.put(east, track.draw.uniform(-80, 80))
        track.now += every_ms


def _silent(track: Track, until_ms: int, every_ms: int) -> None:
    del until_ms, every_ms
    minutes = track.draw.choice((45, 59, 60, 60, 90, 90, 119, 120, 120, 150, 179, 180, 240, 400))
    track.keep_silent(minutes * MINUTE + track.draw.choice((-1, 0, 0, 1)))


def _bare(track: Track, until_ms: int, every_ms: int) -> None:
    while track.now < until_ms:
        track.say("no_fix")
        track.now += every_ms


def _answers(track: Track, until_ms: int, every_ms: int) -> None:
    del until_ms
    for _ in range(track.draw.randint(1, 4)):
        track.say(track.draw.choice(STATUSES[1:]))
        track.now += track.draw.choice((0, 1, every_ms, 61 * MINUTE))


def _loops(track: Track, until_ms: int, every_ms: int) -> None:
    del every_ms
    while track.now < until_ms:
        track.loop(track.draw.choice((800, 800, 2500)), track.draw.choice((3, 5, 6)) * MINUTE)
        track.now += track.draw.choice((1, 20)) * MINUTE


def _impossible(track: Track, until_ms: int, every_ms: int) -> None:
    while track.now < until_ms:
        track.put(*track.draw.choice(((0, 0), (0, 0), (30_000, 0), (3_400, 0), (700, 700))))
        if track.draw.random() < 0.2:
            track.pings.append(Ping(track.now + 1, 0, 0, 50_000, -50_000, 100, 0))
        track.now += track.draw.choice((MINUTE, every_ms))


Stretch = Callable[[Track, int, int], None]

STRETCHES: Final[tuple[Stretch, ...]] = (
    *(_home, _home, _away, _away, _away, _frozen, _grey, _wavering, _wavering),
    *(_silent, _silent, _bare, _answers, _loops, _impossible),
)
CURFEWS: Final[tuple[tuple[dict[str, Any], ...], ...]] = (
    (window(),),
    (window(),),
    (window("21:00", "06:00"), window("12:00", "14:00")),
    (window("20:00", "23:00"), window("23:30", "05:00")),
    (window("22:00", "08:00", (0, 1, 2, 3, 4)), window("19:30", "08:00", (5, 6))),
    (window("00:00", "00:00"),),
)


def restless(draw: Random, name: str) -> Life:
    """Anything may follow anything, for a day and a half; orders, permits and residences change meanwhile."""
    zone = draw.choice((ZONE,) * 7 + (BERLIN,))
    start = (SHORT_NIGHT if zone == BERLIN else BASE + draw.randint(0, 6) * DAY) + draw.randint(0, 47) * HOUR // 2
    end = start + 36 * HOUR
    track = Track(draw, start)
    while track.now < end:
        every = draw.choice((2, 5, 5, 10, 15, 20, 20, 30, 30, 45)) * MINUTE
        if draw.random() < 0.4:
            every += draw.randint(-50_000, 50_000)
        draw.choice(STRETCHES)(track, track.now + draw.randint(20, 200) * MINUTE, every)
    life = Life(name, _messages(draw, name, start, end, zone))
    _finish(track, life, start, end)
    return life


def habitual(draw: Random, name: str) -> Life:
    """Keep a steady rhythm over more than fifty intervals and a midnight, then silences about the learned limit."""
    start = BASE + draw.randint(0, 6) * DAY + draw.randint(8, 20) * HOUR
    track = Track(draw, start)
    every = draw.choice((1, 3, 5, 10, 15, 30, 45, 60, 85)) * MINUTE
    for _ in range(draw.randint(2, 4)):
        for _ in range(draw.randint(30, 90)):
            if draw.random() < 0.85:
                track.put(draw.choice((0, 0, 700)), draw.uniform(-60, 60))
            else:
                track.say("no_fix")
            track.now += every + draw.choice((0, 0, 0, every, -(every // 2), 30_000))
        silence = draw.choice((30, 60, 60, 75, 90, 120, 120, 180, 180, 200)) * MINUTE
        track.keep_silent(silence + draw.choice((-1, 0, 1)))
    end = track.now
    life = Life(name, _messages(draw, name, start, end))
    _finish(track, life, start, end)
    return life


def haunted(draw: Random, name: str) -> Life:
    """Five nights of loops through the same places, and stays at them."""
    start = BASE + draw.randint(0, 6) * DAY
    track = Track(draw, start)
    places = draw.sample((700, 1100, 1500, 2400, -800, -1600), draw.randint(1, 3))
    for night in range(5):
        track.now = start + night * DAY + draw.choice((20, 21, 22, 23)) * HOUR + draw.randint(0, 59) * MINUTE
        for _ in range(draw.randint(1, 7)):
            track.loop(draw.choice(places), draw.choice((2, 4, 5, 8)) * MINUTE)
            track.now += draw.choice((0, 10)) * MINUTE
        if draw.random() < 0.6:
            stay = track.now + draw.randint(20, 90) * MINUTE
            track.stay(stay, 5 * MINUTE, draw.choice(places), draw.choice((30, 90)), 100)
        track.stay(track.now + 30 * MINUTE, 10 * MINUTE, 0, 40, 100)
    plan = curfew(*draw.choice(CURFEWS))
    terms: dict[str, Any] = {
        "curfew": plan,
        "tier": draw.choice(("general", "strict")),
        "permitted_area": _area(name, start),
        "prohibitions": _bans(name, start),
    }
    life = Life(name, [(start, order(name, start, **terms))])
    track.repeat()
    life.pings = sorted(track.pings)
    return life


def truant(draw: Random, name: str) -> Life:
    """Nine nights with a short absence in most of them, so that minor ones add up, or just fail to."""
    start = BASE + draw.randint(0, 6) * DAY
    track = Track(draw, start)
    for night in range(9):
        track.now = start + night * DAY + draw.choice((21, 22, 22, 22)) * HOUR + draw.randint(0, 90) * MINUTE
        track.stay(track.now + 15 * MINUTE, 5 * MINUTE, 0, 40, 100)
        if draw.random() < 0.95:
            length = draw.choice((24, 27, 29, 29, 29, 30)) * MINUTE + draw.choice((-1, 0))
            back = track.now + length
            track.stay(track.now + 19 * MINUTE, 5 * MINUTE, 900, 60, 100)
            track.now = back
            track.stay(track.now + draw.choice((3, 5, 5, 9, 9)) * MINUTE, 4 * MINUTE, 0, 40, 100)
    ended = draw.random() < 0.3
    periods = ((start, start + 4 * DAY), (start + 4 * DAY + HOUR, FOREVER)) if ended else ((start, FOREVER),)
    tier = draw.choice(("general", "general", "general", "strict"))
    terms: dict[str, Any] = {
        "curfew": curfew(*draw.choice(CURFEWS[:4])),
        "tier": tier,
        "permitted_area": _area(name, start),
        "prohibitions": _bans(name, start),
    }
    life = Life(name, [(start, order(name, start, authorised=periods, **terms))])
    life.pings = sorted(track.pings)
    return life


KINDS: Final = (restless, restless, restless, habitual, habitual, haunted, truant)


def _finish(track: Track, life: Life, start: int, end: int) -> None:
    midnights = [BASE + n * DAY for n in range((start - BASE) // DAY, (end - BASE) // DAY + 2)]
    hours = (-2, -3, 0, 5, 6, 7, 8, 14)  # evidence, windows and their ends, nights, days
    track.meet([m + hour * HOUR for m in midnights for hour in hours])
    track.meet([moment for moment, _ in life.messages])
    track.repeat()
    life.pings = sorted(p for p in track.pings if p.time_ms >= start)


def _messages(draw: Random, name: str, start: int, end: int, zone: str = ZONE) -> list[tuple[int, bytes | None]]:
    """Give one to three messages; a later one may reach back, move the residence, or end the authorisation."""
    terms: dict[str, Any] = {"tier": draw.choice(("general", "general", "strict")), "zone": zone}
    terms |= {"permitted_area": _area(name, start), "prohibitions": _bans(name, start)}
    if draw.random() < 0.85:
        excepted = draw.choice(((), (), ("2026-03-04", "2026-03-07")))
        terms["curfew"] = curfew(*draw.choice(CURFEWS), exceptions=excepted, zone=zone)
    permits = [_permit(draw, draw.randint(start, end), end) for _ in range(draw.choice((0, 0, 1, 2)))]
    periods: list[tuple[int, int]] = [(start - DAY, FOREVER)]
    if draw.random() < 0.2:
        lapse = _round(draw.randint(start, end))
        periods = [(start - DAY, lapse), (lapse + draw.choice((0, 1, HOUR, 7 * HOUR)), FOREVER)]
    begin = start + draw.choice((0, 0, -HOUR, 90 * MINUTE))
    messages: list[tuple[int, bytes | None]] = [
        (begin, order(name, begin, authorised=tuple(periods), permits=permits, **terms))
    ]
    for _ in range(draw.choice((0, 0, 1, 2))):
        arrival = draw.randint(messages[-1][0] + REACH, messages[-1][0] + 12 * HOUR)
        back = _round(arrival - draw.choice((0, HOUR, REACH - HOUR)))
        change = draw.choice(("permit", "home", "end", "curfew", "null"))
        if change == "permit":
            permits = [*permits, _permit(draw, back, end)]
        elif change == "end":
            stop = back + draw.choice((0, 6 * HOUR))
            periods = [(begins, min(ends, stop)) for begins, ends in periods if begins < stop]
        elif change == "curfew":
            terms["curfew"] = curfew(*draw.choice(CURFEWS), zone=zone)
        elif change == "null" and draw.random() < 0.5:
            messages.append((arrival, None))
            arrival = back = arrival + draw.choice((1, HOUR))
        if Random(f"{name} {arrival}").random() < 0.4:
            terms |= {"permitted_area": _area(name, arrival), "prohibitions": _bans(name, arrival)}
        home = near(draw.choice((700, 900, 5000)), 0) if change == "home" else HOME
        valid = back if draw.random() < 0.7 else arrival + 2 * HOUR
        message = order(name, valid, home=home, authorised=tuple(periods), permits=permits, **terms)
        messages.append((arrival, message))
    return messages


def _area(name: str, moment: int) -> str | None:
    """Give an area, by a draw of its own: two counties that touch, the city of both, a zone, none, an unknown one."""
    return Random(f"{name} {moment} area").choice(("450202", "450202", "450203", "450200", "plot", None, "no such"))


def _bans(name: str, moment: int) -> list[dict[str, str]]:
    """Give what is forbidden, by a draw of its own: zones that overlap, venues, nothing, what nobody has drawn."""
    draw = Random(f"{name} {moment} bans")
    choices = ("block", "park", "park", "yard", "yard", "market", "no such", "internet_cafe", "internet_cafe", "bar")
    drawn = sorted(set(draw.sample(choices, draw.choice((0, 1, 2, 3, 4)))))
    return [{"category" if one in ("internet_cafe", "bar") else "zone": one} for one in drawn]


def _permit(draw: Random, from_ms: int, end: int) -> dict[str, Any]:
    kind = draw.choice(("leave", "reported_off", "reported_off", "night_shift"))
    begin = _round(from_ms)
    until = draw.choice((begin + 30 * MINUTE, begin + 3 * HOUR, begin + 9 * HOUR, max(begin, end) + DAY))
    return permit(kind, begin, until)


def _round(moment: int) -> int:
    return moment - moment % (30 * MINUTE)
