"""A subscriber of the alert topic, such as an office would run, that shows what comes and keeps all of it."""

import threading
import time
from collections.abc import Callable
from typing import Final

from kafka import KafkaConsumer

from deploy.demo.processes import DemoError
from schemas.errors import VigilError
from schemas.topics import ALERTS
from stream import broker
from stream.tail import Body, Once, body_of, line

EVERY: Final = 15
"""Of the alerts that are in no story, one in so many is shown."""
POLL_MS: Final = 50
LONGEST_S: Final = 30


class Listener(threading.Thread):
    """
    Reads committed alerts, each once, until `finish`.

    `bodies` are all of them so far; `seen_ms` is the wall time at which each (episode, revision) was first seen.
    """

    def __init__(self, bootstrap: str, stories: set[str], say: Callable[[str], None]) -> None:
        super().__init__(daemon=True)
        self.bodies: list[Body] = []
        self.seen_ms: dict[tuple[str, int], float] = {}
        self.failure: VigilError | OSError | None = None
        self._is_finished = False
        self._address, self._stories, self._say = bootstrap, stories, say
        self._once, self._others, self._last = Once(), 0, time.monotonic()
        self._ending = threading.Event()

    def run(self) -> None:
        """Follow the topic from its beginning."""
        try:
            with broker.reaching(self._address):
                consumer = broker.reader(self._address)
                try:
                    self._follow(consumer)
                finally:
                    consumer.close()
        except (VigilError, OSError) as error:  # a thread cannot raise: `check` does it for the steps
            self.failure = error
        else:
            self._is_finished = True

    def check(self) -> None:
        """Raise what ended the reading, if something did."""
        if self.failure is not None:
            raise self.failure
        if not self.is_alive() and not self._is_finished:
            raise DemoError("the subscriber of the alerts has failed")

    def is_quiet(self, seconds: float) -> bool:
        """Tell whether nothing came for so long."""
        self.check()
        return time.monotonic() - self._last > seconds

    def finish(self) -> None:
        """Read to the end of what is committed now, and end."""
        self._ending.set()
        self.join(LONGEST_S)
        self.check()
        if self.is_alive():
            raise DemoError(f"the alerts could not be read to their end within {LONGEST_S} s")

    def _follow(self, consumer: KafkaConsumer) -> None:
        partitions = broker.partitions_of(consumer, ALERTS)
        consumer.assign(partitions)
        consumer.seek_to_beginning(*partitions)
        ends = None
        while ends is None or any(consumer.position(partition) < ends[partition] for partition in partitions):
            if ends is None and self._ending.is_set():
                ends = consumer.end_offsets(partitions)
            for records in consumer.poll(timeout_ms=POLL_MS).values():
                seen_ms = time.time() * 1000
                for record in records:
                    self._take(body_of(record.key, dict(record.headers), record.value), seen_ms)

    def _take(self, body: Body, seen_ms: float) -> None:
        if not self._once.is_new(body):
            return
        self._last = time.monotonic()
        self.bodies.append(body)
        self.seen_ms[body["episode_id"], body["revision"]] = seen_ms
        if body.get("supervisee") in self._stories:
            self._say(f"  {line(body, 'en')}\n  {'':<24}  {body['text']['zh']}")
        else:
            if self._others % EVERY == 0:
                self._say(f"  {line(body, 'en')}")
            self._others += 1
