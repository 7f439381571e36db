"""
The labelled corpora, as cases: a simulated county, recorded lives, violations put into them, phones that lie at home.

The trap: a violation that is put where nothing is known, or upon another, would be one that nobody can find. Each lies
in known time, and apart from the others.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from geofence.fences import Fences
from geofence.plane import from_plane
from schemas.order import Order, Prohibition
from schemas.ping import Status
from schemas.rules import Rules
from stream.evaluate import forbidden, nights
from stream.evaluate.cases import Case, Setting, degrade, generator, order_of, pings_of, quieten
from stream.evaluate.labels import NEAR, UNKNOWN, absences, exits, outside_m, silences, unknowns
from stream.evaluate.tracks import Detour, Track, free
from stream.simulate.county import County
from stream.simulate.feed import Truth
from stream.simulate.lives import DAY, HOUR, MINUTE, Place
from stream.simulate.people import CENTRE
from stream.simulate.silences import Silence, truth_of

__all__ = ["county", "recorded", "still", "with_nights", "with_silences", "with_violations", "with_visits"]

FIRST_MS: Final = 1_772_380_800_000
"""Monday 2026-03-02, 00:00 in Liuzhou."""
STILL_PEOPLE, STILL_DAYS = 12, 14
SILENCES_A_DAY: Final = 0.25
SILENT_H: Final = (1.6, 12.0)
SHORT_MS: Final = 2 * HOUR
CODES: Final = (Status.powered_off, Status.suspended, Status.arrears)
ABSENCES_A_DAY: Final = 0.15
ABSENT_H: Final = (0.75, 6.0)
ABSENT_M: Final = (700.0, 6_000.0)
EXITS_A_DAY: Final = 0.15
EXIT_H: Final = (0.5, 4.0)
EXIT_M: Final = (1_000.0, 12_000.0)
LEAST_M: Final = 700.0
TRIES: Final = 40


def county(seed: int, setting: Setting, people: int, days: int, rules: Rules) -> Iterator[Case]:
    """Give the simulator's county, with its own truth of what was scripted, and every long silence beside it."""
    whole = County(
        people=people,
        seed=seed,
        start_ms=FIRST_MS,
        days=days,
        interval_min=(setting.interval_min,),
        stickiness=setting.stickiness,
    ).feed()
    for number, order in enumerate(whole.orders):
        reports = whole.reports[whole.reports["phone"] == number]
        name = f"county-{setting.stickiness:g}-{order.supervisee}"
        told = [event._replace(supervisee=name) for event in whole.truth if event.supervisee == order.supervisee]
        own = order.model_copy(update={"supervisee": name})
        told += [*_holes(name, reports, own, rules), *_coded(told)]
        told.append(Truth(name, "gap", UNKNOWN, whole.end_ms - HOUR, None))
        pings = pings_of(reports, CENTRE)
        yield Case(name, "county", setting, own.model_dump_json().encode(), pings, tuple(told), float(days))


def recorded(seed: int, setting: Setting, track: Track, fences: Fences, rules: Rules) -> Case:
    """Give a recorded life as it is: whatever is found in it, nobody put it there."""
    return _case("recorded", seed, setting, track, fences, rules)


def with_violations(seed: int, setting: Setting, track: Track, fences: Fences, rules: Rules) -> Case:
    """Give a recorded life with stays elsewhere in the curfew, and by day outside of the permitted area."""
    rng = generator(seed, "violations", track.subject)
    detours: list[Detour] = []
    for _ in range(rng.poisson(ABSENCES_A_DAY * track.days())):
        span = free(rng, track, detours, rng.uniform(*ABSENT_H), 21.0, 6.0)
        if span is not None:
            detours.append(Detour(*span, track.around(rng, rng.uniform(*ABSENT_M))))
    area = fences.areas.get(_county(track, fences) or "")
    for _ in range(rng.poisson(EXITS_A_DAY * track.days()) if area is not None else 0):
        span = free(rng, track, detours, rng.uniform(*EXIT_H), 7.0, 19.0)
        places = [track.around(rng, rng.uniform(*EXIT_M)) for _ in range(TRIES)]
        far = [place for place, metres in zip(places, outside_m(area, track, places), strict=True) if metres > LEAST_M]
        if span is not None and far:
            detours.append(Detour(*span, far[0]))
    return _case("violations", seed, setting, track.detouring(detours), fences, rules)


