"""Gap: nothing heard, or no fix, for longer than the order allows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from detectors.findings import Finding
from detectors.pings import IS_OPENING, NEVER, STATUSES, positions
from detectors.rhythm import Rhythm
from detectors.window import AUTHORISED, DAY, REPORTED_OFF

if TYPE_CHECKING:
    from detectors.findings import Phase
    from detectors.pings import Column, Fixes
    from detectors.window import Window
    from schemas.rules import Rules

OVERDUE: Final = 1
GAP: Final = 2
LEVELS: Final = (("", ""), ("overdue", "notice"), ("gap", "alert"))
SILENT: Final = {"contact": "silent", "fix": "no_fix"}


class Gap:
    """
    Opens when the silence reaches what the person's own rhythm allows; closes at the next contact, or fix.

    Two clocks. The contact clock runs in silence: *overdue* (notice) after max(60 min, 2 x own 99th percentile), at
    most 3 h; *gap* (alert) after max(120 min, the same), or at once when the carrier's code says that the phone
    gives no position. The fix clock is read when a contact comes without a fix: while contact is lost it opens
    nothing. Under a reported phone-off both stop, and start anew at its end.

    The trap: an interval that was a gap teaches nothing, else one night switched off would excuse the next.
    Worst-case delay: the limit itself, at most 3 h; for a code none.

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
            ("contact_ms", "i8"),
            ("clock_ms", "i8"),
            ("fix_from_ms", "i8"),
            *Rhythm.columns,
            ("cause", "u1"),
            *((f"{clock}_{name}", code) for clock in SILENT for name, code in (("level", "u1"), ("since_ms", "i8"))),
        ],
    )

    def __init__(self, rules: Rules) -> None:
        self.rhythm = Rhythm(rules)

    def observe(self, window: Window, fixes: Fixes) -> list[Finding]:
        """A contact closes and teaches; a code opens; a contact without a fix reads the fix clock."""
        own, t, contact = window["gap"], fixes.time_ms, fixes.contact
        counted = ~window.has(REPORTED_OFF)
        found = [] if contact.all() else self._answer(window, fixes, counted & fixes.answer)
        learning = contact & (own["contact_ms"] > 0) & (own["clock_ms"] == own["contact_ms"])
        rows = positions(learning & (own["contact_level"] < GAP))
        self.rhythm.learn(own, rows, t[rows] - own["contact_ms"][rows])
        back = contact & (own["contact_level"] > 0)
        if back.any():
            found += _close(window, "contact", back, t)
            np.copyto(own["fix_from_ms"], t, where=back & (own["fix_from_ms"] > 0))
        np.copyto(own["contact_ms"], t, where=contact)
        np.copyto(own["clock_ms"], t, where=contact)
        own["cause"][contact] = 0
        found += _close(window, "fix", fixes.accepted & (own["fix_level"] > 0), t)
        np.copyto(own["fix_from_ms"], t, where=fixes.accepted)
        bare = contact & ~fixes.accepted & counted & (own["fix_from_ms"] > 0)
        if bare.any():
            limit, later = self.rhythm.limits(own, window.plan["tier"])
            silence = t - own["fix_from_ms"]
            level = bare * ((silence >= limit).astype(np.uint8) + (silence >= later))
            found += _raise(window, "fix", level, own["fix_from_ms"], t)
        return found

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
        is_open = own["contact_level"] > 0
        level = (self.due(window) <= now_ms) * np.where(is_open | (limit >= later), GAP, OVERDUE)
        since = np.where(is_open, own["contact_since_ms"], own["clock_ms"])
        return found + _raise(window, "contact", level, since, now_ms)

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
        if rows.size:
            self.rhythm.morning(own, rows, window.plan["tier"][rows])
        return found

    def _answer(self, window: Window, fixes: Fixes, counted: Column) -> list[Finding]:
        """The carrier says why there is no position."""
        own, status, t = window["gap"], fixes.pings["status"], fixes.time_ms
        changed = fixes.answer & (own["cause"] != status)
        np.copyto(own["cause"], status, where=changed)
        rising = counted & IS_OPENING[status] & (own["contact_level"] < GAP)
        renamed = positions(changed & ~rising & (own["contact_level"] > 0))
        since = np.where(own["contact_level"] > 0, own["contact_since_ms"], t)
        found = _raise(window, "contact", rising * GAP, since, t)
        return found + [_say(window, "contact", "updated", int(i), int(t[i])) for i in renamed]


def _raise(window: Window, clock: str, level: Column, since_ms: Column, at_ms: Column) -> list[Finding]:
    """Open the rows whose level was none, raise those whose level was lower."""
    own, found = window["gap"], []
    for i in positions(level > own[f"{clock}_level"]).tolist():
        phase: Phase = "updated" if own[f"{clock}_level"][i] else "opened"
        own[f"{clock}_level"][i], own[f"{clock}_since_ms"][i] = level[i], since_ms[i]
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
    kind, severity = LEVELS[own[f"{clock}_level"][i]]
    return Finding(int(window.rows[i]), "gap", clock, phase, since, at_ms, until, kind, severity, reason, facts)
