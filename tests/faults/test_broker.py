"""A broker that goes away and comes back, on a broker of the test's own."""

import contextlib
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka import KafkaAdminClient

from stream import topics
from tests.conftest import RUNS, discard, script
from tests.faults.county import County
from tests.faults.driver import Run

pytestmark = [
    pytest.mark.faults,
    pytest.mark.timeout(900),
    # kafka-python leaves the sockets of connections that were refused to the garbage collector.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
PARTITIONS = 4


@pytest.fixture
def broker(request: pytest.FixtureRequest) -> Iterator[Path]:
    """Data folder of a broker that runs, and of which the test may dispose."""
    data = RUNS / f"own-{request.node.name}"
    shutil.rmtree(data, ignore_errors=True)
    try:
        assert script("up", data).returncode == 0
        yield data
    finally:
        discard(data)


@contextlib.contextmanager
def run_on(broker: Path, county: County, folder: Path) -> Iterator[Run]:
    """Give a run on that broker; its address stays when it is started again."""
    address = (broker / "bootstrap").read_text().strip()
    topics.apply(address, PARTITIONS, replication=1)
    with contextlib.closing(KafkaAdminClient(bootstrap_servers=address)) as admin:
        with Run(address, admin, county, folder) as run:
            yield run


@pytest.mark.parametrize("down_s", [5, 70])
def test_broker_away(broker: Path, tmp_path: Path, down_s: int) -> None:
    """Expected: zeros after a restart and after 70 s without a broker; who ends is started again, as in production."""
    print(f"\n{tmp_path.name}: seed=501 down_s={down_s}")  # noqa: T201
    with run_on(broker, County(501, 80, 20, PARTITIONS), tmp_path) as run:
        for name in "ab":
            run.start(name)
        run.until_loaded()
        run.feeder.start(pace_s=0.2)
        run.until_fed(0.3)
        assert script("down", broker).returncode == 0
        time.sleep(down_s)
        assert script("up", broker).returncode == 0
        back_s = time.time()
        run.may_end |= {"a", "b"}

        def reads_on() -> bool:
            run.supervise("ab")
            return run.evidence().read_since(back_s) == set(range(PARTITIONS))

        run.until(reads_on, "read on", 60)
        run.may_end.clear()
        verdict = run.finish()
        assert verdict.clean, verdict.reasons()


def test_start_without_a_broker(broker: Path, tmp_path: Path) -> None:
    """Expected: workers that are started before the broker wait for it, and work within 30 s of it."""
    with run_on(broker, County(502, 60, 12, PARTITIONS), tmp_path) as run:
        assert script("down", broker).returncode == 0
        run.start("a")
        time.sleep(10)
        assert not run.has_ended("a"), run.log("a")
        assert "waiting for Kafka" in run.log("a")
        assert script("up", broker).returncode == 0
        run.until(lambda: run.evidence().count("placed") == PARTITIONS, "loaded", 30)
        run.feeder.start(pace_s=0.02)
        verdict = run.finish()
        assert verdict.clean, verdict.reasons()
