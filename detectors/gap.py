"""Gap: nothing heard, or no fix, for longer than the order allows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from detectors.findings import Finding
from detectors.pings import IS_OPENING, NEVER, STATUSES
from detectors.tiers import by_tier
from detectors.window import AUTHORISED, DAY, REPORTED_OFF

if TYPE_CHECKING:
    from detectors.pings import Column, Fixes
    from detectors.window import Columns, Window
    from schemas.rules import Rules

MINUTE_MS: Final = 60_000
UPPER_MS: Final = 30_000 * 1.25 ** np.arange(40)
LEVELS: Final = (("", ""), ("overdue", "notice"), ("gap", "alert"))
OVERDUE: Final = 1
GAP: Final = 2


class Gap:
    """
    Opens when the silence reaches what the person's own rhythm allows; closes at the next contact, or fix.

    Two clocks. The contact clock runs in silence: *overdue* (notice) after max(60 min, 2 x own 99th percentile), at
    most 3 h; *gap* (alert) after max(120 min, the same), or at once when the carrier's code says that the phone
    gives no position. The fix clock is read when a contact comes without a fix: while contact is lost it opens
    nothing. Under a reported phone-off both stop, and start anew at its end.

    The trap: what is learned of the rhythm changes at the person's day edge only, else the answer would depend on
    how the stream was cut; and an interval that was a gap teaches nothing, else one night switched off would excuse
    the next. Worst-case delay: the limit itself, at most 3 h; for a code none.

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
            ("limit_ms", "i8"),
            ("histogram", "u2", (40,)),
            ("learned", "u2"),
            ("cause", "u1"),
            ("contact_level", "u1"),
            ("contact_since_ms", "i8"),
            ("fix_level", "u1"),
            ("fix_since_ms", "i8"),
        ],
    )

    def __init__(self, rules: Rules) -> None:
        self.overdue_ms = by_tier(rules, "gap", "overdue_min", MINUTE_MS)
        self.gap_ms = by_tier(rules, "gap", "gap_min", MINUTE_MS)
        self.cap_ms = by_tier(rules, "gap", "cap_min", MINUTE_MS)
        self.factor = by_tier(rules, "gap", "quantile_factor")
        self.warmup = by_tier(rules, "gap", "warmup")

    def observe(self, window: Window, fixes: Fixes) -> list[Finding]:
        """A contact closes and teaches; a code opens; a contact without a fix reads the fix clock."""
        own, t, contact = window["gap"], fixes.time_ms, fixes.contact
        counted = ~window.has(REPORTED_OFF)
        found: list[Finding] = []
        if not contact.all():
            found += self._answer(window, fixes, counted & fixes.answer)
        back = contact & (own["contact_level"] > 0)
        _learn(own, contact & (own["contact_level"] < GAP), t)
        if back.any():
            found += _close(window, "contact", back, t)
            np.copyto(own["fix_from_ms"], t, where=back & (own["fix_from_ms"] > 0))
        for name in ("contact_ms", "clock_ms"):
            np.copyto(own[name], t, where=contact)
        own["cause"][contact] = 0
        closing = fixes.accepted & (own["fix_level"] > 0)
        if closing.any():
            found += _close(window, "fix", closing, t)
        np.copyto(own["fix_from_ms"], t, where=fixes.accepted)
        bare = contact & ~fixes.accepted & counted & (own["fix_from_ms"] > 0)
        if bare.any():
            limit, later = self._limits(window)
            silence = t - own["fix_from_ms"]
            level = bare * ((silence >= limit).astype(np.uint8) + (silence >= later))
            found += _raise(window, "fix", level, own["fix_from_ms"], t)
        return found

    def due(self, window: Window) -> Column:
        """When the contact clock reaches the next level."""
        own = window["gap"]
        limit, later = self._limits(window)
        runs = (own["clock_ms"] > 0) & ((window.plan["flags"] & (AUTHORISED | REPORTED_OFF)) == AUTHORISED)
        first = np.where(own["contact_level"] == 0, own["clock_ms"] + limit, own["contact_since_ms"] + later)
        return np.where(runs & (own["contact_level"] < GAP), first, NEVER)

    def fire(self, window: Window, now_ms: Column) -> list[Finding]:
        """A permit or the authorisation turned, a day ended, or the silence reached its limit."""
        own, found = window["gap"], []
        if window.plan["turned"].any():
            found += self._turn(window, now_ms)
        limit, later = self._limits(window)
        level = (self.due(window) == now_ms) * np.where((own["contact_level"] > 0) | (limit >= later), GAP, OVERDUE)
        since = np.where(own["contact_level"] > 0, own["contact_since_ms"], own["clock_ms"])
        return found + _raise(window, "contact", level, since, now_ms)

    def _turn(self, window: Window, now_ms: Column) -> list[Finding]:
        own, found = window["gap"], []
        for stop, reason in (
            (window.went(REPORTED_OFF, on=True), "permitted"),
            (window.went(AUTHORISED, on=False), "order_ended"),
        ):
            for subject in ("contact", "fix"):
                found += _close(window, subject, stop & (own[f"{subject}_level"] > 0), now_ms, reason)
        anew = window.went(REPORTED_OFF, on=False)
        for name in ("clock_ms", "fix_from_ms"):
            np.copyto(own[name], now_ms, where=anew & (own[name] > 0))
        ended = window.went(AUTHORISED, on=False)
        if ended.any():
            for array in own.values():
                array[ended] = 0
        morning = np.flatnonzero(window.turned(DAY))
        if morning.size:
            tier = window.plan["tier"][morning]
            own["limit_ms"][morning] = self._own_limit(own, morning, tier)
            own["histogram"][morning] = own["histogram"][morning].astype(np.int64) * 3 // 4
        return found

    def _own_limit(self, own: Columns, rows: Column, tier: Column) -> Column:
        """max(60 min, 2 x the 99th percentile interval), at most 3 h; before the warm-up the gap's own limit."""
        reached = np.cumsum(own["histogram"][rows], axis=1, dtype=np.int64)
        total = reached[:, -1]
        bin_99 = (reached * 100 < total[:, None] * 99).sum(axis=1)
        limit = (self.factor[tier] * UPPER_MS[np.minimum(bin_99, 39)]).astype(np.int64) // 1000 * 1000
        limit = np.clip(limit, self.overdue_ms[tier], self.cap_ms[tier])
        limit = np.where(total > 0, limit, own["limit_ms"][rows])
        return np.where(own["learned"][rows] < self.warmup[tier], self.gap_ms[tier], limit)

    def _limits(self, window: Window) -> tuple[Column, Column]:
        tier, own = window.plan["tier"], window["gap"]
        gap = self.gap_ms[tier]
        limit = np.where(own["limit_ms"] > 0, own["limit_ms"], gap)
        return limit, np.maximum(gap, limit)

    def _answer(self, window: Window, fixes: Fixes, counted: Column) -> list[Finding]:
        own, status = window["gap"], fixes.pings["status"]
        changed = fixes.answer & (own["cause"] != status)
        np.copyto(own["cause"], status, where=changed)
        rising = counted & IS_OPENING[status] & (own["contact_level"] < GAP)
        renamed = np.flatnonzero(changed & ~rising & (own["contact_level"] > 0))
        since = np.where(own["contact_level"] > 0, own["contact_since_ms"], fixes.time_ms)
        found = _raise(window, "contact", rising * GAP, since, fixes.time_ms)
        return found + [_say(window, "contact", "updated", i, fixes.time_ms[i]) for i in renamed]


