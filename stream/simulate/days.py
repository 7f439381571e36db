"""What a person does of their own accord on one day: work or school, errands, weekends. All home before ten."""

from datetime import UTC, datetime
from typing import Final

import numpy as np

from stream.simulate.lives import DAY, HOUR, MINUTE, Visit
from stream.simulate.people import Life, Person

__all__ = ["is_weekend", "midnights", "ordinary_day"]

_UTC8: Final = 8 * HOUR
_EVENING_ERRAND, _FREE_DAY_OUT = 0.35, 0.7
_FRIDAY, _SATURDAY, _SUNDAY = 4, 5, 6
# Hours at which an errand of a free day may begin, and how likely each is.
_FREE_ERRANDS: Final = ((9.5, 0.6), (14.5, 0.5), (18.0, 0.3))


def midnights(start_ms: int, end_ms: int) -> list[int]:
    """
    List the local midnights (UTC+8 all year) whose day touches the span.

    >>> [datetime.fromtimestamp(ms / 1000, UTC).isoformat() for ms in midnights(1_772_388_000_000, 1_772_391_600_000)]
    ['2026-03-01T16:00:00+00:00']
    """
    first = (start_ms + _UTC8) // DAY * DAY - _UTC8
    return list(range(first, end_ms, DAY))


def weekday(midnight_ms: int) -> int:
    """Give the local day of the week, Monday 0."""
    return datetime.fromtimestamp((midnight_ms + _UTC8) / 1_000, UTC).weekday()


def is_weekend(midnight_ms: int) -> bool:
    """Tell whether the local day is a Saturday or a Sunday."""
    return weekday(midnight_ms) >= _SATURDAY


def ordinary_day(rng: np.random.Generator, person: Person, midnight_ms: int) -> list[Visit]:
    """Draw the visits of one local day, in order; a night shift reaches into the next."""
    if person.life is Life.night_worker and weekday(midnight_ms) not in {_FRIDAY, _SATURDAY}:
        shift = _visit(rng, person, midnight_ms, 21.5, 29.5, 10)
        return [*_errands(rng, person, midnight_ms, ((14.5, 0.5),)), shift]
    if is_weekend(midnight_ms) or person.life in {Life.at_home, Life.night_worker}:
        if rng.random() >= _FREE_DAY_OUT:
            return []
        return _errands(rng, person, midnight_ms, _FREE_ERRANDS)
    hours = (7.8, 17.1) if person.life is Life.pupil else (8.5, 17.5)
    visits = [_visit(rng, person, midnight_ms, *hours, 25)]
    return visits + _errands(rng, person, midnight_ms, ((18.5, _EVENING_ERRAND),))


def _visit(
    rng: np.random.Generator, person: Person, midnight_ms: int, from_hour: float, until_hour: float, spread_min: float
) -> Visit:
    early, late = rng.normal(0.0, spread_min, 2).clip(-2 * spread_min, 2 * spread_min) * MINUTE
    return Visit(
        midnight_ms + round(from_hour * HOUR + early), midnight_ms + round(until_hour * HOUR + late), person.work
    )


def _errands(
    rng: np.random.Generator, person: Person, midnight_ms: int, hours: tuple[tuple[float, float], ...]
) -> list[Visit]:
    visits = []
    for hour, likely in hours:
        start = midnight_ms + round((hour + rng.uniform(0.0, 1.0)) * HOUR)
        length = round(rng.uniform(30.0, 100.0) * MINUTE)
        place = person.errands[rng.integers(len(person.errands))]
        if rng.random() < likely:
            visits.append(Visit(start, start + length, place))
    return visits
