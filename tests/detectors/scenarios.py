"""From lives to what arrives, and from what arrives to episodes: once by the engine, once by the reference."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final

from detectors.engine import Engine
from detectors.findings import EpisodeEvent
from detectors.gate import Limits
from detectors.pings import PING
from detectors.pings import make as columns_of
from schemas.rules import Rules
from tests.detectors.lives import HOUR, KINDS, MINUTE, Life
from tests.ground import FENCES
from tests.reference.arrival import Arrivals, Heard, Said, Step, Ticked
from tests.reference.ledger import Result
from tests.reference.ping import Ping

RULES: Final = Rules(revision=1)
LIMITS: Final = Limits()
CLOSE: Final = 5 * MINUTE  # a batch longer than this is looked at without a clock

Kind = Callable[[Random, str], Life]
Arrival = tuple[int, int, str, bytes | Ping | None]


@dataclass(frozen=True)
class Way:
    """How lives arrive: batches up to `largest` pings, pings up to `delay_ms` late, some of them twice, ticks."""

    largest: int = 300
    delay_ms: int = 0
    twice: float = 0.0
    ticks: float = 0.3
    ahead_ms: int = 0


def lives(seed: int, people: int, kinds: Sequence[Kind] = KINDS) -> list[Life]:
    """Draw so many lives."""
    draw = Random(seed)
    return [draw.choice(kinds)(draw, f"lz-{n}") for n in range(people)]


def script(of: Sequence[Life], way: Way, draw: Random) -> list[Step]:
    """Let the lives arrive that way; whatever the way, the clock ends at the same time."""
    steps: list[Step] = []
    batch: list[Arrival] = []
    size = draw.randint(1, way.largest)
    arrivals = sorted(_arrivals(of, way, draw), key=lambda arrival: arrival[:2])
    for arrival in arrivals:
        moment, _, name, content = arrival
        if batch and (len(batch) == size or not isinstance(content, Ping)):
            steps += _batch(batch, way, draw)
            batch, size = [], draw.randint(1, way.largest)
        if isinstance(content, Ping):
            batch.append(arrival)
        else:
            steps.append(Said(name, content, moment))
    if batch:
        steps += _batch(batch, way, draw)
    last = max(moment for life in of for moment in (*(p.time_ms for p in life.pings), *(m for m, _ in life.messages)))
    return [*steps, Ticked(last + 12 * HOUR)]


def _arrivals(of: Iterable[Life], way: Way, draw: Random) -> Iterable[Arrival]:
    for life in of:
        yield from ((moment, 0, life.name, raw) for moment, raw in life.messages)
        for ping in life.pings:
            for _ in range(1 + (draw.random() < way.twice)):
                late = draw.choice((0, draw.randint(0, way.delay_ms))) if way.delay_ms else 0
                yield ping.time_ms + late, 1, life.name, ping


def _batch(batch: list[Arrival], way: Way, draw: Random) -> Iterable[Step]:
    moment = batch[-1][0]
    draw.shuffle(batch)
    pings = tuple((name, ping) for _, _, name, ping in batch if isinstance(ping, Ping))
    is_close = moment - min(arrival for arrival, *_ in batch) <= CLOSE
    yield Heard(pings, moment if is_close else -1)
    if draw.random() < way.ticks:
        yield Ticked(moment + draw.randint(0, way.ahead_ms))


def expected(steps: Sequence[Step]) -> Arrivals:
    """Give what the reference makes of it."""
    return Arrivals(RULES, LIMITS.horizon_ms, LIMITS.future_ms).take(steps)


@dataclass
class Run:
    """What the engine makes of it: everything it published, and the state it would leave in the changelog."""

    engine: Engine
    events: list[EpisodeEvent] = field(default_factory=list)
    records: dict[bytes, bytes] = field(default_factory=dict)
    refused: list[tuple[str, Ping, str]] = field(default_factory=list)

    def take(self, step: Step, tick_limit: int = 4096) -> None:
        """Take in one step and publish."""
        if isinstance(step, Said):
            self.engine.order(step.supervisee, step.raw, step.now_ms)
        elif isinstance(step, Heard):
            names = [name for name, _ in step.pings]
            pings = columns_of([_fields(ping) for _, ping in step.pings])
            for position, reason in self.engine.apply(names, pings, step.clock_ms):
                self.refused.append((*step.pings[position], str(reason)))
        else:
            while self.engine.tick(step.clock_ms, tick_limit):
                pass

    def flush(self) -> None:
        """Publish, and write the state."""
        self.events += self.engine.take_events()
        for key, value in self.engine.take_dirty():
            if value is None:
                self.records.pop(key, None)
            else:
                self.records[key] = value
        assert len(self.records) == self.engine.records

    def restart(self) -> None:
        """Flush, and go on from nothing but the records."""
        self.flush()
        self.engine = Engine(RULES, LIMITS, FENCES)
        self.engine.load(self.records)

    def results(self) -> set[Result]:
        """Fold the events: the last revision of each episode, unless it was retracted."""
        last = {event.episode_id: event for event in self.events}
        return {_result(event) for event in last.values() if event.phase != "retracted"}


def run(steps: Sequence[Step], draw: Random | None = None, restarts: float = 0.0) -> Run:
    """Let the engine take everything; with *draw*, flush, restart and tick in slices here and there."""
    it = Run(Engine(RULES, LIMITS, FENCES))
    for step in steps:
        it.take(step, draw.choice((1, 3, 4096)) if draw else 4096)
        if draw and draw.random() < restarts:
            it.restart()
        elif draw is None or draw.random() < 0.5:
            it.flush()
    it.flush()
    return it


def _fields(ping: Ping) -> tuple[int, int, int, int, int, int, int]:
    by_name = ping._asdict()
    time_ms, lon, lat, accuracy_m, status, phone, device = (by_name[name] for name in PING.names or ())
    return time_ms, lon, lat, accuracy_m, status, phone, device


def _result(event: EpisodeEvent) -> Result:
    kind = event.evidence["kind"]
    return Result(event.supervisee, event.rule, event.subject, event.since_ms, event.until_ms, kind, event.severity)
