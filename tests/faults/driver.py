"""
One run: a broker that stands, worker processes that come and go, a county that is sent meanwhile, and the verdict.

    with Run(kafka, admin, county, tmp_path) as run:
        run.start("a")
        run.feeder.start(pace_s=0.1)
        run.until_fed(0.5)
        run.kill("a")
        run.start("b")
        verdict = run.finish()

`finish` waits until everything that was sent is committed as read and every deadline fired, ends the workers, and holds
what they left against the oracle. A worker that ends unasked fails the run. No process outlives it.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType, TracebackType
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
from tests.faults.county import County
from tests.faults.evidence import Evidence, Life
from tests.faults.failpoints import Plan
from tests.faults.feeding import Feeder, send
from tests.faults.log import committed, ends_of, read
from tests.faults.verifier import READ, Verdict, Verifier

ROOT: Final = Path(__file__).parents[2]
SESSION_S: Final = 6
LONGEST_S: Final = 120
POLL_S: Final = 0.1


class Run:
    """
    Workers by name, fed from one county.

    `may_end` names those whose end by themselves is no failure. `changed` replaces settings of the workers; where their
    clock or rules are others, the oracle knows nothing of it.
    """

    def __init__(
        self,
        bootstrap: str,
        admin: KafkaAdminClient,
        county: County,
        folder: Path,
        changed: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.bootstrap, self.admin, self.county, self.folder, self.changed = bootstrap, admin, county, folder, changed
        self.group = f"faults-{folder.name}-{time.time_ns()}"
        settings = Settings(clock="feed", partitions=county.partitions)
        limits = Limits(settings.horizon_ms, settings.future_ms)
        self.verifier = Verifier(county.partitions, load_rules(settings.rules_file), limits)
        self.feeder = Feeder(bootstrap, county.slices)
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.books: dict[str, Path] = {}
        self.may_end: set[str] = set()

    def __enter__(self) -> Self:
        with broker.producer(self.bootstrap) as producer:
            send(producer, self.county.orders)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for process in self.processes.values():
            if process.poll() is None:
                process.kill()
                process.wait()
        self.feeder.stop()

    def start(self, name: str, **plan: Any) -> None:  # noqa: ANN401 - fields of a Plan
        """Start a worker; one of the same name must have ended."""
        self.books[name] = self.folder / f"{name}.{time.time_ns()}.evidence"
        told = Plan(str(self.books[name]), **plan)
        settings = {
            "KAFKA_BOOTSTRAP": self.bootstrap, "GROUP": self.group, "PARTITIONS": str(self.county.partitions),
            "CLOCK": "feed", "FLUSH_S": "0.1", "SESSION_TIMEOUT_S": str(SESSION_S), "HTTP_PORT": "0",
            **self.changed,
        }  # fmt: skip
        environment = {key: value for key, value in os.environ.items() if not key.startswith("VIGIL_")}
        environment |= {f"VIGIL_{key}": value for key, value in settings.items()}
        command = [sys.executable, "-m", "tests.faults.worker", msgspec.json.encode(told).decode()]
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        (self.may_end.add if told.step else self.may_end.discard)(name)

    def kill(self, name: str) -> None:
        """End one worker without warning."""
        self.processes[name].kill()
        assert self.ended(name) == -signal.SIGKILL, self.log(name)

    def terminate(self, name: str) -> None:
        """End one worker as an operator would; before it is one, the signal ends the process as any other."""
        works = bool(Life.of(self.books[name]).all("assigned"))
        self.processes[name].terminate()
        assert self.ended(name) in ({0} if works else {0, -signal.SIGTERM}), self.log(name)

    def stop(self, name: str) -> None:
        """Let one worker stand still, as a machine without memory does."""
        self.processes[name].send_signal(signal.SIGSTOP)

    def wake(self, name: str) -> None:
        """Let it go on; it may find itself fenced, and end."""
        self.may_end.add(name)
        self.processes[name].send_signal(signal.SIGCONT)

    def ended(self, name: str, within_s: float = LONGEST_S) -> int:
        """Wait for the end of a worker and give its exit code."""
        code = self.processes[name].wait(within_s)
        del self.processes[name]
        return code

    def has_ended(self, name: str) -> bool:
        """Whether a worker has ended."""
        return self.processes[name].poll() is not None

    def supervise(self, names: str) -> None:
        """Start those again that have ended, as whoever runs workers does."""
        for name in names:
            if self.has_ended(name):
                self.start(name)
                self.may_end.add(name)

    def log(self, name: str) -> str:
        """Give the end of a worker's log."""
        return (self.folder / f"{name}.log").read_text()[-4_000:]

    def forget(self) -> None:
        """Take the dead out of the group at once, where a test is not about the session timeout."""
        (group,) = self.admin.describe_groups([self.group]).values()
        members = [MemberToRemove(member_id=member["member_id"]) for member in group["members"]]
        if members:
            self.admin.remove_group_members(self.group, members)

    def evidence(self) -> Evidence:
        """Read what the workers have noted so far."""
        return Evidence(Life.of(path) for path in sorted(self.folder.glob("*.evidence")))

    def until(self, reached: Callable[[], bool], what: str, within_s: float = LONGEST_S) -> None:
        """Wait for something, while no worker has ended that should not and the feed runs."""
        deadline = time.monotonic() + within_s
        while not reached():
            ended = [name for name in self.processes if self.has_ended(name)]
            assert self.may_end.issuperset(ended), [self.log(name) for name in ended]
            assert time.monotonic() < deadline, f"after {within_s} s not {what}; sent {self.feeder.share():.0%}"
            time.sleep(POLL_S)

    def until_fed(self, share: float) -> None:
        """Wait until so much of the county was sent."""
        self.until(lambda: self.feeder.share() >= share, f"{share:.0%} sent", 3 * LONGEST_S)

    def until_loaded(self, partitions: int | None = None) -> None:
        """Wait until so many partitions were loaded, or all."""
        wanted = self.county.partitions if partitions is None else partitions
        self.until(lambda: self.evidence().count("placed") >= wanted, "loaded")

    def until_struck(self, name: str) -> None:
        """Wait until the newest worker of a name has met its fault."""
        self.until(lambda: bool(Life.of(self.books[name]).all("struck")), f"{name} struck")

    def until_moved(self, name: str, since_s: float) -> None:
        """Wait until all that a worker has was loaded by others since a time of the machine's clock."""
        self.until(lambda: self.evidence().inherited(name, since_s), "partitions moved")

    def until_read(self) -> None:
        """Wait until all that was sent is committed as read."""
        ends = ends_of(self.bootstrap, SOURCES)
        self.until(lambda: committed(self.admin, self.group) == ends, f"read up to {ends}")

    def until_done(self) -> None:
        """Wait until all of the county was sent and read, and its deadlines have fired."""
        self.until_fed(1)
        self.until_read()
        everyone = set(range(self.county.partitions))
        self.until(lambda: self.evidence().ticked(self.county.end_ms) >= everyone, "all deadlines fired")

    def finish(self) -> Verdict:
        """Wait until everything is read, end the orders that are to end last, end the workers, and judge."""
        self.until_done()
        with broker.producer(self.bootstrap) as producer:
            send(producer, self.county.last)
        self.until_read()
        for name in list(self.processes):
            self.processes[name].terminate()
            codes = {0, EXIT_POISONED} if name in self.may_end else {0}
            log = self.log(name)
            assert self.ended(name) in codes, log
        return self.verdict()

    def verdict(self) -> Verdict:
        """Judge what the topics hold now, and print the line."""
        found = self.verifier.verdict(read(self.bootstrap, READ))
        print(f"\n{self.folder.name}: {found.reasons()}")  # noqa: T201 - the line is what the run is for
        return found
