"""
One run: a broker that stands, worker processes that come and go, a county that is sent meanwhile, and the verdict.

    with Run(kafka, admin, county, tmp_path) as run:
        run.start("a")
        run.feed(pace_s=0.1)
        run.kill("a")
        run.start("b")
        verdict = run.finish()

`finish` waits until everything that was sent is committed as read and every deadline fired, ends the workers, and holds
what they left against the oracle. Whatever happens, no process outlives the run.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import msgspec
from kafka import KafkaAdminClient
from kafka.admin import MemberToRemove

from detectors.gate import Limits
from schemas.rules import load_rules
from schemas.topics import SOURCES
from stream import broker
from stream.settings import Settings
from stream.transactions import EXIT_POISONED
from tests.faults.county import County, Sending
from tests.faults.evidence import Evidence, Life
from tests.faults.failpoints import Plan
from tests.faults.log import committed, ends_of, read
from tests.faults.verifier import READ, Verdict, Verifier

ROOT: Final = Path(__file__).parents[2]
SESSION_S: Final = 6
LONGEST_S: Final = 120
POLL_S: Final = 0.1


class Run:
    """Workers by name, fed from one county; `processes` keeps those that have ended too."""

    def __init__(self, bootstrap: str, admin: KafkaAdminClient, county: County, folder: Path) -> None:
        self.bootstrap, self.admin, self.county, self.folder = bootstrap, admin, county, folder
        self.group = f"faults-{folder.name}-{time.time_ns()}"
        self.settings = Settings(clock="feed", partitions=county.partitions)
        limits = Limits(self.settings.horizon_ms, self.settings.future_ms)
        self.verifier = Verifier(county.partitions, load_rules(self.settings.rules_file), limits)
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.sent = 0
        self._feeding: threading.Thread | None = None
        self._failed: list[BaseException] = []
        self._stop = threading.Event()

    def __enter__(self) -> Self:
        self.send([self.county.orders])
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop.set()
        for process in self.processes.values():
            if process.poll() is None:
                process.kill()
                process.wait()
        if self._feeding is not None:
            self._feeding.join()

    def start(self, name: str, **plan: Any) -> None:  # noqa: ANN401 - fields of a Plan
        """Start a worker; one of the same name must have ended."""
        told = Plan(str(self.folder / f"{name}.{time.time_ns()}.evidence"), **plan)
        settings = {
            "KAFKA_BOOTSTRAP": self.bootstrap, "GROUP": self.group, "PARTITIONS": str(self.county.partitions),
            "CLOCK": "feed", "FLUSH_S": "0.1", "SESSION_TIMEOUT_S": str(SESSION_S), "HTTP_PORT": "0",
        }  # fmt: skip
        environment = {key: value for key, value in os.environ.items() if not key.startswith("VIGIL_")}
        environment |= {f"VIGIL_{key}": value for key, value in settings.items()}
        command = [sys.executable, "-m", "tests.faults.worker", msgspec.json.encode(told).decode()]
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)

    def signal(self, name: str, number: signal.Signals) -> None:
        """Send a signal to one worker."""
        self.processes[name].send_signal(number)

    def kill(self, name: str) -> None:
        """End one worker without warning."""
        self.signal(name, signal.SIGKILL)
        assert self.ended(name) == -signal.SIGKILL, self.log(name)

    def ended(self, name: str, within_s: float = LONGEST_S) -> int:
        """Wait for the end of a worker and give its exit code."""
        return self.processes[name].wait(within_s)

    def log(self, name: str) -> str:
        """Give the end of a worker's log."""
        return (self.folder / f"{name}.log").read_text()[-4_000:]

    def until_moved(self, name: str) -> None:
        """Wait until a worker has stopped itself, and its partitions have gone to others."""
        self.until(lambda: self.struck(name), f"{name} stopped")
        self.until(lambda: self.evidence().inherited(name), "partitions moved")

    def struck(self, name: str) -> bool:
        """Whether the newest worker of a name has met its fault."""
        return bool(self.evidence().of(name)[-1].all("struck"))

    def forget(self) -> None:
        """Take the dead out of the group at once, where a test is not about the session timeout."""
        (group,) = self.admin.describe_groups([self.group]).values()
        members = [MemberToRemove(member_id=member["member_id"]) for member in group["members"]]
        if members:
            self.admin.remove_group_members(self.group, members)

    def evidence(self) -> Evidence:
        """Read what the workers have noted so far."""
        return Evidence(Life.of(path) for path in sorted(self.folder.glob("*.evidence")))

    def pings(self, name: str) -> int:
        """Count the pings that the workers of one name took."""
        return sum(life.pings() for life in self.evidence().of(name))

    def until(self, reached: Callable[[], bool], what: str, within_s: float = LONGEST_S) -> None:
        """Wait for something, while no worker has ended that should not and the feed runs."""
        deadline = time.monotonic() + within_s
        while not reached():
            assert not self._failed, self._failed
            assert time.monotonic() < deadline, f"after {within_s} s not {what}; {self._state()}"
            time.sleep(POLL_S)

    def feed(self, pace_s: float) -> None:
        """Send the slices of the county, one each `pace_s`, while the test goes on."""
        self._feeding = threading.Thread(target=self._feed, args=(pace_s,))
        self._feeding.start()

    def fed(self) -> float:
        """Say which share of the county was sent."""
        return self.sent / len(self.county.slices)

    def until_fed(self, share: float) -> None:
        """Wait until so much of the county was sent."""
        self.until(lambda: self.fed() >= share, f"{share:.0%} sent")

    def until_read(self) -> None:
        """Wait until all that was sent is committed as read, and its deadlines have fired."""
        self.until(lambda: self.fed() == 1, "all sent")
        ends = ends_of(self.bootstrap, SOURCES)
        self.until(lambda: committed(self.admin, self.group) == ends, f"read up to {ends}")
        everyone = set(range(self.county.partitions))
        self.until(lambda: self.evidence().ticked(self.county.end_ms) >= everyone, "all deadlines fired")

    def finish(self, woken: Iterable[str] = ()) -> Verdict:
        """
        Wait until everything is read, end the orders that are to end last, end the workers, and judge.

        Who was `woken` from a stop may find itself fenced, and end by itself.
        """
        self.until_read()
        self.send([self.county.last])
        self.until_read()
        living = [name for name, process in self.processes.items() if process.poll() is None]
        for name in living:
            self.signal(name, signal.SIGTERM)
        for name in living:
            codes = {0, EXIT_POISONED} if name in set(woken) else {0}
            assert self.ended(name) in codes, self.log(name)
        return self.verdict()

    def verdict(self) -> Verdict:
        """Judge what the topics hold now, and print the line."""
        found = self.verifier.verdict(read(self.bootstrap, READ))
        print(f"\n{self.folder.name}: {found.reasons()}")  # noqa: T201 - the line is what the run is for
        return found

    def send(self, slices: Iterable[list[Sending]], pace_s: float = 0) -> None:
        """Send slice by slice; each is acknowledged before the next."""
        with broker.producer(self.bootstrap) as producer:
            for records in slices:
                if self._stop.wait(pace_s):
                    return
                sent = [producer.send(r.topic, r.value, r.key, partition=r.partition) for r in records]
                producer.flush()
                for future in sent:
                    future.get()
                self.sent += records is not self.county.orders and records is not self.county.last

    def _feed(self, pace_s: float) -> None:
        try:
            self.send(self.county.slices, pace_s)
        except BaseException as error:  # noqa: BLE001 - raised again where the test waits
            self._failed.append(error)

    def _state(self) -> dict[str, object]:
        codes = {name: process.poll() for name, process in self.processes.items()}
        return {"sent": self.fed(), "processes": codes, "poisoned": self.evidence().count("poisoned")}
