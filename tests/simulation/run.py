"""
One simulated run, from a seed: what is sent, how many workers there are, what befalls them, and the verdict.

    python -m tests.simulation 5000

A seed chooses which kinds of faults the run has at all (some have none, some only one), how many and when. A fault
strikes between two callbacks of its victim, often in the middle of a transaction or of a load. In the end every process
that still lives goes on undisturbed, dead ones are replaced, and everything that was sent must be committed as read.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Final, NamedTuple
from unittest import mock

from schemas.topics import SOURCES
from stream import agent, store, transactions, worker
from stream.partition import Kernel
from tests.simulation.broker import Broker
from tests.simulation.case import PARTITIONS, NewCase, RuleError, Verdict
from tests.simulation.clients import Net
from tests.simulation.group import SESSION_S, Group
from tests.simulation.process import Job, Process
from tests.simulation.tally import Tally
from tests.simulation.world import START_S, Loop, World

FAULTS_S: Final = 4.0
LONGEST_S: Final = 60.0
KNOWN_ENDS: Final = (
    "killed",
    "ended in order",
    *(f"poisoned: {cause}:" for cause in ("ProducerFenced", "RuleError", "RequestTimedOutError")),
)
KINDS: Final = ("kill", "stop", "end", "join", "rule", "away")


class Outcome(NamedTuple):
    """A run by its seed: what is wrong, what befell it, and its story."""

    seed: int
    verdict: Verdict
    befell: Counter[str]
    story: list[str]


class Run:
    """The processes of one run and what befalls them."""

    def __init__(self, seed: int, case: NewCase) -> None:
        self.world = World(seed)
        draw = self.world.random
        self.broker, self.group = Broker(self.world), Group(self.world, PARTITIONS)
        some = draw.random
        self.net = Net(
            latency_s=draw.choice((0.0006, 0.004, 0.03)),
            lost=draw.choice((0, 0, 0.02)),
            unanswered=draw.choice((0, 0, 0.02)),
            refused=draw.choice((0, 0, 0.005)),
            polls_lost=draw.choice((0, 0.1)),
        )
        self.case = case(seed, self.world, self.broker)
        self.job = Job(self.case.settings, self._kernel, self.case.encode)
        self.processes: list[Process] = []
        self.befell: Counter[str] = Counter()
        self.armed: list[tuple[str, str]] = []
        self.rule_fails = False
        kinds = [kind for kind in KINDS if some() < 0.5]
        for _ in range(draw.randrange(1, 7) if kinds else 0):
            fault = draw.choice(kinds), draw.choice(("at", "writing", "writing", "loading"))
            self.world.at(draw.uniform(0, FAULTS_S), partial(self.armed.append, fault))
        for _ in range(draw.randrange(1, 4)):
            self.world.at(draw.uniform(0, 0.5), self._start)
        self.world.watch = self._watch

    def _kernel(self) -> Kernel:
        kernel = self.case.kernel()
        if self.rule_fails:
            self.rule_fails = False
            _fail(kernel, self.world.random.randrange(1, 12))
        return kernel

    def _start(self) -> None:
        name = f"w{len(self.processes)}"
        self.processes.append(Process(self.world, self.broker, self.group, self.job, name, self.net))

    def _watch(self, loop: Loop) -> None:
        """After each step: strike, and replace who has died."""
        victim: Process = loop.process
        if victim.ended is not None:
            self._bury(victim)
        elif self.armed and victim.loop.runs and victim.is_busy(self.armed[-1][1]) and self.world.random.random() < 0.1:
            self._strike(victim, self.armed.pop()[0])
            if victim.ended is not None:
                self._bury(victim)

    def _strike(self, victim: Process, kind: str) -> None:
        self.befell[kind] += 1
        draw = self.world.random
        if kind == "kill":
            victim.kill()
        elif kind == "stop":
            victim.stop(draw.uniform(0.2, 4) * SESSION_S)
        elif kind == "end":
            victim.terminate()
        elif kind == "join":
            self._start()
        elif kind == "rule":
            self.rule_fails = True
            self._start()
        else:
            self.broker.away_until_s = self.world.now_s + draw.uniform(0.1, 3)
            self.world.tell("broker", "away")

    def _bury(self, dead: Process) -> None:
        self.befell[(dead.ended or "").split(":")[0]] += 1
        if "Fenced" in (dead.ended or ""):
            self.befell["fenced"] += 1
        self.world.at(self.world.random.uniform(0, 0.5), self._start)

    def go(self) -> Verdict:
        """Let everything happen, then wait until all that was sent is committed as read."""
        world = self.world
        world.run(lambda: self.case.over and world.now_s > START_S + FAULTS_S, LONGEST_S)
        if self.net.polls_lost:
            self.case.close()  # what was lost shows by what follows it
        self.armed.clear()
        self.net.lost = self.net.unanswered = self.net.refused = self.net.polls_lost = 0.0
        began_s = world.now_s
        done = world.run(self._is_done, LONGEST_S)
        if done and self.case.end():
            done = world.run(self._is_done, LONGEST_S)
        self.befell["polls lost"] = sum(process.link.polls_lost for process in self.processes)
        self.befell["settled in ms"] = round((world.now_s - began_s) * 1000)
        return self.case.judge([] if done else [self._why()])

    def _is_done(self) -> bool:
        """Whether everything is committed, and nobody who still lives stands still or has anything to say."""
        broker = self.broker
        for place, log in broker.logs.items():
            if place[0] in SOURCES and broker.committed.get(place, 0) != len(log.entries):
                return False
        living = [process for process in self.processes if process.lives]
        owned = [partition for p in living for partition in p.worker.transactions.owned.values()]
        return (
            all(process.loop.runs for process in living)
            and {partition.number for partition in owned} == set(range(PARTITIONS))
            and not any(partition.pending() or partition.flushing.locked() for partition in owned)
            and all(map(self.case.is_quiet, owned))
        )

    def _why(self) -> str:
        return "after a minute: " + "; ".join(
            f"{p.name} loads {p.worker.loading()}, owns {sorted(p.worker.transactions.owned)}, {p.loop.failures}"
            for p in self.processes
            if p.lives
        )

    def wrong_ends(self) -> list[str]:
        """Name each end of a process that none of the faults accounts for."""
        ends = [f"{p.name} {p.ended}" for p in self.processes if p.ended and not p.ended.startswith(KNOWN_ENDS)]
        return ends + [f"{p.name} {p.loop.failures}" for p in self.processes if p.loop.failures]


def _fail(kernel: Kernel, after: int) -> None:
    """Let the rules fail in the middle of a batch: some of it is applied, the rest is not."""
    apply, left = kernel.apply, after

    def failing(supervisees: Sequence[str], pings: Any, clock_ms: Any) -> Any:  # noqa: ANN401
        nonlocal left
        left -= 1
        if left:
            return apply(supervisees, pings, clock_ms)
        half = len(supervisees) // 2
        apply(supervisees[:half], pings[:half], clock_ms if isinstance(clock_ms, int) else clock_ms[:half])
        raise RuleError

    kernel.apply = failing  # type: ignore[method-assign]


class Clock:
    """Stands in for the module `time`."""

    def __init__(self, world: World) -> None:
        self.time = lambda: world.now_s
        self.monotonic = lambda: world.now_s - START_S


class Teller:
    """Stands in for structlog: what is logged goes into the story."""

    def __init__(self, world: World) -> None:
        self.world = world

    def get_logger(self, _: str) -> "Teller":
        """Be the logger too."""
        return self

    def info(self, event: str, **facts: object) -> None:
        """Tell it."""
        self.world.tell(asyncio.get_running_loop().name, f"{event} {facts}")  # type: ignore[attr-defined]

    warning = error = critical = info


def process() -> Process:
    """Give the process whose loop runs."""
    found: Process = asyncio.get_running_loop().process  # type: ignore[attr-defined]
    return found


async def poll(reader: Any, wanted: Any, _: float) -> Any:  # noqa: ANN401
    """Stand in for the poll of a reader."""
    return await reader.poll(wanted)


@contextlib.contextmanager
def inside(world: World) -> Iterator[None]:
    """Let the delivery see this world in place of Kafka, the machine's clock and the log."""
    changes: list[tuple[object, str, object]] = [
        (worker, "producer_of", lambda _, group, number: process().new_producer(group, number)),
        (worker, "describe", lambda *_: dict.fromkeys(SOURCES, "id")),
        (store, "AIOKafkaConsumer", lambda **_: process().new_reader()),
        (store, "poll", poll),
    ]
    changes += [(module, "time", Clock(world)) for module in (agent, transactions, worker)]
    changes += [(module, "structlog", Teller(world)) for module in (store, transactions, worker)]
    with contextlib.ExitStack() as stack:
        for owner, name, value in changes:
            stack.enter_context(mock.patch.object(owner, name, value))
        yield


def simulate(
    seed: int,
    spoil: Callable[[], contextlib.AbstractContextManager[None]] | None = None,
    case: NewCase = Tally,
) -> Outcome:
    """Run one seed; `spoil` switches a guard off meanwhile."""
    run = Run(seed, case)
    with (spoil or contextlib.nullcontext)(), inside(run.world):
        try:
            verdict = run.go()
            verdict.stuck.extend(run.wrong_ends())
        finally:
            run.world.dispose()
    return Outcome(seed, verdict, run.befell, run.world.story)
