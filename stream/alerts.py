"""
What the rules found, as the records that subscribers read.

The trap: an alert is a contract. It is a function of the event and of settings that never change while a group runs, so
that an event sent again is the same bytes.
"""

from detectors.findings import EpisodeEvent
from schemas.alert import Alert, Audience, Message, Phase, Severity, Text, to_kafka, to_structured
from schemas.instant import instant
from stream.sentences import sentence


def alert_of(event: EpisodeEvent, rules_revision: int) -> Alert:
    """
    Make the published alert of an event, its sentence in both languages included.

    Raises pydantic's ValidationError when the event breaks the contract: better no alert than one nobody can read.
    """
    said = sentence(event)
    return Alert(
        supervisee=event.supervisee,
        episode_id=event.episode_id,
        revision=event.revision,
        phase=Phase(event.phase),
        rule=event.rule,
        subject=event.subject,
        severity=Severity(event.severity),
        audience=Audience(event.audience),
        organisation=event.organisation,
        since=instant(event.since_ms),
        until=None if event.until_ms is None else instant(event.until_ms),
        at=instant(event.at_ms),
        reason=event.reason,
        rules_revision=rules_revision,
        order_version=event.order_version,
        supersedes=event.supersedes,
        evidence=event.evidence,
        text=Text(zh=said.zh, en=said.en),
    )


def encode(event: EpisodeEvent, rules_revision: int, source: str, *, structured: bool) -> Message:
    """
    Give key, value and headers of the record for `vigil.alerts`; the key is the supervisee.

    `source` is the constant `ce_source` of the installation. Raises as `alert_of`.
    """
    alert = alert_of(event, rules_revision)
    return to_structured(alert, source) if structured else to_kafka(alert, source)
