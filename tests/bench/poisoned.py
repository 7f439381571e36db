"""
One record in a hundred that cannot be used, of every kind known, among the pings of a run.

What must come of each is known by where it lies: its partition, and how many records of it came before.
"""

import contextlib
import json
from collections import Counter
from collections.abc import Iterator
from typing import Final, NamedTuple

from schemas.deadletter import WITHHELD, DeadLetter
from schemas.topics import DEAD_LETTERS, PINGS
from schemas.wire import CLOCK_KEY
from stream import broker
from stream.decode import partition_of
from tests.bench import county, feeding
from tests.faults.poison import Poison, poisons

EVERY: Final = 100
LARGEST: Final = 50_000
"""What is larger fits no batch of the sender; a test of the faults sends it."""

Origin = tuple[str, int, int]


class Sent(NamedTuple):
    """One record, and which kind of poison it is, if any."""

    partition: int
    key: bytes | None
    value: bytes | None
    poison: Poison | None


def mixed(drawn: county.Input) -> Iterator[Sent]:
    """Give everything that is sent, in its order: after every hundredth ping one that is made from it, or the next."""
    numbers, keys = drawn.partitions(feeding.PARTITIONS), drawn.keys()
    owed = made = 0
    for n, (person, value) in enumerate(zip(drawn.persons, drawn.values, strict=True)):
        yield Sent(numbers[person], keys[n], value, None)
        owed += n % EVERY == 0
        if owed and b'"located"' in value:
            poison = _kind(drawn.supervisees[person], value, made)
            owed, made = owed - 1, made + 1
            number = partition_of(poison.key, feeding.PARTITIONS) if poison.key else numbers[person]
            yield Sent((number + poison.aside) % feeding.PARTITIONS, poison.key, poison.value, poison)
    for number in range(feeding.PARTITIONS):
        yield Sent(number, CLOCK_KEY, drawn.clock(), None)


def _kind(name: str, value: bytes, turn: int) -> Poison:
    kinds = [kind for kind in poisons(name, json.loads(value)) if len(kind.value or b"") < LARGEST]
    return kinds[turn % len(kinds)]


def send(bootstrap: str, drawn: county.Input) -> dict[Origin, Poison]:
    """Send it all; gives the poisons by where they lie."""
    expected: dict[Origin, Poison] = {}
    records: list[feeding.Record] = []
    before = Counter[int]()
    for partition, key, value, poison in mixed(drawn):
        if poison is not None:
            expected[PINGS, partition, before[partition]] = poison
        before[partition] += 1
        records.append((partition, key, value))
    feeding.send(bootstrap, PINGS, records)
    return expected


def wrong(bootstrap: str, expected: dict[Origin, Poison]) -> int:
    """Count the records that a committed reader does not find once, as they were and for their reason."""
    found = Counter[Origin]()
    differing = 0
    with contextlib.closing(broker.reader(bootstrap)) as reader:
        partitions = broker.partitions_of(reader, DEAD_LETTERS)
        reader.assign(partitions)
        ends = reader.end_offsets(partitions)
        while any(reader.position(partition) < end for partition, end in ends.items()):
            for records in reader.poll(500).values():
                for record in records:
                    letter = DeadLetter.from_headers(record.headers)
                    origin = letter.topic, letter.partition, letter.offset
                    found[origin] += 1
                    poison = expected.get(origin)
                    differing += poison is None or not _is_right(poison, letter, record.key, record.value)
    return differing + sum(found[origin] != 1 for origin in expected)


def _is_right(poison: Poison, letter: DeadLetter, key: bytes | None, value: bytes | None) -> bool:
    content = None if poison.reason in WITHHELD else poison.value
    return (poison.reason, poison.key, content) == (letter.reason, key, value)
