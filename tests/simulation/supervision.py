"""The case of the real rules: a seeded county on the clock of the feed, held against one pass of the same rules."""

from collections import defaultdict
from functools import partial
from typing import Final

from detectors.engine import Engine
from detectors.findings import EpisodeEvent
from detectors.gate import Limits
from schemas.alert import Message
from schemas.rules import load_rules
from stream.alerts import encode
from stream.partition import Partition
from stream.settings import Settings
from tests.faults.county import County, Sending
from tests.faults.log import Log, Record
from tests.faults.verifier import READ, Verifier
from tests.simulation.broker import Broker
from tests.simulation.case import PARTITIONS, Verdict
from tests.simulation.world import World

PEOPLE: Final = 12
HOURS: Final = 6
SLICE_S: Final = 0.04
SETTINGS: Final = Settings(
    kafka_bootstrap="simulated:1", group="simulated", partitions=PARTITIONS, clock="feed", flush_s=0.1
)
RULES: Final = load_rules(SETTINGS.rules_file)
LIMITS: Final = Limits(SETTINGS.horizon_ms, SETTINGS.future_ms)


class Supervision:
    """Sends a county slice by slice, and ends some orders once all was read."""

    settings = SETTINGS

    def __init__(self, seed: int, world: World, broker: Broker) -> None:
        self.broker, self.county = broker, County(seed, PEOPLE, HOURS, PARTITIONS)
        self._send(self.county.orders)
        self.left = len(self.county.slices)
        self._last = self.county.last
        for number, some in enumerate(self.county.slices):
            world.at(number * SLICE_S, partial(self._slice, some))

    @staticmethod
    def kernel() -> Engine:
        """Give the rules."""
        return Engine(RULES, LIMITS)

    @staticmethod
    def encode(event: EpisodeEvent) -> Message:
        """Give the alert."""
        return encode(event, RULES.revision, "vigil", structured=False)

    @property
    def over(self) -> bool:
        """Whether everything was sent."""
        return not self.left

    def close(self) -> None:
        """Send the last clock records again."""
        self._send(self.county.slices[-1][-PARTITIONS:])

    def end(self) -> bool:
        """End some orders."""
        self._send(self._last)
        return True

    def is_quiet(self, partition: Partition) -> bool:
        """Whether its deadlines have fired up to the last clock record."""
        return partition.ticked_ms >= self.county.end_ms

    def judge(self, stuck: list[str]) -> Verdict:
        """Ask the verifier that judges runs on Kafka."""
        log: Log = {topic: defaultdict(list) for topic in READ}
        for (topic, number), partition in self.broker.logs.items():
            log[topic][number] = [
                Record(offset, entry.key, entry.value, dict(entry.headers), entry.appended_ms)
                for offset, entry in enumerate(partition.entries)
                if entry.visible
            ]
        found = Verifier(PARTITIONS, RULES, LIMITS).verdict(log)
        if found.accepted + found.refused != found.produced:
            stuck.append(f"{found.accepted} accepted and {found.refused} refused of {found.produced}")
        return Verdict(found.state_mismatch, found.missing, found.extra, found.dups, stuck)

    def _slice(self, records: list[Sending]) -> None:
        self._send(records)
        self.left -= 1

    def _send(self, records: list[Sending]) -> None:
        for record in records:
            self.broker.append((record.topic, record.partition), [(record.key, record.value, [])])
