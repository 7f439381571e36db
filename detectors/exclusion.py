"""Exclusion: inside a zone that the order forbids, or at a venue of a category that it forbids."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from detectors.dwelling import Dwelling
from detectors.findings import Finding
from detectors.pings import NEVER, positions
from detectors.window import AUTHORISED, BANS, PLACE, Window
from detectors.zones import Zones

if TYPE_CHECKING:
    from detectors.pings import Column, Fixes
    from detectors.window import Columns
    from geofence.fences import Fences
    from schemas.rules import Rules


class Exclusion:
    """
    A zone: opens when the belief that the person is inside reaches 0.95 while the zone is forbidden; closes below 0.3.

    The belief is that of the boundary. A zone opens and closes at the edges of its schedule too, where the evidence
    stands. A venue, smaller than the error: a dwell of 30 min at 4 different coordinates or more, away from home, the
    mean of which may be a venue of a forbidden category; a notice. It ends with two fixes elsewhere.

    The trap: no network sees anybody inside a shop; the venue named is the nearest one, which need not be the true one.
    Worst-case delay: 5 new fixes inside a zone, 4 at intervals of 10 min and more, 3 of 25, none for a person who is
    inside when the schedule begins; at a venue 30 min and 8 different coordinates.

    >>> from detectors.examples import Person
    >>> person = Person(zone_m=(3_000, 1_000)).ping(minute=0).ping(minute=10, away_m=3_000)
    >>> person.ping(minute=15, away_m=3_100).said
    []
    >>> person.ping(minute=20, away_m=2_900).ping(minute=25, away_m=3_050).said
    ['exclusion opened zone: zone, alert, inside, since 10']
    """

    name = "exclusion"
    columns = np.dtype([*Zones.columns, *Dwelling.columns])

    def __init__(self, rules: Rules, fences: Fences) -> None:
        self.bans = fences.bans
        self.zones = Zones(rules, fences)
        self.dwelling = Dwelling(rules, fences)

    def observe(self, window: Window, fixes: Fixes) -> list[Finding]:
        """A fix moves the belief of each forbidden zone that it is in, or was; and the dwell."""
        rows = positions(fixes.accepted & (window.plan["bans"] > 0))
        if not rows.size:
            return []
        own, part = window["exclusion"], fixes.take(rows)
        few = Window(window.rows[rows], {name: _at(window[name], rows) for name in ("exclusion", "plan")})
        bans, found = few.plan["bans"], list[Finding]()
        dwells = np.zeros(len(rows), bool)
        for number in np.unique(bans).tolist():
            ban, some = self.bans.of(number), positions(bans == number)
            dwells[some] = bool(ban.categories)
            for zone in ban.zones:
                found += self.zones.move(few, part, some, zone)
        if dwells.any():
            found += self.dwelling.move(few, part, dwells)
        for name, array in few["exclusion"].items():
            own[name][rows] = array
        return found

    def due(self, window: Window) -> Column:
        """Silence says nothing of where a person is."""
        return np.full(len(window), NEVER)

    def fire(self, window: Window, now_ms: Column) -> list[Finding]:
        """A schedule began or ended, or the order, its prohibitions or the residence are others."""
        found, turned = list[Finding](), window.plan["turned"]
        if not ((window["exclusion"]["zone"] > 0).any() or window["exclusion"]["fixes"].any()) or not turned.any():
            return found
        ended, other = window.went(AUTHORISED, on=False), window.turned(BANS)
        found += self.zones.stop(window, ended, now_ms, "order_ended")
        found += self.dwelling.stop(window, ended, now_ms, "order_ended")
        found += self.zones.stop(window, other, now_ms, "order_changed")
        found += self.dwelling.stop(window, other | window.turned(PLACE), now_ms, "order_changed")
        return found + self.zones.turn(window, now_ms)


def _at(own: Columns, rows: Column) -> Columns:
    return {name: array[rows] for name, array in own.items()}
