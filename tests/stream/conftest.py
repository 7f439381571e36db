"""What a test of the worker leaves behind is ended with it."""

from collections.abc import Iterator

import pytest

from tests.stream.workers import STARTED


@pytest.fixture(autouse=True)
def no_worker_left() -> Iterator[None]:
    """End the workers of a test that failed: they would go on writing into the topics of the next one."""
    yield
    while STARTED:
        worker = STARTED.pop()
        worker.kill()
        worker.wait()
