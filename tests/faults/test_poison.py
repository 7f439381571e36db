"""Records that cannot be used, of every kind known, among good ones; and a feed that sends nothing else any more."""

import json
import signal
from typing import Any

import pytest
from kafka import KafkaProducer

from schemas.deadletter import WITHHELD, DeadLetter
from schemas.topics import DEAD_LETTERS, PINGS
from stream import broker
from stream.decode import partition_of
from stream.transactions import EXIT_POISONED
from tests.faults.conftest import NewRun
from tests.faults.county import START_MS, Sending
from tests.faults.driver import Run
from tests.faults.feeding import send
from tests.faults.log import read
from tests.faults.oracle import Origin
from tests.faults.poison import Poison, poisons
from tests.faults.verifier import letters_of

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(300)]
PLACE = {"lon": 109.4201, "lat": 24.3301, "datum": "wgs84", "accuracy_m": 120}


def sent(run: Run, people: list[str]) -> dict[Origin, Poison]:
    """Send one of each kind for some people, compressed, and say where each has come to lie."""
    waiting = []
    with KafkaProducer(bootstrap_servers=run.bootstrap, compression_type="gzip") as producer:
        for name in people:
            ping: dict[str, Any] = {"supervisee": name, "time_ms": START_MS + 3_600_000, "status": "located", **PLACE}
            for poison in poisons(name, ping):
                number = partition_of((poison.key or b"").removeprefix(b"nobody-"), run.county.partitions)
                if poison.what.startswith("nobody"):
                    number = partition_of(poison.key or b"", run.county.partitions)
                number = (number + poison.aside) % run.county.partitions
                waiting.append((poison, producer.send(PINGS, poison.value, poison.key, partition=number)))
        producer.flush()
        found = [(poison, future.get()) for poison, future in waiting]
    return {(PINGS, at.partition, at.offset): poison for poison, at in found}


def test_each_comes_out_once_with_its_reason(new_run: NewRun) -> None:
    """Expected: zeros, and each record once in the dead letters, bytes and reason as they are, through a kill too."""
    with new_run(seed=701, people=60, hours=8, partitions=4) as run:
        heard = run.county.names[len(run.county.names) // 2 :][:4]
        run.start("a", step="sent", after=0, upon_signal=True)
        run.feeder.start(pace_s=0.05)
        run.until_fed(0.3)
        expected = sent(run, heard)
        run.processes["a"].send_signal(signal.SIGUSR1)
        expected |= sent(run, heard)
        assert run.ended("a") == -signal.SIGKILL, run.log("a")
        run.forget()
        run.start("a")
        verdict = run.finish()
        assert verdict.clean, verdict.reasons()
        assert run.evidence().replayed() > 0
        letters = letters_of(read(run.bootstrap, [DEAD_LETTERS]))
        for origin, poison in expected.items():
            (letter,) = letters[origin]
            assert DeadLetter.from_headers(list(letter.headers.items())).reason == poison.reason, poison.what
            value = None if poison.reason in WITHHELD else poison.value
            assert (poison.key, value) == (letter.key, letter.value), poison.what


def test_a_feed_gone_bad_ends_the_worker(new_run: NewRun) -> None:
    """Expected: the worker ends and says why; nothing of the bad feed is committed but what it has put aside, once."""
    with new_run(seed=702, people=60, hours=8, partitions=4) as run:
        run.start("a")
        run.feeder.start(pace_s=0)
        run.until_fed(1)
        run.until_read()
        key = run.county.names[0].encode()
        bad = [Sending(PINGS, partition_of(key, run.county.partitions), key, b"?")] * 30_000
        with broker.producer(run.bootstrap) as producer:
            send(producer, bad)
        assert run.ended("a") == EXIT_POISONED
        assert "records were refused, of late as not_json" in run.log("a"), run.log("a")
        letters = letters_of(read(run.bootstrap, [DEAD_LETTERS]))
        assert {1} == {len(found) for found in letters.values()}
        assert json.loads(run.log("a").splitlines()[-1])["level"] == "critical"
