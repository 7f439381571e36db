"""A probability that is looked up: how far it may be from the exact one."""

import numpy as np
import pytest

from geofence.containment import p_inside_polygon
from geofence.fences import load_fences
from geofence.lattice import SLACK, Lattice
from stream.simulate.county import DEMO

COUNTIES = ("450202", "450203", "450206")
FENCES = load_fences(DEMO / "fences.geojson")


@pytest.mark.parametrize("county", COUNTIES)
def test_it_is_never_further_off_than_the_slack(county: str) -> None:
    """Around the corners of a real line, for every sigma that it knows."""
    draw, outline = np.random.default_rng(3), FENCES.outlines[county]
    corners = outline.edges[draw.integers(0, len(outline.edges), 4_000), :2]
    sigma_m = 80.0 * 2.0 ** draw.uniform(0.0, 5.0, 4_000)
    lon, lat = (corners + draw.normal(0.0, 1.5e-5, (4_000, 2)) * sigma_m[:, None]).T
    looked_up, exact = Lattice(outline).p_inside(lon, lat, sigma_m), p_inside_polygon(outline, lon, lat, sigma_m)
    known = ~np.isnan(looked_up)
    assert 0.9 < known.mean()
    assert 0.0 < np.abs(looked_up - exact)[known].max() < SLACK
    assert np.abs(looked_up - exact)[known].mean() < 0.003


def test_it_says_where_it_does_not_reach() -> None:
    """A place far beyond the area, and a sigma beyond the ladder, are not known."""
    lattice, lon, lat = Lattice(FENCES.outlines["450202"]), np.array([109.43, 112.0]), np.array([24.33, 24.33])
    assert [False, True] == np.isnan(lattice.p_inside(lon, lat, np.array([300.0, 300.0]))).tolist()
    assert [True, True] == np.isnan(lattice.p_inside(lon[[0, 0]], lat, np.array([79.0, 2_600.0]))).tolist()


def test_it_is_the_same_whoever_asked_before() -> None:
    """What has been worked out for others changes nothing."""
    draw = np.random.default_rng(4)
    lon, lat = 109.43 + draw.normal(0.0, 0.03, 500), 24.33 + draw.normal(0.0, 0.03, 500)
    sigma_m = draw.uniform(100.0, 900.0, 500)
    one, other = Lattice(FENCES.outlines["450202"]), Lattice(FENCES.outlines["450202"])
    parts = [other.p_inside(lon[k : k + 1], lat[k : k + 1], sigma_m[k : k + 1])[0] for k in reversed(range(500))]
    assert np.array_equal(one.p_inside(lon, lat, sigma_m), parts[::-1], equal_nan=True)
