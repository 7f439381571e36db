"""Outside: when a run of pings is enough to say that a person is away."""

import numpy as np
import pytest

from detectors.outside import Outside
from detectors.window import Window
from tests.detectors.watched import MINUTE, RULES, blank, fix, on, seen

OUTSIDE = Outside(RULES)


def after(*pings: tuple[float, float]) -> Window:
    """One row after outside pings, each given as minutes and metres east."""
    window = blank()
    for minutes, east_m in pings:
        OUTSIDE.extend(window, seen(window, fix(on("22:00") + round(minutes * MINUTE), east_m)), np.ones(1, bool))
    return window


def test_a_run_is_dated_by_its_first_and_last_ping() -> None:
    """The number of pings and their span are counted from there."""
    own = after((0, 900), (7, 950), (9, 990))["curfew"]
    assert (3, on("22:00"), on("22:09")) == (own["run_n"][0], own["run_first_ms"][0], own["run_last_ms"][0])


@pytest.mark.parametrize(("east_m", "spots"), [(919.9, 1), (920.1, 2)])
def test_a_spot_reaches_20_m(east_m: float, spots: int) -> None:
    """A repeat within it is the same coordinate."""
    assert spots == after((0, 900), (5, east_m))["curfew"]["spots"][0]


def test_three_spots_are_kept_and_no_more() -> None:
    """A fourth changes neither the count nor what is kept."""
    three, four = after((0, 900), (1, 950), (2, 990)), after((0, 900), (1, 950), (2, 990), (3, 1_050))
    assert 3 == four["curfew"]["spots"][0]
    assert three["curfew"]["spot_lon"].tolist() == four["curfew"]["spot_lon"].tolist()


def test_a_spot_is_compared_with_all_kept_ones() -> None:
    """There and back again are two coordinates, not three."""
    assert 2 == after((0, 900), (5, 960), (10, 905), (15, 955))["curfew"]["spots"][0]


def test_the_rows_that_are_not_outside_stay_as_they_are() -> None:
    """Only the row of the mask is extended."""
    window = blank(2)
    pings = (fix(on("22:00"), 900), fix(on("22:01"), 900))
    OUTSIDE.extend(window, seen(window, *pings), np.array([False, True]))
    assert [0, 1] == window["curfew"]["run_n"].tolist()
    assert [0, 1] == window["curfew"]["spots"].tolist()


def test_enough_is_four_pings_fifteen_minutes_three_spots() -> None:
    """At the very limits of all three."""
    assert OUTSIDE.satisfied(after((0, 900), (5, 950), (10, 990), (15, 900)))[0]
    assert not OUTSIDE.satisfied(after((0, 900), (5, 950), (10, 990), (14.99, 900)))[0]
    assert not OUTSIDE.satisfied(after((0, 900), (5, 950), (10, 950), (15, 900)))[0]
    assert not OUTSIDE.satisfied(after((0, 900), (10, 950), (20, 990)))[0]


def test_at_a_mean_interval_of_20_minutes_two_spots_are_enough() -> None:
    """The mean of the run counts, not each interval."""
    assert OUTSIDE.satisfied(after((0, 900), (5, 950), (30, 900), (60, 900)))[0]
    assert not OUTSIDE.satisfied(after((0, 900), (5, 950), (30, 900), (59.9, 900)))[0]


@pytest.mark.parametrize(
    ("east_m", "accuracy_m", "outside", "home"),
    [
        (99.9, 0, False, True),
        (199.9, 100, False, True),
        (200.1, 100, False, False),
        (499.9, 100, False, False),
        (500.1, 100, True, False),
        (899.9, 800, False, True),
        (999.9, 800, False, False),
        (1_000.1, 800, True, False),
    ],
)
def test_a_fix_says_outside_home_or_neither(east_m: float, accuracy_m: int, *, outside: bool, home: bool) -> None:
    """Outside by 200 m beyond radius or 300 m, home within 100 m beyond the radius; a missing one is 1,000 m."""
    window = blank()
    said = OUTSIDE.judge(window, seen(window, fix(on("22:00"), east_m, 0, accuracy_m)), np.ones(1, bool))
    assert [[outside], [home]] == [which.tolist() for which in said]


def test_what_is_not_to_be_judged_says_nothing() -> None:
    """A fix outside the hours is neither."""
    window = blank()
    for east_m in (0, 2_000):
        said = OUTSIDE.judge(window, seen(window, fix(on("12:00"), east_m)), np.zeros(1, bool))
        assert [[False], [False]] == [which.tolist() for which in said]


def test_an_emptied_run_begins_anew() -> None:
    """The next outside ping is its first, at a spot of its own."""
    window = after((0, 900), (5, 950), (10, 990))
    OUTSIDE.empty(window, np.ones(1, bool))
    assert not OUTSIDE.satisfied(window)[0]
    OUTSIDE.extend(window, seen(window, fix(on("23:00"), 905)), np.ones(1, bool))
    own = window["curfew"]
    assert (1, on("23:00"), 1) == (own["run_n"][0], own["run_first_ms"][0], own["spots"][0])


def test_a_run_never_wraps_around() -> None:
    """After 65,535 pings it is still a run."""
    window = after((0, 900))
    window["curfew"]["run_n"][0] = 65_535
    OUTSIDE.extend(window, seen(window, fix(on("23:00"), 905)), np.ones(1, bool))
    assert 65_535 == window["curfew"]["run_n"][0]
