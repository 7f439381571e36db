"""Alerts: an event of the rules as a CloudEvent that any subscriber can read."""

import json

import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_kafka_event
from pydantic import ValidationError

from detectors.findings import EpisodeEvent
from schemas.alert import episode_id
from stream.alerts import encode

SINCE_MS = 1_582_295_400_000
EVENT = EpisodeEvent(
    supervisee="P-17",
    episode_id=episode_id("P-17", "gap", "contact", SINCE_MS),
    revision=2,
    phase="closed",
    rule="gap",
    subject="contact",
    severity="alert",
    audience="officer",
    organisation="450000/450200/450223",
    since_ms=SINCE_MS,
    until_ms=1_582_364_700_000,
    at_ms=1_582_364_700_000,
    reason="powered_off",
    order_version="o-1@1577808000000",
    supersedes=None,
    evidence={"kind": "gap", "pings": [{"time_ms": SINCE_MS, "status": "powered_off"}]},
)


@pytest.mark.parametrize("structured", [False, True])
def test_subscriber_reads_it_with_the_packages_of_the_field(structured: bool) -> None:  # noqa: FBT001  # both modes
    """In either mode the CloudEvents package finds envelope and body."""
    key, value, headers = encode(EVENT, 3, "vigil", structured=structured)
    event = from_kafka_event(KafkaMessage(dict(headers), key, value))

    assert b"P-17" == key
    assert f"{EVENT.episode_id}:2" == event.get_id()
    assert "vigil.episode.closed.v1" == event.get_type()
    assert "vigil" == event.get_source()
    assert "P-17" == event.get_subject()
    assert "2020-02-22T09:45:00+00:00" == event.get_time().isoformat()  # type: ignore[union-attr]  # always set

    body = event.get_data()

    assert isinstance(body, dict)
    assert ("2020-02-21T14:30:00.000Z", "2020-02-22T09:45:00.000Z", 3) == (
        body["since"],
        body["until"],
        body["rules_revision"],
    )
    assert EVENT.evidence == body["evidence"]
    assert {"zh", "en"} == body["text"].keys()


def test_event_sent_again_is_the_same_bytes() -> None:
    """Nothing in a record depends on when or by whom it is encoded."""
    assert encode(EVENT, 3, "vigil", structured=False) == encode(EVENT, 3, "vigil", structured=False)


def test_chinese_is_utf8_as_it_is() -> None:
    """The sentence stands in the record as UTF-8, not as escapes."""
    assert "关机".encode() in encode(EVENT, 3, "vigil", structured=False).value


def test_open_episode_has_a_null_end() -> None:
    """While it lasts, `until` is null and not missing."""
    opened = EVENT._replace(phase="opened", until_ms=None)
    body = json.loads(encode(opened, 3, "vigil", structured=False).value)

    assert None is body["until"]


def test_event_that_breaks_the_contract_is_not_sent() -> None:
    """A severity that no subscriber knows never leaves."""
    with pytest.raises(ValueError, match="grave"):
        encode(EVENT._replace(severity="grave"), 3, "vigil", structured=False)
    with pytest.raises(ValidationError, match="organisation"):
        encode(EVENT._replace(organisation="somewhere"), 3, "vigil", structured=False)
