"""Ghosts: places of the network that a phone at home is said to jump to."""

import numpy as np
import pytest

from detectors.quality import Quality
from detectors.window import DAY as DAY_EDGE
from detectors.window import Window
from detectors.windows import Windows
from tests.detectors.watched import DAY, MINUTE, RULES, Ping, blank, detectors, fix, on, seen

QUALITY = Quality(RULES)
FIRST_DAY = 20_514


class Nights:
    """One row whose days are ended by hand."""

    def __init__(self) -> None:
        self.window: Window = blank()
        self.day(0)

    def day(self, number: int) -> None:
        """Let all days up to this one end."""
        plan = self.window.plan
        plan["day"][0], plan["day_ms"][0], plan["turned"][0] = FIRST_DAY + number, on("00:00", number), DAY_EDGE
        QUALITY.fire(self.window, plan["day_ms"])

    def loop(self, start_ms: int, east_m: float = 1_000, leg_min: int = 5, home_m: float = 0.0) -> None:
        """At home, there, and at home again."""
        places = ((0, home_m), (leg_min, east_m), (2 * leg_min, home_m))
        self.observe(*(fix(start_ms + minutes * MINUTE, east) for minutes, east in places))

    def observe(self, *pings: Ping) -> list[bool]:
        """Which of the pings were accepted."""
        out = []
        for ping in pings:
            fixes = seen(self.window, ping)
            QUALITY.observe(self.window, fixes)
            out.append(bool(fixes.accepted[0]))
        return out

    @property
    def votes(self) -> list[int]:
        """Loops through each known place."""
        return [hits for hits in self.window["quality"]["ghost_hits"][0].tolist() if hits]


def test_a_place_that_came_back_on_two_nights_is_a_ghost() -> None:
    """Three loops in two nights; from the next day on its fixes are rejected, and those of home are not."""
    nights = Nights()
    nights.loop(on("01:00"))
    nights.loop(on("02:00"))
    nights.day(1)
    nights.loop(on("01:00", 1))
    assert [3] == nights.votes
    assert [True] == nights.observe(fix(on("03:00", 1), 1_000))
    nights.day(2)
    assert [False, False, True] == nights.observe(
        fix(on("01:00", 2), 1_000), fix(on("01:10", 2), 1_099), fix(on("01:20", 2), 0)
    )
    assert [True] == nights.observe(fix(on("02:00", 2), 1_101))


def test_one_night_is_not_enough() -> None:
    """Many loops of one night may be one visit."""
    nights = Nights()
    for hour in ("01:00", "02:00", "03:00", "04:00", "05:00"):
        nights.loop(on(hour))
    nights.day(1)
    assert [5] == nights.votes
    assert [True] == nights.observe(fix(on("01:00", 1), 1_000))


def test_two_loops_in_two_nights_are_not_enough() -> None:
    """Three hits are needed."""
    nights = Nights()
    for number in (0, 1):
        nights.day(number)
        nights.loop(on("01:00", number))
    nights.day(2)
    assert [2] == nights.votes
    assert [True] == nights.observe(fix(on("01:00", 2), 1_000))


@pytest.mark.parametrize(("start", "votes"), [("05:45", 1), ("05:50", 0), ("12:00", 0), ("21:49", 0), ("21:50", 1)])
def test_loops_are_counted_at_night_only(start: str, votes: int) -> None:
    """By the time of the return: before 06:00, or from 22:00 on."""
    nights = Nights()
    nights.loop(on(start))
    assert votes == sum(nights.votes)


@pytest.mark.parametrize(("east_m", "votes"), [(299, 0), (301, 1), (4_990, 1), (5_010, 0)])
def test_a_ghost_lies_300_m_to_5_km_away(east_m: float, votes: int) -> None:
    """Nearer is noise, farther is a journey."""
    nights = Nights()
    nights.loop(on("01:00"), east_m, leg_min=5)
    assert votes == sum(nights.votes)


def test_a_loop_returns_to_within_100_m() -> None:
    """Elsewhere it is a walk."""
    for back_m, votes in ((99, 1), (101, 0)):
        nights = Nights()
        nights.observe(fix(on("01:00")), fix(on("01:05"), 1_000), fix(on("01:10"), 0, back_m))
        assert votes == sum(nights.votes)


def test_a_loop_lasts_at_most_two_and_a_half_legs() -> None:
    """There in 10 min and back after 15 counts; back after 16 it was a stay."""
    for back, votes in (("01:25", 1), ("01:26", 0)):
        nights = Nights()
        nights.observe(fix(on("01:00")), fix(on("01:10"), 1_000), fix(on(back)))
        assert votes == sum(nights.votes)


def test_a_loop_lasts_at_most_75_minutes() -> None:
    """Whatever the legs are."""
    for leg_min, votes in ((37, 1), (38, 0)):
        nights = Nights()
        nights.loop(on("01:00"), leg_min=leg_min)
        assert votes == sum(nights.votes)


def test_a_loop_that_was_closed_is_not_closed_again() -> None:
    """A walk away from home and a jump back later is no second loop from the first departure."""
    nights = Nights()
    nights.loop(on("01:00"))
    walk = (("01:20", 250), ("01:30", 500), ("01:50", 0))
    nights.observe(*(fix(on(clock), east) for clock, east in walk))
    assert [1] == nights.votes


def test_the_residence_is_no_ghost() -> None:
    """From a neighbour's place to home and back is no vote for home, or nobody could be cleared."""
    nights = Nights()
    nights.loop(on("01:00"), east_m=0, home_m=1_000)
    assert [] == nights.votes


def test_a_ghost_is_forgotten_after_30_days() -> None:
    """On the 30th day it counts, on the 31st it is gone."""
    nights = Nights()
    for number in (0, 1):
        nights.day(number)
        nights.loop(on("01:00", number))
        nights.loop(on("02:00", number))
    nights.day(31)
    assert [False] == nights.observe(fix(on("01:00", 31), 1_000))
    nights.day(32)
    assert [] == nights.votes
    assert [True] == nights.observe(fix(on("01:00", 32), 1_000))


def test_the_ninth_place_takes_that_of_the_ghost_unseen_longest() -> None:
    """Eight are remembered."""
    nights = Nights()
    for number in range(9):
        nights.day(number)
        nights.loop(on("01:00", number), east_m=600 + 300 * number)
    own = nights.window["quality"]
    assert [FIRST_DAY + 8, *range(FIRST_DAY + 1, FIRST_DAY + 8)] == own["ghost_day"][0].tolist()


def test_hits_stop_at_their_largest_value() -> None:
    """A place that comes back for years does not wrap around to nothing."""
    nights = Nights()
    nights.loop(on("01:00"))
    nights.window["quality"]["ghost_hits"][0, 0] = 255
    nights.loop(on("02:00"))
    assert [255] == nights.votes


def test_the_day_of_a_ghost_holds_the_last_day_that_a_ping_may_have() -> None:
    """Two bytes reach beyond the year 2100, a day ahead for the zones east of Greenwich."""
    days = np.iinfo(Windows(detectors()).layout["quality"]["ghost_day"].base)
    assert 4_102_444_800_000 // DAY + 1 <= days.max
