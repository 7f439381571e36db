"""Venues: what the places are in which the nights of a person end, and the episodes about them."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from detectors.findings import Finding, Phase
from detectors.pings import positions
from detectors.places import PLACES, Places
from detectors.tiers import by_tier

if TYPE_CHECKING:
    from detectors.window import Window
    from geofence.fences import Fences
    from schemas.rules import Rules

RULE: Final = "night_venue"


class Kind(IntEnum):
    """What a place is to the rule; the last one is the business of the rule `residence`."""

    none = 0
    repeated = 1
    prohibited = 2
    unconfirmed = 3
    doubted = 4


LASTING: Final = (Kind.repeated, Kind.prohibited, Kind.unconfirmed)


class Venues:
    """
    The episodes of the places of each row.

    A position by cells names no shop: an alert gives all venues that may be meant, nearest first.
    """

    columns = (
        ("opened_s", "u4", (PLACES,)),  # since when the episode of a place lasts
        ("kind", "u1", (PLACES,)),
    )

    def __init__(self, rules: Rules, fences: Fences) -> None:
        self.fences, self.places = fences, Places()
        self.least = by_tier(rules, "night_venue", "nights")
        self.distance_m = by_tier(rules, "night_venue", "distance_m")
        self.doubted = by_tier(rules, "residence", "nights")
        self.doubted_m = by_tier(rules, "residence", "distance_m")

    def weigh(self, window: Window, i: int, now_ms: int) -> list[Finding]:
        """Open, name anew and close what the nights of one row ask for."""
        own, tier, found = window["night_venue"], window.plan["tier"][i], []
        for slot in positions(own["place_sd_m"][i] > 0).tolist():
            was, nights = int(own["kind"][i, slot]), int(own["place_nights"][i, slot])
            kind = self._kind(window, i, slot) if nights else Kind.none
            if was in LASTING and kind in {Kind.none, Kind.doubted}:
                found.append(self._say(window, i, slot, "closed", now_ms, "residence" if kind else "unvisited"))
            elif was in LASTING and kind != was:
                own["kind"][i, slot] = kind
                found.append(self._say(window, i, slot, "updated", now_ms))
            elif was not in LASTING and kind in LASTING:
                beyond = self.places.is_beyond(window, i, slot, self.distance_m[tier])
                if nights.bit_count() < self.least[tier] or not beyond:
                    continue
                # What was doubted has had an episode: another begins when the doubt is gone.
                first_s = self.places.first_night_s(window, i, slot, now_ms)
                own["opened_s"][i, slot] = now_ms // 1000 if was == Kind.doubted else first_s
                own["kind"][i, slot] = kind
                found.append(self._say(window, i, slot, "opened", now_ms))
            own["kind"][i, slot] = kind
        return found

    def _kind(self, window: Window, i: int, slot: int) -> int:
        """What a place with nights is: once forbidden always, once doubted until a stay at the residence is seen."""
        own, tier = window["night_venue"], window.plan["tier"][i]
        was, nights, home = own["kind"][i, slot], int(own["place_nights"][i, slot]), own["home"][i]
        if was == Kind.doubted and not home:
            return Kind.doubted
        if was == Kind.prohibited or (nights & 1 and self._facts(window, i, slot)["forbidden"]):
            return Kind.prohibited
        if home:
            return Kind.repeated
        enough = nights.bit_count() >= self.doubted[tier]
        doubted = enough and self.places.is_beyond(window, i, slot, self.doubted_m[tier])
        return Kind.doubted if doubted else Kind.unconfirmed

    def close(self, window: Window, i: int, now_ms: int, reason: str) -> list[Finding]:
        """Close whatever lasts of row `i`."""
        lasting = positions(np.isin(window["night_venue"]["kind"][i], LASTING)).tolist()
        return [self._say(window, i, slot, "closed", now_ms, reason) for slot in lasting]

    def _say(self, window: Window, i: int, slot: int, phase: Phase, now_ms: int, reason: str = "") -> Finding:
        own, row, until = window["night_venue"], int(window.rows[i]), now_ms if phase == "closed" else None
        kind, since = Kind(own["kind"][i, slot]).name, int(own["opened_s"][i, slot]) * 1000
        subject, facts = f"place {slot + 1}", self._facts(window, i, slot)
        return Finding(row, RULE, subject, phase, since, now_ms, until, kind, "alert", reason or kind, facts)

    def _facts(self, window: Window, i: int, slot: int) -> dict[str, Any]:
        facts, venues = self.places.facts(window, i, slot), self.fences.venues
        near = self.fences.index.near(facts["lon"], facts["lat"], facts["radius_m"])
        found = [
            {"id": name, "name": venues[name].name, "category": venues[name].category, "distance_m": round(metres)}
            for name, metres in near
            if name in venues
        ]
        forbids = self.fences.bans.of(int(window.plan["bans"][i])).categories
        forbidden = sorted(forbids.intersection(venue["category"] for venue in found))
        district = self.fences.county_of(facts["lon"], facts["lat"])
        return {**facts, "district": district, "venues": found, "forbidden": forbidden}
