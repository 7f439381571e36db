"""The two stories, told to the rules: exactly what their files expect is found."""

from datetime import date
from pathlib import Path

import pytest

from detectors.gate import Limits
from geofence.fences import load_fences
from schemas.errors import BadConfiguration
from schemas.order import decode_order
from schemas.rules import load_rules
from stream.replay import replay
from stream.settings import CHECKOUT
from stream.simulate import STORIES, Feed, Truth, tell
from stream.simulate.county import DEMO
from stream.simulate.lives import DAY

MINOR, OFF = STORIES / "minor-and-cafe.toml", STORIES / "switched-off.toml"


def _found(feed: Feed) -> list[Truth]:
    """Give what stands at the end, in the words of the truth."""
    orders = [order.model_dump_json().encode() for order in feed.orders]
    rules, limits = load_rules(CHECKOUT / "deploy" / "rules.toml"), Limits(future_ms=31 * DAY)
    pings, fences = [ping.value for ping in feed.pings()], load_fences(DEMO / "fences.geojson")
    events = replay(orders, pings, rules=rules, limits=limits, fences=fences, until_ms=feed.end_ms)
    last = {event.episode_id: event for event in events}
    return [Truth(e.supervisee, e.rule, e.reason, e.since_ms, e.until_ms) for e in last.values()]


def _expected(feed: Feed) -> list[Truth]:
    assert feed.truth
    return list(feed.truth)


@pytest.mark.parametrize("monday", [None, date(2026, 11, 30)])
def test_the_minor_is_out_four_whole_nights_in_one_place(monday: date | None) -> None:
    """Each night from ten to eight is one breach, the third makes a night venue, in the week of the file and others."""
    feed = tell(MINOR, monday=monday)

    found = [row for row in _found(feed) if row.rule != "exclusion"]
    assert _expected(feed) == sorted(found, key=lambda row: row.since_ms)
    assert ["night_venue"] == [row.rule for row in found if row.kind == "prohibited"]
    assert 0 == (feed.truth[0].since_ms - tell(MINOR).truth[0].since_ms) % (7 * DAY)


@pytest.mark.parametrize("telling", [0, 1])
def test_the_man_who_switches_off_makes_three_gaps(telling: int) -> None:
    """Two silences with both edges, and one that lasts and has the carrier's code as its cause."""
    feed = tell(OFF, telling=telling)

    assert ("suspended", "powered_off")[telling] == feed.truth[2].kind
    assert _expected(feed) == _found(feed)


def test_a_permit_that_covers_the_silences_leaves_nothing() -> None:
    """Reported in time, the same silences are no finding at all."""
    feed = tell(OFF, covered=True)

    assert () == feed.truth
    assert [] == _found(feed)
    assert 3 == len(feed.orders[0].permits)


@pytest.mark.parametrize("path", [MINOR, OFF])
def test_the_order_of_a_story_is_on_the_contract(path: Path) -> None:
    """It passes every check on arrival."""
    (order,) = tell(path, covered=True).orders

    assert order == decode_order(order.model_dump_json().encode())


def test_a_story_moves_only_to_a_monday_and_only_if_it_may() -> None:
    """Historical dates stay; a week begins on Monday."""
    with pytest.raises(ValueError, match="its dates are fixed"):
        tell(OFF, monday=date(2026, 3, 2))
    with pytest.raises(ValueError, match="2026-03-03 is not a Monday"):
        tell(MINOR, monday=date(2026, 3, 3))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (("stickiness = 0.3", "stickiness = 2"), "stickiness: Input should be less than 1"),
        (("seed = 11", "sead = 11"), "seed: Field required"),
        (("title = ", "title "), "Expected '=' after a key"),
        (("venue-internet-cafe-1", "venue-of-nobody"), "has no venue venue-of-nobody"),
    ],
)
def test_a_wrong_story_is_refused_with_its_path(tmp_path: Path, change: tuple[str, str], why: str) -> None:
    """The message says which file and what in it."""
    path = tmp_path / MINOR.name
    path.write_text(MINOR.read_text().replace(*change))
    path.with_suffix(".expected.json").write_text(MINOR.with_suffix(".expected.json").read_text())

    with pytest.raises(BadConfiguration, match=why):
        tell(path)


def test_a_story_without_its_expectations_is_refused(tmp_path: Path) -> None:
    """A story that nothing is expected of would prove nothing."""
    path = tmp_path / MINOR.name
    path.write_text(MINOR.read_text())

    with pytest.raises(BadConfiguration, match=r"minor-and-cafe\.expected\.json: cannot be read"):
        tell(path)
