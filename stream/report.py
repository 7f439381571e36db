"""
A replay of files, and what it found: one line an episode, one JSON line an alert, and counts.

The trap: an episode has several events. Its line shows the last of them, and a retracted one says so.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

from detectors.findings import EpisodeEvent
from detectors.gate import Limits
from geofence.fences import load_fences
from schemas.errors import BadConfiguration
from schemas.instant import instant, rfc3339
from schemas.rules import load_rules
from stream.alerts import alert_of
from stream.records import Record, records
from stream.replay import Replay
from stream.settings import Settings
from stream.turns import Inputs

NAMES: Final = ("orders", "pings", "checkins", "dispositions")
SUFFIXES: Final = (".jsonl", ".json")


class Report:
    """A finished replay under the rules of `rules_file` and the limits of the feed clock."""

    def __init__(self, settings: Settings, rules_file: Path) -> None:
        self.rules = load_rules(rules_file)
        limits = Limits(settings.horizon_ms, settings.model_copy(update={"clock": "feed"}).future_ms)
        self.replay = Replay(self.rules, limits, load_fences(settings.fences_file), settings.partitions)

    def run(self, paths: Iterable[Path], until_ms: int | None, taken: Callable[[], None]) -> None:
        """Replay the files; `taken` is called for each ping. Raises BadConfiguration."""
        found = files(paths)
        given = {name: records(path) for name, path in found.items()}
        given["pings"] = _counted(given["pings"], taken)
        self.replay.run(Inputs(**given), until_ms=until_ms)

    def alerts(self) -> Iterator[str]:
        """Give every event as the JSON that `vigil tail --json` would show."""
        for event in self.replay.events:
            body = alert_of(event, self.rules.revision).model_dump(mode="json")
            yield json.dumps({"supervisee": event.supervisee, **body}, ensure_ascii=False)

    def episodes(self) -> Iterator[str]:
        """Give a line for each episode, as its last event left it, by the time of its beginning."""
        return map(self.line, self._last())

    def line(self, event: EpisodeEvent) -> str:
        """Say an episode as one event of it left it."""
        until = "open" if event.until_ms is None else rfc3339(instant(event.until_ms))
        what = f"{event.rule} {event.evidence.get('kind', event.reason)}, {event.reason}"
        return (
            f"{rfc3339(instant(event.since_ms))}  {until:<24}  {event.severity:<8}  {what:<28}  "
            f"{event.supervisee:<12}  {event.phase}, revision {event.revision}  [{event.episode_id}]"
        )

    def summary(self) -> Iterator[str]:
        """Give counts: pings, refusals by reason, episodes by rule."""
        counters, last = self.replay.engine.counters, self._last()
        yield "pings: " + ", ".join(f"{counters[name]} {name}" for name in ("accepted", "late", "duplicate"))
        refused = Counter(refusal.reason.value for refusal in self.replay.refused)
        yield "refused: " + (", ".join(f"{count} {reason}" for reason, count in refused.most_common()) or "none")
        rules = Counter(f"{event.rule} {event.phase}" for event in last)
        yield "episodes: " + (", ".join(f"{count} {what}" for what, count in sorted(rules.items())) or "none")

    def _last(self) -> list[EpisodeEvent]:
        last = {event.episode_id: event for event in self.replay.events}
        return sorted(last.values(), key=lambda event: (event.since_ms, event.supervisee, event.rule))


def files(paths: Iterable[Path]) -> dict[str, Path]:
    """
    Find the files of a replay by their names, in a folder or one by one.

    Raises BadConfiguration for a name that says nothing, for two files of a kind, and where there are no pings.
    """
    found: dict[str, Path] = {}
    given = list(paths)
    inside = [path / f"{name}{suffix}" for path in given if path.is_dir() for name in NAMES for suffix in SUFFIXES]
    for path in [path for path in given if not path.is_dir()] + [path for path in inside if path.exists()]:
        if not path.exists():
            raise BadConfiguration(path, "there is no such file or folder")
        name = path.name.split(".")[0].split("-")[0]
        if name not in NAMES:
            raise BadConfiguration(path, f"its name must begin with one of {', '.join(NAMES)}")
        if name in found:
            raise BadConfiguration(path, f"{found[name]} holds {name} already")
        found[name] = path
    if "pings" not in found:
        raise BadConfiguration(given[0], "there is no pings.jsonl")
    return found


def _counted(pings: Iterable[Record], taken: Callable[[], None]) -> Iterator[Record]:
    for record in pings:
        yield record
        taken()
