"""Boundary: outside the permitted area without leave."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from detectors.belief import BEYOND, OPEN, Belief, release
from detectors.findings import Finding, Phase
from detectors.pings import DEGREE, NEVER, NO_POSITION, Column, Fixes, positions, radius_m
from detectors.tiers import by_tier
from detectors.window import AREA, AUTHORISED, LEAVE, PLACE, Window
from geofence.areas import NOWHERE
from geofence.containment import Answer, k_of

if TYPE_CHECKING:
    from geofence.fences import Fences
    from schemas.rules import Rules

K: Final = k_of(0.6827)
"""Sigma in a radius that holds the truth with 68 %."""


class Boundary:
    """
    Opens when the belief that the person is outside the permitted area reaches 0.95; closes when it falls below 0.3.

    A fix says outside, or inside, where that is 90 % sure by the exact probability, its radius and the error of the
    line taken together, and outside only if it cannot come from the residence either; else it is *unsure* and lets the
    belief fade. An episode begins with the first outside fix of the run that opened it, and ends with the first inside
    one of the run that closed it. Leave lifts it: at its begin the episode closes; who is outside at its end is in
    breach from then on, if the last fix is not older than 60 min.

    The trap: people live beside the line of their area, and a wrong fix repeats itself, so one fix never decides and a
    repeated one counts a quarter. Worst-case delay: 5 new fixes outside, 4 at intervals of 10 min and more, 3 of 25;
    none for a person who is outside when leave ends.

    >>> from detectors.examples import Person
    >>> person = Person(area_m=5_000).ping(minute=0).ping(minute=10, away_m=8_000).ping(minute=15, away_m=8_100)
    >>> person.ping(minute=20, away_m=8_200).said
    []
    >>> person.ping(minute=25, away_m=8_300).said
    ['boundary opened permitted_area: outside, alert, outside, since 10']
    """

    name = "boundary"
    columns = np.dtype([*Belief.columns])

    def __init__(self, rules: Rules, fences: Fences) -> None:
        self.areas = fences.permitted
        self.belief = Belief(rules, "boundary")
        self.floor_m = by_tier(rules, "boundary", "floor_m")
        self.line_m = by_tier(rules, "boundary", "line_m")
        self.home_m, self.home_floor_m = (by_tier(rules, "curfew", name) for name in ("distance_m", "floor_m"))
        self.sure = by_tier(rules, "boundary", "sure_percent") / 100

    def observe(self, window: Window, fixes: Fixes) -> list[Finding]:
        """A sure fix moves the belief; it opens with an outside one, and closes with an inside one."""
        own, tier, t = window["boundary"], window.plan["tier"], fixes.time_ms
        judged = fixes.accepted & (window.plan["area"] > 0)
        if not judged.any():
            return []
        certain, back = self.belief.move(own, fixes, *self._judge(window, fixes, judged), tier)
        found = _open(window, certain & ~window.has(LEAVE) & (own["level"] < OPEN), t)
        found += _close(window, back, own["clear_ms"], t)
        release(own, back)
        return found

    def due(self, window: Window) -> Column:
        """Silence says nothing of where a person is."""
        return np.full(len(window), NEVER)

    def fire(self, window: Window, now_ms: Column) -> list[Finding]:
        """Leave began or ended, or the order, the residence or the permitted area is another."""
        own, tier = window["boundary"], window.plan["tier"]
        if not window.plan["turned"].any():
            return []
        ended, moved = window.went(AUTHORISED, on=False), window.turned(PLACE) | window.turned(AREA)
        leave, found = window.went(LEAVE, on=True), []
        for stop, reason in ((ended, "order_ended"), (moved, "order_changed"), (leave, "leave")):
            found += _close(window, stop, now_ms, now_ms, reason)
        self.belief.forget(own, ended | moved, tier)
        stands = self.belief.forbid(own, window.went(LEAVE, on=False), now_ms, window["quality"]["last_ms"], tier)
        return found + _open(window, stands, now_ms)

    def _judge(self, window: Window, fixes: Fixes, judged: Column) -> tuple[Column, Column]:
        """Which fixes say outside, and which say inside: asked of a whole batch, and again where an order changed."""
        area, tier, batch = window.plan["area"], window.plan["tier"], fixes.batch
        if self.name not in batch.memory:
            asked, unasked = positions(batch.owner < len(window)), np.full(len(batch.pings), -1)
            owner = batch.owner[asked]
            areas, tiers, said = unasked, unasked.copy(), unasked.copy()
            areas[asked], tiers[asked] = area[owner], tier[owner]
            said[asked] = self._answers(batch.pings[asked], areas[asked], tiers[asked])
            batch.memory[self.name] = areas, tiers, said
        areas, tiers, answers = (column[fixes.at] for column in batch.memory[self.name])
        other = positions(judged & ((areas != area) | (tiers != tier)))
        if other.size:
            answers[other] = self._answers(fixes.pings[other], area[other], tier[other])
        away = fixes.d_m - np.maximum(fixes.r_m, self.home_floor_m[tier]) > self.home_m[tier]
        return judged & away & (answers == Answer.OUT), judged & (answers == Answer.IN)

    def _answers(self, pings: Column, areas: Column, tier: Column) -> Column:
        sigma = np.hypot(np.maximum(radius_m(pings), self.floor_m[tier]) / K, self.line_m[tier])
        areas = np.where(pings["lon"] != NO_POSITION, areas, NOWHERE)
        return self.areas.judge(areas, pings["lon"] * DEGREE, pings["lat"] * DEGREE, sigma, self.sure[tier])


def _open(window: Window, where: Column, at_ms: Column) -> list[Finding]:
    own = window["boundary"]
    own["level"][where] = OPEN
    return [_say(window, i, "opened", int(at_ms[i])) for i in positions(where).tolist()]


def _close(window: Window, where: Column, until_ms: Column, at_ms: Column, reason: str = "outside") -> list[Finding]:
    own, found = window["boundary"], []
    for i in positions(where & (own["level"] == OPEN)).tolist():
        found.append(_say(window, i, "closed", int(at_ms[i]), reason)._replace(until_ms=int(until_ms[i])))
        own["level"][i] = BEYOND
    return found


def _say(window: Window, i: int, phase: Phase, at_ms: int, reason: str = "outside") -> Finding:
    own, row = window["boundary"], int(window.rows[i])
    facts = {"outside_percent": round(100 * float(own["p"][i]))}
    since = int(own["since_ms"][i])
    return Finding(row, "boundary", "permitted_area", phase, since, at_ms, None, "outside", "alert", reason, facts)
