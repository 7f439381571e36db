"""What is scripted: nights away and phones gone silent, and the permits that make such a thing lawful."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from schemas.order import Permit, PermitKind
from schemas.ping import Status
from stream.simulate.days import midnights
from stream.simulate.feed import Truth
from stream.simulate.lives import DAY, HOUR, MINUTE, Place, Visit, travel_ms
from stream.simulate.people import Life, Person
from stream.simulate.silences import Silence

__all__ = ["CURFEW_END_H", "CURFEW_START_H", "Plan", "draw_plan"]

CURFEW_START_H, CURFEW_END_H = 22, 6

_CODES: Final = (Status.powered_off, Status.suspended, Status.arrears)
_MOST_EVENTS: Final = 3
_AWAY_M: Final = (900.0, 5_000.0)
_MINOR_M: Final = (750.0, 1_000.0)
_LEAVE_M: Final = (15_000.0, 60_000.0)


@dataclass(slots=True)
class Plan:
    """What one person does beyond an ordinary life. `violations` are the silences that no permit covers."""

    visits: list[Visit] = field(default_factory=list)
    silences: list[Silence] = field(default_factory=list)
    violations: list[Silence] = field(default_factory=list)
    permits: list[Permit] = field(default_factory=list)
    truth: list[Truth] = field(default_factory=list)


def draw_plan(
    rng: np.random.Generator, person: Person, start_ms: int, end_ms: int, offenders: float, on_permit: float
) -> Plan:
    """
    Draw violations for an offender, a permit for some of the others, night shifts for those who work at night.

    Only days that lie wholly inside the span, with the night before and after them, are used.
    """
    plan = Plan()
    days = [day for day in midnights(start_ms, end_ms) if day - HOUR >= start_ms and day + 2 * DAY <= end_ms]
    if person.life is Life.night_worker:
        plan.permits.append(_permit(person, PermitKind.night_shift, start_ms - DAY, end_ms + DAY))
    drawn = rng.random()
    if not days:
        return plan
    if drawn < offenders:
        count = min(int(rng.integers(1, _MOST_EVENTS + 1)), len(days))
        for day in sorted(rng.choice(days, count, replace=False).tolist()):
            _offend(rng, plan, person, day)
    elif drawn < offenders + on_permit:
        _take_permit(rng, plan, person, days)
    return plan


def _offend(rng: np.random.Generator, plan: Plan, person: Person, day: int) -> None:
    away = person.has_curfew and person.life is not Life.night_worker
    if away and _coin(rng):
        _absence(rng, plan, person, day)
        return
    code = _CODES[rng.integers(len(_CODES))] if _coin(rng) else None
    start = day + round(rng.uniform(7.0, 21.0) * HOUR)
    hours = rng.uniform(2.6, 9.0) if code is None else rng.uniform(1.0, 9.0)
    silence = Silence(start, start + round(hours * HOUR), code)
    plan.silences.append(silence)
    plan.violations.append(silence)


def _absence(rng: np.random.Generator, plan: Plan, person: Person, day: int) -> None:
    kind = ("whole_night", "late", "left", "minor")[rng.integers(4)]
    begin, end = day + CURFEW_START_H * HOUR, day + DAY + CURFEW_END_H * HOUR
    place = _away(rng, person.home, _MINOR_M if kind == "minor" else _AWAY_M)
    way = travel_ms(person.home, place)
    out, back = begin - round(rng.uniform(1.0, 2.0) * HOUR), end + round(rng.uniform(0.3, 1.0) * HOUR)
    if kind == "late":
        back = begin + round(rng.uniform(1.0, 4.0) * HOUR)
    elif kind == "left":
        out = begin + round(rng.uniform(1.0, 4.0) * HOUR)
    elif kind == "minor":
        out = begin + round(rng.uniform(0.5, 6.0) * HOUR)
        back = out + round(rng.uniform(12.0, 18.0) * MINUTE)
    plan.visits.append(Visit(out, back, place))
    plan.truth.append(Truth(person.supervisee, "curfew", kind, max(begin, out - way), min(end, back + way)))


def _take_permit(rng: np.random.Generator, plan: Plan, person: Person, days: Sequence[int]) -> None:
    day = days[int(rng.integers(len(days)))]
    start = day + round(rng.uniform(8.0, 18.0) * HOUR)
    if _coin(rng):
        until = start + round(rng.uniform(3.0, 10.0) * HOUR)
        silence = Silence(start, until, Status.powered_off if _coin(rng) else None)
        plan.silences.append(silence)
        plan.permits.append(_permit(person, PermitKind.reported_off, start - HOUR, until + HOUR))
        return
    place = _away(rng, person.home, _LEAVE_M)
    until = day + DAY + round(rng.uniform(12.0, 20.0) * HOUR)
    plan.visits.append(Visit(start, until, place))
    plan.permits.append(_permit(person, PermitKind.leave, start - 3 * HOUR, until + 3 * HOUR))


def _away(rng: np.random.Generator, home: Place, distance_m: tuple[float, float]) -> Place:
    angle, metres = rng.uniform(0.0, 2.0 * np.pi), rng.uniform(*distance_m)
    return Place(home.x + metres * float(np.cos(angle)), home.y + metres * float(np.sin(angle)))


def _coin(rng: np.random.Generator) -> bool:
    return bool(rng.integers(2))


def _permit(person: Person, kind: PermitKind, from_ms: int, until_ms: int) -> Permit:
    return Permit(permit_id=f"{person.supervisee}-{kind}-{from_ms}", kind=kind, from_ms=from_ms, until_ms=until_ms)