def _learn(own: Columns, contact: Column, t: Column) -> None:
    """Count the interval that ends now, unless its clock was started anew by a permit."""
    rows = np.flatnonzero(contact & (own["contact_ms"] > 0) & (own["clock_ms"] == own["contact_ms"]))
    bins = np.minimum(np.searchsorted(UPPER_MS, t[rows] - own["contact_ms"][rows]), 39)
    own["histogram"][rows, bins] += own["histogram"][rows, bins] < np.iinfo(np.uint16).max
    own["learned"][rows] += own["learned"][rows] < np.iinfo(np.uint16).max


def _raise(window: Window, subject: str, level: Column, since_ms: Column, at_ms: Column) -> list[Finding]:
    """Open the rows whose level was none, raise those whose level was lower."""
    own, found = window["gap"], []
    for i in np.flatnonzero(level > own[f"{subject}_level"]):
        phase: Any = "updated" if own[f"{subject}_level"][i] else "opened"
        own[f"{subject}_level"][i] = level[i]
        own[f"{subject}_since_ms"][i] = since_ms[i]
        found.append(_say(window, subject, phase, i, at_ms[i]))
    return found


def _close(window: Window, subject: str, where: Column, at_ms: Column, reason: str = "") -> list[Finding]:
    own, found = window["gap"], []
    for i in np.flatnonzero(where):
        found.append(_say(window, subject, "closed", i, at_ms[i], reason))
        own[f"{subject}_level"][i] = 0
        own[f"{subject}_since_ms"][i] = 0
    return found


def _say(window: Window, subject: str, phase: Any, i: int, at_ms: int, reason: str = "") -> Finding:  # noqa: ANN401
    own = window["gap"]
    cause = int(own["cause"][i])
    kind, severity = LEVELS[own[f"{subject}_level"][i]]
    silent = STATUSES[cause].value if cause else {"contact": "silent", "fix": "no_fix"}[subject]
    facts = {
        "last_contact_ms": int(own["contact_ms"][i]),
        "fix_from_ms": int(own["fix_from_ms"][i]),
        "limit_ms": int(own["limit_ms"][i]),
    }
    until = int(at_ms) if phase == "closed" else None
    since = int(own[f"{subject}_since_ms"][i])
    row = int(window.rows[i])
    return Finding(row, "gap", subject, phase, since, int(at_ms), until, kind, severity, reason or silent, facts)
