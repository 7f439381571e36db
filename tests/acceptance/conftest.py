"""Installations to test: one at a time, since all of them have the same topics."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from tests.acceptance.installation import Installation
from tests.conftest import FreshTopics

Installing = Callable[..., AbstractContextManager[Installation]]


@pytest.fixture(scope="session")
def installing(kafka: str, fresh_topics: FreshTopics, tmp_path_factory: pytest.TempPathFactory) -> Installing:
    """Give a context that empties the broker, names a group, passes settings on, and ends what was started in it."""

    @contextmanager
    def install(name: str, partitions: int = 4, **variables: str | float | Path) -> Iterator[Installation]:
        fresh_topics(partitions)
        vigil = Installation(kafka, tmp_path_factory.mktemp(name), partitions, **variables)
        try:
            yield vigil
        finally:
            vigil.close()

    return install
