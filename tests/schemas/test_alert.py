"""The alert contract: names of episodes, bytes of bodies, envelopes that the official package reads."""

import json
from pathlib import Path
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_kafka_event
from cloudevents.core.formats.json import JSONFormat

from schemas.alert import (
    EPISODE_NAMESPACE,
    Alert,
    Audience,
    Message,
    Phase,
    Severity,
    Text,
    episode_id,
    to_kafka,
    to_structured,
)
from schemas.instant import instant, milliseconds, rfc3339
from tests.schemas.messages import SINCE_MS

GOLDEN: Final = Path(__file__).parent / "golden" / "v1"
UNTIL_MS: Final = 1_582_364_700_000


def opened(**changes: Any) -> Alert:  # noqa: ANN401
    """Give the alert of the man who switched off."""
    fields = {
        "supervisee": "lz-1",
        "episode_id": episode_id("lz-1", "gap", "contact", SINCE_MS),
        "revision": 1,
        "phase": Phase.opened,
        "rule": "gap",
        "subject": "contact",
        "severity": Severity.alert,
        "audience": Audience.officer,
        "organisation": "450000/450200/450223/450223001",
        "since": instant(SINCE_MS),
        "until": None,
        "at": instant(SINCE_MS),
        "reason": "powered_off",
        "rules_revision": 1,
        "order_version": "450223-2020-1",
        "supersedes": None,
        "evidence": {"pings": [[SINCE_MS, "powered_off"]], "limit_min": 120},
        "text": Text(zh="关机", en="switched off"),
    }
    return Alert.model_validate(fields | changes)


def closed() -> Alert:
    """Give the end of it."""
    return opened(revision=2, phase=Phase.closed, until=instant(UNTIL_MS), at=instant(UNTIL_MS), reason="contact")


def test_names_of_episodes_never_change() -> None:
    """The namespace and the canonical string are written down, so anybody can compute the name."""
    assert uuid5(NAMESPACE_URL, "urn:vigil:episode") == EPISODE_NAMESPACE
    name = "98d28d64-7cb0-5e74-bd17-20ba06bfc535"
    assert name == episode_id("lz-1", "gap", "contact", SINCE_MS)
    assert name == str(uuid5(EPISODE_NAMESPACE, "lz-1\ngap\ncontact\n1582295400000"))
    assert "edce3483-e64c-5ebc-9c56-c27ea4ee5590" == episode_id("司法-1", "night_venue", "", SINCE_MS)


def test_names_differ_in_each_part() -> None:
    """Person, rule, subject and beginning each make another episode."""
    parts = [("a", "r", "s", 1), ("b", "r", "s", 1), ("a", "q", "s", 1), ("a", "r", "t", 1), ("a", "r", "s", 2)]
    assert 5 == len({episode_id(*part) for part in parts})


@pytest.mark.parametrize(("alert", "name"), [(opened(), "alert-opened"), (closed(), "alert-closed")])
def test_golden_bytes(alert: Alert, name: str) -> None:
    """Body and envelope are what subscribers of the first release got, byte for byte."""
    message = to_kafka(alert, "vigil")
    assert (GOLDEN / f"{name}.json").read_bytes().rstrip(b"\n") == message.value
    envelope = {key: value.decode() for key, value in message.headers}
    assert json.loads((GOLDEN / f"{name}.headers.json").read_bytes()) == envelope
    assert b"lz-1" == message.key


@pytest.mark.parametrize("name", ["alert-opened", "alert-closed"])
def test_golden_bodies_are_still_read(name: str) -> None:
    """A body of the first release is an alert today, with unknown fields let through."""
    body = json.loads((GOLDEN / f"{name}.json").read_bytes())
    got = Alert.model_validate_json(json.dumps(body | {"more": 1}), strict=True)
    assert body == json.loads(got.model_dump_json())


def test_body_has_every_field_and_not_the_person() -> None:
    """What is unknown is null rather than left out; the person stands in the envelope."""
    body = json.loads(to_kafka(opened(), "vigil").value)
    assert set(Alert.model_fields) - {"supervisee"} == set(body)
    assert b"lz-1" not in to_kafka(opened(), "vigil").value


def test_an_organisations_episode_goes_by_its_path() -> None:
    """Without a person, key and subject are the organisation's path."""
    message = to_kafka(opened(supervisee=None), "vigil")
    assert b"450000/450200/450223/450223001" == message.key == dict(message.headers)["ce_subject"]


def read_by_package(message: Message) -> Any:  # noqa: ANN401
    """Read a record as a subscriber with the official package does."""
    record = KafkaMessage(headers=dict(message.headers), key=message.key, value=message.value)
    return from_kafka_event(record, JSONFormat())


@pytest.mark.parametrize("write", [to_kafka, to_structured])
def test_the_official_package_reads_it(write: Any) -> None:  # noqa: ANN401
    """Either mode is a valid CloudEvent with the same attributes and the same data."""
    event = read_by_package(write(opened(supervisee="司法-1"), "vigil"))
    assert f"{opened().episode_id}:1" == event.get_id()
    assert ("vigil", "vigil.episode.opened.v1", "1.0") == (
        event.get_source(),
        event.get_type(),
        event.get_specversion(),
    )
    assert "司法-1" == event.get_subject()
    assert instant(SINCE_MS) == event.get_time()
    assert "urn:vigil:schema:v1:alert" == event.get_dataschema()
    assert "application/json" == event.get_datacontenttype()
    assert json.loads(opened().model_dump_json()) == event.get_data()


def test_sent_again_it_is_the_same() -> None:
    """The same event gives the same bytes, so a subscriber may drop what it has seen."""
    assert to_kafka(opened(), "vigil") == to_kafka(opened(), "vigil")


def test_times_have_milliseconds() -> None:
    """Times are written in UTC with three decimals, finer ones cut, and read back exactly."""
    assert "2020-02-21T14:30:00.007Z" == rfc3339(instant(SINCE_MS + 7))
    assert SINCE_MS + 7 == milliseconds(instant(SINCE_MS + 7))
    assert instant(SINCE_MS) == opened(since="2020-02-21T22:30:00.000999+08:00").since
