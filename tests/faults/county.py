"""
A seeded county whose records try the delivery: what is sent, to which partition, and in which order.

Time is the feed's: each slice ends with a clock record to every partition, so that the oracle has the same clock as a
worker, whatever the wall says. Two things are kept apart, since what becomes of them rightly depends on when a worker
reads one topic relative to another: whoever is heard of has an order that was sent before the first slice, and that
order ends only after everything else was read (`last`). The orders that end while all runs are of people nobody hears.
"""

import json
import random
from collections import defaultdict
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from schemas.topics import CHECKINS, DISPOSITIONS, ORDERS, PINGS
from schemas.wire import CLOCK_KEY
from stream.decode import partition_of
from tests.factories import HOME, at, curfew, near, order, permit

MINUTE_MS: Final = 60_000
HOUR_MS: Final = 60 * MINUTE_MS
SLICE_MS: Final = 5 * MINUTE_MS
START_MS: Final = at("2026-03-02 16:00")
ORGANISATION: Final = "450000/450200/450202/450202001"
CODES: Final = ("powered_off", "suspended", "arrears", "out_of_coverage", "timeout")


class Sending(NamedTuple):
    """One record for one partition of a source topic."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None


Body = dict[str, Any]
Due = tuple[int, Sending]


class County:
    """
    Everything that is sent in one run: `orders` first, then the `slices` in turn, and `last` once they were read.

    The same arguments give the same bytes. Of the pings 1 % come up to two and a half hours late, 1 % twice, and of
    everything about 1 % cannot be used.
    """

    def __init__(self, seed: int, people: int, hours: int, partitions: int) -> None:
        self.random, self.partitions = random.Random(seed), partitions
        self.end_ms = START_MS + hours * HOUR_MS
        names = [f"s{seed}-{n}" for n in range(people)]
        self.names, erased, mute = names, names[: people // 20], names[people // 20 : people // 20 + people // 10]
        self.lawless = names[-2:]
        self.orders = [self._order(name) for name in names]
        due: list[Due] = [(self._moment(), self._to(ORDERS, name, None)) for name in mute]
        for name in names:
            if name not in mute:
                due += self._messages(name)
                due += self._pings(name)
        for name in names[len(names) // 2 :: 6]:
            due += self._changes(name)
        self.slices = self._sliced([entry for entry in due if entry[0] < self.end_ms])
        self.last = [self._to(ORDERS, name, None) for name in erased]

    def __len__(self) -> int:
        return len(self.orders) + sum(map(len, self.slices)) + len(self.last)

    def _to(self, topic: str, name: str, body: Body | bytes | None) -> Sending:
        value = json.dumps(body).encode() if isinstance(body, dict) else body
        return Sending(topic, partition_of(name.encode(), self.partitions), name.encode(), value)

    def _moment(self) -> int:
        return self.random.randrange(START_MS, self.end_ms)

    def _order(self, name: str, **changes: Any) -> Sending:  # noqa: ANN401 - fields of the message
        until_ms = START_MS + 8 * HOUR_MS if name in self.lawless else 1_893_427_200_000
        authorised = ((1_577_808_000_000, until_ms),)
        return self._to(ORDERS, name, order(name, authorised=authorised, **{"curfew": curfew()} | changes))

    def _messages(self, name: str) -> Iterator[Due]:
        """Check-ins, and for some a disposition; counted in the row, so that one read twice shows."""
        for n in range(self.random.randrange(1, 4)):
            t = self._moment()
            body = {"supervisee": name, "checkin_id": f"{name}.{n}", "time_ms": t, "answer": "matched"}
            yield t, self._to(CHECKINS, name, body | {"method": "face"})
        if self.random.random() < 0.3:
            t = self._moment()
            body = {"supervisee": name, "disposition_id": f"{name}.d", "time_ms": t, "verdict": "external"}
            yield t, self._to(DISPOSITIONS, name, body | {"organisation": ORGANISATION, "officer": "officer-1"})

    def _changes(self, name: str) -> Iterator[Due]:
        """A permit that is approved late, or a residence that has moved half an hour ago."""
        t = self._moment()
        if self.random.random() < 0.7:
            kind = self.random.choice(("leave", "reported_off", "night_shift"))
            late = permit(kind, t - 150 * MINUTE_MS, t + 60 * MINUTE_MS)
            yield t, self._order(name, permits=[late])
        else:
            yield t, self._order(name, valid_from_ms=t - 30 * MINUTE_MS, home=near(1_500, 0), tier="strict")

    def _pings(self, name: str) -> Iterator[Due]:
        draw = self.random
        for ping in self._life(name):
            t: int = ping["time_ms"]
            sending = self._to(PINGS, name, ping)
            arrives = t + draw.randrange(6 * MINUTE_MS, 150 * MINUTE_MS) if draw.random() < 0.01 else t
            yield arrives, sending
            if draw.random() < 0.01:
                yield arrives + draw.randrange(HOUR_MS), sending
            if draw.random() < 0.01:
                yield arrives, self._broken(name, ping)

    def _life(self, name: str) -> Iterator[Body]:
        """Days of one person: at home, and between that silent, switched off, without a position, or out."""
        draw, t = self.random, START_MS + self.random.randrange(10 * MINUTE_MS)
        step_ms = draw.choice((3, 5, 8)) * MINUTE_MS
        while t < self.end_ms:
            for kind, most_h in (("home", 8.0), (draw.choice(("silent", "off", "bare", "out", "out")), 5.0)):
                until_ms = t + round(draw.uniform(0.4, most_h) * HOUR_MS)
                if kind == "off":
                    yield {"supervisee": name, "time_ms": t, "status": draw.choice(CODES)}
                if kind in ("off", "silent"):
                    t = max(t, until_ms)
                turn = 0
                while t < min(until_ms, self.end_ms):
                    yield self._heard(name, t, kind, turn)
                    t, turn = t + draw.randrange(step_ms // 2, 3 * step_ms // 2), turn + 1

    def _heard(self, name: str, t: int, kind: str, turn: int) -> Body:
        body = {"supervisee": name, "time_ms": t, "carrier": "cmcc", "device": f"{self.random.getrandbits(128):032x}"}
        if kind == "bare":
            return body | {"status": "no_fix"}
        away = (900 + 70 * (turn % 40), 400) if kind == "out" else (0, 0)
        lon, lat = near(away[0] + self.random.gauss(0, 40), away[1] + self.random.gauss(0, 40), HOME)
        place = {"lon": lon / 1e7, "lat": lat / 1e7, "datum": "wgs84", "accuracy_m": self.random.randrange(30, 300)}
        return body | {"status": "located"} | place

    def _broken(self, name: str, ping: Body) -> Sending:
        """Give a record that must end as a dead letter, whoever reads it and when."""
        good = self._to(PINGS, name, ping)
        elsewhere = (good.partition + 1) % self.partitions
        wrong: tuple[Sending, ...] = (
            good._replace(value=b'{"supervisee": '),
            good._replace(value=None),
            good._replace(key=None),
            good._replace(partition=elsewhere),
            self._to(PINGS, name, ping | {"supervisee": "somebody-else"}),
            self._to(PINGS, name, ping | {"status": "dancing"}),
            self._to(PINGS, name, ping | {"lon": 200.0}),
            self._to(PINGS, name, ping | {"time_ms": ping["time_ms"] - 9 * HOUR_MS}),
            self._to(PINGS, name, ping | {"time_ms": ping["time_ms"] + 60 * 24 * HOUR_MS}),
            self._to(PINGS, f"nobody-{name}", ping | {"supervisee": f"nobody-{name}"}),
            self._to(CHECKINS, name, b"[]"),
            self._to(DISPOSITIONS, f"nobody-{name}", b"{}"),
            self._to(ORDERS, name, b'{"supervisee": 1}'),
            self._order(name)._replace(partition=elsewhere),
            Sending(ORDERS, partition_of(b"\xff", self.partitions), b"\xff", b"{}"),
            Sending(PINGS, partition_of(b"\xff", self.partitions), b"\xff", good.value),
        )
        return self.random.choice(wrong)

    def _sliced(self, due: list[Due]) -> list[list[Sending]]:
        slices: dict[int, list[Sending]] = defaultdict(list)
        for t, sending in sorted(due, key=lambda entry: entry[0]):
            slices[(t - START_MS) // SLICE_MS].append(sending)
        out = []
        for number in range((self.end_ms - START_MS) // SLICE_MS):
            clock = json.dumps({"clock_ms": START_MS + (number + 1) * SLICE_MS}).encode()
            told = [Sending(PINGS, partition, CLOCK_KEY, clock) for partition in range(self.partitions)]
            out.append(slices[number] + told)
        return out
