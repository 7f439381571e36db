"""What the real engine says of everybody at once: one claim for each episode that stands at the end."""

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from detectors.engine import Engine
from detectors.findings import EpisodeEvent
from geofence.fences import Fences
from schemas.rules import Rules
from stream.evaluate.cases import FOREVER_MS, Case
from stream.simulate.lives import DAY, HOUR

__all__ = ["Claim", "claims_of", "judge"]

CUT_MS: Final = 12 * HOUR
AFTER_MS: Final = DAY
"""How far the clock runs on behind the last ping."""


class Claim(NamedTuple):
    """One episode: `told_ms` is when it was opened, `alert_ms` when it became more than a notice, or None."""

    supervisee: str
    rule: str
    subject: str
    kind: str
    since_ms: int
    until_ms: int
    told_ms: int
    alert_ms: int | None
    evidence: dict[str, Any]


def judge(cases: Sequence[Case], rules: Rules, fences: Fences) -> list[Claim]:
    """Run the engine over all cases side by side, half a day at a time, and on for a day."""
    engine, events = Engine(rules, fences=fences), list[EpisodeEvent]()
    for case in cases:
        engine.order(case.supervisee, case.order, 0)
    pings = np.concatenate([case.pings for case in cases])
    of = np.repeat(np.arange(len(cases)), [len(case.pings) for case in cases])
    order = np.argsort(pings["time_ms"], kind="stable")
    pings, of = pings[order], of[order]
    names = np.array([case.supervisee for case in cases], object)
    first_ms, last_ms = int(pings["time_ms"][0]), int(pings["time_ms"][-1])
    for begin_ms in range(first_ms, last_ms + 1, CUT_MS):
        part = slice(*np.searchsorted(pings["time_ms"], (begin_ms, begin_ms + CUT_MS)))
        engine.apply(names[of[part]].tolist(), pings[part], -1)
        events += _run_on(engine, begin_ms + CUT_MS - 1)
    return claims_of(events + _run_on(engine, last_ms + AFTER_MS))


def claims_of(events: Iterable[EpisodeEvent]) -> list[Claim]:
    """Give a claim for each episode that was not taken back, by the time of its opening."""
    episodes: dict[str, list[EpisodeEvent]] = {}
    for event in events:
        episodes.setdefault(event.episode_id, []).append(event)
    return [_claim(own) for own in episodes.values() if own[-1].phase != "retracted"]


def _claim(own: list[EpisodeEvent]) -> Claim:
    last = own[-1]
    alert_ms = next((event.at_ms for event in own if event.severity != "notice"), None)
    until_ms = FOREVER_MS if last.until_ms is None else last.until_ms
    kind = str(last.evidence.get("kind", last.reason))
    told_ms = own[0].at_ms
    return Claim(
        last.supervisee, last.rule, last.subject, kind, last.since_ms, until_ms, told_ms, alert_ms, last.evidence
    )


def _run_on(engine: Engine, clock_ms: int) -> list[EpisodeEvent]:
    while engine.tick(clock_ms):
        pass
    engine.take_dirty()
    return engine.take_events()
