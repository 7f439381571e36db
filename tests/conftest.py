"""One broker for the whole run, started by the same script that everybody else uses, in a folder of its own."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest
from kafka import KafkaAdminClient

from schemas.topics import TOPICS
from stream import topics

ROOT = Path(__file__).parents[1]
RUNS = ROOT / "build" / "tests"
# The broker of whoever runs the tests is never theirs to empty.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "VIGIL_KAFKA_BOOTSTRAP"}


class FreshTopics(Protocol):
    """Makes every topic of the table anew and empty."""

    def __call__(self, partitions: int = 4) -> None:
        """Return when each partition has a leader. Topic ids are new: workers of earlier tests must have ended."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what asks for the broker, so that no test is forgotten when those are left out."""
    for item in items:
        if "kafka" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.kafka)


def script(verb: str, data: Path) -> subprocess.CompletedProcess[str]:
    """Run a verb of deploy/kafka/kafka for one data folder."""
    command: list[str | Path] = [sys.executable, "-I", ROOT / "deploy" / "kafka" / "kafka", verb, "--data", data]
    return subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=280)


def discard(data: Path) -> None:
    """End the broker of one data folder and forget what it held."""
    script("down", data)
    shutil.rmtree(data, ignore_errors=True)


@pytest.fixture(scope="session")
def kafka() -> Iterator[str]:
    """Address of a real broker, empty at the start of the run and gone after it."""
    for left in RUNS.glob("kafka-*"):
        # Its run was killed before it could end the broker.
        if not Path("/proc", left.name.removeprefix("kafka-")).exists():
            discard(left)
    data = RUNS / f"kafka-{os.getpid()}"
    try:
        up = script("up", data)
        assert up.returncode == 0, up.stderr
        yield up.stdout.strip()
    finally:
        discard(data)


@pytest.fixture(scope="session")
def admin(kafka: str) -> Iterator[KafkaAdminClient]:
    """Administrator of the broker."""
    client = KafkaAdminClient(bootstrap_servers=kafka)
    yield client
    client.close()


@pytest.fixture(scope="session")
def fresh_topics(kafka: str, admin: KafkaAdminClient) -> FreshTopics:
    """Call it to empty the broker: `fresh_topics(partitions=4)`."""
    names = {topic.name for topic in TOPICS}

    def make(partitions: int = 4) -> None:
        if present := names & set(admin.list_topics()):
            admin.delete_topics(sorted(present))
            while names & set(admin.list_topics()):
                time.sleep(0.02)
        topics.apply(kafka, partitions, replication=1)

    return make
