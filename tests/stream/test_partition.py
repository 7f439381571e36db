"""One partition number: how it paces what it does."""

import pytest

from schemas.topics import ORDERS, PINGS
from stream.clock import UNKNOWN, Reading, WallClock
from stream.partition import BEHIND_MS, UNHURRIED_MS, Partition
from tests.stream.counting import Counting

NOW_MS = 1_000_000_000


def partition(appended_ms: int) -> Partition:
    """Give a partition that has read pings up to one appended at that time."""
    readings = {topic: Reading() for topic in (ORDERS, PINGS)}
    readings[PINGS].read(1, appended_ms)
    return Partition(0, Counting(), None, WallClock(readings.values(), 0), readings, {}, {ORDERS: 0, PINGS: 1})


@pytest.mark.parametrize("appended_ms", [UNKNOWN, NOW_MS - BEHIND_MS, NOW_MS], ids=["nothing read", "almost", "now"])
def test_who_is_not_behind_hurries(appended_ms: int) -> None:
    """Whatever was done a moment ago may be done again."""
    assert partition(appended_ms).hurries(NOW_MS, NOW_MS)


def test_who_is_behind_takes_longer_steps() -> None:
    """Four seconds from one to the next, and no longer."""
    behind = partition(NOW_MS - BEHIND_MS - 1)
    assert [False, True] == [behind.hurries(NOW_MS, NOW_MS - UNHURRIED_MS + more) for more in (1, 0)]
