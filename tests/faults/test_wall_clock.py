"""On the clock of production: a stall of our own, of whatever kind, never becomes the silence of a person."""

import json
import threading
import time
from pathlib import Path

import pytest
from kafka import KafkaProducer

from schemas.topics import ALERTS, PINGS
from stream import topics
from tests.faults.conftest import Broker
from tests.faults.county import County
from tests.faults.driver import Run
from tests.faults.episodes import Published
from tests.faults.log import ends_of, read

pytestmark = [
    pytest.mark.faults,
    pytest.mark.timeout(900),
    # kafka-python leaves the sockets of connections that were refused to the garbage collector.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
PARTITIONS = 4
LIMIT_S = 60
STALL_S = 75
SETTLE_S = 30


class Heard(threading.Thread):
    """Lets everybody be heard every two seconds; what the broker does not take now, it takes later."""

    def __init__(self, run: Run) -> None:
        super().__init__()
        self.run_of, self.silent = run, threading.Event()

    def run(self) -> None:
        """Send until all are to be silent."""
        # A sender that comes back later than the settling time allows would be silent indeed.
        with KafkaProducer(bootstrap_servers=self.run_of.bootstrap, reconnect_backoff_max_ms=200) as producer:
            while not self.silent.wait(2):
                for order in self.run_of.county.orders:
                    name = (order.key or b"").decode()
                    body = {"supervisee": name, "time_ms": int(time.time() * 1000), "status": "no_fix"}
                    # Not waited for: a phone answers its network, whether or not we take the answer.
                    producer.send(PINGS, json.dumps(body).encode(), order.key, partition=order.partition)


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """Rules by which a minute of silence is too long."""
    text = Path("deploy/rules.toml").read_text()
    for name, minutes in (("overdue_min = 60 ", 1), ("gap_min = 120 ", 1), ("cap_min = 180 ", 1)):
        assert name in text
        text = text.replace(name, f"{name.split(' ', maxsplit=1)[0]} = {minutes} ", 1)
    path = tmp_path / "rules.toml"
    path.write_text(text)
    return path


def test_nobody_is_accused(own_broker: Broker, rules: Path, tmp_path: Path) -> None:
    """Expected: no alert after a broker and then a worker stood still beyond the limit; all once they are silent."""
    topics.apply(own_broker.address, PARTITIONS, replication=1)
    settings = {"CLOCK": "wall", "SETTLE_S": str(SETTLE_S), "RULES_FILE": str(rules)}
    with Run(own_broker.address, own_broker.admin, County(601, 20, 1, PARTITIONS), tmp_path, settings) as run:
        heard = Heard(run)
        run.start("a")
        run.until_loaded()
        heard.start()
        try:
            time.sleep(SETTLE_S)
            own_broker.down()
            time.sleep(STALL_S)
            own_broker.up()
            back = ends_of(run.bootstrap, [PINGS])
            run.until(lambda: ends_of(run.bootstrap, [PINGS]) != back, "heard again", SETTLE_S / 2)
            run.may_end.add("a")
            time.sleep(SETTLE_S)
            run.supervise("a")
            run.until(lambda: len(run.evidence().of("a")[-1].all("placed")) >= PARTITIONS, "loaded")
            run.stop("a")
            time.sleep(STALL_S)
            run.wake("a")
            time.sleep(SETTLE_S)
            run.supervise("a")
            time.sleep(SETTLE_S)
            assert heard.is_alive()
        finally:
            heard.silent.set()
            heard.join()
        assert {} == Published.of(read(run.bootstrap, [ALERTS])).revisions

        def accused() -> set[bytes | None]:
            return {record.key for records in read(run.bootstrap, [ALERTS])[ALERTS].values() for record in records}

        everybody = {order.key for order in run.county.orders} - {name.encode() for name in run.county.lawless}
        run.until(lambda: accused() == everybody, "everybody overdue", LIMIT_S + SETTLE_S + 60)
