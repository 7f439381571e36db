"""Datum shifts against figures of two published implementations, and the laws of an inverse."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geofence.datum import BD09, GCJ02, WGS84, from_wgs84, to_wgs84
from schemas.fields import Datum

LONGITUDES = st.floats(73.5, 135.0)
LATITUDES = st.floats(18.0, 53.5)
METRES_A_DEGREE = 111_320.0

# wgs84, gcj02, bd09: coord-convert 0.2.1 for the first two, the published test pairs of eviltransform for the rest.
PUBLISHED = [
    ((109.42, 24.33), (109.42460594122345, 24.327306306647554), (109.43103608120374, 24.333529295399174)),
    ((87.6, 43.8), (87.60283897227161, 43.80121203029208), (87.60921015182171, 43.80747250765041)),
    ((121.5272106, 31.1774276), (121.531541859215, 31.17530398364597), None),
    ((113.912316, 22.543847), (113.9171764808363, 22.540796131694766), None),
    ((116.377817, 39.911954), (116.38404722455657, 39.91334545536069), None),
]


def _one(lon: float, lat: float, code: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return np.array([lon]), np.array([lat]), np.array([code], np.uint8)


def _metres_apart(left: tuple[np.ndarray, np.ndarray], right: tuple[np.ndarray, np.ndarray]) -> float:
    east = (left[0] - right[0]) * np.cos(np.radians(right[1]))
    return float(np.hypot(east, left[1] - right[1]).max() * METRES_A_DEGREE)


@pytest.mark.parametrize(("true", "gcj02", "bd09"), PUBLISHED)
def test_a_true_position_is_shifted_as_published(
    true: tuple[float, float], gcj02: tuple[float, float], bd09: tuple[float, float] | None
) -> None:
    """What we simulate is what a carrier writes, to a tenth of a millimetre."""
    assert gcj02 == pytest.approx([float(v[0]) for v in from_wgs84(*_one(*true, GCJ02))], abs=1e-9)
    if bd09 is not None:
        assert bd09 == pytest.approx([float(v[0]) for v in from_wgs84(*_one(*true, BD09))], abs=1e-9)


@pytest.mark.parametrize(("true", "gcj02", "bd09"), PUBLISHED)
def test_a_carrier_position_comes_back_to_the_truth(
    true: tuple[float, float], gcj02: tuple[float, float], bd09: tuple[float, float] | None
) -> None:
    """The inverse is right to 2 mm."""
    expected = np.array([true[0]]), np.array([true[1]])

    assert 0.002 > _metres_apart(to_wgs84(*_one(*gcj02, GCJ02)), expected)
    if bd09 is not None:
        assert 0.002 > _metres_apart(to_wgs84(*_one(*bd09, BD09)), expected)


@given(LONGITUDES, LATITUDES, st.sampled_from([WGS84, GCJ02, BD09]))
def test_there_and_back_is_the_same_place(lon: float, lat: float, code: int) -> None:
    """For every place of the country and every datum the way back ends within 2 mm."""
    there = from_wgs84(*_one(lon, lat, code))

    assert 0.002 > _metres_apart(to_wgs84(*there, np.array([code], np.uint8)), (np.array([lon]), np.array([lat])))


def test_the_shift_at_liuzhou_is_larger_than_any_rule() -> None:
    """Half a kilometre: the reason why an undeclared datum is refused."""
    lon, lat = np.random.default_rng(1).uniform([109.2, 24.1], [109.7, 24.6], (500, 2)).T
    shifted = from_wgs84(lon, lat, np.full(500, GCJ02, np.uint8))
    east = (shifted[0] - lon) * np.cos(np.radians(lat))
    apart = np.hypot(east, shifted[1] - lat) * METRES_A_DEGREE

    assert 495 < apart.min()
    assert 590 > apart.max()


def test_outside_the_rectangle_of_the_formula_nothing_is_shifted() -> None:
    """A phone abroad writes WGS-84 whatever it declares as GCJ-02."""
    lon, lat = from_wgs84(*_one(2.35, 48.85, GCJ02))

    assert (2.35, 48.85) == (lon[0], lat[0])


@given(st.lists(st.tuples(LONGITUDES, LATITUDES, st.sampled_from([0, 1, 2])), min_size=2, max_size=40), st.data())
def test_the_cut_of_a_batch_changes_no_bit(rows: list[tuple[float, float, int]], data: st.DataObject) -> None:
    """Converted one by one or together, in any cut, a position is the same to the last bit."""
    lon, lat = np.array([r[0] for r in rows]), np.array([r[1] for r in rows])
    code = np.array([r[2] for r in rows], np.uint8)
    cut = data.draw(st.integers(1, len(rows) - 1))
    together = to_wgs84(lon, lat, code)
    apart = [to_wgs84(lon[part], lat[part], code[part]) for part in (slice(cut), slice(cut, None))]

    assert np.array_equal(together, np.concatenate(apart, axis=1))


def test_inputs_are_left_alone_and_nan_stays_nan() -> None:
    """A ping without position passes through a batch and disturbs nobody."""
    lon, lat, code = np.array([np.nan, 109.42]), np.array([np.nan, 24.33]), np.array([GCJ02, GCJ02], np.uint8)
    before = lon.copy(), lat.copy()
    out_lon, out_lat = to_wgs84(lon, lat, code)

    assert [True, False] == np.isnan(out_lon).tolist() == np.isnan(out_lat).tolist()
    assert np.array_equal(before, (lon, lat), equal_nan=True)


def test_codes_are_the_positions_of_the_wire_words() -> None:
    """The decoder stores the position of the word: both lists must agree."""
    assert [WGS84, GCJ02, BD09] == [Datum.wgs84.code, Datum.gcj02.code, Datum.bd09.code]
