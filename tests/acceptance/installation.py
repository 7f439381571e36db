"""Vigil as somebody has installed it: topics on a broker, workers of one group, senders and subscribers around them."""

import asyncio
import itertools
from collections.abc import Iterable
from pathlib import Path

from kafka import KafkaConsumer, TopicPartition

from schemas.topics import ALERTS, CHANGELOG, DEAD_LETTERS, SOURCES
from tests.acceptance.processes import Worker, until
from tests.acceptance.sender import Given, Place, clocks, send_all, send_each
from tests.acceptance.subscriber import Body, Episode, Found, Subscriber, events, standing

CLOCK = "vigil_clock_timestamp_seconds"


class Installation:
    """
    One group on fresh topics. The topics are the same for every installation, so one is closed before the next.

    `variables` are what every worker gets, by the names of the settings.
    """

    def __init__(self, bootstrap: str, folder: Path, partitions: int, **variables: str | float | Path) -> None:
        self.bootstrap, self.folder, self.partitions = bootstrap, folder, partitions
        self.group = folder.name
        self.workers: list[Worker] = []
        self._numbers = itertools.count(1)
        given = {"kafka_bootstrap": bootstrap, "group": self.group, "partitions": partitions, "http_port": 0}
        given |= {"session_timeout_s": 6, "flush_s": 0.1, "clock": "feed", **variables}
        self.variables = {f"VIGIL_{name.upper()}": str(value) for name, value in given.items()}
        self.alert_topic = Subscriber(bootstrap, ALERTS, partitions)
        self.dead_topic = Subscriber(bootstrap, DEAD_LETTERS, partitions)
        self._group = KafkaConsumer(bootstrap_servers=bootstrap, group_id=self.group, enable_auto_commit=False)

    def start(self, **variables: str | float | Path) -> Worker:
        """Start one more worker."""
        more = {f"VIGIL_{name.upper()}": str(value) for name, value in variables.items()}
        worker = Worker(self.folder / f"worker-{next(self._numbers)}.log", {**self.variables, **more})
        self.workers.append(worker)
        return worker

    def send(self, records: Iterable[Given]) -> None:
        """Send records in batches."""
        asyncio.run(send_all(self.bootstrap, self.partitions, records))

    def send_each(self, records: Iterable[Given]) -> list[Place]:
        """Send records and say where each one is."""
        return send_each(self.bootstrap, list(records))

    def tell(self, clock_ms: int) -> None:
        """Send a clock record to every partition."""
        self.send(clocks(self.partitions, clock_ms))

    def is_read(self) -> bool:
        """Whether the group has committed all that the source topics hold."""
        for worker in self.workers:
            assert not worker.is_over(), worker.text
        partitions = [TopicPartition(topic, number) for topic in SOURCES for number in range(self.partitions)]
        ends = self._group.end_offsets(partitions)
        return all((self._group.committed(tp) or 0) >= ends[tp] for tp in partitions)

    def until_read(self) -> None:
        """Wait until the group has."""
        until(self.is_read, lambda: "\n".join(worker.text for worker in self.workers))

    def settle(self, clock_ms: int) -> None:
        """
        Wait until everything sent is read, every deadline before `clock_ms` has fired, and what it said is committed.

        The second clock record is there for its offset, whose transaction carries all that was found before.
        """
        self.tell(clock_ms)
        until(lambda: self.clock_ms() >= clock_ms, lambda: f"{self.clock_ms()} is not yet {clock_ms}")
        self.tell(clock_ms)
        self.until_read()

    def clock_ms(self) -> float:
        """Give the time up to which deadlines have fired on every partition; -1 where one is not worked on."""
        owned = self.series(CLOCK)
        return round(min(owned.values()) * 1000) if len(owned) == self.partitions else -1

    def series(self, name: str) -> dict[tuple[tuple[str, str], ...], float]:
        """Give a metric of the workers that live, summed, by labels."""
        found: dict[tuple[tuple[str, str], ...], float] = {}
        for worker in self.workers:
            worker.listens()
            for (other, labels), value in worker.metrics().items():
                if other == name:
                    found[labels] = found.get(labels, 0.0) + value
        return found

    def total(self, name: str, **labels: str) -> int:
        """Sum a metric over the workers that live and over the labels that are not given."""
        asked = labels.items()
        return round(sum(value for has, value in self.series(name).items() if asked <= dict(has).items()))

    def events(self, *supervisees: str) -> list[Body]:
        """Give the alerts about these people, or about everybody, as committed by now."""
        return [b for b in events(self.alert_topic.read()) if not supervisees or b["supervisee"] in supervisees]

    def standing(self, *supervisees: str) -> list[Episode]:
        """Give the episodes of these people, or of everybody, that are not retracted."""
        return standing(self.events(*supervisees))

    def dead_letters(self) -> list[Found]:
        """Give the dead letters that are committed by now."""
        return self.dead_topic.read()

    def rows(self) -> dict[bytes, bytes]:
        """Give the changelog as a worker would load it: the last committed value of each key, of all partitions."""
        subscriber = Subscriber(self.bootstrap, CHANGELOG, self.partitions)
        try:
            found = {(r.partition, r.key): r.value for r in subscriber.read()}
        finally:
            subscriber.close()
        return {b"%d " % n + (key or b""): value for (n, key), value in found.items() if value is not None}

    def kill(self, worker: Worker) -> None:
        """End a worker at once."""
        self.workers.remove(worker)
        worker.kill()

    def stop(self, worker: Worker) -> int:
        """Tell a worker to end, and give its exit code."""
        self.workers.remove(worker)
        return worker.stop()

    def close(self) -> None:
        """End what still runs."""
        for worker in self.workers:
            worker.kill()
        for reader in (self.alert_topic, self.dead_topic, self._group):
            reader.close()
