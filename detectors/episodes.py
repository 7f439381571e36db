"""
Findings become episodes, and episodes become the events that are published.

An episode keeps the steps that made it, each dated by its rule. So when a row is run again for a late ping, what came
after is taken back, the new steps take its place, and only the difference is published.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

import msgspec

from detectors.findings import AUDIENCES, EpisodeEvent, Finding, Phase
from schemas.alert import episode_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

Key = tuple[str, str, int]
RETRACTED: Final = "retracted"


class Step(msgspec.Struct, frozen=True, array_like=True):
    """One finding, without the names that the whole episode shares."""

    at_ms: int
    until_ms: int | None
    kind: str
    severity: str
    reason: str
    facts: dict[str, Any]

    @property
    def face(self) -> tuple[int | None, str, str, str]:
        """What readers see: a step with the same face as the one before is no news."""
        return self.until_ms, self.kind, self.severity, self.reason


class Episode(msgspec.Struct):
    """Steps in order; `shown` is the last one published, None before that and after a retraction."""

    rule: str
    subject: str
    since_ms: int
    steps: list[Step] = []
    revision: int = 0
    shown: Step | None = None
    said_ms: int = 0

    @property
    def is_open(self) -> bool:
        """True while it lasts."""
        return bool(self.steps) and self.steps[-1].until_ms is None


class Context(NamedTuple):
    """What an event says beyond the finding: looked up once it is published."""

    organisation: str
    order_version: str
    evidence: dict[str, Any]


class Said(NamedTuple):
    """A revision of an episode before its context is known."""

    finding: Finding
    episode: str
    revision: int
    supersedes: str | None


class Episodes:
    """The episodes of one partition that are open or may still change, by row."""

    def __init__(
        self,
        name_of: Callable[[int], str],
        contexts: Callable[[Sequence[Finding]], list[Context]],
        settled_ms: Callable[[int], int],
    ) -> None:
        self._name_of = name_of
        self._contexts = contexts
        self._settled_ms = settled_ms
        self.of: dict[int, dict[Key, Episode]] = {}
        self.dirty: set[int] = set()
        self.events: list[EpisodeEvent] = []
        self._said: list[Said] = []

    def record(self, findings: Iterable[Finding]) -> None:
        """Findings in the order of time, row by row: each is published at once."""
        for finding in findings:
            self._publish(finding.row, self._step(finding), finding.at_ms)
            self.forget(finding.row, self._settled_ms(finding.row))
        self._speak()

    def revise(self, row: int, after_ms: int, findings: list[Finding]) -> None:
        """Replace the steps later than `after_ms` by new findings, and publish what differs."""
        own = self.of.setdefault(row, {})
        for episode in own.values():
            episode.steps = [step for step in episode.steps if step.at_ms <= after_ms]
        touched = [self._step(finding) for finding in findings]
        at_ms = max((finding.at_ms for finding in findings), default=after_ms)
        gone = [episode for episode in own.values() if not episode.steps and episode.shown is not None]
        for episode in gone:
            self._retract(row, episode, at_ms)
        for episode in sorted(own.values(), key=lambda e: (e.since_ms, e.rule, e.subject)):
            if episode.steps:
                replaced = [g for g in gone if (g.rule, g.subject) == (episode.rule, episode.subject)]
                fresh = episode.revision == 0 and episode in touched
                self._publish(row, episode, episode.steps[-1].at_ms, replaced if fresh else [])
        self.forget(row, self._settled_ms(row))
        self._speak()

    def end(self, row: int) -> None:
        """Forget a row whose order ended."""
        self.of.pop(row, None)
        self.dirty.discard(row)

    def open_since(self, row: int) -> int:
        """When the newest open episode of a row began; 0 when none is open."""
        return max((e.since_ms for e in self.of.get(row, {}).values() if e.is_open), default=0)

    def forget(self, row: int, before_ms: int) -> None:
        """Drop the episodes of a row that ended before; no run begins before that any more."""
        own = self.of.get(row, {})
        for key in [k for k, e in own.items() if not e.is_open and _last_ms(e) < before_ms]:
            del own[key]
            self.dirty.add(row)

    def pack(self, row: int) -> bytes | None:
        """The episodes of a row as bytes; None when there are none."""
        own = self.of.get(row)
        return msgspec.msgpack.encode(list(own.values())) if own else None

    def unpack(self, row: int, packed: bytes) -> None:
        """The inverse of `pack`."""
        episodes = msgspec.msgpack.decode(packed, type=list[Episode])
        self.of[row] = {(e.rule, e.subject, e.since_ms): e for e in episodes}

    def _step(self, finding: Finding) -> Episode:
        self.dirty.add(finding.row)
        own = self.of.setdefault(finding.row, {})
        key = (finding.rule, finding.subject, finding.since_ms)
        if key not in own:
            own[key] = Episode(*key)
        episode = own[key]
        until = finding.until_ms
        step = Step(finding.at_ms, until, finding.kind, finding.severity, finding.reason, finding.facts)
        episode.steps.append(step)
        return episode

    def _publish(self, row: int, episode: Episode, at_ms: int, replaced: Iterable[Episode] = ()) -> None:
        """Publish the last step, if it is news; an episode that is first seen when it is over is opened first."""
        step = episode.steps[-1]
        if episode.shown is not None and episode.shown.face == step.face:
            return
        supersedes = next((self._id(row, gone) for gone in replaced), None)
        if episode.shown is None:
            first = next((s for s in reversed(episode.steps) if s.until_ms is None), step)
            self._say(row, episode, "opened", first, first.at_ms, supersedes)
            if step.until_ms is None:
                return
            self._say(row, episode, "closed", step, at_ms, None)
            return
        closes = step.until_ms is not None and episode.shown.until_ms is None
        self._say(row, episode, "closed" if closes else "updated", step, at_ms, None)

    def _retract(self, row: int, episode: Episode, at_ms: int) -> None:
        shown = cast("Step", episode.shown)
        self._say(row, episode, RETRACTED, shown, max(at_ms, shown.at_ms), None)
        episode.shown = None

    def _say(
        self, row: int, episode: Episode, phase: Phase, step: Step, at_ms: int, supersedes: str | None
    ) -> None:
        self.dirty.add(row)
        episode.revision += 1
        episode.shown = step
        episode.said_ms = max(episode.said_ms, at_ms)
        until_ms = None if phase == "opened" else step.until_ms
        finding = Finding(
            row, episode.rule, episode.subject, phase, episode.since_ms, at_ms, until_ms,
            step.kind, step.severity, step.reason, step.facts,
        )
        self._said.append(Said(finding, self._id(row, episode), episode.revision, supersedes))

    def _speak(self) -> None:
        """What was said since the last call becomes events, once what the orders and the pings add was looked up."""
        contexts = self._contexts([said.finding for said in self._said]) if self._said else []
        for (finding, episode, revision, supersedes), context in zip(self._said, contexts, strict=True):
            self.events.append(
                EpisodeEvent(
                    self._name_of(finding.row), episode, revision, finding.phase, finding.rule, finding.subject,
                    finding.severity, AUDIENCES.get(finding.rule, "officer"), context.organisation, finding.since_ms,
                    finding.until_ms, finding.at_ms, finding.reason, context.order_version, supersedes,
                    {"kind": finding.kind, **finding.facts, **context.evidence},
                ),
            )
        self._said = []

    def _id(self, row: int, episode: Episode) -> str:
        return episode_id(self._name_of(row), episode.rule, episode.subject, episode.since_ms)


def _last_ms(episode: Episode) -> int:
    return max(episode.said_ms, episode.steps[-1].at_ms if episode.steps else 0)
