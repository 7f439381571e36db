"""
What happened inside the workers, written by themselves as it happens, so that a SIGKILL takes none of it along.

It decides whether a run has hit its fault at all: records that were applied and then again by an heir, fenced
producers, revocations, pings for each worker. It never decides whether the result is right: that is the verifier's.
"""

import os
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import msgspec

from schemas.topics import PINGS, SOURCES

Offsets = dict[str, int]


class Event(msgspec.Struct, omit_defaults=True):
    """
    One thing that a worker did, at `at_s` of the machine's clock.

    `what` is assigned or revoked (`numbers` by topic), placed (partition `number` loaded, next `offsets` by topic),
    given up (a load), read (`number`, next offset of one topic), ticked (`number`, `clock_ms`), poisoned (`why`) or
    struck (`why`: the failpoint that was hit).
    """

    what: str
    at_s: float = 0
    number: int = -1
    offsets: Offsets = {}
    numbers: dict[str, list[int]] = {}
    clock_ms: int = 0
    why: str = ""


class Notebook:
    """Appends events to a file: one write each, nothing kept back."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def note(self, event: Event) -> None:
        """Write one line."""
        event.at_s = time.time()
        os.write(self._file, msgspec.json.encode(event) + b"\n")


class Life(NamedTuple):
    """What one worker process did, from its start to its end."""

    name: str
    events: list[Event]

    @classmethod
    def of(cls, path: Path) -> "Life":
        """Read what a process has written so far; its name is the file's, up to the first dot."""
        lines = path.read_bytes().splitlines() if path.exists() else []
        return cls(path.name.split(".")[0], [msgspec.json.decode(line, type=Event) for line in lines])

    def all(self, what: str) -> list[Event]:
        """Give its events of one kind."""
        return [event for event in self.events if event.what == what]

    def pings(self) -> int:
        """Count the records of the pings topic that it took."""
        at: dict[int, int] = {}
        taken = 0
        for event in self.events:
            if PINGS in event.offsets:
                if event.what == "read":
                    taken += max(0, event.offsets[PINGS] - at.get(event.number, event.offsets[PINGS]))
                at[event.number] = event.offsets[PINGS]
        return taken


class Evidence:
    """The lives of all workers of a run."""

    def __init__(self, lives: Iterable[Life]) -> None:
        self.lives = list(lives)

    def of(self, name: str) -> list[Life]:
        """Give the lives of one name, in turn."""
        return [life for life in self.lives if life.name == name]

    def inherited(self, name: str, since_s: float) -> bool:
        """Whether all that a worker was given was loaded by others since a time of the machine's clock."""
        life = self.of(name)[-1]
        placed = {
            event.number
            for other in self.lives
            for event in other.all("placed")
            if other is not life and event.at_s > since_s
        }
        return placed.issuperset(life.all("assigned")[-1].numbers[PINGS])

    def pings(self, name: str) -> int:
        """Count the pings that the workers of one name took."""
        return sum(life.pings() for life in self.of(name))

    def replayed(self) -> int:
        """Count the pings that one life applied and its heir again, since no transaction had them yet."""
        events = sorted((event for life in self.lives for event in life.events), key=lambda event: event.at_s)
        farthest: Counter[int] = Counter()
        again = 0
        for event in events:
            if (offset := event.offsets.get(PINGS)) is not None:
                if event.what == "placed":
                    again += max(0, farthest[event.number] - offset)
                farthest[event.number] = max(farthest[event.number], offset)
        return again

    def count(self, what: str, why: str = "") -> int:
        """Count the events of one kind, of all lives."""
        return sum(why in event.why for life in self.lives for event in life.all(what))

    def read_since(self, since_s: float) -> set[int]:
        """Give the partition numbers of which something was read since a time of the machine's clock."""
        return {event.number for life in self.lives for event in life.all("read") if event.at_s > since_s}

    def parted(self) -> list[str]:
        """Name each moment at which a worker had a partition of one source topic and not the same of the others."""
        found = []
        for life in self.lives:
            owned: set[int] = set()
            for event in life.events:
                if event.what == "assigned":
                    by_topic = [event.numbers.get(topic, []) for topic in SOURCES]
                    owned = set(by_topic[0])
                    if any(numbers != by_topic[0] for numbers in by_topic):
                        found.append(f"{life.name} was given {event.numbers}")
                elif event.what == "read" and event.number not in owned:
                    found.append(f"{life.name} read {event.offsets} of partition {event.number}, it owns {owned}")
        return found

    def ticked(self, clock_ms: int) -> set[int]:
        """Give the partition numbers whose deadlines have been fired up to a clock."""
        return {event.number for life in self.lives for event in life.all("ticked") if event.clock_ms >= clock_ms}
