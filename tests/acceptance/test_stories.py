"""The two real stories on real Kafka, with two hundred others beside them; every date stands in the files."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest

from stream.simulate import STORIES, County, Feed, Truth, tell
from stream.simulate.county import DEMO
from stream.simulate.lives import DAY
from tests.acceptance.conftest import Installing
from tests.acceptance.sender import HOUR, ordered, renamed, together, told
from tests.acceptance.subscriber import Body, Episode, moment

MINOR, OFF = STORIES / "minor-and-cafe.toml", STORIES / "switched-off.toml"
SUSPENDED, POWERED_OFF, COVERED = "lz-story-suspended", "lz-story-powered-off", "lz-story-covered"
OTHERS = 200
SHANGHAI_MS = 8 * HOUR

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(180)]


class Told(NamedTuple):
    """What was sent, and what stood on the alert topic when all of it was read."""

    feed: Feed
    found: list[Episode]
    alerts: list[Body]
    pings: int
    refused: int


def among_others(stories: list[Feed]) -> Feed:
    """Put stories among people who live the same days; of theirs only those around each edge of a story are sent."""
    first_ms = min(int(feed.reports["time_ms"][0]) for feed in stories)
    end_ms = max(feed.end_ms for feed in stories)
    start_ms = first_ms - (first_ms + SHANGHAI_MS) % DAY
    days = (end_ms - start_ms) // DAY
    county = County(people=OTHERS, seed=21, start_ms=start_ms, days=days, interval_min=(30.0,)).feed()
    edges = {edge for feed in stories for row in feed.truth for edge in (row.since_ms, row.until_ms) if edge}
    beside = [np.abs(county.reports["time_ms"] - edge) < DAY for edge in edges]
    return together([*stories, replace(county, reports=county.reports[np.any(beside, axis=0)])])


def run(installing: Installing, name: str, stories: list[Feed]) -> Told:
    """Send stories and others to a worker on the feed clock, and read what it brought."""
    feed = among_others(stories)
    with installing(name) as vigil:
        vigil.start(fences_file=DEMO / "fences.geojson")
        vigil.send(ordered(feed))
        vigil.send(told(feed.pings(), vigil.partitions, 6 * HOUR))
        vigil.settle(feed.end_ms)
        accepted = vigil.total("vigil_pings_accepted_total")
        return Told(feed, vigil.standing(), vigil.events(), accepted, len(vigil.dead_letters()))


@pytest.fixture(scope="module")
def switched_off(installing: Installing) -> Told:
    """Story 2 of three men at once: out of service by either code, and one whose silences were all reported."""
    stories = [
        renamed(tell(OFF, telling=0), SUSPENDED),
        renamed(tell(OFF, telling=1), POWERED_OFF),
        renamed(tell(OFF, covered=True), COVERED),
    ]
    return run(installing, "switched-off", stories)


@pytest.fixture(scope="module")
def minor(installing: Installing) -> Told:
    """Story 1."""
    return run(installing, "minor", [tell(MINOR)])


def of(told: Told, supervisee: str) -> list[Episode]:
    """Give what was found of one person."""
    return [episode for episode in told.found if episode.supervisee == supervisee]


def as_truth(episodes: list[Episode]) -> list[Truth]:
    """Say it in the words of the expected file."""
    return [Truth(e.supervisee, e.rule, e.reason, e.since_ms, e.until_ms) for e in episodes]


def the_boy(told: Told) -> str:
    """Give the one person of the story."""
    (boy,) = {order.supervisee for order in told.feed.orders if "story" in order.supervisee}
    return boy


def truth(told: Told, supervisee: str) -> list[Truth]:
    """Give what the expected file says of one person."""
    return [row for row in told.feed.truth if row.supervisee == supervisee]


@pytest.mark.parametrize(("man", "code"), [(SUSPENDED, "suspended"), (POWERED_OFF, "powered_off")])
def test_the_man_who_switches_off_makes_three_gaps(switched_off: Told, man: str, code: str) -> None:
    """Two silences with both edges to the minute, and one that lasts and has the carrier's code as its cause."""
    expected = truth(switched_off, man)

    assert ["silent", "silent", code] == [row.kind for row in expected]
    assert expected == as_truth(of(switched_off, man))
    assert {("gap", "alert")} == {(episode.kind, episode.severity) for episode in of(switched_off, man)}


def test_a_reported_phone_off_is_no_gap(switched_off: Told) -> None:
    """The same three silences under a permit are no finding at all."""
    assert [] == of(switched_off, COVERED)


@pytest.mark.parametrize("story", ["switched_off", "minor"])
def test_the_others_flow_beside(request: pytest.FixtureRequest, story: str) -> None:
    """Every ping of everybody is accepted, and others have episodes too."""
    told: Told = request.getfixturevalue(story)
    others = {order.supervisee for order in told.feed.orders if "story" not in order.supervisee}

    assert (OTHERS, len(told.feed), 0) == (len(others), told.pings, told.refused)
    assert len({episode.supervisee for episode in told.found} & others) > OTHERS / 20


def test_the_minor_is_out_each_whole_night_and_found_at_the_cafe(minor: Told) -> None:
    """Each night from ten to eight is one breach of class whole night; the third one makes one night venue."""
    boy = the_boy(minor)
    grave = [episode for episode in of(minor, boy) if episode.severity != "notice"]

    assert ["curfew", "night_venue", "curfew", "curfew", "curfew"] == [row.rule for row in truth(minor, boy)]
    assert truth(minor, boy) == as_truth(grave)
    assert {("whole_night", "alert"), ("prohibited", "alert")} == {(e.kind, e.severity) for e in grave}
    assert {"exclusion"} >= {episode.rule for episode in of(minor, boy) if episode not in grave}


def test_the_night_venue_names_place_district_cafe_and_prohibition(minor: Told) -> None:
    """Opened at the end of the third night, with everything that an officer needs to go there."""
    boy = the_boy(minor)
    (opened,) = [
        body for body in minor.alerts
        if (body["supervisee"], body["rule"], body["phase"]) == (boy, "night_venue", "opened")
    ]  # fmt: skip
    known = opened["evidence"]
    third = [row.until_ms for row in truth(minor, boy) if row.rule == "curfew"][2]

    assert third is not None
    assert third - HOUR == moment(opened["at"])
    assert ("prohibited", ["internet_cafe"], "450203") == (opened["reason"], known["forbidden"], known["district"])
    assert ("venue-internet-cafe-1", "internet_cafe") in [(v["id"], v["category"]) for v in known["venues"]]
    assert all(venue["distance_m"] <= known["radius_m"] for venue in known["venues"])
    assert 3 == len(known["nights"])
    assert "internet_cafe" in opened["text"]["en"]
    assert "450203" in opened["text"]["zh"]
