"""A whole evaluation, small: figures, table, picture, and what is left out."""

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from geofence.fences import Fences, load_fences
from schemas.rules import Rules
from stream.evaluate.cases import Setting
from stream.evaluate.corpora import with_silences, with_violations
from stream.evaluate.folder import read_tracks
from stream.evaluate.labels import UNKNOWN
from stream.evaluate.picture import svg
from stream.evaluate.quality import Plan, Report, evaluate
from stream.evaluate.tables import lines
from stream.simulate.county import DEMO
from stream.simulate.lives import HOUR
from tests.stream.lives import folder, night_out

SEED = 3
RULES = Rules(revision=7)


@pytest.fixture(scope="module")
def fences() -> Fences:
    """Give the fences of the demo."""
    return load_fences(DEMO / "fences.geojson")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory, fences: Fences) -> Report:
    """Give an evaluation of a few people and of one who is out each night."""
    corpus = folder(tmp_path_factory.mktemp("lives"), night_out(8))
    return evaluate(Plan(SEED, 20, 5, (15.0,), corpus), RULES, fences, lambda: None)


def test_the_nights_out_are_found(report: Report) -> None:
    """Eight absences of two hours: all are found, where the error repeats itself at least half."""
    fresh, sticky = (row.quality for row in report.rows if (row.rule, row.corpus) == ("curfew", "recorded"))

    assert (8, 0, 0) == (fresh.found, fresh.missed, fresh.wrong)
    assert 8 == sticky.found + sticky.missed
    assert 4 <= sticky.found


def test_silence_of_any_cause_is_what_the_order_defines(report: Report) -> None:
    """Every silence longer than the longest limit is a gap, and nothing else is."""
    rows = [row.quality for row in report.rows if row.rule == "gap, any cause"]

    assert 0 < sum(of.found for of in rows)
    assert 0 == sum(of.missed for of in rows)


def test_the_same_seed_gives_the_same_figures(report: Report, tmp_path: Path, fences: Fences) -> None:
    """And another seed others."""
    corpus = folder(tmp_path, night_out(8))
    again = evaluate(Plan(SEED, 20, 5, (15.0,), corpus), RULES, fences, lambda: None)
    other = evaluate(Plan(SEED + 1, 20, 5, (15.0,), corpus), RULES, fences, lambda: None)

    assert report.rows == again.rows
    assert report.rows != other.rows


def test_what_is_put_into_a_life_lies_in_known_time_and_is_labelled(tmp_path: Path, fences: Fences) -> None:
    """Silences and absences are there, apart, and each where the life is known."""
    (track,) = read_tracks(folder(tmp_path, night_out(20)))
    silent = with_silences(SEED, Setting(5.0, 0.0), track, fences, RULES)
    away = with_violations(SEED, Setting(5.0, 0.0), track, fences, RULES)
    gaps = [event for event in silent.truth if event.rule == "gap" and event.kind != UNKNOWN]

    assert gaps
    for gap in gaps:
        assert gap.until_ms is not None
        assert any(since <= gap.since_ms and gap.until_ms <= until + HOUR for since, until in track.known())
    assert len([event for event in away.truth if event.kind == "absence"]) > 19
    assert [event for event in away.truth if event.kind == "exit"]


def test_report_says_seed_corpora_and_what_is_missing(fences: Fences, tmp_path: Path) -> None:
    """A folder that is not there is skipped with the reason; the rest is measured."""
    plan = Plan(100, 4, 3, (30.0,), tmp_path / "nowhere")
    found = evaluate(plan, RULES, fences, lambda: None)
    said = list(lines(found))

    assert {"county": 4, "still": 12} == found.subjects
    assert "Seed 100, for measuring (below 100: choosing); rules revision 7." == said[0]
    assert any(line.startswith("Skipped, recorded lives:") and "there is no such file" in line for line in said)
    assert "no folder was named" in str(evaluate(plan._replace(corpus=None), RULES, fences, lambda: None).skipped)


def test_json_has_every_row_and_the_table_too(report: Report) -> None:
    """The same figures, once for programs and once for eyes."""
    rows = json.loads(json.dumps(report.as_json()))["rows"]
    table = [line for line in lines(report) if line.startswith("|")]

    assert len(report.rows) == len(rows) == len(table) - 2
    assert {"rule", "corpus", "interval_min", "stickiness", "precision", "nab", "days"} <= set(rows[0])
    assert len({len(line) for line in table}) == 1


def test_the_picture_has_a_panel_for_each_rule_and_corpus(report: Report) -> None:
    """It is well-formed, and each panel has its title."""
    drawn = ET.fromstring(svg(report))  # noqa: S314 - our own
    said = {element.text for element in drawn.iter() if element.tag.endswith("text")}

    assert {f"{row.rule}: {row.corpus}" for row in report.rows} <= said
