"""Curfew: outside the residence in the hours in which the order wants the person there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from detectors.findings import Finding
from detectors.pings import NEVER
from detectors.tiers import by_tier
from detectors.window import AUTHORISED, CURFEW, EVIDENCE, PLACE

if TYPE_CHECKING:
    from detectors.pings import Column, Fixes
    from detectors.window import Columns, Window
    from schemas.rules import Rules

MINUTE_MS: Final = 60_000
DAY_MS: Final = 86_400_000
NIGHTS: Final = 7
OPEN: Final = 1
RAISED: Final = 2


class Curfew:
    """
    Opens on 4 outside pings over 15 min at 3 distinct coordinates; closes on 2 pings at home, or with the window.

    Outside is d - max(radius, 300 m) > 200 m, home is d - radius < 100 m, between them lies *unsure*, which does
    nothing. Pings of the hour before the window count: who is found outside by then is in breach at the edge, without
    any further ping. Class: late, left, or, out at both edges and never home, whole night. An absence below 30 min is
    minor, a notice; minor ones of 7 nights add up, and 2 h of them are an alert.

    The trap: error is sticky. A phone at home may repeat one wrong place for hours, so the same coordinate counts
    once among the distinct ones (two suffice where pings are 20 min apart). Last seen at home and silent is only a
    gap. Worst-case delay: 4 pings and 15 min; none for a person who is out at the edge.

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
            ("run_n", "u2"),
            ("run_first_ms", "i8"),
            ("run_last_ms", "i8"),
            ("spots", "u1"),
            ("spot_lon", "i4", (3,)),
            ("spot_lat", "i4", (3,)),
            ("clear_n", "u1"),
            ("clear_first_ms", "i8"),
            ("level", "u1"),
            ("since_ms", "i8"),
            ("at_start", "u1"),
            ("minor_s", "u2", (NIGHTS,)),
            ("night", "i4"),
        ],
    )

    def __init__(self, rules: Rules) -> None:
        self.pings = by_tier(rules, "curfew", "pings")
        self.span_ms = by_tier(rules, "curfew", "span_min", MINUTE_MS)
        self.distance_m = by_tier(rules, "curfew", "distance_m")
        self.floor_m = by_tier(rules, "curfew", "floor_m")
        self.distinct = by_tier(rules, "curfew", "distinct")
        self.distinct_sparse = by_tier(rules, "curfew", "distinct_sparse")
        self.sparse_ms = by_tier(rules, "curfew", "sparse_min", MINUTE_MS)
        self.clear_pings = by_tier(rules, "curfew", "clear_pings")
        self.clear_m = by_tier(rules, "curfew", "clear_m")
        self.minor_ms = by_tier(rules, "curfew", "minor_min", MINUTE_MS)
        self.accumulated_s = by_tier(rules, "curfew", "accumulated_min", 60)
        self.frozen_m = by_tier(rules, "quality", "frozen_m")

    def observe(self, window: Window, fixes: Fixes) -> list[Finding]:
        """An outside ping adds to the run, two at home end it; unsure ones do nothing."""
        tier, own, t = window.plan["tier"], window["curfew"], fixes.time_ms
        judged = fixes.accepted & window.has(EVIDENCE)
        if not judged.any():
            return []
        outside = judged & (fixes.d_m - np.maximum(fixes.r_m, self.floor_m[tier]) > self.distance_m[tier])
        home = judged & (fixes.d_m - fixes.r_m < self.clear_m[tier])
        is_open = own["level"] > 0
        _empty(own, home & ~is_open & (own["run_n"] > 0))
        returning = home & is_open
        np.copyto(own["clear_first_ms"], t, where=returning & (own["clear_n"] == 0))
        own["clear_n"] += returning
        found: list[Finding] = []
        if outside.any():
            self._extend(window, fixes, outside)
            opening = outside & ~is_open & window.has(CURFEW) & self._satisfied(window)
            since = np.maximum(own["run_first_ms"], window.plan["window_ms"])
            found += self._open(window, opening, since, t)
            found += _raise(window, outside & (own["level"] == OPEN) & (t - own["since_ms"] >= self.minor_ms[tier]), t)
        cleared = returning & (own["clear_n"] >= self.clear_pings[tier])
        return found + self._close(window, cleared, own["clear_first_ms"], t)

    def due(self, window: Window) -> Column:
        """When an absence that still lasts stops being minor."""
        own = window["curfew"]
        lasting = (own["level"] == OPEN) & (own["clear_n"] == 0)
        return np.where(lasting, own["since_ms"] + self.minor_ms[window.plan["tier"]], NEVER)

    def fire(self, window: Window, now_ms: Column) -> list[Finding]:
        """An edge of the schedule, of the order, or of what is minor."""
        own, found = window["curfew"], []
        if window.plan["turned"].any():
            moved = window.turned(PLACE)
            found += self._close(window, moved & (own["level"] > 0), now_ms, now_ms, "order_changed")
            found += self._close(window, window.went(CURFEW, on=False) & (own["level"] > 0), now_ms, now_ms, "edge")
            _empty(own, moved | window.turned(EVIDENCE))
            own["minor_s"][window.went(AUTHORISED, on=False)] = 0
            outside = window.went(CURFEW, on=True) & (own["level"] == 0) & self._satisfied(window)
            found += self._open(window, outside, now_ms, now_ms)
        return found + _raise(window, self.due(window) <= now_ms, now_ms)

    def _extend(self, window: Window, fixes: Fixes, outside: Column) -> None:
        own, t = window["curfew"], fixes.time_ms
        np.copyto(own["run_first_ms"], t, where=outside & (own["run_n"] == 0))
        np.copyto(own["run_last_ms"], t, where=outside)
        own["run_n"] += outside & (own["run_n"] < np.iinfo(np.uint16).max)
        own["clear_n"][outside] = 0
        fresh = outside & (own["spots"] < own["spot_lon"].shape[1])
        for spot in range(own["spot_lon"].shape[1]):
            x, y = window.plane(own["spot_lon"][:, spot], own["spot_lat"][:, spot])
            near = (fixes.x_m - x) ** 2 + (fixes.y_m - y) ** 2 <= self.frozen_m[window.plan["tier"]] ** 2
            fresh &= ~(near & (spot < own["spots"]))
        rows = np.flatnonzero(fresh)
        own["spot_lon"][rows, own["spots"][rows]] = fixes.pings["lon"][rows]
        own["spot_lat"][rows, own["spots"][rows]] = fixes.pings["lat"][rows]
        own["spots"][rows] += 1

    def _satisfied(self, window: Window) -> Column:
        """Enough outside pings, over enough time, at enough distinct coordinates."""
        tier, own = window.plan["tier"], window["curfew"]
        span = own["run_last_ms"] - own["run_first_ms"]
        sparse = span >= self.sparse_ms[tier] * (own["run_n"].astype(np.int64) - 1)
        need = np.where(sparse, self.distinct_sparse[tier], self.distinct[tier])
        return (own["run_n"] >= self.pings[tier]) & (span >= self.span_ms[tier]) & (own["spots"] >= need)

    def _open(self, window: Window, where: Column, since_ms: Column, at_ms: Column) -> list[Finding]:
        own, found = window["curfew"], []
        for i in np.flatnonzero(where):
            late = bool(own["run_first_ms"][i] < window.plan["window_ms"][i])
            own["since_ms"][i], own["at_start"][i] = since_ms[i], late
            own["level"][i] = RAISED if at_ms[i] - since_ms[i] >= self.minor_ms[window.plan["tier"][i]] else OPEN
            severity = "alert" if own["level"][i] == RAISED else "notice"
            found.append(_say(window, i, "opened", at_ms[i], "late" if late else "left", severity))
        return found

    def _close(
        self, window: Window, where: Column, until_ms: Column, at_ms: Column, by: str = ""
    ) -> list[Finding]:
        own, found = window["curfew"], []
        for i in np.flatnonzero(where):
            kind = "late" if own["at_start"][i] else "left"
            minor = until_ms[i] - own["since_ms"][i] < self.minor_ms[window.plan["tier"][i]]
            ended = by == "edge" and not window.plan["flags"][i] & AUTHORISED
            if minor:
                kind = "minor"
            elif by == "edge" and not ended and kind == "late":
                kind = "whole_night"
            reason = "order_ended" if ended else kind if by in ("", "edge") else by
            severity = "notice" if minor else "alert"
            found.append(_say(window, i, "closed", at_ms[i], kind, severity, int(until_ms[i]), reason))
            if minor and not ended:
                found += self._add_up(window, i, int(until_ms[i]), int(at_ms[i]))
        own["level"][where] = 0
        _empty(own, where)
        return found

    def _add_up(self, window: Window, i: int, until_ms: int, at_ms: int) -> list[Finding]:
        """Minor absences of the last nights together; what was reported is not counted again."""
        own, plan = window["curfew"], window.plan
        night = int(plan["day"][i]) + (int(plan["window_ms"][i]) - int(plan["day_ms"][i])) // DAY_MS
        passed = min(night - int(own["night"][i]), NIGHTS)
        for k in range(passed):
            own["minor_s"][i, (night - k) % NIGHTS] = 0
        own["night"][i] = night
        own["minor_s"][i, night % NIGHTS] += (until_ms - int(own["since_ms"][i])) // 1000
        total = int(own["minor_s"][i].sum())
        if total < self.accumulated_s[plan["tier"][i]]:
            return []
        own["minor_s"][i] = 0
        opened = _say(window, i, "opened", at_ms, "accumulated", "alert")._replace(subject="accumulated")
        opened.facts["minor_s"] = total
        return [opened, opened._replace(phase="closed", until_ms=until_ms)]


def _raise(window: Window, where: Column, at_ms: Column) -> list[Finding]:
    own, found = window["curfew"], []
    for i in np.flatnonzero(where):
        own["level"][i] = RAISED
        found.append(_say(window, i, "updated", at_ms[i], "late" if own["at_start"][i] else "left", "alert"))
    return found


def _empty(own: Columns, where: Column) -> None:
    for name in ("run_n", "spots", "clear_n"):
        own[name][where] = 0


def _say(
    window: Window, i: int, phase: Any, at_ms: int, kind: str, severity: str, until: int | None = None, reason: str = ""
) -> Finding:  # noqa: ANN401
    own = window["curfew"]
    facts = {
        "outside_pings": int(own["run_n"][i]),
        "distinct_coordinates": int(own["spots"][i]),
        "first_outside_ms": int(own["run_first_ms"][i]),
        "window_ms": int(window.plan["window_ms"][i]),
    }
    row, since = int(window.rows[i]), int(own["since_ms"][i])
    return Finding(row, "curfew", "residence", phase, since, int(at_ms), until, kind, severity, reason or kind, facts)
