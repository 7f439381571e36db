"""Gap: nothing heard, or no fix, for longer than the order allows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from detectors.findings import Finding, Phase
from detectors.pings import IS_OPENING, NEVER, STATUSES, Column, Fixes, positions
from detectors.rhythm import Rhythm
from detectors.window import AUTHORISED, DAY, REPORTED_OFF, Window

if TYPE_CHECKING:
    from schemas.rules import Rules

GAP: Final = 2
LEVELS: Final = (("", ""), ("overdue", "notice"), ("gap", "alert"))
SILENT: Final = {"contact": "silent", "fix": "no_fix"}


class Gap:
    """
    Opens when the silence reaches what the person's own rhythm allows; closes at the next contact, or fix.

    The contact clock runs in silence: *overdue* (notice) after max(60 min, 2 x own 99th percentile), at most 3 h;
    *gap* (alert) after max(120 min, the same), or at once when the carrier's code says that there is no position. The
    fix clock is read when a contact comes without a fix: while contact is lost it opens nothing. Under a reported
    phone-off both stop, and start anew at its end. Worst-case delay: the limit itself, at most 3 h; for a code none.

    The trap: an interval that was a gap teaches nothing, else one night switched off would excuse the next.

    >>> from detectors.examples import Person
    >>> person = Person().ping(minute=0)
    >>> person.tick(minute=119).said
    []
    >>> person.tick(minute=120).said
    ['gap opened contact: gap, alert, silent, since 0']
    """

    name = "gap"
    columns = np.dtype(
        [
            *((name, "i8") for name in ("contact_ms", "clock_ms", "fix_from_ms", "contact_since_ms", "fix_since_ms")),
            *((name, "u1") for name in ("cause", "contact_level", "fix_level")),
            *Rhythm.columns,
        ],
    )

    def __init__(self, rules: Rules) -> None:
        self.rhythm = Rhythm(rules)

    def observe(self, window: Window, fixes: Fixes) -> list[Finding]:
        """A contact closes and teaches; a code opens; a contact without a fix reads the fix clock."""
        own, t, contact, counted = window["gap"], fixes.time_ms, fixes.contact, ~window.has(REPORTED_OFF)
        found = [] if contact.all() else self._answer(window, fixes, counted & fixes.answer)
        self.rhythm.learn(own, contact & (own["contact_level"] < GAP), t)
        back = contact & (own["contact_level"] > 0)
        found += _close(window, "contact", back, t)
        np.copyto(own["fix_from_ms"], t, where=back & (own["fix_from_ms"] > 0))
        for name in ("contact_ms", "clock_ms"):
            np.copyto(own[name], t, where=contact)
        own["cause"][contact] = 0
        found += _close(window, "fix", fixes.accepted & (own["fix_level"] > 0), t)
        np.copyto(own["fix_from_ms"], t, where=fixes.accepted)
        bare = contact & ~fixes.accepted & counted & (own["fix_from_ms"] > 0)
        if not bare.any():
            return found
        limit, later = self.rhythm.limits(own, window.plan["tier"])
        silence = t - own["fix_from_ms"]
        level = bare * ((silence >= limit).astype(np.uint8) + (silence >= later))
        return found + _raise(window, "fix", level, own["fix_from_ms"], t)

    def due(self, window: Window) -> Column:
        """When the contact clock reaches the next level."""
        own = window["gap"]
        limit, later = self.rhythm.limits(own, window.plan["tier"])
        runs = (own["clock_ms"] > 0) & ((window.plan["flags"] & (AUTHORISED | REPORTED_OFF)) == AUTHORISED)
        first = np.where(own["contact_level"] == 0, own["clock_ms"] + limit, own["contact_since_ms"] + later)
        return np.where(runs & (own["contact_level"] < GAP), first, NEVER)

    def fire(self, window: Window, now_ms: Column) -> list[Finding]:
        """A permit or the authorisation turned, a day ended, or the silence reached its limit."""
        own = window["gap"]
        found = self._turn(window, now_ms) if window.plan["turned"].any() else []
        limit, later = self.rhythm.limits(own, window.plan["tier"])
        reached = 1 + ((own["contact_level"] > 0) | (limit >= later))
        level = (window.silent() & (self.due(window) <= now_ms)) * reached
        return found + _raise(window, "contact", level, own["clock_ms"], now_ms)

    def _turn(self, window: Window, now_ms: Column) -> list[Finding]:
        own, found = window["gap"], []
        ended, anew = window.went(AUTHORISED, on=False), window.went(REPORTED_OFF, on=False)
        for stop, reason in ((window.went(REPORTED_OFF, on=True), "permitted"), (ended, "order_ended")):
            for clock in SILENT:
                found += _close(window, clock, stop & (own[f"{clock}_level"] > 0), now_ms, reason)
        for name in ("clock_ms", "fix_from_ms"):
            np.copyto(own[name], now_ms, where=anew & (own[name] > 0))
        for array in own.values() if ended.any() else ():
            array[ended] = 0
        rows = positions(window.turned(DAY))
        self.rhythm.morning(own, rows, window.plan["tier"][rows])
        return found

    def _answer(self, window: Window, fixes: Fixes, counted: Column) -> list[Finding]:
        """The carrier says why there is no position."""
        own, status, t = window["gap"], fixes.pings["status"], fixes.time_ms
        changed = fixes.answer & (own["cause"] != status)
        np.copyto(own["cause"], status, where=changed)
        rising = counted & IS_OPENING[status] & (own["contact_level"] < GAP)
        renamed = positions(changed & ~rising & (own["contact_level"] > 0))
        found = _raise(window, "contact", rising * GAP, t, t)
        return found + [_say(window, "contact", "updated", int(i), int(t[i])) for i in renamed]


def _raise(window: Window, clock: str, level: Column, since_ms: Column, at_ms: Column) -> list[Finding]:
    """Open the rows whose level was none, raise those whose level was lower."""
    own, found = window["gap"], []
    for i in positions(level > own[f"{clock}_level"]).tolist():
        phase: Phase = "updated" if own[f"{clock}_level"][i] else "opened"
        own[f"{clock}_since_ms"][i] = own[f"{clock}_since_ms"][i] if phase == "updated" else since_ms[i]
        own[f"{clock}_level"][i] = level[i]
        found.append(_say(window, clock, phase, i, int(at_ms[i])))
    return found


def _close(window: Window, clock: str, where: Column, at_ms: Column, reason: str = "") -> list[Finding]:
    found = [_say(window, clock, "closed", i, int(at_ms[i]), reason) for i in positions(where).tolist()]
    window["gap"][f"{clock}_level"][where] = window["gap"][f"{clock}_since_ms"][where] = 0
    return found


def _say(window: Window, clock: str, phase: Phase, i: int, at_ms: int, reason: str = "") -> Finding:
    own, cause = window["gap"], int(window["gap"]["cause"][i])
    reason = reason or (STATUSES[cause].value if cause else SILENT[clock])
    facts = {name: int(own[name][i]) for name in ("contact_ms", "fix_from_ms", "limit_ms")}
    until, since = at_ms if phase == "closed" else None, int(own[f"{clock}_since_ms"][i])
    row, level = int(window.rows[i]), LEVELS[own[f"{clock}_level"][i]]
    return Finding(row, "gap", clock, phase, since, at_ms, until, *level, reason, facts)
