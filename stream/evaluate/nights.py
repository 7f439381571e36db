"""
Nights spent in one place: a venue put into recorded lives, and every place where a night was truly spent.

The trap: many people really do sleep elsewhere. A place that is found is false only where no night was spent, and a
venue counts as found only by the noon after its third night, at its place.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np

from geofence.plane import from_plane, to_plane
from stream.evaluate.cases import generator
from stream.evaluate.claims import Claim
from stream.evaluate.measures import FALSE_WEIGHT, MISSED_WEIGHT, Measures
from stream.evaluate.tracks import Detour, Track
from stream.simulate.days import midnights
from stream.simulate.feed import Truth
from stream.simulate.lives import DAY, HOUR, MINUTE, Place

__all__ = ["NIGHT", "VENUE", "Nights", "measure_nights", "nights_spent", "with_venue"]

VENUE: Final = "venue nights"
NIGHT: Final = "night"
DISTANCES_M: Final = (600.0, 1_000.0, 2_000.0, 4_000.0)
VISITS, WITHIN_NIGHTS, DECIDES = 4, 14, 3
STAY_H: Final = (3.0, 6.0)
FROM_H, UNTIL_H = 22, 31
SPENT_MS: Final = 90 * MINUTE
AWAY_M, SQUARE_M, SAME_M, FOUND_M = 300.0, 250.0, 350.0, 500.0


class Nights(NamedTuple):
    """A life with a venue in it, and the true event: it lasts from the third night's end to noon."""

    track: Track
    event: Truth | None


def with_venue(seed: int, track: Track, name: str) -> Nights:
    """Let four nights end at one place, after 3 to 6 hours there; none where not so many of 14 nights are known."""
    rng = generator(seed, VENUE, track.subject)
    place = track.around(rng, float(rng.choice(DISTANCES_M)))
    stays: list[tuple[int, Detour]] = []
    for midnight in midnights(int(track.time_ms[0]), int(track.minutes()[-1])):
        length = round(rng.uniform(*STAY_H) * HOUR)
        begin = midnight + UNTIL_H * HOUR + round(rng.uniform(0.0, HOUR / 2)) - length
        edges = np.arange(begin - HOUR // 2, begin + length + HOUR // 2, MINUTE)
        if track.at(edges)[2].all():
            stays.append((midnight, Detour(begin, begin + length, place)))
        stays = [stay for stay in stays if stay[0] > midnight - WITHIN_NIGHTS * DAY]
        if len(stays) == VISITS:
            third = stays[DECIDES - 1][0] + UNTIL_H * HOUR
            said = _said(track, place)
            event = Truth(name, VENUE, said, third, third + 5 * HOUR)
            return Nights(track.detouring([stay for _, stay in stays]), event)
    return Nights(track, None)


def nights_spent(name: str, track: Track) -> Iterator[Truth]:
    """Give for each night the place, more than 300 m from home, where the person was for an hour and a half or more."""
    for midnight in midnights(int(track.time_ms[0]), int(track.minutes()[-1])):
        times = np.arange(midnight + FROM_H * HOUR, midnight + UNTIL_H * HOUR, MINUTE, dtype=np.int64)
        x, y, known = track.at(times)
        away = known & (np.hypot(x - track.home.x, y - track.home.y) > AWAY_M)
        if away.sum() * MINUTE < SPENT_MS:
            continue
        squares, at, counts = np.unique(
            np.column_stack((x[away], y[away])) // SQUARE_M, axis=0, return_inverse=True, return_counts=True
        )
        del squares
        most = at.ravel() == counts.argmax()
        place = Place(float(np.median(x[away][most])), float(np.median(y[away][most])))
        there = away & (np.hypot(x - place.x, y - place.y) < SAME_M)
        if there.sum() * MINUTE >= SPENT_MS:
            yield Truth(name, NIGHT, _said(track, place), midnight + FROM_H * HOUR, midnight + UNTIL_H * HOUR)


def measure_nights(claims: Sequence[Claim], truth: Sequence[Truth], days: float) -> Measures:
    """
    Hold night venues against the nights that were truly spent.

    A claim is right with three such nights of the 14 before it within 500 m, or its own radius if that is more, wrong
    with none; between them it is neither.
    """
    result = Measures(days=days)
    for claim in claims:
        spent = sum(
            event.rule == NIGHT and _near(claim, event) and 0 <= claim.told_ms - event.since_ms < WITHIN_NIGHTS * DAY
            for event in truth
        )
        result.alerts += claim.alert_ms is not None
        result.right += spent >= DECIDES
        result.wrong += spent == 0
        result.gain -= FALSE_WEIGHT * (spent == 0)
    for event in (event for event in truth if event.rule == VENUE):
        told = [claim.told_ms for claim in claims if _near(claim, event) and claim.told_ms <= (event.until_ms or 0)]
        result.found += bool(told)
        result.missed += not told
        result.gain += 1.0 if told else -MISSED_WEIGHT
        result.latency_ms += [max(0, min(told) - event.since_ms)] if told else []
    return result


def _near(claim: Claim, event: Truth) -> bool:
    lon, lat = (float(part) for part in event.kind.split(","))
    away_m = np.hypot(*to_plane(claim.evidence["lon"], claim.evidence["lat"], lon, lat))
    return bool(away_m < max(FOUND_M, claim.evidence["radius_m"]))


def _said(track: Track, place: Place) -> str:
    lon, lat = from_plane(*place, *track.origin)
    return f"{float(lon):.6f},{float(lat):.6f}"
