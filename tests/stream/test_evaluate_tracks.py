"""A recorded life: where it is known, and where something was put into it."""

import numpy as np
import pytest

from stream.evaluate.tracks import Detour, runs
from stream.simulate.lives import DAY, MINUTE, Place
from tests.stream.lives import MONDAY, at_home, resting


def test_between_points_ten_minutes_apart_a_line_between_others_nothing() -> None:
    """A point is known, a stay is known, a short way is a straight line, a long silence is unknown."""
    track = resting((0, 5, 0.0), (15, 15, 1_000.0), (26, 26, 0.0))
    x, _, known = track.at(MONDAY + np.array([-1, 0, 5, 10, 15, 20, 26, 27]) * MINUTE)

    assert [False, True, True, False, True, False, True, False] == known.tolist()
    near = resting((0, 0, 0.0), (10, 10, 1_000.0)).at(MONDAY + np.array([5]) * MINUTE)
    assert ([500.0], [True]) == (near[0].tolist(), near[2].tolist())
    assert np.isnan(x[3])


def test_what_is_known_in_stretches_and_days() -> None:
    """A stretch ends with the last minute of which something is known."""
    track = resting((0, 720, 0.0), (1_440, 2_160, 0.0))

    assert [(MONDAY, MONDAY + 721 * MINUTE), (MONDAY + DAY, MONDAY + DAY + 721 * MINUTE)] == track.known()
    assert 1_442 / 1_440 == track.days()


def test_a_detour_is_a_way_there_a_stay_and_a_way_back() -> None:
    """Ten minutes each way, straight; before and after nothing is changed."""
    track = at_home().detouring([Detour(MONDAY + 60 * MINUTE, MONDAY + 90 * MINUTE, Place(1_000.0, 0.0))])
    x, y, known = track.at(MONDAY + np.array([50, 55, 60, 89, 95, 100]) * MINUTE)

    assert [0.0, 500.0, 1_000.0, 1_000.0, 500.0, 0.0] == pytest.approx(x.tolist())
    assert [0.0] * 6 == y.tolist()
    assert known.all()


def test_runs_shorter_than_asked_for_are_left_out() -> None:
    """A run of one minute is no run of two."""
    times = np.arange(5) * MINUTE

    assert [(2 * MINUTE, 4 * MINUTE)] == runs(times, np.array([True, False, True, True, False]), 2 * MINUTE)
