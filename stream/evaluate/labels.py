"""
What is true of a person, in the words of the rules: absences, exits, silences.

Each is drawn from the true movement, minute by minute, or from the times of the pings that were sent. `NEAR` are times
at which a finding is neither demanded nor wrong: a person 400 m from home may be found outside or not. `UNKNOWN` are
times of which nobody can tell.
"""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from geofence.plane import to_plane
from schemas.order import Order, PermitKind
from schemas.ping import Status
from stream.evaluate.cases import in_curfew, unknown
from stream.evaluate.tracks import Floats, Span, Track, runs
from stream.simulate.feed import Truth
from stream.simulate.lives import HOUR, MINUTE

__all__ = ["NEAR", "UNKNOWN", "absences", "exits", "outside_m", "silences", "unknowns"]

NEAR: Final = "near"
UNKNOWN: Final = "unknown"

AWAY_M, NEAR_HOME_M, AWAY_MS = 500.0, 300.0, 30 * MINUTE
OUT_M, OUT_MS = 500.0, 20 * MINUTE
_CONTACT: Final = (Status.located.code, Status.no_fix.code)


def absences(supervisee: str, track: Track) -> Iterator[Truth]:
    """Give each absence in the curfew: more than 500 m from home for half an hour; near is 300 m, however short."""
    times = track.minutes()
    x, y, known = track.at(times)
    distance = np.hypot(x - track.home.x, y - track.home.y)
    asked = known & in_curfew(times)
    yield from _truths(supervisee, "curfew", "absence", runs(times, asked & (distance > AWAY_M), AWAY_MS))
    yield from _truths(supervisee, "curfew", NEAR, runs(times, asked & (distance > NEAR_HOME_M)))


def exits(supervisee: str, track: Track, area: Any) -> Iterator[Truth]:  # noqa: ANN401 - shapely has no types
    """Give each exit from the permitted area: more than 500 m outside for 20 minutes; near is outside at all."""
    times = track.minutes()
    x, y, known = track.at(times)
    distance = np.zeros(len(times))
    distance[known] = outside_m(area, track, np.column_stack((x[known], y[known])))
    outside = distance > 0
    yield from _truths(supervisee, "boundary", "exit", runs(times, outside & (distance > OUT_M), OUT_MS))
    yield from _truths(supervisee, "boundary", NEAR, runs(times, outside))


def outside_m(area: Any, track: Track, places: ArrayLike) -> Floats:  # noqa: ANN401 - as above
    """Give how far outside an area places on the plane of a track lie; 0 inside. Places have the shape (n, 2)."""
    lon0, lat0 = track.origin
    shape = shapely.transform(area, lambda at: np.column_stack(to_plane(at[:, 0], at[:, 1], lon0, lat0)))
    at = np.asarray(places, np.float64).reshape(-1, 2)
    far = np.zeros(len(at))
    outside = ~shapely.contains_xy(shape, at[:, 0], at[:, 1])
    far[outside] = shapely.distance(shape, shapely.points(at[outside]))
    return far


def silences(supervisee: str, reports: NDArray[np.void], order: Order, least_ms: int, most_ms: int) -> Iterator[Truth]:
    """
    Give each stretch without contact that no permit covers, as a gap is defined, whatever its cause.

    Demanded (`silence`) is one of `most_ms`, near one of half an hour: between them the person's own rhythm decides.
    """
    times = reports["time_ms"][np.isin(reports["status"], _CONTACT)]
    permits = sorted((p.from_ms, p.until_ms) for p in order.permits if p.kind is PermitKind.reported_off)
    for since, until in zip(times.tolist(), times[1:].tolist(), strict=False):
        for begin, end in _outside(since, until, permits):
            if end - begin > least_ms:
                yield Truth(supervisee, "gap", "silence" if end - begin > most_ms else NEAR, begin, end)


def unknowns(supervisee: str, track: Track) -> Iterator[Truth]:
    """Give the times in which the recording says nothing, with an hour on both sides."""
    for rule in ("gap",):
        for since, until in unknown(track):
            yield Truth(supervisee, rule, UNKNOWN, since - HOUR, until + HOUR)


def _outside(since: int, until: int, permits: list[Span]) -> Iterator[Span]:
    for begin, end in permits:
        if end > since and begin < until:
            if begin > since:
                yield since, begin
            since = end
    if since < until:
        yield since, until


def _truths(supervisee: str, rule: str, kind: str, spans: list[Span]) -> Iterator[Truth]:
    return (Truth(supervisee, rule, kind, since, until) for since, until in spans)
