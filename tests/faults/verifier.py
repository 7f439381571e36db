"""
The one line that says whether anything was lost, invented, doubled or got wrong, for a committed reader.

What it looks at are the topics alone: it knows nothing of workers, so it cannot be fooled by what they say of
themselves. A verdict of zeros means that all of I1 to I5 held: nothing lost, rows as the oracle's, episodes as the
oracle's, revisions in order and without holes, and each refused record once in the dead letters.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec

from detectors.engine import Engine
from detectors.findings import EpisodeEvent
from detectors.gate import Limits
from schemas.alert import Message
from schemas.deadletter import WITHHELD, DeadLetter
from schemas.errors import BadState, Reason
from schemas.rules import Rules
from schemas.topics import ALERTS, CHANGELOG, DEAD_LETTERS, PINGS, SOURCES
from stream.alerts import encode
from stream.transactions import HEADER_KEY
from tests.faults.episodes import Published
from tests.faults.log import Log, Record
from tests.faults.oracle import Oracle, Origin
from tests.faults.rows import Rows, differences, latest, unsaid

READ = (*SOURCES, ALERTS, DEAD_LETTERS, CHANGELOG)
DAY_MS = 86_400_000


class Verdict(NamedTuple):
    """What is wrong, counted, and the same in words; `accepted` and `refused` are records of the pings topic."""

    state_mismatch: list[str]
    missing: list[str]
    extra: list[str]
    dups: list[str]
    accepted: int
    refused: int
    produced: int

    @property
    def clean(self) -> bool:
        """Whether everything is as it must be; a run in which nothing happened is not."""
        return not self.damage and self.accepted > 0 and self.accepted + self.refused == self.produced

    @property
    def damage(self) -> int:
        """Count everything that is wrong."""
        return sum(map(len, (self.state_mismatch, self.missing, self.extra, self.dups)))

    def __str__(self) -> str:
        counts = {name: len(getattr(self, name)) for name in ("state_mismatch", "missing", "extra", "dups")}
        counts |= {"accepted": self.accepted, "refused": self.refused}
        return " ".join(f"{name}={count}" for name, count in counts.items())

    def reasons(self, most: int = 12) -> str:
        """Give the first findings of each kind, one a line."""
        lines = [
            f"  {name}: {finding}"
            for name in ("state_mismatch", "missing", "extra", "dups")
            for finding in getattr(self, name)[:most]
        ]
        return "\n".join([str(self), *lines])


class Verifier:
    """Holds what a run left in the topics against the oracle."""

    def __init__(self, partitions: int, rules: Rules, limits: Limits) -> None:
        self.partitions, self.rules, self.limits = partitions, rules, limits

    def verdict(self, log: Log) -> Verdict:
        """Judge a log that holds everything in `READ`."""
        oracles = [Oracle(number, self.partitions, self.rules, self.limits) for number in range(self.partitions)]
        for oracle in oracles:
            oracle.take(log)
        published = Published.of(log)
        expected = self._published(event for oracle in oracles for event in oracle.events).result()
        result = published.result()
        letters = letters_of(log)
        refused = {origin: reason for oracle in oracles for origin, reason in oracle.refused.items()}
        mismatch = [what for oracle in oracles for what in self._state(oracle, log, published)]
        return Verdict(
            state_mismatch=[*mismatch, *wrong_letters(log, letters, refused)],
            missing=[*map(str, expected - result), *published.holes(), *map(str, refused.keys() - letters.keys())],
            extra=[*map(str, result - expected), *map(str, letters.keys() - refused.keys())],
            dups=[*published.doubled(), *(str(origin) for origin, found in letters.items() if len(found) > 1)],
            accepted=sum(oracle.accepted for oracle in oracles),
            refused=sum(topic == PINGS for topic, _, _ in letters),
            produced=sum(oracle.heard for oracle in oracles),
        )

    def _published(self, events: Iterable[EpisodeEvent]) -> Published:
        def say(event: EpisodeEvent) -> Message:
            return encode(event, self.rules.revision, "vigil", structured=False)

        return Published.by_engine(events, say)

    def _state(self, oracle: Oracle, log: Log, published: Published) -> Iterator[str]:
        """Rows, header, and what the rows do next: the copies and counters that are not compared show there."""
        number = oracle.number
        records = [(record.key or b"", record.value) for record in log[CHANGELOG].get(number, [])]
        found = latest(records)
        where = f"{CHANGELOG}[{number}]"
        header = found.pop(HEADER_KEY, None)
        if header is None:
            yield f"{where} has no header"
            return
        if (counted := msgspec.json.decode(header)["rows"]) != len(found):
            yield f"{where}: its header counts {counted} rows, it has {len(found)}"
        expected = latest(oracle.engine.take_dirty())
        yield from differences(oracle.engine, expected, found)
        yield from unsaid(found, published)
        yield from self._next_day(oracle, found)

    def _next_day(self, oracle: Oracle, found: Rows) -> Iterator[str]:
        """Load the committed rows, let a day of silence pass, and compare what is said of it."""
        until_ms, engine = oracle.clock.now() + DAY_MS, Engine(self.rules, self.limits)
        try:
            engine.load(found)
        except (BadState, KeyError, ValueError) as error:
            yield f"partition {oracle.number} cannot be loaded: {type(error).__name__} {error}"
            return
        said = []
        for one in (oracle.engine, engine):
            while one.tick(until_ms):
                pass
            said.append(self._published(one.take_events()).result())
        for episode in said[0] ^ said[1]:
            yield f"a day later, {'only' if episode in said[1] else 'not'} from the committed rows: {episode}"


def letters_of(log: Log) -> dict[Origin, list[Record]]:
    """Give the dead letters by the record that they are about."""
    found: dict[Origin, list[Record]] = {}
    for records in log[DEAD_LETTERS].values():
        for record in records:
            letter = DeadLetter.from_headers(list(record.headers.items()))
            found.setdefault((letter.topic, letter.partition, letter.offset), []).append(record)
    return found


def wrong_letters(log: Log, letters: dict[Origin, list[Record]], refused: dict[Origin, Reason]) -> Iterator[str]:
    """Name the dead letters with another reason than the oracle's, or other bytes than the record that came."""
    came = {
        (topic, number, record.offset): record
        for topic in SOURCES
        for number, records in log[topic].items()
        for record in records
    }
    for origin in letters.keys() & refused.keys():
        letter, record, reason = letters[origin][0], came[origin], refused[origin]
        given = DeadLetter.from_headers(list(letter.headers.items())).reason
        value = None if reason in WITHHELD else record.value
        if (given, letter.key, letter.value) != (reason, record.key, value):
            yield f"the dead letter of {origin} says {given}, expected {reason}, or other bytes"
