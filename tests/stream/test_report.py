"""The report of a replay: files found by name, a line for each episode, JSON for each alert."""

import json
from pathlib import Path

import pytest

from detectors.examples import HOME, MIDNIGHT_MS, MINUTE_MS, order
from schemas.errors import BadConfiguration
from stream.report import Report, files
from stream.settings import Settings

RULES = "revision = 7\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one person who is silent for five hours and leaves a line that is no ping."""
    ping = {"supervisee": "lz-1", "status": "located", "lon": HOME[0], "lat": HOME[1], "datum": "wgs84"}
    lines = [json.dumps({**ping, "time_ms": MIDNIGHT_MS + minute * MINUTE_MS}) for minute in (0, 10, 310)]
    (tmp_path / "orders.jsonl").write_text(json.dumps(order()) + "\n", encoding="utf-8")
    (tmp_path / "pings.jsonl").write_text("\n".join([*lines, "nonsense"]), encoding="utf-8")
    (tmp_path / "rules.toml").write_text(RULES, encoding="utf-8")
    return tmp_path


def _report(folder: Path, until_ms: int | None = None) -> Report:
    report = Report(Settings(), folder / "rules.toml")
    report.run([folder], until_ms, lambda: None)
    return report


def test_one_line_for_an_episode(folder: Path) -> None:
    """An episode is one line as its last event left it: from, to, severity, rule, person, phase, id."""
    lines = list(_report(folder).episodes())

    assert 1 == len(lines)
    assert lines[0].startswith("2026-03-01T16:10:00.000Z  2026-03-01T21:10:00.000Z  alert     gap")
    assert "lz-1" in lines[0]
    assert "closed, revision 2" in lines[0]


def test_open_episode_says_so(folder: Path) -> None:
    """An episode without an end is open, not ended now."""
    lines = list(_report(folder, MIDNIGHT_MS + 440 * MINUTE_MS).episodes())

    assert ["2026-03-01T21:10:00.000Z", "open"] == lines[1].split()[:2]


def test_alerts_are_what_subscribers_get(folder: Path) -> None:
    """Each event is one JSON line with the revision of the rules and the person it is about."""
    alerts = [json.loads(line) for line in _report(folder).alerts()]

    assert [("lz-1", "opened", 7), ("lz-1", "closed", 7)] == [
        (alert["supervisee"], alert["phase"], alert["rules_revision"]) for alert in alerts
    ]


def test_summary_counts(folder: Path) -> None:
    """Pings, refusals by reason, and episodes by rule and state."""
    assert [
        "pings: 3 accepted, 0 late, 0 duplicate",
        "refused: 1 not_json",
        "episodes: 1 gap closed",
    ] == list(_report(folder).summary())


def test_each_ping_is_announced(folder: Path) -> None:
    """Whoever shows progress hears of each ping of the file."""
    taken: list[None] = []
    Report(Settings(), folder / "rules.toml").run([folder], None, lambda: taken.append(None))

    assert 4 == len(taken)


def test_files_are_found_by_name(folder: Path) -> None:
    """A folder or single files: the name's beginning says what a file holds."""
    week = folder / "pings-2020-w9.jsonl"
    week.touch()

    assert {"orders": folder / "orders.jsonl", "pings": folder / "pings.jsonl"} == files([folder])
    assert {"orders": folder / "orders.jsonl", "pings": week} == files([folder / "orders.jsonl", week])


def test_name_that_says_nothing_is_refused(folder: Path) -> None:
    """A file whose name does not say what it holds is not guessed at."""
    (folder / "data.jsonl").touch()

    with pytest.raises(BadConfiguration, match=r"data\.jsonl: its name must begin with one of orders, pings"):
        files([folder / "data.jsonl"])


def test_two_files_of_a_kind_are_refused(folder: Path) -> None:
    """Two files of pings have no order between them."""
    (folder / "pings-2.jsonl").touch()

    with pytest.raises(BadConfiguration, match=r"holds pings already"):
        files([folder, folder / "pings-2.jsonl"])


def test_missing_files_are_named(tmp_path: Path) -> None:
    """A folder without pings, and a path that is not there."""
    with pytest.raises(BadConfiguration, match=r"there is no pings\.jsonl"):
        files([tmp_path])
    with pytest.raises(BadConfiguration, match="there is no such file or folder"):
        files([tmp_path / "gone"])
