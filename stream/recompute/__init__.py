"""
An episode found once more, from nothing but an alert: its pings, parameters and what it says of the order.

Written from the words of each rule and not from its code, so that the two check each other. The trap: what the alert
has no room for, or what had been forgotten when it was sent, stands in it as a fact; such a fact is taken as it is, and
everything that the pings can say against it is held against it.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Final, NamedTuple

from schemas.alert import episode_id
from stream.recompute.absence import absence
from stream.recompute.evidence import Evidence, Found
from stream.recompute.nights import nights_elsewhere
from stream.recompute.places import exit_from_area, inside_zone, venue_dwell
from stream.recompute.silence import contact_gap, fix_gap
from stream.tail import Body

__all__ = ["Again", "again"]


class Again(NamedTuple):
    """What came out: the id of the episode, None where the evidence does not bear one, and why in a few words."""

    episode: str | None
    why: str


def again(body: Body) -> Again:
    """Find the episode of an alert from its evidence. An unknown rule cannot be found again here, and says so."""
    evidence = body["evidence"]
    about = {"exclusion": evidence.get("kind"), "night_venue": "place"}.get(body["rule"], body["subject"])
    rule = _RULES.get((body["rule"], about))
    if rule is None or "order" not in evidence:
        return Again(None, "the alert alone does not hold enough for this rule")
    until_ms = None if body["until"] is None else _ms(body["until"])
    since_ms, why = rule(evidence, _ms(body["at"]), until_ms)
    if since_ms is None:
        return Again(None, why)
    return Again(episode_id(body["supervisee"], body["rule"], body["subject"], since_ms), why)


def _ms(moment: str) -> int:
    return round(datetime.fromisoformat(moment).timestamp() * 1000)


_RULES: Final[dict[tuple[str, str | None], Callable[[Evidence, int, int | None], Found]]] = {
    ("gap", "contact"): contact_gap,
    ("gap", "fix"): fix_gap,
    ("boundary", "permitted_area"): exit_from_area,
    ("curfew", "residence"): absence,
    ("curfew", "accumulated"): absence,
    ("exclusion", "zone"): inside_zone,
    ("exclusion", "venue"): venue_dwell,
    ("night_venue", "place"): nights_elsewhere,
    ("residence", "registered"): nights_elsewhere,
}
