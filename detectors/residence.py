"""Residence: the registered one is not where the person lives, so what is measured from it is measured wrongly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from detectors.findings import Finding, Phase
from detectors.pings import NEVER, positions
from detectors.places import Places
from detectors.venues import Kind
from detectors.window import AUTHORISED, PLACE

if TYPE_CHECKING:
    from detectors.pings import Column, Fixes
    from detectors.window import Window

SUBJECT: Final = "registered"
KIND: Final = "elsewhere"


class Residence:
    """
    Opens when 5 of 14 nights ended in one place more than 500 m from a residence at which nobody was ever seen to stay.

    A finding about data, for the operator, and never an accusation: an address was typed or converted wrongly, or was
    not verified. It takes the place of the night venue, which the same nights had opened; the curfew is judged all the
    same. Closes when the person is seen to stay at the residence, for an hour within 250 m of it, when the residence
    is registered anew, or after 14 nights without.

    The trap: one who has left a residence at which he was seen before is not badly registered: that is a night venue.
    Worst-case delay: the end of the fifth night.

    >>> from detectors.examples import Person
    >>> person = Person()
    >>> for day in range(5):
    ...     _ = person.lie(1440 * day, 1440 * day + 410, away_m=700)
    >>> person.tick(1440 * 4 + 419).said
    []
    >>> person.tick(1440 * 4 + 420).said[1:]
    ['residence opened registered: elsewhere, notice, elsewhere, since 420']
    """

    name = "residence"
    columns = np.dtype([("opened_s", "u4")])

    def __init__(self) -> None:
        self.places = Places()

    def observe(self, window: Window, fixes: Fixes) -> list[Finding]:
        """Nothing: nights are judged at their end."""
        del window, fixes
        return []

    def due(self, window: Window) -> Column:
        """Never by itself: it looks on when a night ends for the night venue."""
        return np.full(len(window), NEVER)

    def fire(self, window: Window, now_ms: Column) -> list[Finding]:
        """A night ended, or the order turned."""
        own, nights, found = window["residence"], window["night_venue"], []
        for where, reason in (
            (window.went(AUTHORISED, on=False), "order_ended"),
            (window.turned(PLACE), "order_changed"),
        ):
            over = positions(where & (own["opened_s"] > 0)).tolist()
            found += [self._say(window, i, "closed", int(now_ms[i]), {}, reason) for i in over]
        looked = (nights["ended"] > 0) & (nights["kind"].any(axis=1) | (own["opened_s"] > 0))
        for i in positions(looked).tolist():
            found += self._look(window, i, int(now_ms[i]))
        return found

    def _look(self, window: Window, i: int, now_ms: int) -> list[Finding]:
        own, nights = window["residence"], window["night_venue"]
        doubted = positions(nights["kind"][i] == Kind.doubted).tolist()
        if own["opened_s"][i] and not doubted:
            return [self._say(window, i, "closed", now_ms, {}, "seen_there" if nights["home"][i] else "unvisited")]
        if own["opened_s"][i] or not doubted:
            return []
        slot = max(doubted, key=lambda k: int(nights["place_nights"][i, k]).bit_count())
        own["opened_s"][i] = self.places.first_night_s(window, i, slot, now_ms)
        return [self._say(window, i, "opened", now_ms, self.places.facts(window, i, slot))]

    def _say(
        self, window: Window, i: int, phase: Phase, now_ms: int, facts: dict[str, Any], reason: str = KIND
    ) -> Finding:
        own, row, until = window["residence"], int(window.rows[i]), None
        since = int(own["opened_s"][i]) * 1000
        if phase == "closed":
            own["opened_s"][i], until = 0, now_ms
        return Finding(row, self.name, SUBJECT, phase, since, now_ms, until, KIND, "notice", reason, facts)
