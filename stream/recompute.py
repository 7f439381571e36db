"""
An episode found once more, from nothing but an alert: its pings, parameters and what it says of the order.

Written from the words of each rule and not from its code, so that the two check each other. The trap: what the alert
has no room for, or what had been forgotten when it was sent, stands in it as a fact; such a fact is taken as it is, and
everything that the pings can say against it is held against it.
"""

from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from math import exp
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from detectors.pings import OPENING
from detectors.standing import Span, common, cut, united
from geofence.plane import to_plane
from schemas.alert import episode_id
from schemas.ping import Status
from stream.tail import Body

__all__ = ["Again", "again"]

MINUTE_MS: Final = 60_000
HOUR_MS: Final = 60 * MINUTE_MS
CONTACT: Final = frozenset({Status.located, Status.no_fix})
CODES: Final = frozenset(status.value for status in OPENING)
DAYS_BEFORE: Final = 2
DAYS_AFTER: Final = 1

Ping = dict[str, Any]


class Again(NamedTuple):
    """What came out: the id of the episode, None where the evidence does not bear one, and why in a few words."""

    episode: str | None
    why: str


def again(body: Body) -> Again:
    """Find the episode of an alert from its evidence. An unknown rule cannot be found again here, and says so."""
    rule, evidence = _RULES.get((body["rule"], body["subject"])), body["evidence"]
    if rule is None or "order" not in evidence:
        return Again(None, "the alert alone does not hold enough for this rule")
    at_ms = _ms(body["at"])
    until_ms = None if body["until"] is None else _ms(body["until"])
    since_ms, why = rule(evidence, at_ms, until_ms)
    if since_ms is None:
        return Again(None, why)
    return Again(episode_id(body["supervisee"], body["rule"], body["subject"], since_ms), why)


Found = tuple[int | None, str]


def _contact_gap(evidence: dict[str, Any], at_ms: int, until_ms: int | None) -> Found:
    """Nothing heard since the last contact, or since a permit ended, for the limit; or a code before that."""
    pings, ended_ms = _of_phone(evidence), at_ms if until_ms is None else until_ms
    limit_ms, later_ms = _limits(evidence)
    heard = [k for k, ping in enumerate(pings) if ping["status"] in CONTACT and _before(ping, ended_ms, until_ms)]
    contact_ms = pings[heard[-1]]["time_ms"] if heard else int(evidence["contact_ms"])
    off = _permits(evidence, "reported_off")
    clock_ms = max([contact_ms, *(end for _, end in off if contact_ms and contact_ms < end <= at_ms)])
    later = pings[heard[-1] + 1 :] if heard else pings
    codes = [p["time_ms"] for p in later if p["status"] in CODES and contact_ms <= p["time_ms"] <= ended_ms]
    codes = [time_ms for time_ms in codes if not any(begin <= time_ms < end for begin, end in off)]
    if codes and (not clock_ms or codes[0] <= clock_ms + limit_ms):
        return codes[0], "the carrier's code, at its time"
    if not clock_ms:
        return None, "nothing was ever heard"
    silent_ms = ended_ms - clock_ms
    if silent_ms < limit_ms and not codes:
        return None, f"silent for {silent_ms // MINUTE_MS} min only, of {limit_ms // MINUTE_MS}"
    level = "gap" if silent_ms >= later_ms or codes else "overdue"
    return clock_ms, f"{level}: nothing heard for {silent_ms // MINUTE_MS} min, the limit being {limit_ms // MINUTE_MS}"


def _before(ping: Ping, ended_ms: int, until_ms: int | None) -> bool:
    """Whether a ping came before the end of a silence: that at its very end is what ended it."""
    time_ms: int = ping["time_ms"]
    return time_ms < ended_ms or (until_ms is None and time_ms == ended_ms)


def _fix_gap(evidence: dict[str, Any], at_ms: int, until_ms: int | None) -> Found:
    """Contacts without a fix that can be true, for the limit."""
    ended_ms = at_ms if until_ms is None else until_ms
    limit_ms, _ = _limits(evidence)
    since_ms = int(evidence["fix_from_ms"])
    fixes = [ping["time_ms"] for ping in _of_phone(evidence) if _is_fix(ping) and ping["time_ms"] < ended_ms]
    if fixes and fixes[-1] > since_ms:
        return None, "a fix lies in it"
    if ended_ms - since_ms < limit_ms:
        return None, f"without a fix for {(ended_ms - since_ms) // MINUTE_MS} min only"
    return since_ms, f"no fix for {(ended_ms - since_ms) // MINUTE_MS} min"


