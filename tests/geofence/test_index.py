"""The index answers as asking every fence would, also while it changes."""

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geofence.index import FenceIndex, distance_m

COORDINATE = st.floats(0.0, 0.2)
BOXES = st.dictionaries(
    st.sampled_from("abcdefgh"), st.tuples(COORDINATE, COORDINATE, st.floats(0.001, 0.1), st.floats(0.001, 0.1))
)


def _box(west: float, south: float, wide: float, high: float) -> shapely.Polygon:
    return shapely.box(109.3 + west, 24.2 + south, 109.3 + west + wide, 24.2 + south + high)


@given(BOXES, st.sets(st.sampled_from("abcdefgh")), COORDINATE, COORDINATE, st.floats(1, 20_000))
def test_the_index_finds_what_asking_every_fence_finds(
    boxes: dict[str, tuple[float, float, float, float]], leaving: set[str], east: float, north: float, radius: float
) -> None:
    """After any additions and removals both questions have the answer of a plain loop."""
    index = FenceIndex()
    shapes = {name: _box(*box) for name, box in boxes.items()}
    for name, shape in shapes.items():
        index.add(name, shape)
    for name in leaving & set(shapes):
        index.remove(name)
        del shapes[name]
    place = (109.3 + east, 24.2 + north)
    distances = {name: distance_m(shape, *place) for name, shape in shapes.items()}

    assert len(shapes) == len(index)
    assert sorted(n for n, s in shapes.items() if shapely.intersects_xy(s, *place)) == index.containing(*place)
    assert {n: d for n, d in distances.items() if d <= radius} == dict(index.near(*place, radius))


def test_a_fence_under_a_known_id_replaces_the_old_one() -> None:
    """A venue that moved is no longer found where it was."""
    index = FenceIndex()
    index.add("cafe", shapely.Point(109.40, 24.30))
    index.add("cafe", shapely.Point(109.50, 24.30))

    assert [] == index.near(109.40, 24.30, 500.0)
    assert [("cafe", 0.0)] == index.near(109.50, 24.30, 500.0)


def test_an_unknown_id_cannot_be_taken_out() -> None:
    """Taking out what is not there is a mistake of the caller and says so."""
    with pytest.raises(KeyError):
        FenceIndex().remove("cafe")


def test_near_is_sorted_by_distance_and_zero_inside() -> None:
    """The nearest fence comes first; inside a fence its distance is nothing."""
    index = FenceIndex()
    index.add("far", shapely.Point(109.43, 24.30))
    index.add("near", shapely.Point(109.41, 24.30))
    index.add("here", shapely.box(109.39, 24.29, 109.405, 24.31))

    assert ["here", "near", "far"] == [name for name, _ in index.near(109.40, 24.30, 5000.0)]
    assert 0.0 == index.near(109.40, 24.30, 5000.0)[0][1]
