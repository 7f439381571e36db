"""Explain: everything a prosecutor asks, out of the alerts themselves."""

import json
from pathlib import Path

import pytest

from detectors.examples import Person
from schemas.errors import BadConfiguration
from stream.alerts import alert_of
from stream.explain import bodies_in, explain, find
from stream.tail import Body

NIGHT = (60, 600)


@pytest.fixture
def bodies() -> list[Body]:
    """The alerts of a person who leaves in the night and never comes back."""
    person, found = Person(curfew=NIGHT), []
    for minute in range(61, 120, 5):
        person.ping(minute, away_m=900 + minute)
        found += person.events
    person.tick(600)
    found += person.events
    return [
        {"supervisee": event.supervisee, **alert_of(event, 3).model_dump(mode="json")}
        for event in found
        if event.rule == "curfew"
    ]


def test_events_of_one_episode_in_order(bodies: list[Body]) -> None:
    """Shuffled, doubled and among others, the events of an episode come out once and in order."""
    other = {**bodies[0], "episode_id": "another"}
    episode = bodies[0]["episode_id"]

    assert bodies == find([other, *bodies[::-1], *bodies], episode)
    assert [] == find(bodies, "unknown")


def test_says_rule_order_pings_and_revisions(bodies: list[Body]) -> None:
    """Rule, order, revision of the rules, the pings with their distance, and each revision stand in the text."""
    said = explain(bodies)

    assert f"Episode {bodies[0]['episode_id']}" in said
    assert "curfew (residence), alert, for the officer" in said
    assert "order o-1@" in said
    assert "rules revision 3" in said
    assert f"Pings used: {len(bodies[-1]['evidence']['pings'])}" in said
    assert "distance_m" in said
    assert len(bodies) == len(said.split("Revisions\n")[1].splitlines())


def test_times_are_local_and_lengths_are_minutes(bodies: list[Body]) -> None:
    """A moment is shown in the zone of the order, a length of time in minutes."""
    bodies[-1]["evidence"] |= {"limit_ms": 7_200_000}
    said = explain(bodies)

    assert "limit_ms              120 min" in said
    assert "2026-03-02 01:01:00" in said


def test_file_of_alerts_is_read_back(bodies: list[Body], tmp_path: Path) -> None:
    """What `--json` wrote is what `--file` reads."""
    path = tmp_path / "alerts.jsonl"
    path.write_text("".join(json.dumps(body) + "\n" for body in bodies), encoding="utf-8")

    assert bodies == list(bodies_in(path))


@pytest.mark.parametrize("line", ["nonsense", "[1]x", '{"a": 1}', "1"])
def test_line_that_is_no_alert_is_named(tmp_path: Path, line: str) -> None:
    """The first line that is no alert is named by its number."""
    path = tmp_path / "alerts.jsonl"
    path.write_text('{"episode_id": "e"}\n' + line, encoding="utf-8")

    with pytest.raises(BadConfiguration, match=r"alerts\.jsonl: line 2: is "):
        list(bodies_in(path))
