"""A run on the broker of the session, with topics that are new and empty."""

from pathlib import Path
from typing import Protocol

import pytest
from kafka import KafkaAdminClient

from tests.conftest import FreshTopics
from tests.faults.county import County
from tests.faults.driver import Run


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
