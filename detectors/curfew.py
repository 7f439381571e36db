"""Curfew: outside the residence in the hours in which the order wants the person there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from detectors.absences import Absences
from detectors.findings import Finding, Phase
from detectors.outside import Outside
from detectors.pings import NEVER, Column, Fixes, positions
from detectors.tiers import MINUTE_MS, by_tier
from detectors.window import AUTHORISED, CURFEW, EVIDENCE, PLACE, Window

if TYPE_CHECKING:
    from schemas.rules import Rules

NOTICE: Final = 1
ALERT: Final = 2
SEVERITIES: Final = ("", "notice", "alert")


class Curfew:
    """
    Opens on 4 outside pings over 15 min at 3 distinct coordinates; closes on 2 pings at home, or with the window.

    Outside is d - max(radius, 300 m) > 200 m, home is d - radius < 100 m, between them lies *unsure*, which does
    nothing. Pings of the hour before the window count: who is found outside by then is in breach at the edge, without
    any further ping. Class: late, left, or, out at both edges and never home, whole night. An absence below 30 min is
    minor, a notice; minor ones of 7 nights add up, and 2 h of them are an alert.

    The trap: last seen at home and silent is only a gap; a breach needs pings that say outside.
    Worst-case delay: 4 pings and 15 min; none for a person who is out at the edge.

    >>> from detectors.examples import Person
    >>> person = Person(curfew=(60, 600)).ping(minute=61, away_m=900).ping(minute=66, away_m=940)
    >>> person.ping(minute=71, away_m=980).said
    []
    >>> person.ping(minute=76, away_m=1020).said
    ['curfew opened residence: left, notice, left, since 61']
    """

    name = "curfew"
    columns = np.dtype(
        [
            *Outside.columns,
            *Absences.columns,
            *((name, "u1") for name in ("level", "at_start")),
            *((name, "i8") for name in ("since_ms", "clear_first_ms")),
        ],
    )

    def __init__(self, rules: Rules) -> None:
        self.outside = Outside(rules)
        self.absences = Absences(rules)
        self.clear_pings = by_tier(rules, "curfew", "clear_pings")
        self.minor_ms = by_tier(rules, "curfew", "minor_min", MINUTE_MS)

    def observe(self, window: Window, fixes: Fixes) -> list[Finding]:
        """An outside ping adds to the run, two at home end it; unsure ones do nothing."""
        tier, own, t = window.plan["tier"], window["curfew"], fixes.time_ms
        judged = fixes.accepted & window.has(EVIDENCE)
        if not judged.any():
            return []
        outside, home = self.outside.judge(window, fixes, judged)
        is_open = own["level"] > 0
        self.outside.empty(window, home & ~is_open)
        returning = home & is_open
        np.copyto(own["clear_first_ms"], t, where=returning & (own["clear_n"] == 0))
        own["clear_n"] += returning
        found: list[Finding] = []
        if outside.any():
            self.outside.extend(window, fixes, outside)
            opening = outside & ~is_open & window.has(CURFEW) & self.outside.satisfied(window)
            since = np.maximum(own["run_first_ms"], window.plan["window_ms"])
            found += self._open(window, opening, since, t)
            lasting = outside & (own["level"] == NOTICE) & (t - own["since_ms"] >= self.minor_ms[tier])
            found += _raise(window, lasting, t)
        cleared = returning & (own["clear_n"] >= self.clear_pings[tier])
        return found + self._close(window, cleared, own["clear_first_ms"], t)

    def due(self, window: Window) -> Column:
        """When an absence that still lasts stops being minor."""
        own = window["curfew"]
        lasting = (own["level"] == NOTICE) & (own["clear_n"] == 0)
        return np.where(lasting, own["since_ms"] + self.minor_ms[window.plan["tier"]], NEVER)

    def fire(self, window: Window, now_ms: Column) -> list[Finding]:
        """An edge of the schedule or of the order, or an absence that stopped being minor."""
        own, found = window["curfew"], []
        if window.plan["turned"].any():
            moved = window.turned(PLACE)
            found += self._close(window, moved & (own["level"] > 0), now_ms, now_ms, "order_changed")
            over = window.went(CURFEW, on=False) & (own["level"] > 0)
            found += self._close(window, over, now_ms, now_ms, "edge")
            self.outside.empty(window, moved | window.turned(EVIDENCE))
            own["minor_s"][window.went(AUTHORISED, on=False)] = 0
            out = window.went(CURFEW, on=True) & (own["level"] == 0) & self.outside.satisfied(window)
            found += self._open(window, out, now_ms, now_ms)
        return found + _raise(window, window.silent() & (self.due(window) <= now_ms), now_ms)

    def _open(self, window: Window, where: Column, since_ms: Column, at_ms: Column) -> list[Finding]:
        own, found = window["curfew"], []
        for i in positions(where).tolist():
            own["since_ms"][i] = since_ms[i]
            own["at_start"][i] = own["run_first_ms"][i] < window.plan["window_ms"][i]
            minor = at_ms[i] - since_ms[i] < self.minor_ms[window.plan["tier"][i]]
            own["level"][i] = NOTICE if minor else ALERT
            found.append(_say(window, i, "opened", at_ms[i]))
        return found

    def _close(self, window: Window, where: Column, until_ms: Column, at_ms: Column, by: str = "") -> list[Finding]:
        own, found = window["curfew"], []
        for i in positions(where).tolist():
            minor = until_ms[i] - own["since_ms"][i] < self.minor_ms[window.plan["tier"][i]]
            ended = by == "edge" and not window.plan["flags"][i] & AUTHORISED
            whole = by == "edge" and own["at_start"][i] and not ended
            kind = "minor" if minor else "whole_night" if whole else ""
            own["level"][i] = NOTICE if minor else ALERT
            reason = "order_ended" if ended else "" if by == "edge" else by
            found.append(_say(window, i, "closed", at_ms[i], kind, reason)._replace(until_ms=int(until_ms[i])))
            found += self.absences.add(window, i, found[-1]) if minor and not ended else []
        own["level"][where] = 0
        self.outside.empty(window, where)
        return found


def _raise(window: Window, where: Column, at_ms: Column) -> list[Finding]:
    window["curfew"]["level"][where] = ALERT
    return [_say(window, i, "updated", at_ms[i]) for i in positions(where).tolist()]


def _say(window: Window, i: int, phase: Phase, at_ms: int, kind: str = "", reason: str = "") -> Finding:
    own, severity = window["curfew"], SEVERITIES[window["curfew"]["level"][i]]
    kind = kind or ("late" if own["at_start"][i] else "left")
    facts = {name: int(own[name][i]) for name in ("run_n", "run_first_ms", "spots")}
    facts["window_ms"] = int(window.plan["window_ms"][i])
    row, since = int(window.rows[i]), int(own["since_ms"][i])
    return Finding(row, "curfew", "residence", phase, since, int(at_ms), None, kind, severity, reason or kind, facts)
