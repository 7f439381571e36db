"""
How good alerts are, measured against what really happened in a simulated feed.

The trap: the truth file holds what was scripted. A coverage hole of three hours is silence that an officer must look at
and that no script contains, so it counts as wrong here; precision is a lower bound.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from stream.simulate.feed import Truth
from stream.tail import Body

__all__ = ["Score", "as_truth", "score", "standing"]

UNDEMANDED: Final = frozenset({"minor"})
"""Classes that may be found but need not: an absence of a quarter of an hour is shorter than four pings."""
_FOREVER_MS: Final = 1 << 62


class Score(NamedTuple):
    """Episodes that met a true event or met none, and true events that an episode met or none did."""

    right: int
    wrong: int
    found: int
    missed: int

    @property
    def precision(self) -> float | None:
        """Share of the episodes that are right; None without any."""
        return self.right / (self.right + self.wrong) if self.right + self.wrong else None

    @property
    def recall(self) -> float | None:
        """Share of the true events that were found; None without any."""
        return self.found / (self.found + self.missed) if self.found + self.missed else None


def standing(bodies: Iterable[Body]) -> list[Body]:
    """Give the last revision of each episode that is not retracted, in the order in which the episodes opened."""
    last: dict[str, Body] = {}
    for body in bodies:
        if body["episode_id"] not in last or body["revision"] > last[body["episode_id"]]["revision"]:
            last[body["episode_id"]] = body
    return [body for body in last.values() if body["phase"] != "retracted"]


def as_truth(body: Body) -> Truth:
    """Say an episode in the words of the truth: a gap by its cause, a curfew breach by its class."""
    until = body["until"]
    return Truth(
        body.get("supervisee"), body["rule"], body["reason"], _ms(body["since"]), None if until is None else _ms(until)
    )


def score(episodes: Iterable[Body], truth: Iterable[Truth]) -> Score:
    """
    Match episodes and true events of one rule: same person, and a moment that both last.

    Notices are left out, since they say "overdue" and not "a gap"; so are outages, which are nobody's.
    """
    claims = [as_truth(body) for body in episodes if body["severity"] != "notice"]
    events = [event for event in truth if event.supervisee is not None]
    right = sum(_is_met(claim, events) for claim in claims)
    demanded = [event for event in events if event.kind not in UNDEMANDED]
    found = sum(_is_met(event, claims) for event in demanded)
    return Score(right, len(claims) - right, found, len(demanded) - found)


def _is_met(one: Truth, others: Sequence[Truth]) -> bool:
    return any(one[:2] == other[:2] and one.since_ms < _end(other) and other.since_ms < _end(one) for other in others)


def _end(event: Truth) -> int:
    return _FOREVER_MS if event.until_ms is None else event.until_ms


def _ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)
