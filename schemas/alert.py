"""
An alert: one event in the life of an episode, as subscribers get it.

The contract is fixed from the first release and golden-tested. One episode has one id from ``opened`` to ``closed``;
``revision`` rises by one with each event, so (source, id) of the envelope is the same whenever the event is sent
again, and a subscriber may drop what it has seen. Readers must tolerate unknown rules, reasons and fields.
"""

from enum import StrEnum
from typing import Annotated, Final, NamedTuple
from uuid import UUID, uuid5

import msgspec
from pydantic import Field, JsonValue

from schemas.fields import Identifier, Organisation, Received, SuperviseeId
from schemas.instant import Instant, rfc3339

__all__ = [
    "EPISODE_NAMESPACE",
    "Alert",
    "Audience",
    "Message",
    "Phase",
    "Severity",
    "Text",
    "episode_id",
    "to_kafka",
    "to_structured",
]

EPISODE_NAMESPACE: Final = UUID("84d42bcd-315d-58d0-9b92-3d66c1c57d7c")
DATA_SCHEMA: Final = "urn:vigil:schema:v1:alert"


class Phase(StrEnum):
    """What happened to the episode. Closed may still be updated or retracted; retracted is final."""

    opened = "opened"
    updated = "updated"
    closed = "closed"
    retracted = "retracted"


class Severity(StrEnum):
    """How soon a human should look."""

    notice = "notice"
    alert = "alert"
    critical = "critical"


class Audience(StrEnum):
    """Whether it is about a person, or about the watching itself."""

    officer = "officer"
    operator = "operator"


class Text(Received):
    """The alert in one sentence for humans, in Chinese and English."""

    zh: str
    en: str


Word = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=64)]


class Alert(Received):
    """
    One event of one episode.

    The person stands in the envelope (record key and ``ce_subject``) and not in the body; an episode about an
    organisation has no person and goes by its path. ``at`` is the time at which the rule's limit was reached, never the
    time at which some worker noticed; ``until`` is null while the episode lasts.
    """

    supervisee: SuperviseeId | None = Field(default=None, exclude=True)
    episode_id: Identifier = Field(description="Equal in all events of the episode; a UUID of version 5.")
    revision: int = Field(ge=1)
    phase: Phase
    rule: Word
    subject: Annotated[str, Field(max_length=256, pattern=r"^[^\x00-\x1f\x7f]*$")] = Field(
        description="What the rule tells episodes of one person apart by: a clock, an area, a place."
    )
    severity: Severity
    audience: Audience
    organisation: Organisation
    since: Instant
    until: Instant | None
    at: Instant
    reason: Word
    rules_revision: int = Field(ge=1)
    order_version: str | None = Field(description="The order by which it was judged; null when no order was involved.")
    supersedes: Identifier | None = Field(description="The retracted episode whose place this one takes.")
    evidence: dict[str, JsonValue] = Field(description="All that recomputing it needs.")
    text: Text


class Message(NamedTuple):
    """A record to send."""

    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]


def episode_id(supervisee: str, rule: str, subject: str, since_ms: int) -> str:
    r"""
    Name an episode: the UUID of version 5 in :data:`EPISODE_NAMESPACE` of a canonical string.

    The string is ``supervisee``, ``rule``, ``subject`` and ``since_ms`` (decimal milliseconds since 1970), in UTF-8,
    joined by line feeds, which none of them can hold. An episode about an organisation has its path in place of the
    supervisee. The namespace is itself the UUID of version 5 of ``urn:vigil:episode`` in the URL namespace of RFC 9562.
    The rules' revision is no part of it: the same finding under new numbers keeps its name.

    >>> episode_id("lz-1", "gap", "contact", 1_582_295_400_000)
    '98d28d64-7cb0-5e74-bd17-20ba06bfc535'
    """
    return str(uuid5(EPISODE_NAMESPACE, f"{supervisee}\n{rule}\n{subject}\n{since_ms}"))


def to_kafka(alert: Alert, source: str) -> Message:
    """Write an alert as a CloudEvent in binary mode: the body is the value, the envelope the headers, all UTF-8."""
    headers = [(f"ce_{name}", value.encode()) for name, value in _envelope(alert, source).items()]
    return Message(_about(alert).encode(), _body(alert), [*headers, ("content-type", b"application/json")])


def to_structured(alert: Alert, source: str) -> Message:
    """Write an alert as a CloudEvent in structured mode: envelope and body together are the value."""
    event = _envelope(alert, source) | {"datacontenttype": "application/json", "data": msgspec.Raw(_body(alert))}
    content_type = b"application/cloudevents+json; charset=UTF-8"
    return Message(_about(alert).encode(), msgspec.json.encode(event), [("content-type", content_type)])


def _about(alert: Alert) -> str:
    return alert.supervisee or alert.organisation


def _body(alert: Alert) -> bytes:
    return alert.model_dump_json().encode()


def _envelope(alert: Alert, source: str) -> dict[str, str]:
    return {
        "specversion": "1.0",
        "id": f"{alert.episode_id}:{alert.revision}",
        "source": source,
        "type": f"vigil.episode.{alert.phase}.v1",
        "subject": _about(alert),
        "time": rfc3339(alert.at),
        "dataschema": DATA_SCHEMA,
    }
