"""Alerts as their subscribers know them: episodes, each with its revisions; and what is wrong with how they came."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from detectors.findings import EpisodeEvent
from schemas.alert import Message
from schemas.topics import ALERTS
from tests.faults.log import Log, Record

Body = dict[str, Any]


class Episode(NamedTuple):
    """What an episode is once everything was heard; how many revisions led there rightly depends on the order."""

    episode_id: str
    kind: str
    since: str
    until: str | None
    severity: str


class Published(NamedTuple):
    """Bodies of alerts by episode, in the order in which they stand on the topic."""

    revisions: dict[str, list[Body]]

    @classmethod
    def of(cls, log: Log) -> "Published":
        """Read the alerts topic."""
        return cls.grouped(record for records in log[ALERTS].values() for record in records)

    @classmethod
    def by_engine(cls, events: Iterable[EpisodeEvent], encode: Callable[[EpisodeEvent], Message]) -> "Published":
        """Take events as they would have been published."""
        messages = [encode(event) for event in events]
        return cls.grouped(Record(0, key, value, dict(headers), 0) for key, value, headers in messages)

    @classmethod
    def grouped(cls, records: Iterable[Record]) -> "Published":
        """Group records by episode."""
        revisions: dict[str, list[Body]] = defaultdict(list)
        for record in records:
            body = json.loads(record.value or b"")
            revisions[body["episode_id"]].append(body)
        return cls(revisions)

    def result(self) -> set[Episode]:
        """Give the episodes that are not retracted, as their newest revision has them."""
        newest = [max(bodies, key=lambda body: int(body["revision"])) for bodies in self.revisions.values()]
        return {
            Episode(b["episode_id"], b["evidence"]["kind"], b["since"], b["until"], b["severity"])
            for b in newest
            if b["phase"] != "retracted"
        }

    def doubled(self) -> list[str]:
        """Name each revision that came twice, or after a higher one."""
        found = []
        for episode_id, bodies in self.revisions.items():
            highest = 0
            for body in bodies:
                if body["revision"] <= highest:
                    found.append(f"{episode_id}:{body['revision']} after {highest}")
                highest = max(highest, body["revision"])
        return found

    def holes(self) -> list[str]:
        """Name each revision that never came, though a higher one did."""
        found = []
        for episode_id, bodies in self.revisions.items():
            seen = {body["revision"] for body in bodies}
            found += [f"{episode_id}:{missing}" for missing in set(range(1, max(seen))) - seen]
        return found
