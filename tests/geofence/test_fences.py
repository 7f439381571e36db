"""Fences are read as drawn or refused with a reason."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import shapely

from geofence.fences import load_fences
from schemas.errors import BadConfiguration

SQUARE = [[[109.0, 24.0], [110.0, 24.0], [110.0, 25.0], [109.0, 25.0], [109.0, 24.0]]]
DEMO = Path(__file__).parents[2] / "deploy" / "demo" / "fences.geojson"


def _area(adcode: str = "450203", **geometry: object) -> dict[str, Any]:
    return {
        "type": "Feature",
        "properties": {"kind": "area", "adcode": adcode, "name": "Yufeng"},
        "geometry": {"type": "Polygon", "coordinates": SQUARE, **geometry},
    }


def _file(folder: Path, *features: object, **members: object) -> Path:
    path = folder / "fences.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": list(features), **members}))
    return path


def test_the_three_kinds_are_told_apart(tmp_path: Path) -> None:
    """An area is known by its code, a zone with its schedule, a venue with its category."""
    window = {"days": [4, 5], "start": "20:00", "end": "06:00"}
    zone = _area() | {"properties": {"kind": "zone", "id": "port", "name": "Port", "schedule": {"windows": [window]}}}
    venue = {
        "type": "Feature",
        "properties": {"kind": "venue", "id": "cafe-1", "name": "Cafe", "category": "internet_cafe"},
        "geometry": {"type": "Point", "coordinates": [109.5, 24.5, 90.0]},
    }
    fences = load_fences(_file(tmp_path, _area(), zone, venue))

    assert ["450203"] == list(fences.areas) == list(fences.outlines)
    assert {"450203": "Yufeng", "port": "Port", "cafe-1": "Cafe"} == fences.names
    assert "internet_cafe" == fences.venues["cafe-1"].category
    schedule = fences.zones["port"].schedule
    assert schedule is not None
    assert ("Asia/Shanghai", (4, 5)) == (schedule.zone, schedule.windows[0].days)
    assert ["cafe-1", "port"] == fences.index.containing(109.5, 24.5)


def test_the_smallest_area_names_the_county(tmp_path: Path) -> None:
    """A city in the same file does not hide its counties; outside of all there is no county."""
    city = [[[108.0, 23.0], [111.0, 23.0], [111.0, 26.0], [108.0, 26.0], [108.0, 23.0]]]
    fences = load_fences(_file(tmp_path, _area("450200", coordinates=city), _area()))

    assert ["450203", "450200", None] == [fences.county_of(*p) for p in [(109.5, 24.5), (108.5, 24.5), (100.0, 24.5)]]


def _with(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    feature = json.loads(json.dumps(_area()))
    change(feature)
    return dict(feature)


BOW_TIE = [[[109.0, 24.0], [110.0, 25.0], [110.0, 24.0], [109.0, 25.0], [109.0, 24.0]]]
REFUSED = [
    (_area(coordinates=BOW_TIE), "features[0] 450203: geometry: Self-intersection[109.5 24.5]"),
    (_area(coordinates=[SQUARE[0][:-1]]), "features[0] 450203: geometry: a ring ends where it begins"),
    (_area(coordinates=[SQUARE[0][:2] + SQUARE[0][:1]]), "geometry: a ring has at least four positions"),
    (_area(coordinates=[[[24.0, 109.0], *SQUARE[0][1:]]]), "a position outside the globe; longitude comes first"),
    (_area(coordinates=[[["109.0", 24.0], *SQUARE[0][1:]]]), "geometry: a position is a list of numbers"),
    (_area(coordinates=[[[109.0], *SQUARE[0][1:]]]), "geometry: a position has two numbers"),
    (_area(coordinates=[]), "geometry: coordinates are empty or not nested as the type asks"),
    (_area(type="Point", coordinates=[109.0, 24.0]), "geometry: must be one of MultiPolygon, Polygon"),
    (_with(lambda f: f.update(geometry=None)), "geometry: must be one of MultiPolygon, Polygon"),
    (_with(lambda f: f["properties"].update(adcode="4502")), "properties.area.adcode"),
    (_with(lambda f: f["properties"].update(shedule={})), "properties.area.shedule: Extra inputs are not permitted"),
    (_with(lambda f: f["properties"].update(kind="house")), "properties: Input tag 'house'"),
    (_with(lambda f: f.update(properties=None)), "features[0]: properties"),
    ("not a feature", "features[0]: not a Feature"),
]


@pytest.mark.parametrize(("feature", "why"), REFUSED)
def test_a_wrong_feature_is_refused_with_path_place_and_reason(tmp_path: Path, feature: object, why: str) -> None:
    """The operator reads which feature of which file is wrong, and how."""
    path = _file(tmp_path, feature)

    with pytest.raises(BadConfiguration) as refusal:
        load_fences(path)

    assert str(refusal.value).startswith(f"{path}: features[0]")
    assert why in str(refusal.value)


def test_one_id_stands_for_one_fence(tmp_path: Path) -> None:
    """The second feature under an id is refused, not laid over the first."""
    with pytest.raises(BadConfiguration, match=r"features\[1\] 450203: this id stands in the file twice"):
        load_fences(_file(tmp_path, _area(), _area()))


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("{", "not JSON"),
        ('{"type": "Feature"}', "not a GeoJSON FeatureCollection"),
        ('{"type": "FeatureCollection", "features": []}', "features: an empty list or none"),
        (None, "No such file or directory"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, content: str | None, why: str) -> None:
    """What is no collection of features is refused with its path."""
    path = tmp_path / "fences.geojson"
    if content is not None:
        path.write_text(content)

    with pytest.raises(BadConfiguration) as refusal:
        load_fences(path)

    assert str(refusal.value).startswith(f"{path}: {why}")


def test_another_reference_system_is_refused_and_the_standard_one_is_not(tmp_path: Path) -> None:
    """GIS exports write `crs`: CRS84 is what RFC 7946 means anyway, everything else would be silently wrong."""
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}}
    metric = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::4547"}}

    assert ["450203"] == list(load_fences(_file(tmp_path, _area(), crs=crs)).areas)
    with pytest.raises(BadConfiguration, match="crs: RFC 7946 knows only WGS-84"):
        load_fences(_file(tmp_path, _area(), crs=metric))


def test_the_fences_of_the_demo_are_the_ten_counties_of_liuzhou() -> None:
    """The shipped file loads, covers the city and puts each venue into the county it is said to be in."""
    fences = load_fences(DEMO)

    assert {f"45020{n}" for n in range(2, 7)} | {f"45022{n}" for n in range(2, 7)} == set(fences.areas)
    assert 18_000 < sum(shapely.area(shape) for shape in fences.areas.values()) * 11_240 < 19_500
    cafe = fences.shapes["venue-internet-cafe-1"]
    assert "450203" == fences.county_of(cafe.x, cafe.y)
