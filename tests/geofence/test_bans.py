"""What orders forbid: zones with their schedules, categories of venues, and what is not drawn."""

import pytest

from geofence.bans import ALWAYS, MOST_SCHEDULES, NOTHING, Ban, Bans, Hours, key
from schemas.order import Prohibition


def hours(start: str) -> Hours:
    """From then to midnight, every day."""
    return Hours("Asia/Shanghai", (((0, 1, 2, 3, 4, 5, 6), start, "00:00"),))


def asked(*zones: str, category: str | None = None) -> list[Prohibition]:
    """The prohibitions of an order."""
    found = [Prohibition(zone=zone) for zone in zones]
    return [*found, Prohibition(category=category)] if category else found


@pytest.fixture
def bans() -> Bans:
    """Two zones with one schedule, one with another, one without, and a cafe."""
    found = Bans()
    for zone, schedule in (("a", hours("20:00")), ("b", hours("20:00")), ("c", hours("22:00")), ("d", None)):
        found.add_zone(zone, schedule)
    found.add_venue("cafe-1", "internet_cafe")
    return found


def test_what_is_not_drawn_is_left_out(bans: Bans) -> None:
    """An order that forbids only such things forbids nothing."""
    assert NOTHING == bans.number([]) == bans.number(asked("no such zone", category="casino"))
    assert Ban() == bans.of(NOTHING)
    assert frozenset({"internet_cafe"}) == bans.of(bans.number(asked("x", category="internet_cafe"))).categories


def test_the_same_prohibitions_have_the_same_number(bans: Bans) -> None:
    """In whatever order they are written, and however often."""
    assert bans.number(asked("a", "d")) == bans.number(asked("d", "a", "d")) != bans.number(asked("a"))


def test_zones_share_a_schedule(bans: Bans) -> None:
    """One flag for each schedule, none for a zone that is forbidden at all times."""
    ban = bans.of(bans.number(asked("d", "c", "b", "a")))
    assert [("a", 0), ("b", 0), ("c", 1), ("d", ALWAYS)] == [(zone.id, zone.schedule) for zone in ban.zones]
    assert (hours("20:00"), hours("22:00")) == ban.schedules


def test_more_schedules_than_can_be_told_apart_hold_always() -> None:
    """Rather forbidden too long than not at all: an officer sees why."""
    bans = Bans()
    names = [f"z{number:02}" for number in range(MOST_SCHEDULES + 1)]
    for number, zone in enumerate(names):
        bans.add_zone(zone, hours(f"{number:02}:30"))
    ban = bans.of(bans.number(asked(*names)))
    assert [*range(MOST_SCHEDULES), ALWAYS] == [zone.schedule for zone in ban.zones]


def test_a_row_remembers_a_place_by_its_id_alone(bans: Bans) -> None:
    """The key is the same after a restart, whoever was read first; none is 0, which means none."""
    assert ("a", "cafe-1") == (bans.names[key("a")], bans.names[key("cafe-1")])
    assert [True] * 3 == [key(name) > 0 for name in ("a", "", "cafe-1")]
