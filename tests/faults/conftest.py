"""A run on the broker of the session, with topics that are new and empty; and brokers of a test's own."""

import contextlib
import gc
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Protocol

import pytest
from kafka import KafkaAdminClient

from tests.conftest import RUNS, FreshTopics, discard, script
from tests.faults.county import County
from tests.faults.driver import Run


class Broker(NamedTuple):
    """A broker that a test may take down; its address stays when it comes up again."""

    data: Path
    address: str
    admin: KafkaAdminClient

    def down(self) -> None:
        """End it, as an operator would."""
        assert script("down", self.data).returncode == 0

    def up(self) -> None:
        """Start it again."""
        assert self.address == script("up", self.data).stdout.strip()


class NewRun(Protocol):
    """Makes a run; to be used in a `with`."""

    def __call__(self, seed: int, people: int, hours: int, partitions: int) -> Run:
        """Give a run with a county of so many people and hours of theirs. The seed is printed."""


@pytest.fixture
def new_run(kafka: str, admin: KafkaAdminClient, fresh_topics: FreshTopics, tmp_path: Path) -> NewRun:
    """Call it for a run: `new_run(seed=1, people=200, hours=20, partitions=6)`."""

    def make(seed: int, people: int, hours: int, partitions: int) -> Run:
        fresh_topics(partitions)
        print(f"\n{tmp_path.name}: seed={seed} people={people} hours={hours} partitions={partitions}")  # noqa: T201
        folder = tmp_path / f"{tmp_path.name}-{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        return Run(kafka, admin, County(seed, people, hours, partitions), folder)

    return make


@pytest.fixture
def own_broker(request: pytest.FixtureRequest) -> Iterator[Broker]:
    """A broker that runs, without topics, and of which the test may dispose."""
    data = RUNS / f"own-{request.node.name}"
    discard(data)
    try:
        up = script("up", data)
        assert up.returncode == 0, up.stderr
        address = up.stdout.strip()
        with contextlib.closing(KafkaAdminClient(bootstrap_servers=address)) as admin:
            yield Broker(data, address, admin)
    finally:
        discard(data)
        # Here, where their warnings are expected: kafka-python leaves the sockets of refused connections behind.
        gc.collect()
