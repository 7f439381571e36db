"""
Two replays of the same records under two rules files: which episodes a change of parameters brings, drops or moves.

The trap: an episode's id holds its beginning. One that begins a little later is another episode by its id, but to the
officer it has moved; so what was dropped and what was added pair up where person, rule, subject and some moment are the
same.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final, Literal, NamedTuple

from detectors.findings import EpisodeEvent
from stream.alerts import alert_of
from stream.report import Report

__all__ = ["Change", "as_json", "changes", "lines", "summary"]

Word = Literal["added", "dropped", "moved", "changed"]
FOREVER_MS: Final = 1 << 62


class Change(NamedTuple):
    """
    One episode that is not the same under both: as its last event left it `before` and `after`, None where it is not.

    Moved is one with another beginning or end, changed one with the same times and another class, severity or reason.
    """

    word: Word
    before: EpisodeEvent | None
    after: EpisodeEvent | None


def changes(before: Iterable[EpisodeEvent], after: Iterable[EpisodeEvent]) -> list[Change]:
    """Hold the episodes that stand at the end of two replays against each other, by the time of their beginning."""
    one, other = _standing(before), _standing(after)
    gone = [event for key, event in one.items() if key not in other]
    fresh = [event for key, event in other.items() if key not in one]
    found = [_compared(event, other[key]) for key, event in one.items() if key in other]
    for event in gone:
        match = next((new for new in fresh if _meet(event, new)), None)
        if match is not None:
            fresh.remove(match)
        found.append(Change("dropped" if match is None else "moved", event, match))
    found += [Change("added", None, event) for event in fresh]
    differing = [change for change in found if change is not None]
    return sorted(differing, key=lambda change: min(event.since_ms for event in change[1:] if event is not None))


def lines(found: Iterable[Change], before: Report, after: Report) -> Iterator[str]:
    """Give a line for each change; one that moved or changed has two."""
    for word, *events in found:
        for report, event in zip((before, after), events, strict=True):
            if event is not None:
                yield f"{word:<8} {'-' if report is before else '+'}  {report.line(event)}"


def as_json(found: Iterable[Change], before: Report, after: Report) -> Iterator[str]:
    """Give a JSON line for each change, with both alerts as subscribers would read the last of their events."""
    for word, *events in found:
        bodies = [
            event and alert_of(event, report.rules.revision).model_dump(mode="json")
            for report, event in zip((before, after), events, strict=True)
        ]
        yield json.dumps({"change": word, "before": bodies[0], "after": bodies[1]}, ensure_ascii=False)


def summary(found: Iterable[Change], before: Report, after: Report) -> str:
    """Say from which revision to which, and how many episodes of each rule differ."""
    counts = Counter((word, event.rule) for word, *events in found for event in [*filter(None, events)][:1])
    said = ", ".join(f"{count} {rule} {word}" for (word, rule), count in sorted(counts.items()))
    revisions = f"from revision {before.rules.revision} (-) to {after.rules.revision} (+)"
    return f"{revisions}: {said or 'no episode differs'}"


def _standing(events: Iterable[EpisodeEvent]) -> dict[str, EpisodeEvent]:
    last = {event.episode_id: event for event in events}
    return {key: event for key, event in last.items() if event.phase != "retracted"}


def _compared(before: EpisodeEvent, after: EpisodeEvent) -> Change | None:
    if before.until_ms != after.until_ms:
        return Change("moved", before, after)
    return None if _face(before) == _face(after) else Change("changed", before, after)


def _face(event: EpisodeEvent) -> tuple[object, ...]:
    return event.evidence.get("kind"), event.severity, event.reason


def _meet(one: EpisodeEvent, other: EpisodeEvent) -> bool:
    same = (one.supervisee, one.rule, one.subject) == (other.supervisee, other.rule, other.subject)
    return same and one.since_ms < _end_ms(other) and other.since_ms < _end_ms(one)


def _end_ms(event: EpisodeEvent) -> int:
    return FOREVER_MS if event.until_ms is None else event.until_ms
