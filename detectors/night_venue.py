"""Night venue: a place other than the residence where nights end, again and again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from detectors.nights import Nights, in_night, next_dawn_s, night_of
from detectors.pings import NEVER, positions
from detectors.places import Places
from detectors.stays import Stays
from detectors.venues import Kind, Venues
from detectors.window import AUTHORISED, LIFTED, PLACE

if TYPE_CHECKING:
    from detectors.findings import Finding
    from detectors.pings import Column, Fixes
    from detectors.stays import Stay
    from detectors.window import Window
    from geofence.fences import Fences
    from schemas.rules import Rules

DAY_S: Final = 86_400
HOME_M: Final = 250.0
HOME_S: Final = 3_600


class NightVenue:
    """
    Opens when 3 of 14 nights ended in one place that is not the residence; closes after 14 nights without.

    A night is judged at its end, at 07:00: the median of its last two and a half hours, and a stay that was over
    before. Names the centre, the radius that holds it with 95 %, the district, and the venues inside; the reason is
    `prohibited` when the order forbids the category of one. A night under leave or night shift is no vote.

    The trap: where the residence is registered wrongly every night is away from it. As long as the person was never
    seen to stay there the reason is `unconfirmed`, and after five nights the episode gives way to a finding about the
    residence, unless a forbidden venue is inside. Worst-case delay: the end of the third night.

    >>> from detectors.examples import Person
    >>> person = Person().lie(0, 1290).lie(1320, 1860, away_m=2_000).lie(1890, 2730).lie(2760, 3300, away_m=2_000)
    >>> person.lie(3330, 4170).lie(4200, 4740, away_m=2_000).tick(minute=4739).said
    []
    >>> person.tick(minute=4740).said
    ['night_venue opened place 1: repeated, alert, repeated, since 1860']
    """

    name = "night_venue"
    columns = np.dtype(
        [
            *Stays.columns,
            *Nights.columns,
            *Places.columns,
            ("home", "u1"),  # the person was seen to stay at the residence
            ("ended", "u1"),  # a night ended at the moment that was fired last
            *Venues.columns,
        ],
    )

    def __init__(self, rules: Rules, fences: Fences) -> None:
        self.stays, self.nights, self.places = Stays(), Nights(), Places()
        self.venues = Venues(rules, fences)

    def observe(self, window: Window, fixes: Fixes) -> list[Finding]:
        """A fix moves the stay, and in the night may be a new spot. Finds nothing: nights are judged at their end."""
        own, rows = window["night_venue"], positions(fixes.accepted)
        ended = self.stays.follow(own, fixes, rows)
        counted = in_night(window, fixes.time_ms) & ~window.has(LIFTED)
        if ended.at.size:
            own["home"][ended.at] |= _at_home(ended)
            self.nights.leave(own, ended, counted[ended.at])
        rows = rows[counted[rows]]
        if rows.size:
            self.nights.hear(own, window, fixes, rows)
        return []

    def due(self, window: Window) -> Column:
        """The end of the night, where one is waited for."""
        ends_s = window["night_venue"]["ends_s"]
        return np.where(ends_s > 0, ends_s * np.int64(1000), NEVER)

    def fire(self, window: Window, now_ms: Column) -> list[Finding]:
        """A night ended, or the order turned."""
        own, found = window["night_venue"], []
        own["ended"][:] = window.silent() & (self.due(window) <= now_ms)
        rows = positions(own["ended"] > 0)
        if rows.size:
            for i in self._judge(window, rows).tolist():
                found += self.venues.weigh(window, i, int(now_ms[i]))
        if window.plan["turned"].any():
            found += self._turn(window, now_ms)
        return found

    def _judge(self, window: Window, rows: Column) -> Column:
        """Let those rows vote on the night that ended; gives the ones that have any place."""
        own, plan = window["night_venue"], window.plan
        centres = self.nights.centres(own, rows, window["quality"]["last_ms"][rows])
        current = self.stays.current(own, rows)
        own["home"][rows] |= _at_home(current)
        self.nights.leave(own, current, ~centres.said & ~window.has(LIFTED)[rows])
        self.places.pass_nights(own, rows, night_of(own["ends_s"][rows]))
        left = own["left_sd_m"][rows] > 0
        for k in positions(centres.said | left).tolist():
            i = int(rows[k])
            held = own["kind"][i] != Kind.none
            if left[k]:
                stay = self.nights.left(own, i)._replace(least_m=float(centres.least_m[k]))
                self.places.vote(window, i, stay, held)
            if centres.said[k]:
                self.places.vote(window, i, centres.spot(k), held)
        self.nights.begin(own, rows)
        placed = own["place_sd_m"][rows].any(axis=1)
        dawn_s, ended_s = next_dawn_s(plan["day_ms"][rows]), own["ends_s"][rows].astype(np.int64)
        own["ends_s"][rows] = np.where(placed, np.where(dawn_s > ended_s, dawn_s, ended_s + DAY_S), 0)
        return rows[placed]

    def _turn(self, window: Window, now_ms: Column) -> list[Finding]:
        """Close what the order no longer asks for; forget what was measured from another residence, or is permitted."""
        own, found = window["night_venue"], []
        over, moved = window.went(AUTHORISED, on=False), window.turned(PLACE)
        for where, reason in ((over, "order_ended"), (moved & ~over, "order_changed")):
            for i in positions(where & own["kind"].any(axis=1)).tolist():
                found += self.venues.close(window, i, int(now_ms[i]), reason)
        lifted, forgotten = window.turned(LIFTED), over | moved
        own["since_s"][lifted] = now_ms[lifted] // 1000
        self.nights.begin(own, lifted)
        for array in own.values() if forgotten.any() else ():
            array[forgotten] = 0
        return found


def _at_home(stays: Stay) -> Column:
    """True for each stay of an hour or more at the residence."""
    near = stays.x_m**2 + stays.y_m**2 <= HOME_M**2
    home: Column = near & (stays.sd_m > 0) & (stays.last_s - stays.since_s >= HOME_S)
    return home
