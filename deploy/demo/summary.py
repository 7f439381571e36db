"""What a demo has shown: the stories told back, and figures."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from schemas.topics import PINGS
from stream.evaluate import Score, as_truth, score, standing
from stream.sentences import DEFAULT_ZONE
from stream.simulate.feed import Truth
from stream.store import Reader
from stream.tail import Body

Seen = Mapping[tuple[str, int], float]
PingId = tuple[str, int]
"""Supervisee and time of a ping."""


class Verdict(NamedTuple):
    """What a story's file expects of its person, held against what stands."""

    found: tuple[Truth, ...]
    missing: tuple[Truth, ...]
    unexpected: tuple[Truth, ...]

    @property
    def is_good(self) -> bool:
        """Whether exactly what is expected was found."""
        return not self.missing and not self.unexpected

    def lines(self) -> Iterator[str]:
        """Give a line for each episode, in local time."""
        for word, rows in zip(("found", "MISSING", "NOT EXPECTED"), self, strict=True):
            for row in rows:
                until = "and lasts" if row.until_ms is None else f"to {_local(row.until_ms)}"
                yield f"{word:<8} {row.rule} {row.kind}, {_local(row.since_ms)} {until}"


def judge(expected: Iterable[Truth], bodies: Sequence[Body]) -> Verdict:
    """Compare rule, class or cause, beginning and end, to the millisecond; notices are none of what is expected."""
    wanted = list(expected)
    people = {row.supervisee for row in wanted}
    graver = [body for body in standing(bodies) if body.get("severity") != "notice"]
    told = [as_truth(body) for body in graver if body.get("supervisee") in people]
    return Verdict(
        tuple(row for row in wanted if row in told),
        tuple(row for row in wanted if row not in told),
        tuple(row for row in told if row not in wanted),
    )


def figures(bodies: Sequence[Body], truth: Sequence[Truth], supervisee_days: int) -> Iterator[str]:
    """Give lines: episodes by rule and class, load on the officers, and how good the alerts are."""
    episodes = standing(bodies)
    kinds = Counter((body["rule"], as_truth(body).kind, body["severity"]) for body in episodes)
    yield f"episodes: {len(episodes)} stand, {len({b['episode_id'] for b in bodies}) - len(episodes)} were retracted"
    for (rule, kind, severity), count in sorted(kinds.items()):
        yield f"  {rule:<7} {kind:<22} {severity:<8} {count:>5}"
    alerts = sum(body["severity"] != "notice" for body in episodes)
    yield (
        f"load: {len(episodes) / supervisee_days:.3f} episodes a supervisee-day, "
        f"{alerts / supervisee_days:.3f} without the notices"
    )
    yield "quality, against what was scripted; what is not scripted (a long coverage hole) counts as wrong:"
    for rule in sorted({body["rule"] for body in episodes}):
        of_rule = score([b for b in episodes if b["rule"] == rule], [t for t in truth if t.rule == rule])
        yield f"  {rule:<7} {_quality(of_rule)}"


def latency(bootstrap: str, group: str, partitions: int, bodies: Iterable[Body], seen_ms: Seen) -> str:
    """
    Say how long it takes from a ping's append to a committed alert in the hands of a subscriber.

    Only where the ping itself opened the episode: a deadline in the silence has no ping to count from.
    """
    opened = {}
    for body in bodies:
        pings = body["evidence"].get("pings") or [{"time_ms": None}]
        at_ms = round(datetime.fromisoformat(body["at"]).timestamp() * 1000)
        if body["phase"] == "opened" and pings[-1]["time_ms"] == at_ms:
            opened[body["episode_id"], body["revision"]] = (body["supervisee"], at_ms)
    appended = asyncio.run(_appended(bootstrap, group, partitions, set(opened.values())))
    took_s = [(seen_ms[event] - appended[ping]) / 1000 for event, ping in opened.items()]
    if not took_s:
        return "latency: no alert was opened by a ping"
    p50, p99 = np.percentile(took_s, [50, 99])
    return f"latency: p50 {p50:.2f} s, p99 {p99:.2f} s, ping appended to alert read, {len(took_s)} alerts"


async def _appended(bootstrap: str, group: str, partitions: int, wanted: set[PingId]) -> dict[PingId, int]:
    """Look up the append times of pings, in ms."""
    people, found = {supervisee.encode() for supervisee, _ in wanted}, {}
    async with Reader(bootstrap, group) as reader:
        for number in range(partitions):
            async for columns in reader.read(PINGS, number, await reader.bounds(PINGS, number)):
                appended = columns.appended_ms(np.arange(len(columns))).tolist()
                for key, value, appended_ms in zip(columns.keys, columns.values, appended, strict=True):
                    if key in people and key is not None and value is not None:
                        ping = (key.decode(), json.loads(value)["time_ms"])
                        if ping in wanted:
                            found[ping] = appended_ms
    return found


def _quality(of: Score) -> str:
    precision, recall = ("-" if share is None else f"{share:.2f}" for share in (of.precision, of.recall))
    return (
        f"precision {precision} ({of.right} of {of.right + of.wrong}), recall {recall} ({of.found} of "
        f"{of.found + of.missed})"
    )


def _local(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms / 1000, UTC).astimezone(ZoneInfo(DEFAULT_ZONE)).strftime("%Y-%m-%d %H:%M:%S")
