"""
A `vigil run` process that is measured: the same command, which also notes its times and ends by itself.

Partitions are delivered from together, once all of them are loaded, so that the clock of the pings does not run while
orders are read. Options: `ends`, the next offset of each partition of the pings at which the work is done; `stages`;
`profile`, where to write what cProfile saw of the main thread.
"""

import cProfile
import os
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from schemas.topics import PINGS
from stream import cli
from stream.agent import Agent
from stream.transactions import Transactions
from stream.worker import Worker
from tests.bench import machine
from tests.bench.memory import weigh
from tests.bench.opening import open_together
from tests.bench.stopwatch import Stopwatch


class Moment:
    """Wall and processor time since the process began, that of the main thread apart; and what its core did at all."""

    def __init__(self) -> None:
        process = psutil.Process()
        self.wall_s = time.time() - process.create_time()
        self.cpu_s = time.process_time()
        threads = {thread.id: thread.user_time + thread.system_time for thread in process.threads()}
        self.main_cpu_s = threads[os.getpid()]
        self.core_s = machine.busy_s(machine.cores()[1])


class Watch:
    """Notes the moments of one worker by wrapping its methods, and ends it when everything is committed."""

    def __init__(self, ends: dict[int, int], stopwatch: Stopwatch | None, profile: cProfile.Profile | None) -> None:
        self.ends, self.stopwatch, self.profile = ends, stopwatch, profile
        self.moments: dict[str, Moment] = {}
        self.stages: dict[str, float] = {}
        self.pieces = 0
        self.memory: dict[str, int] = {}
        self.counters: Counter[str] = Counter()
        self.rss = 0
        self._first: set[int] = set()

    def wrap(self) -> None:
        """Replace what is watched."""
        for owner, name, by in (
            (Worker, "assigned", self._assigned),
            (Agent, "take", self._take),
            (Transactions, "_flush", self._flush),
        ):
            setattr(owner, name, by(getattr(owner, name)))

    def note(self, name: str) -> None:
        """Remember when something happened for the first time."""
        if name not in self.moments:
            self.moments[name] = Moment()

    def _assigned(self, original: Callable[..., None]) -> Callable[..., None]:
        def assigned(worker: Any, partitions: set[Any], generation: int) -> None:  # noqa: ANN401
            if partitions:
                self.note("assigned")
            original(worker, partitions, generation)

        return assigned

    def _take(self, original: Callable[..., Any]) -> Callable[..., Any]:
        async def take(agent: Any, tp: Any, columns: Any) -> None:  # noqa: ANN401
            if tp.topic != PINGS or not len(columns):
                await original(agent, tp, columns)
                return
            if not self.pieces:
                self.note("first")
                self.stages = dict(self.stopwatch.seconds) if self.stopwatch else {}
                if self.profile:
                    self.profile.enable()
            self.pieces += 1
            await original(agent, tp, columns)
            self._first.add(tp.partition)
            if len(self._first) == len(self.ends):
                self.note("everywhere")

        return take

    def _flush(self, original: Callable[..., Any]) -> Callable[..., Any]:
        async def flush(transactions: Any, partition: Any) -> None:  # noqa: ANN401
            await original(transactions, partition)
            owned = transactions.owned
            if (
                "done" not in self.moments
                and self.pieces
                and all(
                    number in owned and owned[number].committed.get(PINGS, 0) >= end
                    for number, end in self.ends.items()
                )
            ):
                self.note("done")
                self._finish(transactions)

        return flush

    def _finish(self, transactions: Any) -> None:  # noqa: ANN401
        if self.profile:
            self.profile.disable()
        if self.stopwatch:
            before = self.stages
            self.stages = {name: s - before.get(name, 0.0) for name, s in self.stopwatch.seconds.items()}
        self.rss = psutil.Process().memory_info().rss
        owned = list(transactions.owned.values())
        self.memory = weigh(owned)
        self.counters = sum((Counter(partition.kernel.counters) for partition in owned), Counter())
        os.kill(os.getpid(), signal.SIGTERM)


def main() -> None:
    """Run until everything is committed, then leave what was noted."""
    result, options = machine.begin()
    stopwatch = Stopwatch() if options.get("stages") else None
    profile = cProfile.Profile() if options.get("profile") else None
    if stopwatch:
        stopwatch.start()
    watch = Watch({int(number): end for number, end in options["ends"].items()}, stopwatch, profile)
    watch.wrap()
    open_together(lambda: watch.note("loaded"))
    cli.run()
    if profile:
        profile.dump_stats(Path(options["profile"]))
    machine.leave(
        result,
        {
            "moments": {name: vars(moment) for name, moment in watch.moments.items()},
            "stages": watch.stages,
            "pieces": watch.pieces,
            "rss_bytes": watch.rss,
            "peak_rss_bytes": peak_rss(),
            "memory": watch.memory,
            "counters": watch.counters,
        },
    )


def peak_rss() -> int:
    """Give the most memory that this process ever had, in bytes."""
    status = Path("/proc/self/status").read_text("ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


if __name__ == "__main__":
    main()