def _absence(evidence: dict[str, Any], at_ms: int, _until_ms: int | None) -> Found:
    """Enough pings outside, over enough time, at enough places, in a piece of the curfew; the first one is a fact."""
    for piece in _curfew(evidence):
        for since_ms, count in _openings(evidence, piece, at_ms):
            return since_ms, f"{count} pings outside when it was found"
    return None, "too few pings outside"


def _openings(evidence: dict[str, Any], piece: Span, at_ms: int) -> Iterator[tuple[int, int]]:
    """Give when an absence in a piece of the curfew begins, and from how many pings that was seen."""
    rule, (begin, end) = evidence["parameters"], piece
    first_ms = max(evidence["run_first_ms"], begin - rule["before_min"] * MINUTE_MS)
    run: list[Ping] = []
    for ping in filter(_is_fix, _of_phone(evidence)):
        time_ms = ping["time_ms"]
        if time_ms < first_ms:
            continue
        if begin <= min(time_ms, at_ms) and _enough(evidence, run):
            break
        if time_ms >= end or time_ms > at_ms:
            break
        if ping["distance_m"] - ping["radius_m"] < rule["clear_m"]:
            run = []
        elif ping["distance_m"] - max(ping["radius_m"], rule["floor_m"]) > rule["distance_m"]:
            run.append(ping)
            if begin <= time_ms and _enough(evidence, run):
                break
    if begin <= at_ms and _enough(evidence, run):
        yield max(run[0]["time_ms"], begin), len(run)


def _enough(evidence: dict[str, Any], run: list[Ping]) -> bool:
    rule = evidence["parameters"]
    if len(run) < rule["pings"]:
        return False
    span_ms = run[-1]["time_ms"] - run[0]["time_ms"]
    sparse = span_ms >= rule["sparse_min"] * MINUTE_MS * (len(run) - 1)
    places: list[Ping] = []
    for ping in run:
        if all(_apart_m(ping, place) > evidence["quality"]["frozen_m"] for place in places):
            places.append(ping)
    need = int(rule["distinct_sparse" if sparse else "distinct"])
    return bool(span_ms >= rule["span_min"] * MINUTE_MS) and len(places) >= need


def _apart_m(one: Ping, other: Ping) -> float:
    return float(np.hypot(*to_plane(one["lon"], one["lat"], other["lon"], other["lat"])))


def _exit(evidence: dict[str, Any], at_ms: int, _until_ms: int | None) -> Found:
    """
    The first sure fix outside of the run that made the belief; or the end of leave, for who was out by then.

    What was believed before the first ping that is shown is not known: where it would decide, nothing is found.
    """
    starts = (0.02, 0.25, 0.9)
    found = {_run(evidence, at_ms, belief) for belief in starts}
    since_ms = found.pop()
    if found:
        return None, "what was heard before the pings that are shown decides"
    if since_ms is None:
        return None, "no run of fixes outside"
    ends = [end for begin, end in _permits(evidence, "leave") if begin <= at_ms and since_ms < end <= at_ms]
    return max([since_ms, *ends]), "the first fix outside of the run that opened it, or the end of leave"


def _run(evidence: dict[str, Any], at_ms: int, belief: float) -> int | None:
    """When the run of fixes outside began that lasts at a time; None where none does."""
    rule, since_ms = evidence["parameters"], None
    usual = rule["leaves_h"] / (rule["enters_h"] + rule["leaves_h"])
    for ping, before in _fixes_with_last(evidence, at_ms):
        if before is not None:
            hours = (ping["time_ms"] - before["time_ms"]) / HOUR_MS
            belief = usual + (belief - usual) * exp(-hours * (1 / rule["enters_h"] + 1 / rule["leaves_h"]))
        said = _side(ping, rule)
        odds = exp(said * _step(evidence, ping, before))
        belief = belief * odds / (1 - belief + belief * odds)
        if said > 0 and since_ms is None:
            since_ms = int(ping["time_ms"])
        if said < 0 and belief * 100 < rule["closes_percent"]:
            since_ms = None
    return since_ms


