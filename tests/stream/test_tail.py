"""Tail: committed alerts, each once, for eyes and programs."""

import json
from collections.abc import Callable

import pytest
from kafka import KafkaProducer

from detectors.examples import Person
from detectors.findings import EpisodeEvent
from schemas.topics import ALERTS
from stream.alerts import encode
from stream.tail import Once, body_of, follow, line, stored


def _events() -> list[EpisodeEvent]:
    person = Person().ping(0).ping(300)
    return person.events


def test_both_modes_give_the_same_body() -> None:
    """Binary or structured, the reader sees the same alert, with the person it is about."""
    event = _events()[0]
    bodies = []
    for structured in (False, True):
        key, value, headers = encode(event, 1, "vigil", structured=structured)
        bodies.append(body_of(key, dict(headers), value))

    assert bodies[0] == bodies[1]
    assert "lz-1" == bodies[0]["supervisee"]


def test_alert_about_an_organisation_names_no_person() -> None:
    """Where the key is the organisation, there is no supervisee."""
    value = json.dumps({"organisation": "450000/450200", "rule": "coverage"}).encode()

    assert "supervisee" not in body_of(b"450000/450200", {}, value)


def test_revision_is_shown_once() -> None:
    """The same revision again is not new, a later one is, an earlier one never."""
    once = Once()
    revisions = [1, 1, 2, 1, 3]

    assert [True, False, True, False, True] == [
        once.is_new({"episode_id": "e", "revision": revision}) for revision in revisions
    ]
    assert once.is_new({"episode_id": "f", "revision": 1})


def test_line_has_what_an_officer_asks() -> None:
    """When, how grave, what, where, the sentence and the id, in either language."""
    key, value, headers = encode(_events()[0], 1, "vigil", structured=False)
    body = body_of(key, dict(headers), value)

    assert line(body, "en").startswith("2026-03-01T18:00:00.000Z  alert     gap opened")
    assert body["text"]["zh"] in line(body, "zh")
    assert body["episode_id"] in line(body, "en")


@pytest.mark.kafka
def test_real_broker(kafka: str, fresh_topics: Callable[..., None]) -> None:
    """Committed events are shown once; those of a transaction that was given up never; a group goes on where it was."""
    fresh_topics(partitions=4)
    opened, closed = _events()
    producer = KafkaProducer(bootstrap_servers=kafka, transactional_id="tail-test")
    producer.init_transactions()
    for events, is_committed in (([opened], False), ([opened, opened], True)):
        producer.begin_transaction()
        for event in events:
            key, value, headers = encode(event, 1, "vigil", structured=False)
            producer.send(ALERTS, key=key, value=value, headers=headers)
        (producer.commit_transaction if is_committed else producer.abort_transaction)()

    assert [1] == [body["revision"] for body in follow(kafka, "reader", from_beginning=True, until_idle_s=3)]
    assert [1, 1] == [body["revision"] for body in stored(kafka)]

    producer.begin_transaction()
    key, value, headers = encode(closed, 1, "vigil", structured=True)
    producer.send(ALERTS, key=key, value=value, headers=headers)
    producer.commit_transaction()
    producer.close()

    assert [2] == [body["revision"] for body in follow(kafka, "reader", from_beginning=True, until_idle_s=3)]
    assert [1, 2] == [body["revision"] for body in follow(kafka, None, from_beginning=True, until_idle_s=1)]
    assert [] == list(follow(kafka, None, from_beginning=False, until_idle_s=0.5))
