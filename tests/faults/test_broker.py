"""A broker that goes away and comes back, on a broker of the test's own."""

import time
from pathlib import Path

import pytest

from stream import topics
from tests.faults.conftest import Broker
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
def own(own_broker: Broker) -> Broker:
    """A broker of the test's own, with its topics."""
    topics.apply(own_broker.address, PARTITIONS, replication=1)
    return own_broker


@pytest.mark.parametrize("down_s", [5, 70])
def test_broker_away(own: Broker, tmp_path: Path, down_s: int) -> None:
    """Expected: zeros after a restart and after 70 s without a broker; who ends is started again, as in production."""
    print(f"\n{tmp_path.name}: seed=501 down_s={down_s}")  # noqa: T201
    with Run(own.address, own.admin, County(501, 80, 20, PARTITIONS), tmp_path) as run:
        for name in "ab":
            run.start(name)
        run.until_loaded()
        run.feeder.start(pace_s=0.2)
        run.until_fed(0.3)
        own.down()
        time.sleep(down_s)
        own.up()
        back_s = time.time()
        run.may_end |= {"a", "b"}

        def reads_on() -> bool:
            run.supervise("ab")
            return run.evidence().read_since(back_s) == set(range(PARTITIONS))

        run.until(reads_on, "read on", 60)
        run.may_end.clear()
        verdict = run.finish()
        assert verdict.clean, verdict.reasons()


def test_start_without_a_broker(own: Broker, tmp_path: Path) -> None:
    """Expected: workers that are started before the broker wait for it, and work within 30 s of it."""
    with Run(own.address, own.admin, County(502, 60, 12, PARTITIONS), tmp_path) as run:
        own.down()
        run.start("a")
        time.sleep(10)
        assert not run.has_ended("a"), run.log("a")
        assert "waiting for Kafka" in run.log("a")
        own.up()
        run.until(lambda: run.evidence().count("placed") == PARTITIONS, "loaded", 30)
        run.feeder.start(pace_s=0.02)
        verdict = run.finish()
        assert verdict.clean, verdict.reasons()
