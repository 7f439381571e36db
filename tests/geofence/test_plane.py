"""The local plane against geodesics."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geofence.plane import from_plane, metres_per_degree, to_plane

# Geodesic distances from 109.42 E 24.33 N by GeographicLib 2.1 (Karney 2013).
GEODESICS = [((109.42, 24.43), 11076.374), ((109.52, 24.33), 10149.062), ((109.62, 24.53), 30035.25)]


@pytest.mark.parametrize(("place", "metres"), GEODESICS)
def test_distances_are_those_of_the_ellipsoid(place: tuple[float, float], metres: float) -> None:
    """Within 31 km of the origin the plane is right to 0.21 %."""
    x, y = to_plane(*place, 109.42, 24.33)

    assert metres == pytest.approx(float(np.hypot(x, y)), rel=0.0021)


def test_a_degree_of_longitude_shrinks_towards_the_pole() -> None:
    """At 60 degrees a degree of longitude is about half as long as at the equator; one of latitude hardly changes."""
    mx, my = metres_per_degree([0.0, 60.0])

    assert 0.5 == pytest.approx(mx[1] / mx[0], abs=0.002)
    assert 1.0 == pytest.approx(my[1] / my[0], abs=0.01)


@given(st.floats(-30_000, 30_000), st.floats(-30_000, 30_000), st.floats(73, 135), st.floats(18, 53))
def test_there_and_back_is_the_same_place(x: float, y: float, lon0: float, lat0: float) -> None:
    """Degrees made from metres give the metres back to a tenth of a millimetre."""
    assert (x, y) == pytest.approx(to_plane(*from_plane(x, y, lon0, lat0), lon0, lat0), abs=1e-4)
