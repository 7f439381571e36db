"""How a county reaches the topics: slice by slice at a pace, while the test goes on; in transactions where asked."""

import math
import random
import threading
from collections.abc import Sequence
from typing import Final

from kafka import KafkaProducer

from stream import broker
from tests.faults.county import Sending

ABORTED: Final = 0.3
"""Share of the slices that are sent once in vain: in a transaction that is given up."""


class Feeder:
    """Sends slices in a thread of its own; `sent` counts those that were acknowledged."""

    def __init__(self, bootstrap: str, slices: Sequence[list[Sending]]) -> None:
        self.bootstrap, self.slices = bootstrap, slices
        self.sent = 0
        self._failed: list[BaseException] = []
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()

    def share(self) -> float:
        """Say which share of the slices was sent; raises what the thread failed with."""
        assert not self._failed, self._failed
        return self.sent / len(self.slices)

    def start(self, pace_s: float, upto: float = 1, transactional: str | None = None) -> None:
        """
        Send the slices up to a share of all, one each `pace_s`; an earlier call must have come to its end.

        With a `transactional` id each slice is a transaction, and some are aborted first and then sent again.
        """
        self.join()
        slices = self.slices[self.sent : math.ceil(upto * len(self.slices))]
        self._thread = threading.Thread(target=self._feed, args=(slices, pace_s, transactional))
        self._thread.start()

    def join(self) -> None:
        """Wait until the thread has ended."""
        if self._thread is not None:
            self._thread.join()

    def stop(self) -> None:
        """Send nothing more."""
        self._stop.set()
        self.join()

    def _feed(self, slices: Sequence[list[Sending]], pace_s: float, transactional: str | None) -> None:
        try:
            if transactional is None:
                self._plainly(slices, pace_s)
            else:
                self._in_transactions(slices, pace_s, transactional)
        except BaseException as error:  # noqa: BLE001 - raised again where the test waits
            self._failed.append(error)

    def _plainly(self, slices: Sequence[list[Sending]], pace_s: float) -> None:
        with broker.producer(self.bootstrap) as producer:
            for records in slices:
                if self._stop.wait(pace_s):
                    return
                send(producer, records)
                self.sent += 1

    def _in_transactions(self, slices: Sequence[list[Sending]], pace_s: float, transactional: str) -> None:
        draw = random.Random(transactional)
        with KafkaProducer(bootstrap_servers=self.bootstrap, transactional_id=transactional) as producer:
            producer.init_transactions()
            for n, records in enumerate(slices):
                if self._stop.wait(pace_s):
                    return
                if n == 0 or draw.random() < ABORTED:
                    producer.begin_transaction()
                    send(producer, records)
                    producer.abort_transaction()
                producer.begin_transaction()
                send(producer, records)
                producer.commit_transaction()
                self.sent += 1


def send(producer: KafkaProducer, records: Sequence[Sending]) -> None:
    """Send records in this order, and wait until all are acknowledged."""
    sent = [producer.send(r.topic, r.value, r.key, partition=r.partition) for r in records]
    producer.flush()
    for future in sent:
        future.get()
