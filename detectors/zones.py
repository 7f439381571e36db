"""Forbidden zones: a belief for each that a person is in, or was a moment ago."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from detectors.belief import BEYOND, OPEN, Belief, release
from detectors.boundary import K
from detectors.findings import Finding, Phase
from detectors.pings import DEGREE, positions
from detectors.tiers import by_tier
from detectors.window import SCHEDULE
from geofence.bans import ALWAYS
from geofence.containment import Answer

if TYPE_CHECKING:
    from detectors.pings import Column, Fixes
    from detectors.window import Columns, Window
    from geofence.bans import Zone
    from geofence.fences import Fences
    from schemas.rules import Rules

SLOTS: Final = 2


class Zones:
    """
    Two slots a row, each with a zone and the belief that the person is inside.

    A zone takes a slot with the first fix that is inside for sure, and gives it back when its run is over; whoever
    was not there before is believed to have been elsewhere for sure at the last fix. While both slots are taken, a
    third zone is not seen: who is in three overlapping ones at a time is found in two of them.
    """

    columns = (("zone", "u4", (SLOTS,)), *((name, kind, (SLOTS,)) for name, kind in Belief.columns))

    def __init__(self, rules: Rules, fences: Fences) -> None:
        self.areas, self.bans = fences.permitted, fences.bans
        self.belief = Belief(rules, "exclusion")
        self.floor_m = by_tier(rules, "exclusion", "floor_m")
        self.line_m = by_tier(rules, "exclusion", "line_m")
        self.sure = by_tier(rules, "exclusion", "sure_percent") / 100

    def move(self, window: Window, fixes: Fixes, rows: Column, zone: Zone) -> list[Finding]:
        """Take in the fixes of rows to which the zone is forbidden."""
        own, answers = window["exclusion"], self._judge(window, fixes, rows, zone)
        held = (own["zone"][rows] == zone.key).any(axis=1)
        some = positions(held | (answers == Answer.IN))
        slots = np.array([_slot(own, i, zone.key) for i in rows[some].tolist()], np.int64)
        some, slots = some[slots >= 0], slots[slots >= 0]
        if not some.size:
            return []
        at, inside, outside = (rows[some], slots), answers[some] == Answer.IN, answers[some] == Answer.OUT
        tier = window.plan["tier"][at[0]]
        part = {name: own[name][at] for name, _ in Belief.columns}
        certain, back = self.belief.move(part, fixes.take(at[0]), inside, outside, tier)
        opens = certain & (part["level"] < OPEN) & _is_forbidden(window, zone)[at[0]]
        closes = back & (part["level"] == OPEN)
        part["level"][opens] = OPEN
        for name, _ in Belief.columns:
            own[name][at] = part[name]
        t, found = fixes.time_ms, list[Finding]()
        for k in positions(opens | closes).tolist():
            i, slot = int(at[0][k]), int(slots[k])
            until = int(own["clear_ms"][i, slot]) if closes[k] else None
            found.append(self._say(window, i, slot, "closed" if closes[k] else "opened", int(t[i]), until))
        over = back | ((part["level"] == 0) & (part["since_ms"] == 0))
        _give_back(own, (at[0][over], slots[over]))
        return found

    def stop(self, window: Window, where: Column, now_ms: Column, reason: str) -> list[Finding]:
        """Forget all zones of those rows, and close what is open."""
        own, found = window["exclusion"], list[Finding]()
        for i, slot in np.argwhere(where[:, None] & (own["level"] == OPEN)).tolist():
            found.append(self._say(window, i, slot, "closed", int(now_ms[i]), int(now_ms[i]), reason))
        _give_back(own, where)
        return found

    def turn(self, window: Window, now_ms: Column) -> list[Finding]:
        """Schedules began or ended: at that moment, where the evidence stands, something opens or closes."""
        own, plan, found = window["exclusion"], window.plan, list[Finding]()
        for i, slot in np.argwhere((plan["turned"] >= SCHEDULE)[:, None] & (own["zone"] > 0)).tolist():
            zones = self.bans.of(int(plan["bans"][i])).zones
            schedule = next((zone.schedule for zone in zones if zone.key == own["zone"][i, slot]), ALWAYS)
            flag = SCHEDULE << schedule if schedule != ALWAYS else 0
            if not plan["turned"][i] & flag:
                continue
            if plan["flags"][i] & flag:
                found += self._forbid(window, i, slot, now_ms)
            elif own["level"][i, slot] == OPEN:
                found.append(self._say(window, i, slot, "closed", int(now_ms[i]), int(now_ms[i]), "schedule_ended"))
                own["level"][i, slot] = BEYOND
        return found

    def _forbid(self, window: Window, i: int, slot: int, now_ms: Column) -> list[Finding]:
        own, one, yes = window["exclusion"], slice(i, i + 1), np.array([True])
        part = {name: own[name][one, slot] for name, _ in Belief.columns}
        last_ms, tier = window["quality"]["last_ms"][one], window.plan["tier"][one]
        if not self.belief.forbid(part, yes, now_ms[one], last_ms, tier).any():
            return []
        own["level"][i, slot] = OPEN
        return [self._say(window, i, slot, "opened", int(now_ms[i]), None)]

    def _judge(self, window: Window, fixes: Fixes, rows: Column, zone: Zone) -> Column:
        tier = window.plan["tier"][rows]
        sigma = np.hypot(np.maximum(fixes.r_m[rows], self.floor_m[tier]) / K, self.line_m[tier])
        lon, lat = (fixes.pings[name][rows] * DEGREE for name in ("lon", "lat"))
        number = np.full(len(rows), self.areas.number(zone.id))
        found: Column = self.areas.judge(number, lon, lat, sigma, self.sure[tier])
        return found

    def _say(
        self, window: Window, i: int, slot: int, phase: Phase, at_ms: int, until_ms: int | None, reason: str = "inside"
    ) -> Finding:
        own, row = window["exclusion"], int(window.rows[i])
        facts = {"inside_percent": round(100 * float(own["p"][i, slot]))}
        zone, since = self.bans.names[int(own["zone"][i, slot])], int(own["since_ms"][i, slot])
        return Finding(row, "exclusion", zone, phase, since, at_ms, until_ms, "zone", "alert", reason, facts)


def _is_forbidden(window: Window, zone: Zone) -> Column:
    return np.ones(len(window), bool) if zone.schedule == ALWAYS else window.has(SCHEDULE << zone.schedule)


def _slot(own: Columns, i: int, key: int) -> int:
    """The slot of a zone in a row, one that is free for it, or -1."""
    taken = own["zone"][i].tolist()
    for wanted in (key, 0):
        if wanted in taken:
            slot = int(taken.index(wanted))
            own["zone"][i, slot] = key
            return slot
    return -1


def _give_back(own: Columns, at: Any) -> None:  # noqa: ANN401 - as `release`
    release(own, at)
    for name in ("zone", "p"):
        own[name][at] = 0
