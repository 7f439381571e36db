"""
An episode found once more from what is stored: the orders and pings of its person, in a folder or on the topics.

The trap: pings are kept for seven days and a horizon decides what was late. An episode that is not found any more is
wrong only where its pings are still there; else nothing can be said.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Final, NamedTuple

from detectors.gate import Limits
from geofence.fences import Fences
from schemas.errors import BadConfiguration
from schemas.rules import Rules
from schemas.topics import CHECKINS, DISPOSITIONS, ORDERS, PINGS
from stream import broker
from stream.decode import partition_of
from stream.recompute import Again
from stream.records import Record, records
from stream.replay import Replay
from stream.report import files
from stream.tail import Body
from stream.turns import Inputs, key_of

__all__ = ["Store", "in_folder", "on_topics"]

NAMES: Final = {ORDERS: "orders", PINGS: "pings", CHECKINS: "checkins", DISPOSITIONS: "dispositions"}


class Store(NamedTuple):
    """Records of one person by topic, in the order of their arrival."""

    supervisee: str
    records: dict[str, list[Record]]

    def again(self, events: Sequence[Body], rules: Rules, limits: Limits, fences: Fences) -> Again:
        """Replay the person up to the last event of an episode, and look for it."""
        episode, begin_ms = events[0]["episode_id"], _first_ms(events)
        times = [_time_ms(record) for record in self.records["pings"]]
        if not self.records["orders"] or not times or min(times) > begin_ms:
            return Again(None, "the orders or pings of that time are not stored any more")
        run = Replay(rules, limits, fences, partitions=1)
        until_ms = max([*times, *(_ms(event["at"]) for event in events)])
        run.run(Inputs(**self.records), until_ms=until_ms)
        standing = {event.episode_id: event for event in run.events}
        found = standing.get(episode)
        if found is None or found.phase == "retracted":
            return Again(None, f"not found among the {len(standing)} episodes of the person")
        return Again(episode, f"revision {rules.revision} of the rules, {len(times)} pings")


def in_folder(folder: Path, supervisee: str) -> Store:
    """Read one person's records from the files of a replay. Raises BadConfiguration as `vigil replay` does."""
    return _store(supervisee, {name: records(path) for name, path in files([folder]).items()})


def on_topics(bootstrap: str, supervisee: str) -> Store:
    """Read one person's records from the topics, as far as they are kept. Raises Unavailable, BadConfiguration."""
    return _store(supervisee, {name: _read(bootstrap, topic, supervisee) for topic, name in NAMES.items()})


def _store(supervisee: str, given: dict[str, Iterable[Record]]) -> Store:
    own = supervisee.encode()
    kept = {name: [r for r in given.get(name, ()) if key_of(r.value) == own] for name in NAMES.values()}
    return Store(supervisee, kept)


def _read(bootstrap: str, topic: str, supervisee: str) -> Iterator[Record]:
    with broker.reaching(bootstrap):
        consumer = broker.reader(bootstrap)
        try:
            partitions = broker.partitions_of(consumer, topic)
            own = partitions[partition_of(supervisee.encode(), len(partitions))]
            for record in broker.stored(consumer, [own]):
                if record.key == supervisee.encode() and record.value is not None:
                    yield Record(f"{topic}: partition {record.partition}, offset {record.offset}", record.value)
        finally:
            consumer.close()


def _first_ms(events: Iterable[Body]) -> int:
    pings = chain.from_iterable(event["evidence"].get("pings", []) for event in events)
    return min((ping["time_ms"] for ping in pings), default=_ms(next(iter(events))["since"]))


def _ms(moment: str) -> int:
    return round(datetime.fromisoformat(moment).timestamp() * 1000)


def _time_ms(record: Record) -> int:
    try:
        return int(json.loads(record.value)["time_ms"])
    except (ValueError, KeyError, TypeError) as error:
        raise BadConfiguration(record.where, "is no ping") from error
