"""
Why an episode: the rule, what it was judged by, the pings used, and every revision in its order.

The trap: a reason that only the running code knows explains nothing a year later. Everything shown here stands in the
alerts themselves.
"""

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from detectors.gate import Limits
from geofence.fences import load_fences
from schemas.errors import BadConfiguration
from schemas.rules import load_rules
from stream import stored
from stream.recompute import Again, again
from stream.records import records
from stream.sentences import DEFAULT_ZONE
from stream.settings import Settings
from stream.tail import Body

MOMENT_FROM: Final = 100_000_000_000
"""A number of milliseconds above this is a moment, below it a length."""
SHOWN_AS_PINGS: Final = "pings"
SHOWN_APART: Final = frozenset({SHOWN_AS_PINGS, "order"})


def find(bodies: Iterable[Body], episode: str) -> list[Body]:
    """Give the events of an episode in the order of their revisions, each once; empty where there is none."""
    found = {body["revision"]: body for body in bodies if body.get("episode_id") == episode}
    return [found[revision] for revision in sorted(found)]


def bodies_in(path: Path) -> Iterator[Body]:
    """
    Read alerts from a file as `vigil tail --json` and `vigil replay --json` write them.

    Raises BadConfiguration that names the first line that is no alert.
    """
    for record in records(path):
        try:
            body = json.loads(record.value)
        except ValueError as error:
            raise BadConfiguration(record.where, "is not JSON") from error
        if not isinstance(body, dict) or "episode_id" not in body:
            raise BadConfiguration(record.where, "is no alert: episode_id is missing")
        yield body


def retraced(settings: Settings, events: list[Body], folder: Path | None, *, on_topics: bool) -> tuple[list[str], bool]:
    """
    Find an episode again, from its alerts and from what is stored of its person; gives a line each.

    False where another episode came out.
    """
    tried = {"the alert alone": again(events[0])}
    supervisee = events[0].get("supervisee")
    if supervisee is not None and (folder is not None or on_topics):
        store = stored.in_folder(folder, supervisee) if folder else stored.on_topics(settings.bootstrap, supervisee)
        rules, fences = load_rules(settings.rules_file), load_fences(settings.fences_file)
        limits = Limits(settings.horizon_ms, settings.model_copy(update={"clock": "feed"}).future_ms)
        tried["the stored pings"] = store.again(events, rules, limits, fences)
    same = all(found.episode in {None, events[0]["episode_id"]} for found in tried.values())
    return [verdict(what, events, found) for what, found in tried.items()], same


def verdict(what: str, events: list[Body], found: Again) -> str:
    """Say in a line what a recomputation gave; `what` it was computed from."""
    if found.episode is None:
        return f"Not recomputed from {what}: {found.why}"
    same = found.episode == events[0]["episode_id"]
    return f"Recomputed from {what}: {'the same id' if same else f'ANOTHER ID, {found.episode}'} ({found.why})"


def explain(events: list[Body]) -> str:
    """Say why, in lines for a terminal; `events` are those of one episode, at least one."""
    last = events[-1]
    zone = ZoneInfo(last["evidence"].get("zone", DEFAULT_ZONE))
    known = {name: value for name, value in last["evidence"].items() if name not in SHOWN_APART}
    lines = [
        f"Episode {last['episode_id']}",
        f"  {last['text']['zh']}",
        f"  {last['text']['en']}",
        "",
        f"Rule          {last['rule']} ({last['subject']}), {last['severity']}, for the {last['audience']}",
        f"Reason        {last['reason']}",
        f"About         {last.get('supervisee', last['organisation'])}, {last['organisation']}",
        f"Judged by     order {last['order_version']}, rules revision {last['rules_revision']}",
    ]
    if last["supersedes"]:
        lines.append(f"In place of   {last['supersedes']}")
    lines += ["", f"What the rule knew (times are {zone.key})"]
    lines += [f"  {name:<22}{_value(name, value, zone)}" for name, value in known.items()]
    lines += ["", "What the order asked"]
    lines += [f"  {name:<22}{_value(name, value, zone)}" for name, value in last["evidence"].get("order", {}).items()]
    pings = last["evidence"].get(SHOWN_AS_PINGS, [])
    lines += ["", f"Pings used: {len(pings)}"]
    lines += [f"  {_ping(ping, zone)}" for ping in pings]
    lines += ["", "Revisions"]
    lines += [_revision(event, zone) for event in events]
    return "\n".join(lines)


def _revision(event: Body, zone: ZoneInfo) -> str:
    until = "open" if event["until"] is None else f"to {_clock(event['until'], zone)}"
    what = f"{event['phase']:<9}  {event['severity']:<8}  {event['reason']}"
    return f"  {event['revision']:>3}  {_clock(event['at'], zone)}  {what}, {_clock(event['since'], zone)} {until}"


def _ping(ping: dict[str, Any], zone: ZoneInfo) -> str:
    """Say when, what the carrier answered, where, and everything else that the rule noted about it."""
    noted = dict(ping)
    time, status = _moment(noted.pop("time_ms"), zone), noted.pop("status")
    place = f"{noted.pop('lon'):.5f}, {noted.pop('lat'):.5f}" if "lon" in noted else ""
    others = ", ".join(f"{name} {value}" for name, value in noted.items())
    return f"{time}  {status:<12}  {place:<20}  {others}".rstrip()


def _value(name: str, value: object, zone: ZoneInfo) -> str:
    if name.endswith("_ms") and isinstance(value, int):
        return _moment(value, zone) if value > MOMENT_FROM else f"{value / 60_000:g} min"
    return str(value)


def _moment(time_ms: int, zone: ZoneInfo) -> str:
    return datetime.fromtimestamp(time_ms / 1000, UTC).astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")


def _clock(moment: str, zone: ZoneInfo) -> str:
    return datetime.fromisoformat(moment).astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")
