"""
Alerts as they come, for eyes and for other programs.

The trap: a reader that does not ask for committed records sees alerts of transactions that were given up. Delivery to
a reader may repeat, so an event is shown once for each (`episode_id`, `revision`).
"""

import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

from kafka import KafkaConsumer

from schemas.topics import ALERTS
from stream import broker

Body = dict[str, Any]


class Once:
    """Remember the newest revision of each episode, to tell what was shown already."""

    def __init__(self) -> None:
        self._newest: dict[str, int] = {}

    def is_new(self, body: Mapping[str, Any]) -> bool:
        """Say whether this revision is above every earlier one of its episode, and remember it."""
        episode, revision = body["episode_id"], body["revision"]
        if revision <= self._newest.get(episode, 0):
            return False
        self._newest[episode] = revision
        return True


def body_of(key: bytes, headers: Mapping[str, bytes], value: bytes) -> Body:
    """
    Take the alert out of a record, with the `supervisee` before it that stands in the key alone.

    CloudEvents in binary mode, or structured when the content type says so.
    """
    body: Body = json.loads(value)
    if headers.get("content-type", b"").startswith(b"application/cloudevents"):
        body = body["data"]
    about = key.decode()
    return body if about == body["organisation"] else {"supervisee": about, **body}


def follow(bootstrap: str, group: str | None, *, from_beginning: bool, until_idle_s: float | None) -> Iterator[Body]:
    """
    Give each committed event once, as it comes; without end, or until none came for `until_idle_s`.

    With a `group`, the position is kept between runs: an event counts as read when the next one is asked for.
    Raises Unavailable, and BadConfiguration when the topic is missing.
    """
    with broker.reaching(bootstrap):
        consumer = broker.reader(bootstrap, group, from_beginning=from_beginning)
        try:
            _place(consumer, group, from_beginning=from_beginning)
            yield from _events(consumer, group, until_idle_s)
        finally:
            consumer.close()


def stored(bootstrap: str) -> Iterator[Body]:
    """Give every committed event that the topic holds now, partition by partition, and end. Raises as `follow`."""
    with broker.reaching(bootstrap):
        consumer = broker.reader(bootstrap)
        try:
            for record in broker.stored(consumer, broker.partitions_of(consumer, ALERTS)):
                yield body_of(record.key, dict(record.headers), record.value)
        finally:
            consumer.close()


def line(body: Body, language: str) -> str:
    """Say an event in one line: when, how grave, what, where it belongs, the sentence, and the id to explain it by."""
    what = f"{body['rule']} {body['phase']}"
    sentence = body["text"][language]
    return (
        f"{body['at']}  {body['severity']:<8}  {what:<18}  {body['organisation']}  {sentence}  [{body['episode_id']}]"
    )


def _place(consumer: KafkaConsumer, group: str | None, *, from_beginning: bool) -> None:
    partitions = broker.partitions_of(consumer, ALERTS)
    if group is not None:
        consumer.subscribe([ALERTS])
        return
    consumer.assign(partitions)
    if from_beginning:
        consumer.seek_to_beginning(*partitions)
    else:
        consumer.seek_to_end(*partitions)


def _events(consumer: KafkaConsumer, group: str | None, until_idle_s: float | None) -> Iterator[Body]:
    once, last = Once(), time.monotonic()
    while until_idle_s is None or time.monotonic() - last < until_idle_s:
        polled = consumer.poll(timeout_ms=broker.POLL_MS)
        for records in polled.values():
            for record in records:
                body = body_of(record.key, dict(record.headers), record.value)
                if once.is_new(body):
                    yield body
        if polled:
            last = time.monotonic()
            if group is not None:
                consumer.commit()
