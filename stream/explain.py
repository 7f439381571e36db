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

from schemas.errors import BadConfiguration
from stream.records import records
from stream.sentences import DEFAULT_ZONE
from stream.tail import Body

MOMENT_FROM: Final = 100_000_000_000
"""A number of milliseconds above this is a moment, below it a length."""
SHOWN_AS_PINGS: Final = "pings"


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


def explain(events: list[Body]) -> str:
    """Say why, in lines for a terminal; `events` are those of one episode, at least one."""
    last = events[-1]
    zone = ZoneInfo(last["evidence"].get("zone", DEFAULT_ZONE))
    known = {name: value for name, value in last["evidence"].items() if name != SHOWN_AS_PINGS}
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
