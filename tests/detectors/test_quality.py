"""Quality: which fixes cannot be true, and that the others are left alone."""

import numpy as np
import pytest

from detectors.pings import NEVER, Fixes
from detectors.quality import Quality
from detectors.window import Window
from schemas.ping import Status
from tests.detectors.watched import MINUTE, RULES, Ping, answer, blank, fix, on, seen

QUALITY = Quality(RULES)


def judged(*pings: Ping) -> tuple[Window, Fixes]:
    """One row after these pings, and how the last of them was judged."""
    window = blank()
    for ping in pings:
        fixes = seen(window, ping)
        assert [] == QUALITY.observe(window, fixes)
    return window, fixes


def is_accepted(*pings: Ping) -> bool:
    """True when the last of the pings can be true."""
    return bool(judged(*pings)[1].accepted[0])


def test_the_first_fix_is_accepted_wherever_it_is() -> None:
    """Without another there is nothing to measure it by."""
    assert is_accepted(fix(on("08:00"), 50_000))


@pytest.mark.parametrize(("lon", "lat", "accepted"), [(0, 0, False), (99_999, -99_999, False), (0, 100_000, True)])
def test_null_island_is_a_default_and_no_place(lon: int, lat: int, *, accepted: bool) -> None:
    """Closer than 0.01 degrees in both."""
    assert accepted == is_accepted((on("08:00"), lon, lat, 100, 0, 0, 0))


def test_faster_than_55_m_a_second_beyond_both_radii_cannot_be() -> None:
    """In 60 s a phone may be 3,300 m and both radii away, but no metre more."""
    start = fix(on("08:00"), 0, 0, 100)
    assert is_accepted(start, fix(on("08:01"), 3_699, 0, 300))
    assert not is_accepted(start, fix(on("08:01"), 3_701, 0, 300))


def test_two_places_at_one_moment_cannot_both_be() -> None:
    """Unless their circles meet."""
    start = fix(on("08:00"), 0, 0, 100)
    assert is_accepted(start, fix(on("08:00"), 199, 0, 100))
    assert not is_accepted(start, fix(on("08:00"), 201, 0, 100))


def test_speed_is_measured_from_the_last_accepted_fix() -> None:
    """What was rejected does not make the true one that follows look fast."""
    assert is_accepted(fix(on("08:00")), fix(on("08:01"), 9_000), fix(on("08:02"), 50))


def test_a_wrong_start_is_forgiven_by_itself() -> None:
    """The distance that may be true grows with time."""
    assert not is_accepted(fix(on("08:00"), 20_000), fix(on("08:05")))
    assert is_accepted(fix(on("08:00"), 20_000), fix(on("08:05")), fix(on("08:06")))


def test_a_missing_radius_counts_as_a_kilometre() -> None:
    """For the last fix as for this one."""
    assert is_accepted(fix(on("08:00"), 0, 0, 0), fix(on("08:00"), 1_999, 0, 0))
    assert not is_accepted(fix(on("08:00"), 0, 0, 0), fix(on("08:00"), 2_001, 0, 0))


def test_a_repeat_within_20_m_is_frozen_but_still_a_fix() -> None:
    """Measured from the last reported position."""
    _, fixes = judged(fix(on("08:00"), 500), fix(on("08:05"), 519.9))
    assert (True, True) == (bool(fixes.frozen[0]), bool(fixes.accepted[0]))
    assert not judged(fix(on("08:00"), 500), fix(on("08:05"), 520.1))[1].frozen[0]


def test_a_rejected_fix_is_still_the_last_reported() -> None:
    """Repeated, it is frozen."""
    _, fixes = judged(fix(on("08:00")), fix(on("08:01"), 9_000), fix(on("08:02"), 9_005))
    assert (True, False) == (bool(fixes.frozen[0]), bool(fixes.accepted[0]))


@pytest.mark.parametrize("ping", [answer(on("08:01"), Status.no_fix), fix(on("08:01"), 400, phone=128)])
def test_what_is_no_fix_of_the_phone_is_not_judged(ping: Ping) -> None:
    """An answer without a position, and a wristband, leave the row as it was."""
    before, after = judged(fix(on("08:00")))[0], judged(fix(on("08:00")), ping)[0]
    for name, array in before["quality"].items():
        assert array.tolist() == after["quality"][name].tolist()


def test_silence_changes_nothing() -> None:
    """Quality has no deadline, for a new row or an old one."""
    window, _ = judged(fix(on("08:00")), fix(on("08:01"), 400))
    assert [NEVER] == QUALITY.due(window).tolist()
    assert [] == QUALITY.fire(window, np.array([on("08:00") + MINUTE]))
