"""The carrier's error is the recipe's: cells, radius, stickiness, drift, loss."""

import numpy as np
import pytest

from stream.simulate.carrier import Network, Reports, ask_times
from stream.simulate.lives import HOUR, MINUTE

GHOSTS = np.array([(9_000.0, 0.0), (0.0, -7_000.0), (-12_000.0, 3_000.0)])


def _truths(distance_m: float) -> tuple[np.ndarray, np.ndarray]:
    angle = np.linspace(0.0, 2.0 * np.pi, 20_000)
    return distance_m * np.cos(angle), distance_m * np.sin(angle)


def _report(distance_m: float, *, stickiness: float = 0.0, still: bool = False) -> Reports:
    x, y = _truths(distance_m)
    moved = np.full(len(x), still)
    moved[0] = False
    return Network(3, stickiness).report(np.random.default_rng(5), x, y, moved, GHOSTS)


def _is_ghost(found: Reports) -> np.ndarray:
    return np.isin(found.x, GHOSTS[:, 0]) & np.isin(found.y, GHOSTS[:, 1])


@pytest.mark.parametrize(("distance_m", "spacing_m"), [(1_000, 350), (6_000, 600), (14_000, 1_300), (30_000, 3_000)])
def test_seven_in_ten_truths_lie_inside_the_radius(distance_m: float, spacing_m: float) -> None:
    """Cells are wider outside the centre, and the radius says so everywhere."""
    found = _report(distance_m)
    kept = ~_is_ghost(found)
    true_x, true_y = _truths(distance_m)
    error = np.hypot(found.x - true_x, found.y - true_y)[kept]

    assert 0.71 == pytest.approx((error <= found.radius_m[kept]).mean(), abs=0.025)
    assert 0.82 * spacing_m == pytest.approx(float(np.median(found.radius_m)), rel=0.02)


def test_a_cell_stands_where_it_stands() -> None:
    """Six in ten reports are a cell's own place, the same each time; another seed builds another network."""
    found = _report(1_000)
    places = np.unique(np.column_stack((found.x, found.y)), axis=0, return_counts=True)[1]
    other = Network(4, 0.0).report(np.random.default_rng(5), np.zeros(9), np.zeros(9), np.zeros(9, bool), GHOSTS)
    again = Network(3, 0.0).report(np.random.default_rng(5), np.zeros(9), np.zeros(9), np.zeros(9, bool), GHOSTS)

    assert 0.6 == pytest.approx(places[places > 1].sum() / 20_000, abs=0.03)
    assert not np.array_equal(other.x, again.x)


def test_a_still_phone_repeats_seven_in_ten_and_a_moving_one_none() -> None:
    """The last report comes again, coordinate, radius and cell, only while the phone lies still."""
    shares = []
    for still in (True, False):
        found = _report(1_000, stickiness=0.7, still=still)
        same = (np.diff(found.x) == 0) & (np.diff(found.y) == 0) & (np.diff(found.radius_m) == 0)
        shares.append(same.mean())

    assert [0.69, 0.0] == pytest.approx(shares, abs=0.03)


def test_one_in_fifty_pings_drifts_to_a_ghost() -> None:
    """Runs of one to three begin at one ping in a hundred."""
    ghost = _is_ghost(_report(1_000))

    assert 0.02 == pytest.approx(ghost.mean(), abs=0.004)


def test_questions_come_at_the_interval_within_a_fifth_and_some_are_lost() -> None:
    """Between two questions lie 4 to 6 minutes of five; three in a hundred are missing."""
    times = ask_times(np.random.default_rng(1), 0, 1_000 * HOUR, 5.0)
    steps = np.diff(ask_times(np.random.default_rng(1), 0, 1_000 * HOUR, 5.0, loss=0.0))

    assert steps.min() >= 4 * MINUTE - 1
    assert steps.max() <= 6 * MINUTE + 1
    assert 12_000 * 0.97 == pytest.approx(len(times), rel=0.01)
    assert 0 <= times[0] < times[-1] < 1_000 * HOUR
