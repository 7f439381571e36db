"""The episodes of a run: as a subscriber has them from the topic, and as a replay of the same records gives them."""

import contextlib
import json
from typing import Any, NamedTuple

from detectors.findings import EpisodeEvent
from detectors.gate import Limits
from geofence.fences import Fences
from schemas.instant import instant, rfc3339
from schemas.rules import load_rules
from schemas.topics import ALERTS
from stream import broker
from stream.replay import replay
from stream.settings import Settings
from tests.bench.county import Input
from tests.bench.feeding import PARTITIONS


class Episode(NamedTuple):
    """What must be the same, however the stream was cut."""

    episode_id: str
    supervisee: str
    rule: str
    kind: str
    since: str
    until: str | None


def published(bootstrap: str) -> tuple[set[Episode], int]:
    """Read all committed alerts; gives the episodes that are not retracted, and how many alerts there were."""
    last: dict[str, dict[str, Any]] = {}
    alerts = 0
    with contextlib.closing(broker.reader(bootstrap)) as reader:
        partitions = broker.partitions_of(reader, ALERTS)
        reader.assign(partitions)
        ends = reader.end_offsets(partitions)
        while any(reader.position(partition) < end for partition, end in ends.items()):
            for records in reader.poll(500).values():
                for record in records:
                    alerts += 1
                    body = json.loads(record.value)
                    if body["revision"] > last.get(body["episode_id"], {"revision": -1})["revision"]:
                        last[body["episode_id"]] = body | {"supervisee": record.key.decode()}
    return {_told(body) for body in last.values() if body["phase"] != "retracted"}, alerts


def replayed(drawn: Input, fences: Fences) -> set[Episode]:
    """Run the rules over the same records without Kafka."""
    settings = Settings(clock="feed")
    limits = Limits(settings.horizon_ms, settings.future_ms)
    rules = load_rules(settings.rules_file)
    pings = [*drawn.values, drawn.clock()]
    last: dict[str, EpisodeEvent] = {}
    for event in replay(
        drawn.orders, pings, rules=rules, limits=limits, fences=fences, partitions=PARTITIONS, cut=1 << 17
    ):
        last[event.episode_id] = event
    return {_found(event) for event in last.values() if event.phase != "retracted"}


def _told(body: dict[str, Any]) -> Episode:
    kind = body["evidence"]["kind"]
    return Episode(body["episode_id"], body["supervisee"], body["rule"], kind, body["since"], body["until"])


def _found(event: EpisodeEvent) -> Episode:
    until = None if event.until_ms is None else _text(event.until_ms)
    kind = event.evidence["kind"]
    return Episode(event.episode_id, event.supervisee, event.rule, kind, _text(event.since_ms), until)


def _text(time_ms: int) -> str:
    return rfc3339(instant(time_ms))
