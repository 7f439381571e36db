"""Two rules files over the same records: exactly what differs is named."""

import json
from pathlib import Path

import pytest

from detectors.examples import HOME, MIDNIGHT_MS, MINUTE_MS, order
from geofence.plane import from_plane
from stream.comparison import as_json, changes, lines, summary
from stream.evaluate.scripted import standing
from stream.report import Report
from stream.settings import Settings
from stream.simulate import County, run_to_files

SILENCES = (100, 130, 150, 170, 200, 400)
"""Minutes of one silence after the other; between them the phone is heard of for half an hour."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One person at home, silent now and then; minutes away before the curfew of minutes 2,000 to 2,400 begins."""
    minute, heard = 0, []
    for silence in SILENCES:
        heard += [(minute + step, 0.0) for step in (0, 10, 20, 30)]
        minute += 30 + silence
    heard += [(minute, 0.0), *((2_100 + step, 900.0 + step) for step in range(0, 100, 5)), (2_210, 0.0), (2_215, 0.0)]
    (tmp_path / "orders.jsonl").write_text(json.dumps(order((660, 1_100))) + "\n", encoding="utf-8")
    (tmp_path / "pings.jsonl").write_text("".join(f"{_ping(*ping)}\n" for ping in heard), encoding="utf-8")
    return tmp_path


def _ping(minute: int, away_m: float) -> str:
    lon, lat = from_plane(away_m, 0.0, *HOME)
    place = {"lon": float(lon), "lat": float(lat), "datum": "wgs84", "accuracy_m": 100}
    return json.dumps({"supervisee": "lz-1", "status": "located", "time_ms": MIDNIGHT_MS + minute * MINUTE_MS, **place})


def _report(folder: Path, rules: str) -> Report:
    path = folder / "rules.toml"
    path.write_text(rules, encoding="utf-8")
    report = Report(Settings(), path)
    report.run([folder], None, lambda: None)
    return report


def _lengths(report: Report, word: str, other: Report) -> list[int]:
    found = changes(report.replay.events, other.replay.events)
    events = [event for change in found if change.word == word for event in (change.after or change.before,) if event]
    return [
        (event.until_ms - event.since_ms) // MINUTE_MS for event in events if event.until_ms and event.rule == "gap"
    ]


def test_the_same_rules_change_nothing(folder: Path) -> None:
    """Another revision alone is no change of an episode."""
    one, other = _report(folder, "revision = 1"), _report(folder, "revision = 2")
    found = changes(one.replay.events, other.replay.events)

    assert one.replay.events
    assert [] == found
    assert "from revision 1 (-) to 2 (+): no episode differs" == summary(found, one, other)


def test_one_threshold_names_exactly_the_episodes_it_changes(folder: Path) -> None:
    """From 120 to 160 minutes the silences of 130 and 150 are no gaps any more, and all others stay as they are."""
    rules = "[tiers.general.gap]\noverdue_min = {0}\ngap_min = {0}\nwarmup = 1000"
    one, other = (_report(folder, f"revision = 1\n{rules.format(minutes)}") for minutes in (120, 160))

    assert [130, 150] == _lengths(one, "dropped", other)
    assert [130, 150] == _lengths(other, "added", one)
    assert [] == [*_lengths(one, "moved", other), *_lengths(one, "changed", other), *_lengths(one, "added", other)]


def test_an_episode_that_begins_later_has_moved(folder: Path) -> None:
    """A distance that leaves the first pings out moves the absence; what pairs is one line before and one after."""
    one, other = (
        _report(folder, f"revision = 1\n[tiers.general.curfew]\ndistance_m = {metres}") for metres in (200, 620)
    )
    found = changes(one.replay.events, other.replay.events)
    (moved,) = [change for change in found if change.word == "moved"]

    assert moved.before
    assert moved.after
    assert ("curfew", "curfew") == (moved.before.rule, moved.after.rule)
    assert moved.before.since_ms < moved.after.since_ms
    assert ["moved    -", "moved    +"] == [line[:10] for line in lines([moved], one, other)]
    assert [moved.after.episode_id] == [
        json.loads(line)["after"]["episode_id"] for line in as_json([moved], one, other)
    ]


def test_a_severity_alone_is_a_change(folder: Path) -> None:
    """The same absence, minor under one and not under the other."""
    one, other = (_report(folder, f"revision = 1\n[tiers.general.curfew]\nminor_min = {m}") for m in (30, 300))
    found = [change for change in changes(one.replay.events, other.replay.events) if change.word == "changed"]

    assert [("alert", "notice")] == [(c.before.severity, c.after.severity) for c in found if c.before and c.after]


def test_on_a_county_what_is_named_is_the_difference_of_the_replays(tmp_path: Path) -> None:
    """Over people of a seed: the ids that are named are those that stand under one and not under the other."""
    run_to_files(County(people=40, seed=4, start_ms=MIDNIGHT_MS, days=5).feed(), tmp_path, lambda *_: None)
    one, other = (_report(tmp_path, f"revision = 1\n[tiers.general.gap]\ngap_min = {m}") for m in (120, 150))
    found = changes(one.replay.events, other.replay.events)
    bodies = [[json.loads(line) for line in report.alerts()] for report in (one, other)]
    faces = [{_face(body) for body in standing(told)} for told in bodies]
    named = {event.episode_id for change in found for event in change[1:] if event}

    assert named == {face[0] for face in faces[0] ^ faces[1]}
    assert named


def _face(body: dict[str, object]) -> tuple[object, ...]:
    evidence = body["evidence"]
    assert isinstance(evidence, dict)
    return body["episode_id"], body["until"], body["severity"], body["reason"], evidence["kind"]