def _fixes_with_last(evidence: dict[str, Any], at_ms: int) -> Iterator[tuple[Ping, Ping | None]]:
    """Give each fix with the one before it, from when the same was asked of the person, under one authorisation."""
    asked, last = evidence["order"], None
    from_ms = max([asked["same_from_ms"], *(begin for begin, _ in asked["authorised"] if begin <= at_ms)])
    for ping in filter(_is_fix, _of_phone(evidence)):
        if from_ms <= ping["time_ms"] <= at_ms:
            yield ping, last
            last = ping


def _side(ping: Ping, rule: dict[str, Any]) -> int:
    """1 where a fix is sure to lie outside, -1 inside, 0 where it cannot tell."""
    sure = rule["sure_percent"] / 100
    return int(ping["p_outside"] >= sure) - int(1 - ping["p_outside"] >= sure)


def _step(evidence: dict[str, Any], ping: Ping, before: Ping | None) -> float:
    """How far a fix moves the log-odds: further after a longer silence, less where it repeats the one before."""
    rule = evidence["parameters"]
    if before is None:
        return float(rule["step_sparse"])
    minutes = (ping["time_ms"] - before["time_ms"]) / MINUTE_MS
    longer = min(max((minutes - rule["dense_min"]) / (rule["sparse_min"] - rule["dense_min"]), 0.0), 1.0)
    repeated = _apart_m(ping, before) <= evidence["quality"]["frozen_m"]
    step = rule["step"] + longer * (rule["step_sparse"] - rule["step"])
    return float(step * (rule["frozen_percent"] / 100 if repeated else 1.0))


def _limits(evidence: dict[str, Any]) -> tuple[int, int]:
    gap_ms = evidence["parameters"]["gap_min"] * MINUTE_MS
    limit_ms = int(evidence["limit_ms"]) or gap_ms
    return limit_ms, max(limit_ms, gap_ms)


def _curfew(evidence: dict[str, Any]) -> list[Span]:
    """Pieces of the curfew about the first ping: windows of the order, authorised, and not lifted by a permit."""
    order = evidence["order"]
    if order["curfew"] is None:
        return []
    windows = united(iter(_windows(order["curfew"], evidence["run_first_ms"])))
    lawful = [(begin, end) for begin, end in order["authorised"]]
    return common(cut(windows, _permits(evidence, "leave", "night_shift")), lawful)


def _windows(curfew: dict[str, Any], first_ms: int) -> Iterator[Span]:
    zone, exceptions = ZoneInfo(curfew["zone"]), {date.fromisoformat(day) for day in curfew["exceptions"]}
    today = datetime.fromtimestamp(first_ms / 1000, zone).date()
    for day in (today + timedelta(days=k) for k in range(-DAYS_BEFORE, DAYS_AFTER + 1)):
        for window in curfew["windows"]:
            if day.weekday() in window["days"] and day not in exceptions:
                start, end = time.fromisoformat(window["start"]), time.fromisoformat(window["end"])
                last = day + timedelta(days=end <= start)
                yield _at(day, start, zone), _at(last, end, zone)


def _at(day: date, clock: time, zone: ZoneInfo) -> int:
    return round(datetime.combine(day, clock, zone).timestamp() * 1000)


def _permits(evidence: dict[str, Any], *kinds: str) -> list[Span]:
    return united((p["from_ms"], p["until_ms"]) for p in evidence["order"]["permits"] if p["kind"] in kinds)


def _of_phone(evidence: dict[str, Any]) -> list[Ping]:
    return [ping for ping in evidence["pings"] if ping.get("source") != "wristband"]


def _is_fix(ping: Ping) -> bool:
    return ping["status"] == Status.located and "lon" in ping and "rejected" not in ping


def _ms(moment: str) -> int:
    return round(datetime.fromisoformat(moment).timestamp() * 1000)


_RULES: Final[dict[tuple[str, str], Callable[[dict[str, Any], int, int | None], Found]]] = {
    ("gap", "contact"): _contact_gap,
    ("gap", "fix"): _fix_gap,
    ("boundary", "permitted_area"): _exit,
    ("curfew", "residence"): _absence,
    ("curfew", "accumulated"): _absence,
}
