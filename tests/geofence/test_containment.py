"""Containment with error, against Monte Carlo, closed forms and laws."""

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geofence.containment import Answer, Outline, answers, k_of, p_inside_circle, p_inside_polygon, sigma_m
from geofence.plane import from_plane, metres_per_degree

HOME = (109.42, 24.33)


def _from_home(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return from_plane(x, y, *HOME)


def _in_degrees(*rings_m: list[tuple[float, float]]) -> shapely.Polygon:
    shell, *holes = [np.column_stack(_from_home(*np.array(ring, float).T)) for ring in rings_m]
    return shapely.Polygon(shell, holes)


STAR = _in_degrees([(0, 3000), (400, 400), (3000, 0), (400, -400), (0, -3000), (-400, -400), (-3000, 0), (-400, 400)])
RING = _in_degrees(
    [(-3000, -3000), (3000, -3000), (3000, 3000), (-3000, 3000)],
    [(-1000, -1000), (-1000, 1000), (1000, 1000), (1000, -1000)],
)
TWO = shapely.union_all(
    [_in_degrees([(-900, -900), (0, -900), (0, 0)]), _in_degrees([(500, 0), (1500, 0), (1500, 9e2)])]
)
SHAPES = {"star": STAR, "ring with a hole": RING, "two parts": TWO, "clockwise": shapely.reverse(STAR)}


@pytest.mark.parametrize("name", SHAPES)
def test_probability_equals_monte_carlo(name: str) -> None:
    """On corners, holes and several parts the integral is what drawing 40,000 truths a position gives."""
    rng = np.random.default_rng(7)
    shape, sigma = SHAPES[name], 450.0
    lon, lat = _from_home(*rng.uniform(-3500, 3500, (2, 60)))
    mx, my = metres_per_degree(lat)
    error = rng.normal(0.0, sigma, (60, 2, 40_000))
    truths = lon[:, None] + error[:, 0] / mx[:, None], lat[:, None] + error[:, 1] / my[:, None]
    drawn = shapely.contains_xy(shape, *truths).mean(axis=1)

    assert drawn == pytest.approx(p_inside_polygon(Outline.of(shape), lon, lat, sigma), abs=0.011)


def test_far_from_every_edge_the_answer_is_certain() -> None:
    """Deep inside 1, far outside 0, in the middle of a hole 0: exactly, whatever the shape."""
    lon, lat = from_plane(np.array([2000.0, 9000.0, 0.0]), np.array([0.0, 0.0, 0.0]), *HOME)

    assert [1.0, 0.0, 0.0] == p_inside_polygon(Outline.of(RING), lon, lat, 100.0).tolist()


def test_on_a_line_half_and_on_a_corner_the_share_of_its_angle() -> None:
    """A position on the edge itself is neither in nor out; on a right-angled corner a quarter is inside."""
    x, y = np.array([3000.0, 3000.0, 0.0, 3000.0]), np.array([0.0, 3000.0, -3000.0, -3000.0])
    lon, lat = from_plane(x, y, *HOME)

    assert [0.5, 0.25, 0.5, 0.25] == pytest.approx(p_inside_polygon(Outline.of(RING), lon, lat, 200.0), abs=1e-5)


@given(st.floats(-6000, 6000), st.floats(-6000, 6000), st.floats(10, 3000))
def test_a_shape_and_its_hole_add_up(x: float, y: float, sigma: float) -> None:
    """The ring plus what was cut out of it is the whole square, for every position and error."""
    whole, core = shapely.Polygon(RING.exterior), shapely.Polygon(RING.interiors[0])
    lon, lat = np.atleast_1d(*from_plane([x], [y], *HOME))
    p_ring, p_whole, p_core = (p_inside_polygon(Outline.of(s), lon, lat, sigma)[0] for s in (RING, whole, core))

    assert p_whole == pytest.approx(p_ring + p_core, abs=1e-5)


@given(st.lists(st.tuples(st.floats(-6e3, 6e3), st.floats(-6e3, 6e3), st.floats(1, 3e3)), min_size=1, max_size=20))
def test_a_position_does_not_depend_on_its_batch(rows: list[tuple[float, float, float]]) -> None:
    """Alone or among others a position has the same probability to the last bit."""
    x, y, sigma = np.array(rows).T
    lon, lat = from_plane(x, y, *HOME)
    outline = Outline.of(STAR)
    alone = [p_inside_polygon(outline, lon[i : i + 1], lat[i : i + 1], sigma[i : i + 1])[0] for i in range(len(rows))]

    assert alone == p_inside_polygon(outline, lon, lat, sigma).tolist()


# Non-central chi-square by SciPy 1.16: ncx2.cdf((R / s)^2, 2, (d / s)^2).
CIRCLES = [
    ((0, 500, 200), 0.9560630663765926),
    ((500, 500, 200), 0.41843872443351615),
    ((400, 1000, 300), 0.9609942363039279),
    ((4900, 5000, 66), 0.9342847049870937),
    ((30000, 30000, 66), 0.49956116322606087),
    ((0, 10, 300), 0.000555401263141893),
    ((5000, 500, 200), 0.0),
]


@pytest.mark.parametrize(("given_m", "expected"), CIRCLES)
def test_a_circle_follows_the_non_central_chi_square(given_m: tuple[float, float, float], expected: float) -> None:
    """From a circle of a thirtieth to one of 450 sigma the rim integral gives the published distribution."""
    assert expected == pytest.approx(float(p_inside_circle(*given_m)), abs=1e-9)


@given(st.floats(0, 5000), st.floats(1, 5000), st.floats(10, 2000), st.floats(0, 1000))
def test_farther_away_is_never_more_inside(distance: float, radius: float, sigma: float, step: float) -> None:
    """The probability is between 0 and 1 and falls with the distance."""
    near, far = p_inside_circle([distance, distance + step], radius, sigma)

    assert 0.0 <= far <= near + 1e-9 <= 1.0 + 1e-9


def test_a_circle_is_a_polygon_of_many_corners() -> None:
    """Both integrals agree on the same disc."""
    angle = np.linspace(0, 2 * np.pi, 721)
    disc = _in_degrees(list(zip(800 * np.cos(angle), 800 * np.sin(angle), strict=True)))
    distance = np.linspace(0, 2500, 26)
    lon, lat = from_plane(distance, np.zeros(26), *HOME)

    assert p_inside_circle(distance, 800.0, 300.0) == pytest.approx(
        p_inside_polygon(Outline.of(disc), lon, lat, 300.0), abs=5e-5
    )


def test_a_radius_of_zero_says_nothing() -> None:
    """Zero or missing counts as 1,000 m; less than the floor is raised to it."""
    expected = np.array([1000, 1000, 300, 700]) / 1.515

    assert expected == pytest.approx(sigma_m([0.0, np.nan, 20.0, 700.0], 300.0, 1.515))


def test_a_larger_confidence_means_more_sigma() -> None:
    """The factor is that of the Rayleigh distribution: 39.35 % of truths lie within one sigma."""
    assert 1.0 == pytest.approx(k_of(1.0 - np.exp(-0.5)))


def test_between_sure_and_sure_of_the_opposite_is_unsure() -> None:
    """Both limits belong to the certain answers."""
    expected = [Answer.IN, Answer.UNSURE, Answer.UNSURE, Answer.OUT]

    assert expected == answers(np.array([0.75, 0.74, 0.26, 0.25]), sure=0.75).tolist()