def with_silences(seed: int, setting: Setting, track: Track, fences: Fences, rules: Rules) -> Case:
    """Give a recorded life whose phone is switched off now and then, half the times with the carrier's word for it."""
    rng = generator(seed, "silences", track.subject)
    put: list[Silence] = []
    for _ in range(rng.poisson(SILENCES_A_DAY * track.days())):
        span = free(rng, track, put, rng.uniform(*SILENT_H), 0.0, 24.0)
        if span is not None:
            code = CODES[rng.integers(len(CODES))] if rng.random() < 0.5 else None  # noqa: PLR2004 - a coin
            put.append(Silence(*span, code))
    return _case("silences", seed, setting, track, fences, rules, put)


def still(seed: int, setting: Setting, fences: Fences) -> Iterator[Case]:
    """Give phones that lie at home for two weeks, in the dense and in the wide cells of the city."""
    for number in range(STILL_PEOPLE):
        rng = generator(seed, "still", number)
        angle, metres = rng.uniform(0, 2 * np.pi), rng.uniform(0, 9_000)
        x, y = float(metres * np.cos(angle)), float(metres * np.sin(angle))
        track = Track(
            f"{number:02}", CENTRE, Place(x, y), np.array([FIRST_MS]), np.array([x]), np.array([y]),
            np.array([FIRST_MS + STILL_DAYS * DAY]),
        )  # fmt: skip
        name = f"still-{setting.stickiness:g}-{number:02}"
        reports = degrade(generator(seed, "still", number, setting), track, setting, seed)
        order = order_of(name, track, _county(track, fences)).model_dump_json().encode()
        truth = tuple(unknowns(name, track))
        yield Case(name, "still", setting, order, pings_of(reports, CENTRE), truth, float(STILL_DAYS))


def with_visits(
    seed: int, setting: Setting, track: Track, fences: Fences, rules: Rules, place: forbidden.Forbidden
) -> Case:
    """Give a recorded life with visits to places that its order forbids; `fences` hold them."""
    moved = forbidden.visited(seed, track, place)
    case = _case("forbidden", seed, setting, moved, fences, rules, prohibitions=place.prohibitions)
    return case._replace(truth=(*case.truth, *forbidden.visits(case.supervisee, moved, place)))


def with_nights(seed: int, setting: Setting, track: Track, fences: Fences, rules: Rules) -> Case:
    """Give a recorded life with four nights of fourteen at one place."""
    found = nights.with_venue(seed, track, track.subject)
    case = _case("nights", seed, setting, found.track, fences, rules)
    return case if found.event is None else case._replace(truth=(*case.truth, found.event))


def _case(
    corpus: str,
    seed: int,
    setting: Setting,
    track: Track,
    fences: Fences,
    rules: Rules,
    put: Sequence[Silence] = (),
    prohibitions: tuple[Prohibition, ...] = (),
) -> Case:
    name = f"{corpus}-{setting.stickiness:g}-{track.subject}"
    county_code = _county(track, fences)
    order = order_of(name, track, county_code).model_copy(update={"prohibitions": prohibitions})
    rng = generator(seed, corpus, track.subject, setting)
    reports = degrade(rng, track, setting, seed)
    if corpus == "silences":
        reports = quieten(rng, reports, put)
    truth = [*absences(name, track), *unknowns(name, track), *_holes(name, reports, order, rules)]
    if county_code is not None:
        truth += exits(name, track, fences.areas[county_code])
    for silence in put:
        gap = truth_of(name, reports, silence)
        if gap is not None:
            lasted = (silence.until_ms if gap.until_ms is None else gap.until_ms) - gap.since_ms
            truth.append(gap._replace(kind="short") if silence.code is None and lasted < SHORT_MS else gap)
    truth += [*_coded(truth), *nights.nights_spent(name, track)]
    return Case(
        name, corpus, setting, order.model_dump_json().encode(), pings_of(reports, track.origin), tuple(truth),
        track.days(),
    )  # fmt: skip


def _coded(truth: Sequence[Truth]) -> list[Truth]:
    """Say of gaps with a code of the phone's own that they are silences at whatever length."""
    codes = {code.value for code in CODES}
    return [gap._replace(rule="silence", kind=NEAR) for gap in truth if gap.rule == "gap" and gap.kind in codes]


def _county(track: Track, fences: Fences) -> str | None:
    """Give the county of the residence, which is the permitted area; None where the fences have none there."""
    return fences.county_of(*(float(degrees) for degrees in from_plane(*track.home, *track.origin)))


def _holes(name: str, reports: np.ndarray, order: Order, rules: Rules) -> Iterator[Truth]:
    """Name every silence that is as long as the order's tier allows, whatever its cause, under a rule of its own."""
    gap = getattr(rules.tiers, order.tier).gap
    for silence in silences(name, reports, order, gap.overdue_min * MINUTE, gap.cap_min * MINUTE):
        yield silence._replace(rule="silence")
    yield Truth(name, "silence", UNKNOWN, int(reports["time_ms"][-1]) - HOUR, None)
