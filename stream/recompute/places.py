"""Exits from the permitted area, forbidden zones and venues found once more."""

from collections.abc import Iterator
from math import exp, hypot
from typing import Any, Final

from detectors.standing import united
from geofence.plane import to_plane
from stream.recompute.evidence import (
    HOUR_MS,
    MINUTE_MS,
    Evidence,
    Found,
    Ping,
    apart_m,
    is_fix,
    of_phone,
    permits,
    windows,
)  # fmt: skip

__all__ = ["exit_from_area", "inside_zone", "venue_dwell"]

SIGMA: Final = 1.515
"""Sigma in a radius that holds the truth with 68 %."""
GATE: Final = 9.21
ENDS: Final = 2
FAR_M: Final = 1e9
EARLIER: Final = -1
"""Begun before the first ping that is shown."""


def exit_from_area(evidence: Evidence, at_ms: int, _until_ms: int | None) -> Found:
    """
    The first sure fix outside of the run that made the belief; or the end of leave, for who was out by then.

    What was believed before the first ping that is shown is not known: where it would decide, nothing is found.
    """
    found = {_run(evidence, at_ms, belief, "p_outside") for belief in _starts(evidence)}
    since_ms = found.pop()
    if found:
        return None, "what was heard before the pings that are shown decides"
    if since_ms is None:
        return None, "no run of fixes outside"
    ends = [end for begin, end in permits(evidence, "leave") if begin <= at_ms and since_ms < end <= at_ms]
    return max([since_ms, *ends]), "the first fix outside of the run that opened it, or the end of leave"


def inside_zone(evidence: Evidence, at_ms: int, _until_ms: int | None) -> Found:
    """The first sure fix inside of the run that made the belief, or when the zone's hours began, for who was there."""
    found = {_run(evidence, at_ms, belief, "p_inside") for belief in _starts(evidence)}
    since_ms = found.pop()
    if found:
        return None, "what was heard before the pings that are shown decides"
    if since_ms is None:
        return None, "no run of fixes inside"
    hours = evidence["schedule"]
    begun = [] if hours is None else [begin for begin, end in united(windows(hours, at_ms)) if begin <= at_ms < end]
    return max([since_ms, *begun]), "the first fix inside of the run that opened it, or the begin of the zone's hours"


def venue_dwell(evidence: Evidence, at_ms: int, _until_ms: int | None) -> Found:
    """The first fix of the dwell about one place, whether or not there was another dwell before the pings shown."""
    fixes = [ping for ping, _ in _fixes_with_last(evidence, at_ms)]
    found = {_dwell(evidence, fixes, count) for count in (0, 1)}
    if len(found) != 1:
        return None, "what was heard before the pings that are shown decides"
    return found.pop(), "the first fix of the dwell"


def _dwell(evidence: Evidence, fixes: list[Ping], count: int) -> int:
    """When the dwell began that lasts at the last fix: about one mean, ended by two fixes that do not belong to it."""
    home, floor_m, frozen_m = (
        evidence["order"]["residence"],
        evidence["parameters"]["floor_m"],
        evidence["quality"]["frozen_m"],
    )
    x, y, elsewhere, first_ms, before = FAR_M, FAR_M, 0, 0, None
    for ping in fixes:
        east, north = (float(one) for one in to_plane(ping["lon"], ping["lat"], home["lon"], home["lat"]))
        sigma = max(ping["radius_m"], floor_m) / SIGMA
        if count and hypot(east - x, north - y) ** 2 <= GATE * sigma**2 * (1 + 1 / count):
            elsewhere = 0
            if before is None or apart_m(ping, before) > frozen_m:
                count += 1
                x, y = x + (east - x) / count, y + (north - y) / count
        else:
            elsewhere += 1
            if not count or elsewhere >= ENDS:
                x, y, count, elsewhere, first_ms = east, north, 1, 0, int(ping["time_ms"])
        before = ping
    return first_ms


def _run(evidence: Evidence, at_ms: int, belief: float, name: str) -> int | None:
    """When the run of fixes out of bounds began that lasts at a time; None where none does."""
    rule: Evidence = evidence["parameters"]
    since_ms: int | None = EARLIER if belief * 100 >= rule["closes_percent"] else None
    usual = rule["leaves_h"] / (rule["enters_h"] + rule["leaves_h"])
    for ping, before in _fixes_with_last(evidence, at_ms):
        if before is not None:
            hours = (ping["time_ms"] - before["time_ms"]) / HOUR_MS
            belief = usual + (belief - usual) * exp(-hours * (1 / rule["enters_h"] + 1 / rule["leaves_h"]))
        said = 0 if ping["answer"] == "unsure" else _side(ping[name], rule)
        odds = exp((said or -rule["unsure_percent"] / 100) * _step(evidence, ping, before))
        belief = belief * odds / (1 - belief + belief * odds)
        if said > 0 and since_ms is None:
            since_ms = int(ping["time_ms"])
        if said < 0 and belief * 100 < rule["closes_percent"]:
            since_ms = None
        if since_ms is None and name == "p_inside":
            belief = 0.0  # who is in no run is elsewhere for sure
    return since_ms


def _starts(evidence: Evidence) -> tuple[float, ...]:
    """What may have been believed at the first fix: anything, unless the order began anew among the pings shown."""
    rule, pings = evidence["parameters"], of_phone(evidence)
    if pings and pings[0]["time_ms"] < _asked_from(evidence, pings[-1]["time_ms"]):
        return (rule["leaves_h"] / (rule["enters_h"] + rule["leaves_h"]),)
    return 0.02, 0.25, 0.9


def _asked_from(evidence: Evidence, at_ms: int) -> int:
    """Since when the same is asked of the person, under one authorisation."""
    asked = evidence["order"]
    begun = [int(begin) for begin, _ in asked["authorised"] if begin <= at_ms]
    return max([int(asked["same_from_ms"]), *begun])


def _fixes_with_last(evidence: Evidence, at_ms: int) -> Iterator[tuple[Ping, Ping | None]]:
    """Give each fix with the one before it, from when the same was asked of the person."""
    from_ms, last = _asked_from(evidence, at_ms), None
    for ping in filter(is_fix, of_phone(evidence)):
        if from_ms <= ping["time_ms"] <= at_ms:
            yield ping, last
            last = ping


def _side(p: float, rule: dict[str, Any]) -> int:
    """1 where a fix is sure to lie out of bounds, -1 where it is not, 0 where it cannot tell."""
    sure = rule["sure_percent"] / 100
    return int(p >= sure) - int(1 - p >= sure)


def _step(evidence: Evidence, ping: Ping, before: Ping | None) -> float:
    """How far a fix moves the log-odds: further after a longer silence, less where it repeats the one before."""
    rule = evidence["parameters"]
    if before is None:
        return float(rule["step_sparse"])
    minutes = (ping["time_ms"] - before["time_ms"]) / MINUTE_MS
    longer = min(max((minutes - rule["dense_min"]) / (rule["sparse_min"] - rule["dense_min"]), 0.0), 1.0)
    repeated = apart_m(ping, before) <= evidence["quality"]["frozen_m"]
    step = rule["step"] + longer * (rule["step_sparse"] - rule["step"])
    return float(step * (rule["frozen_percent"] / 100 if repeated else 1.0))
