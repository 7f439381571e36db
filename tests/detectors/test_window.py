"""Window: rows side by side, as views and as copies."""

import numpy as np

from detectors.pings import DEGREE
from detectors.window import AUTHORISED, CURFEW, DAY, EVIDENCE, PLACE, REPORTED_OFF
from geofence.plane import to_plane
from tests.detectors.watched import blank
from tests.factories import HOME

FLAGS = (AUTHORISED, CURFEW, EVIDENCE, REPORTED_OFF, PLACE, DAY)


def test_a_head_writes_through() -> None:
    """What a rule does to the first rows is done to the window."""
    window = blank(3)
    head = window.head(2)
    head["gap"]["limit_ms"][1] = 7
    assert ([0, 7, 0], 2) == (window["gap"]["limit_ms"].tolist(), len(head))


def test_a_head_of_all_rows_is_the_window_itself() -> None:
    """Nothing is built for the most frequent case."""
    window = blank(2)
    assert window is window.head(2)


def test_what_was_taken_is_a_copy_until_it_is_put() -> None:
    """In the order asked for; rings of a row come along whole."""
    window = blank(3)
    part = window.take(np.array([2, 0]))
    part["gap"]["histogram"][0, 5] = 4
    part.plan["change_ms"][1] = 9
    assert 0 == window["gap"]["histogram"].sum()
    window.put(np.array([2, 0]), part)
    assert [0, 0, 4] == window["gap"]["histogram"][:, 5].tolist()
    assert (9, [2, 0]) == (window.plan["change_ms"][0], part.rows.tolist())


def test_flags_have_one_bit_each() -> None:
    """They are stored in one byte."""
    assert [1 << k for k in range(6)] == sorted(FLAGS)


def test_what_a_row_has_and_what_turned() -> None:
    """On, off, either way, or not at all."""
    window = blank(4)
    window.plan["flags"][:] = [CURFEW, 0, CURFEW, 0]
    window.plan["turned"][:] = [CURFEW, CURFEW, DAY, 0]
    assert [True, False, True, False] == window.has(CURFEW).tolist()
    assert [True, False, False, False] == window.went(CURFEW, on=True).tolist()
    assert [False, True, False, False] == window.went(CURFEW, on=False).tolist()
    assert [True, True, False, False] == window.turned(CURFEW).tolist()


def test_the_plane_is_that_of_the_residence() -> None:
    """As the geofence computes it, from whole 1e-7 degrees."""
    window = blank(2)
    lon, lat = np.array([HOME[0], HOME[0] + 123_456], np.int32), np.array([HOME[1], HOME[1] - 65_432], np.int32)
    x, y = window.plane(lon, lat)
    east, north = to_plane(lon * DEGREE, lat * DEGREE, HOME[0] * DEGREE, HOME[1] * DEGREE)
    assert np.allclose(east, x, atol=1e-4)
    assert np.allclose(north, y, atol=1e-4)


def test_the_plane_of_a_place_far_away_does_not_overflow() -> None:
    """The difference of two places may be more than 32 bits hold."""
    x, _ = blank().plane(np.array([-1_790_000_000], np.int32), np.array([HOME[1]], np.int32))
    assert x[0] < -29_000_000
