"""Episodes found once more from nothing but their alerts."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from copy import deepcopy
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.examples import Person
from detectors.findings import EpisodeEvent
from detectors.gate import Limits
from schemas.rules import Rules
from stream.alerts import alert_of
from stream.explain import verdict
from stream.recompute import again
from stream.replay import replay
from stream.simulate import County
from stream.tail import Body
from tests.detectors.scenarios import Way, lives, run, script
from tests.stream.simulated import MONDAY

RULES = Rules(revision=1)
MONTH_MS = 31 * 86_400_000
SUBJECTS = {
    *(("gap", subject) for subject in ("contact", "fix")),
    *(("curfew", subject) for subject in ("residence", "accumulated")),
    ("boundary", "permitted_area"),
    ("night_venue", "place 1"),
}
"""What the rules find that can be found again from an alert alone."""
SHARE, OF_DRAWN_LIVES = 0.99, 0.75
"""How many are found at least; drawn lives are made of what an alert has no room for."""


def bodies(events: Iterable[EpisodeEvent]) -> dict[str, list[Body]]:
    """Give the alerts of each episode that stands at the end."""
    found: dict[str, list[Body]] = defaultdict(list)
    for event in events:
        body = {"supervisee": event.supervisee, **alert_of(event, RULES.revision).model_dump(mode="json")}
        found[event.episode_id].append(body)
    return {episode: of for episode, of in found.items() if of[-1]["phase"] != "retracted"}


def verdicts(of: dict[str, list[Body]]) -> Counter[str]:
    """Count what comes out for each episode: the same id, another, or none."""
    found = ((episode, again(events[0]).episode) for episode, events in of.items())
    return Counter("same" if new == old else "none" if new is None else "other" for old, new in found)


@settings(max_examples=8, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32 - 1))
def test_episodes_of_drawn_lives_are_found_again(seed: int) -> None:
    """Lives rich in edges, permits, codes and moved residences: never another id, seldom none."""
    found = verdicts(bodies(run(script(lives(seed, 4), Way(), Random(seed))).events))

    assert 0 == found["other"]
    assert OF_DRAWN_LIVES * found.total() <= found["same"]


@pytest.mark.parametrize("interval_min", [1.0, 5.0, 30.0])
def test_episodes_of_a_county_are_found_again(interval_min: float) -> None:
    """Every one of a simulated county, at any interval, with sticky error, but for one in a hundred at most."""
    county = County(
        people=40, seed=6, start_ms=MONDAY, days=7, interval_min=(interval_min,), offenders=0.6, on_permit=0.3
    ).feed()
    orders = [order.model_dump_json().encode() for order in county.orders]
    limits = Limits(future_ms=MONTH_MS)
    of = bodies(replay(orders, [ping.value for ping in county.pings()], rules=RULES, limits=limits))
    found = verdicts(of)

    assert (
        {("gap", "contact"), ("curfew", "residence")}
        <= {(e[0]["rule"], e[0]["subject"]) for e in of.values()}
        <= SUBJECTS
    )
    assert 0 == found["other"]
    assert SHARE * found.total() <= found["same"]


def absence() -> Body:
    """Give the alert of a person who left in the night."""
    person = Person(curfew=(60, 600)).ping(minute=30).ping(minute=50)
    for minute in (61, 66, 71, 76):
        person.ping(minute, away_m=300 + 9 * minute)
    return {"supervisee": "lz-1", **alert_of(person.events[0], 1).model_dump(mode="json")}


def gap() -> Body:
    """Give the alert of a phone that fell silent."""
    person = Person().ping(minute=0).ping(minute=10).tick(minute=130)
    return {"supervisee": "lz-1", **alert_of(person.events[0], 1).model_dump(mode="json")}


def test_an_absence_is_found_from_its_pings() -> None:
    """The id comes out, with the number of pings that it took."""
    assert (absence()["episode_id"], "4 pings outside when it was found") == again(absence())


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"distance_m": 450.0}, "too few pings outside"),
        ({"rejected": "speed"}, "too few pings outside"),
        ({"source": "wristband"}, "too few pings outside"),
    ],
)
def test_an_absence_whose_pings_say_something_else_is_not_found(change: dict[str, object], why: str) -> None:
    """One ping of the four that is nearer, impossible, or not of the phone."""
    body = absence()
    body["evidence"]["pings"][-2] |= change

    assert (None, why) == again(body)


def test_an_absence_under_leave_or_without_a_curfew_is_not_found() -> None:
    """What the order lifts or does not ask is no breach."""
    leave, free = deepcopy(absence()), deepcopy(absence())
    leave["evidence"]["order"]["permits"] = [{"kind": "leave", "from_ms": 0, "until_ms": 1 << 60}]
    free["evidence"]["order"]["curfew"] = None

    assert [None, None] == [again(body).episode for body in (leave, free)]


def test_a_gap_is_found_from_its_last_contact() -> None:
    """The silence is counted from there, to the limit."""
    assert (gap()["episode_id"], "gap: nothing heard for 120 min, the limit being 120") == again(gap())


def test_a_gap_with_a_contact_in_it_is_none() -> None:
    """A ping that was left out, put back: the silence is shorter than the limit."""
    body = gap()
    body["evidence"]["pings"].append(
        {**body["evidence"]["pings"][-1], "time_ms": body["evidence"]["contact_ms"] + 60_000}
    )

    assert (None, "silent for 119 min only, of 120") == again(body)


@pytest.mark.parametrize("place", [{"area_m": 5_000}, {"zone_m": (8_000, 1_000)}])
def test_an_exit_and_a_stay_in_a_forbidden_zone_are_found_from_their_pings(place: dict[str, Any]) -> None:
    """After an hour at home nothing that came before decides."""
    person = Person(**place)
    for minute in range(0, 70, 5):
        person.ping(minute)
    minute = 70
    while not person.events:
        person.ping(minute, away_m=8_000 + minute)
        minute += 5
    body = {"supervisee": "lz-1", **alert_of(person.events[0], 1).model_dump(mode="json")}

    assert body["episode_id"] == again(body).episode


def nights(away_m: float, count: int, *, is_home_by_day: bool) -> list[Body]:
    """Give the alerts about a person who spends so many nights at one place."""
    person, found = Person(), list[EpisodeEvent]()
    for day in range(count):
        if is_home_by_day:
            person.lie(1440 * day + 600, 1440 * day + 1290)
        person.lie(1440 * day + 1320, 1440 * day + 1859, away_m=away_m)
        person.tick(1440 * day + 1860)
        found += person.events
    told = [event for event in found if event.rule in {"night_venue", "residence"} and event.phase == "opened"]
    return [{"supervisee": "lz-1", **alert_of(event, 1).model_dump(mode="json")} for event in told]


def test_nights_at_one_place_are_found_from_the_nights_the_alert_names() -> None:
    """Three nights away, and five of somebody who was never seen at the residence."""
    away, never = nights(2_000, 3, is_home_by_day=True), nights(700, 5, is_home_by_day=False)

    assert ["night_venue"] == [body["rule"] for body in away]
    assert ["night_venue", "residence"] == [body["rule"] for body in never]
    assert [body["episode_id"] for body in away + never] == [again(body).episode for body in away + never]


def test_too_few_nights_or_too_near_are_no_place() -> None:
    """A night taken from the alert, or a distance below the rule's own."""
    (body,) = nights(2_000, 3, is_home_by_day=True)
    few, near = deepcopy(body), deepcopy(body)
    few["evidence"]["nights"].pop()
    near["evidence"]["distance_m"] = 200

    assert [None, None] == [again(changed).episode for changed in (few, near)]


def test_a_stay_that_may_have_begun_before_the_pings_shown_is_not_found() -> None:
    """Where what was heard before decides, nothing is said, rather than perhaps another id."""
    person = Person(area_m=5_000)
    minute = 0
    while not person.events:
        person.ping(minute, away_m=8_000 + minute)
        minute += 5
    body = {"supervisee": "lz-1", **alert_of(person.events[0], 1).model_dump(mode="json")}

    assert (None, "what was heard before the pings that are shown decides") == again(body)


def test_another_id_is_said_so() -> None:
    """An alert whose beginning was changed does not come out of its own evidence."""
    body = gap()
    body["episode_id"] = "another"
    line = verdict("the alert alone", [body], again(body))

    assert line.startswith(f"Recomputed from the alert alone: ANOTHER ID, {gap()['episode_id']}")


def test_a_rule_that_needs_more_than_its_alert_says_so() -> None:
    """An unknown rule is no error."""
    assert (None, "the alert alone does not hold enough for this rule") == again({**gap(), "rule": "later"})
