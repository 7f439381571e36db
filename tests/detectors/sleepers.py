"""Seeded lives of many nights: where people sleep, and what their orders say of it meanwhile."""

from collections.abc import Callable
from random import Random
from typing import Any, Final

from tests.detectors.lives import BASE, BERLIN, DAY, FOREVER, HOUR, MINUTE, SHORT_NIGHT, Life, Track
from tests.factories import HOME, ZONE, curfew, near, order, permit

Place = tuple[float, float]

HOUSES: Final[tuple[Place, ...]] = (
    *((450, 0), (700, 0), (700, 300), (1_500, 0), (1_500, 400), (1_900, 0), (0, 2_400), (3_900, 0)),
    *((-900, -900), (0, -5_000), (-8_000, 0)),
)
FORBIDDEN: Final = ({"category": "internet_cafe"}, {"category": "bar"})


def sleeper(draw: Random, name: str) -> Life:
    """Nights at home and in few other places, for two weeks and more; some days nothing is heard at all."""
    zone = draw.choice((ZONE, ZONE, ZONE, BERLIN))
    start = (SHORT_NIGHT - 4 * DAY if zone == BERLIN else BASE) + draw.randint(0, 6) * DAY + 12 * HOUR
    track, houses = Track(draw, start), [(0.0, 0.0), *draw.sample(HOUSES, draw.randint(1, 6))]
    shares = [draw.choice((0, 1, 3)), *(draw.choice((1, 2, 6)) for _ in houses[1:])]
    for night in range(draw.randint(6, 34)):
        if draw.random() < 0.15:
            continue
        track.now = start + night * DAY + draw.randint(0, 9) * HOUR
        if draw.random() < 0.4:
            _lie(track, draw.choice(((0.0, 0.0), (1_100.0, 0.0))), draw.randint(60, 150), 30)
        track.now = max(track.now, start + night * DAY + draw.choice((8, 9, 10, 12)) * HOUR)
        for house in draw.choices(houses, shares, k=draw.choice((1, 1, 1, 2))):
            hours = draw.choice((1.4, 1.6, 3, 5, 9, 9))
            _lie(track, house, round(hours * 60), draw.choice((10, 15, 15, 30, 30, 45)))
        if draw.random() < 0.3:
            _lie(track, draw.choice(houses), draw.randint(10, 100), 15)
    return _finished(draw, name, track, start, zone)


def commuter(draw: Random, name: str) -> Life:
    """The same house night after night, then weeks without, with the edges of each night met to the millisecond."""
    start = BASE + draw.randint(0, 3) * DAY
    track, house = Track(draw, start), draw.choice(HOUSES)
    for night in sorted(draw.sample(range(30), draw.randint(3, 14))):
        dusk = start + night * DAY + 22 * HOUR
        if draw.random() < 0.3:
            track.now = dusk - 6 * HOUR
            _lie(track, (0.0, 0.0), draw.choice((50, 61, 90)), 15)
        track.now = dusk + draw.choice((-HOUR, -1, 0, HOUR, 6 * HOUR))
        _lie(track, house, round((dusk + 9 * HOUR - track.now) / MINUTE), draw.choice((15, 20, 30)))
        track.now = dusk + 9 * HOUR + draw.choice((-1, 0, 1, 30 * MINUTE))
        track.put(*house)
    track.meet([start + night * DAY + 7 * HOUR for night in range(31)])
    return _finished(draw, name, track, start, ZONE)


SLEEPERS: Final[tuple[Callable[[Random, str], Life], ...]] = (sleeper, sleeper, commuter)


def _lie(track: Track, house: Place, minutes: int, every_min: int) -> None:
    """Fixes about one house; some phones repeat themselves, some are moved far off for a ping or two."""
    draw, until = track.draw, track.now + minutes * MINUTE
    sticky, wild = draw.choice((0.0, 0.0, 0.7, 1.0)), draw.choice((0.0, 0.0, 0.1))
    radius, spread = draw.choice(((100, 60), (300, 150), (400, 220), (30, 10), (0, 200)))
    spot = house
    while track.now < until:
        if draw.random() >= sticky or spot == house:
            spot = house[0] + draw.uniform(-spread, spread), house[1] + draw.uniform(-spread, spread)
        if draw.random() < wild:
            track.put(house[0] + 2_500, house[1] - 700, radius)
        else:
            track.put(*spot, radius)
        track.now += every_min * MINUTE + draw.choice((0, 0, draw.randint(-60_000, 60_000)))


def _finished(draw: Random, name: str, track: Track, start: int, zone: str) -> Life:
    """Give the life with an order or two; a later one may move the residence, forbid, permit or end what it likes."""
    begin, end = start - DAY, max((ping.time_ms for ping in track.pings), default=start)
    home = draw.choice((HOME, HOME, HOME, near(0, 800)))
    terms: dict[str, Any] = {
        "zone": zone,
        "tier": draw.choice(("general", "strict")),
        "curfew": curfew(zone=zone) if draw.random() < 0.5 else None,
        "permits": [_permit(draw, start, end) for _ in range(draw.choice((0, 0, 1, 3)))],
        "prohibitions": list(draw.choice(((), FORBIDDEN[:1], FORBIDDEN))),
        "authorised": ((begin, FOREVER),),
    }
    messages: list[tuple[int, bytes | None]] = [(begin, order(name, begin, home=home, **terms))]
    if draw.random() < 0.5:
        arrival = draw.randint(start + DAY, end + DAY)
        valid = arrival - draw.choice((0, HOUR, 4 * HOUR))
        change = draw.choice(("home", "forbid", "tier", "permit", "end"))
        if change == "home":
            home = near(*draw.choice(((700, 0), (0, 800), (9_000, 0))))
        elif change == "forbid":
            terms["prohibitions"] = list(FORBIDDEN)
        elif change == "permit":
            terms["permits"] = [*terms["permits"], permit("night_shift", valid, valid + 3 * DAY)]
        elif change == "end":
            terms["authorised"] = ((begin, valid), (valid + 2 * DAY, FOREVER))
        else:
            terms["tier"] = "strict"
        messages.append((arrival, order(name, valid, home=home, **terms)))
    track.repeat()
    return Life(name, messages, sorted(ping for ping in track.pings if ping.time_ms >= start))


def _permit(draw: Random, start: int, end: int) -> dict[str, Any]:
    begin = draw.randint(start, max(start, end))
    begin -= begin % (30 * MINUTE)
    return permit(draw.choice(("leave", "night_shift", "reported_off")), begin, begin + draw.choice((5, 10, 80)) * HOUR)
