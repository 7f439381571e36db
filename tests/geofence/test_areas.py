"""Permitted areas: by number, and three answers for each fix of a batch."""

import numpy as np
import pytest
import shapely

from geofence.areas import NOWHERE, Areas
from geofence.containment import Answer, answers
from geofence.fences import load_fences
from geofence.plane import from_plane
from stream.simulate.county import DEMO

HERE = (109.42, 24.33)
COUNTIES = ("450202", "450203", "450204", "450205", "450206")


def square(name: str, half_m: float = 3_000.0, *, east_m: float = 0.0) -> Areas:
    """One square around a place."""
    areas = Areas()
    west, south = from_plane(east_m - half_m, -half_m, *HERE)
    east, north = from_plane(east_m + half_m, half_m, *HERE)
    areas.add(name, shapely.box(west, south, east, north), is_code=True)
    return areas


def said(areas: Areas, name: str | None, east_m: float, sigma_m: float = 200.0, sure: float = 0.9) -> Answer:
    """The answer about a place so many metres east of the middle."""
    lon, lat = (np.array([degrees]) for degrees in from_plane(east_m, 0.0, *HERE))
    found = areas.judge(np.array([areas.number(name)]), lon, lat, np.array([sigma_m]), np.array([sure]))
    return Answer(found[0])


@pytest.mark.parametrize(
    ("answer", "east_m"),
    [
        (Answer.IN, 0.0),
        (Answer.IN, 2_740.0),
        (Answer.UNSURE, 2_748.0),
        (Answer.UNSURE, 3_000.0),
        (Answer.UNSURE, 3_252.0),
        (Answer.OUT, 3_260.0),
        (Answer.OUT, 60_000.0),
    ],
)
def test_three_answers(answer: Answer, east_m: float) -> None:
    """Unsure lies 1.28 sigma, here 256 m, to either side of the line; a place far beyond any map is out."""
    assert answer == said(square("450202"), "450202", east_m)


@pytest.mark.parametrize(("answer", "sure"), [(Answer.IN, 0.84), (Answer.UNSURE, 0.85)])
def test_how_sure_is_the_callers(answer: Answer, sure: float) -> None:
    """One sigma inside a straight line is 84.1 %."""
    assert answer == said(square("450202"), "450202", 2_800.0, sure=sure)


@pytest.mark.parametrize("name", [None, "no such area", "000000", ""])
def test_nobody_is_outside_of_nowhere(name: str | None) -> None:
    """An order without an area, or with one that is not drawn, has the number of none."""
    areas = square("450202")
    assert NOWHERE == areas.number(name)
    assert Answer.IN == said(areas, name, 60_000.0)
    assert [1.0] == areas.p_inside(NOWHERE, *(np.zeros(1) for _ in range(3))).tolist()


def test_a_code_in_zeros_is_everything_under_it() -> None:
    """The line between two counties of a city is nothing to somebody who may be in the whole city."""
    areas = square("450202")
    west, south = from_plane(3_000.0, -3_000.0, *HERE)
    east, north = from_plane(9_000.0, 3_000.0, *HERE)
    areas.add("450203", shapely.box(west, south, east, north), is_code=True)
    areas.add("450200-port", shapely.Point(109.0, 24.0).buffer(0.1), is_code=False)
    assert (Answer.UNSURE, Answer.IN) == (said(areas, "450202", 3_000.0), said(areas, "450200", 3_000.0))
    assert (Answer.IN, Answer.OUT) == (said(areas, "450000", 8_000.0), said(areas, "450200", 10_000.0))
    assert NOWHERE == areas.number("450300")


def test_an_id_keeps_its_number() -> None:
    """Rows carry it."""
    areas = square("450202")
    assert areas.number("450202") == areas.number("450202") != areas.number("450200")


def test_the_map_never_decides_otherwise_than_the_exact_probability() -> None:
    """Over real counties, near their lines and far from them, with radii from a street to a valley."""
    fences, draw = load_fences(DEMO / "fences.geojson"), np.random.default_rng(5)
    numbers = np.array([fences.permitted.number(name) for name in (*COUNTIES, "450200")])[draw.integers(0, 6, 12_000)]
    lon, lat = 109.42 + draw.normal(0, 0.15, 12_000), 24.33 + draw.normal(0, 0.15, 12_000)
    sigma_m = draw.lognormal(6.0, 0.6, 12_000)
    found = fences.permitted.judge(numbers, lon, lat, sigma_m, np.full(12_000, 0.9))
    for number in np.unique(numbers):
        some = numbers == number
        exact = answers(fences.permitted.p_inside(number, lon[some], lat[some], sigma_m[some]), 0.9)
        assert exact.tolist() == found[some].tolist()
    assert {Answer.IN, Answer.OUT, Answer.UNSURE} == {Answer(one) for one in np.unique(found)}
