"""What a rule says, and what becomes of it for those who read alerts."""

from __future__ import annotations

from typing import Any, Final, Literal, NamedTuple

AUDIENCES: Final = {"residence": "operator"}
"""Who hears of a rule that is not about what a person did; of all others an officer does."""

Phase = Literal["opened", "updated", "closed", "retracted"]


class Finding(NamedTuple):
    """
    One step of one rule about one row, dated by the rule's own time.

    `since_ms` names the episode together with row, rule and subject: what opens and what closes must carry the same
    one. `at_ms` is the time of the ping or of the deadline that led here, never the time of noticing.
    """

    row: int
    rule: str
    subject: str
    phase: Phase
    since_ms: int
    at_ms: int
    until_ms: int | None
    kind: str
    severity: str
    reason: str
    facts: dict[str, Any]


class EpisodeEvent(NamedTuple):
    """
    One revision of one episode, ready to be published.

    (`episode_id`, `revision`) is unique for ever; `until_ms` is None while the episode lasts; `supersedes` names the
    retracted episode whose place this one takes.
    """

    supervisee: str
    episode_id: str
    revision: int
    phase: Phase
    rule: str
    subject: str
    severity: str
    audience: str
    organisation: str
    since_ms: int
    until_ms: int | None
    at_ms: int
    reason: str
    order_version: str
    supersedes: str | None
    evidence: dict[str, Any]
