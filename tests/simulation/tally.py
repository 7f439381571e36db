"""
The case of the small kernel: orders, pings, messages and broken records of a few people, which are then counted again.

People whose order may end while pings of theirs are on the way are left out: what becomes of those rightly depends on
which topic is read first. Orders that end are of people whom nobody hears.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial
from typing import Final

from detectors.findings import EpisodeEvent
from schemas.deadletter import WITHHELD, DeadLetter
from schemas.errors import Reason
from schemas.topics import ALERTS, CHANGELOG, CHECKINS, DEAD_LETTERS, DISPOSITIONS, ORDERS, PINGS, SOURCES
from stream.decode import partition_of
from stream.partition import Headers, Partition
from stream.settings import Settings
from stream.transactions import HEADER_KEY
from tests.simulation.broker import Broker, Entry
from tests.simulation.case import PARTITIONS, Verdict
from tests.simulation.kernel import EACH, ROW, Row, Tallying, encode
from tests.simulation.world import START_S, World

FEED_S: Final = 2.5
PEOPLE: Final = 10
PINGS_EACH: Final = (4, 24)
MUTE: Final = 3
BROKEN: Final[dict[bytes, Reason]] = {b"{": Reason.not_json, b"": Reason.empty_value, b"[1]": Reason.wrong_type}
LATE_ORDER_S: Final = 1.0

Origin = tuple[str, int, int]


class Tally:
    """Sends everything in `FEED_S` seconds of the world."""

    settings = Settings(
        kafka_bootstrap="simulated:1", group="simulated", partitions=PARTITIONS, settle_s=0, flush_s=0.1
    )

    def __init__(self, seed: int, world: World, broker: Broker) -> None:  # noqa: ARG002 - the world has it
        self.world, self.broker = world, broker
        draw = world.random
        names = [f"s{n}" for n in range(PEOPLE)]
        for name in names[1:] + [f"mute{n}" for n in range(MUTE)]:
            self._send(ORDERS, name, b"{}")
        # Somebody is taken into supervision while all runs; whoever pings before is nobody.
        world.at(LATE_ORDER_S, lambda: self._send(ORDERS, names[0], b"{}"))
        for number, name in enumerate(names):
            for _ in range(draw.randrange(*PINGS_EACH)):
                world.at(draw.uniform(LATE_ORDER_S if number == 0 else 0, FEED_S), self._ping(name))
            for _ in range(draw.randrange(2)):
                world.at(draw.uniform(LATE_ORDER_S if number == 0 else 0, FEED_S), self._message(name))
        for _ in range(4):
            name = draw.choice([*names[1:], "nobody"])
            world.at(draw.uniform(0, FEED_S), self._ping(name, draw.choice([*BROKEN, None])))
        for n in range(MUTE):
            world.at(draw.uniform(0, FEED_S), partial(self._send, ORDERS, f"mute{n}", None))
        for _ in range(draw.randrange(3)):
            world.at(draw.uniform(0, FEED_S), self._in_vain)

    @staticmethod
    def kernel() -> Tallying:
        """Give the rules."""
        return Tallying()

    @staticmethod
    def encode(event: EpisodeEvent) -> tuple[bytes, bytes, Headers]:
        """Give the alert."""
        return encode(event)

    @property
    def over(self) -> bool:
        """Whether everything was sent."""
        return self.world.now_s > START_S + FEED_S

    def close(self) -> None:
        """Send a last ping to each partition, of somebody unknown."""
        closers = {partition_of(name.encode(), PARTITIONS): name for name in map("closer{}".format, range(50))}
        for name in closers.values():
            self._ping(name)()

    def end(self) -> bool:
        """Nothing comes after."""
        return False

    def is_quiet(self, partition: Partition) -> bool:  # noqa: ARG002
        """Whoever has nothing to say is."""
        return True

    def judge(self, stuck: list[str]) -> Verdict:
        """Hold what a committed reader finds against one pass over the source topics."""
        verdict = Verdict([], [], [], [], stuck)
        for number in range(PARTITIONS):
            _judge(self.broker, number, verdict)
        for place, log in self.broker.logs.items():
            at, end = self.broker.committed.get(place, 0), len(log.entries)
            if place[0] in SOURCES and at != end:
                verdict.stuck.append(f"{place} is committed up to {at} of {end}")
        return verdict

    def _send(self, topic: str, name: str, value: bytes | None) -> None:
        place = topic, partition_of(name.encode(), PARTITIONS)
        self.broker.append(place, [(name.encode(), value, [])])

    def _ping(self, name: str, value: bytes | None = None) -> Callable[[], None]:
        def send() -> None:
            body = {"supervisee": name, "time_ms": self.broker.now_ms(), "status": "no_fix"}
            self._send(PINGS, name, json.dumps(body).encode() if value is None else value)

        return send

    def _message(self, name: str) -> Callable[[], None]:
        def send() -> None:
            now_ms = self.broker.now_ms()
            if now_ms % 2:
                body = {"supervisee": name, "checkin_id": "c", "time_ms": now_ms, "answer": "missed"}
                self._send(CHECKINS, name, json.dumps(body).encode())
            else:
                body = {"supervisee": name, "disposition_id": "d", "time_ms": now_ms, "verdict": "external"}
                body |= {"organisation": "450000", "officer": "o"}
                self._send(DISPOSITIONS, name, json.dumps(body).encode())

        return send

    def _in_vain(self) -> None:
        """Pings in a transaction that is given up: holes and markers."""
        carrier = f"carrier-{next(self.world.serial)}"
        epoch = self.broker.begin(carrier)
        name, draw = b"s1", self.world.random
        place = PINGS, partition_of(name, PARTITIONS)
        self.broker.produce(carrier, epoch, place, [(name, b"?", [])] * draw.randrange(1, 5))
        self.world.at(draw.uniform(0, 0.2), lambda: self.broker.end(carrier, epoch, "aborted"))


def visible(broker: Broker, topic: str, number: int) -> list[tuple[int, Entry]]:
    """Give what a committed reader finds in a partition, by offset."""
    return [(at, entry) for at, entry in enumerate(broker.logs[topic, number].entries) if entry.visible]


def _judge(broker: Broker, number: int, verdict: Verdict) -> None:
    expected, refused = _expected(broker, number)
    stored = {e.key: e.value for _, e in visible(broker, CHANGELOG, number)}
    header = stored.pop(HEADER_KEY, None)
    rows = {k.decode(): Row(*ROW.unpack(v)) for k, v in stored.items() if k is not None and v is not None}
    if header is None or json.loads(header)["rows"] != len(rows):
        verdict.state_mismatch.append(f"partition {number}: {len(rows)} rows, header {header!r}")
    alerts = Counter((e.value or b"").decode() for _, e in visible(broker, ALERTS, number))
    ids = Counter(alert.partition("@")[0] for alert in alerts.elements())
    for name in sorted(expected.keys() | rows.keys()):
        want, row = expected.get(name), rows.get(name)
        if want is None or row is None or want != row[:3]:
            verdict.state_mismatch.append(f"{name}: {want} expected, {row} found")
            continue
        when = sum(int(alert.partition("@")[2]) for alert in alerts if alert.startswith(f"{name}!"))
        if when != row.when:
            verdict.state_mismatch.append(f"{name}: the row says {row.said} at {row.when}, its alerts say {when}")
        due = {f"{name}-{n}" for n in range(EACH, row.pings + 1, EACH)}
        due |= {f"{name}!{n}" for n in range(1, row.said + 1)}
        found = {alert for alert in ids if alert.split("!")[0] == name or alert.rpartition("-")[0] == name}
        verdict.missing.extend(sorted(due - found))
        verdict.extra.extend(sorted(found - due))
    verdict.dups.extend(f"alert {alert}" for alert, count in sorted(ids.items()) if count > 1)
    _judge_letters(visible(broker, DEAD_LETTERS, number), refused, verdict)


def _expected(broker: Broker, number: int) -> tuple[dict[str, tuple[int, int, int]], dict[Origin, Reason]]:
    """Give pings, times and messages of everybody with a live order, and why each refused record must be refused."""
    since: dict[bytes | None, int] = {}
    live: dict[bytes | None, bytes | None] = {}
    for _, entry in visible(broker, ORDERS, number):
        since.setdefault(entry.key, entry.appended_ms)
        live[entry.key] = entry.value
    rows = {(key or b"").decode(): (0, 0, 0) for key, value in live.items() if value is not None}
    refused: dict[Origin, Reason] = {}
    for topic in (PINGS, CHECKINS, DISPOSITIONS):
        for offset, entry in visible(broker, topic, number):
            name, value = (entry.key or b"").decode(), entry.value or b""
            if entry.key not in since or since[entry.key] > entry.appended_ms:
                refused[topic, number, offset] = Reason.unknown_supervisee
            elif value in BROKEN:
                refused[topic, number, offset] = BROKEN[value]
            else:
                pings, times, messages = rows[name]
                is_ping = topic == PINGS
                times += json.loads(value)["time_ms"] if is_ping else 0
                rows[name] = pings + is_ping, times, messages + (not is_ping)
    return rows, refused


def _judge_letters(letters: Iterable[tuple[int, Entry]], refused: dict[Origin, Reason], verdict: Verdict) -> None:
    found: dict[Origin, list[tuple[Reason, bytes | None]]] = {}
    for _, entry in letters:
        letter = DeadLetter.from_headers(entry.headers)
        found.setdefault((letter.topic, letter.partition, letter.offset), []).append((letter.reason, entry.value))
    verdict.missing.extend(f"dead letter of {origin}" for origin in sorted(refused.keys() - found.keys()))
    verdict.extra.extend(f"dead letter of {origin}" for origin in sorted(found.keys() - refused.keys()))
    verdict.dups.extend(f"dead letter of {origin}" for origin, some in sorted(found.items()) if len(some) > 1)
    for origin in sorted(refused.keys() & found.keys()):
        reason, value = found[origin][0]
        if reason != refused[origin] or (reason in WITHHELD) != (value is None):
            verdict.state_mismatch.append(f"dead letter of {origin}: {reason}, {refused[origin]} expected")
