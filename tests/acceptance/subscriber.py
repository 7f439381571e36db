"""A subscriber as others write it: kafka-python, committed records only, each event held against the ones before."""

import json
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from kafka import KafkaConsumer, TopicPartition

Body = dict[str, Any]


class Found(NamedTuple):
    """One record as a committed reader sees it."""

    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]

    def header(self, name: str) -> str:
        """Give one header."""
        return dict(self.headers)[name].decode()


class Subscriber:
    """Reads one topic from its beginning on; `records` are all that it has seen."""

    def __init__(self, bootstrap: str, topic: str, partitions: int) -> None:
        self.records: list[Found] = []
        self._partitions = [TopicPartition(topic, number) for number in range(partitions)]
        self._consumer = KafkaConsumer(
            bootstrap_servers=bootstrap,
            isolation_level="read_committed",
            enable_auto_commit=False,
            allow_auto_create_topics=False,
        )
        self._consumer.assign(self._partitions)
        self._consumer.seek_to_beginning(*self._partitions)

    def read(self) -> list[Found]:
        """Read everything that is committed by now."""
        ends = self._consumer.end_offsets(self._partitions)
        while any(self._consumer.position(partition) < ends[partition] for partition in self._partitions):
            for partition, records in self._consumer.poll(timeout_ms=100).items():
                self.records += [
                    Found(partition.partition, r.offset, r.key, r.value, tuple(r.headers)) for r in records
                ]
        return self.records

    def close(self) -> None:
        """Leave."""
        self._consumer.close()


class Episode(NamedTuple):
    """An episode as its last event left it; `until_ms` is None while it lasts."""

    supervisee: str
    rule: str
    kind: str
    severity: str
    reason: str
    since_ms: int
    until_ms: int | None
    episode_id: str


def events(records: Iterable[Found]) -> list[Body]:
    """
    Give the alerts in the order of each episode, with the supervisee beside the body.

    Fails where the contract of the envelope is broken: an event that came twice, a revision left out, a retracted
    episode that goes on.
    """
    bodies = []
    for record in records:
        assert record.key is not None
        assert record.value is not None
        body = json.loads(record.value)
        assert record.header("ce_id") == f"{body['episode_id']}:{body['revision']}"
        assert record.header("ce_type") == f"vigil.episode.{body['phase']}.v1"
        assert record.header("ce_subject") == record.key.decode()
        bodies.append({"supervisee": record.key.decode(), **body})
    last: Counter[str] = Counter()
    for body in bodies:
        assert body["revision"] == last[body["episode_id"]] + 1, f"{body} after revision {last[body['episode_id']]}"
        last[body["episode_id"]] += 1
    return bodies


def standing(bodies: Iterable[Body]) -> list[Episode]:
    """Give what is not retracted, by person and beginning."""
    last = {body["episode_id"]: body for body in bodies}
    found = [episode(body) for body in last.values() if body["phase"] != "retracted"]
    return sorted(found, key=lambda one: (one.supervisee, one.since_ms, one.rule))


def episode(body: Body) -> Episode:
    """Give the state that one event tells."""
    return Episode(
        body["supervisee"],
        body["rule"],
        body["evidence"]["kind"],
        body["severity"],
        body["reason"],
        moment(body["since"]),
        None if body["until"] is None else moment(body["until"]),
        body["episode_id"],
    )


def moment(text: str) -> int:
    """Read an RFC 3339 time as epoch milliseconds."""
    return round(datetime.fromisoformat(text).timestamp() * 1000)
