"""
Fences: areas, zones and venues out of one GeoJSON file (RFC 7946), refused when wrong and never repaired.

Positions are WGS-84, longitude first. `properties.kind` tells the three apart:

- `area`: an administrative unit, `adcode`, `name`; what an order's permitted area and a residence's county name;
- `zone`: a place that an order may forbid, `id`, `name`, and a `schedule` when it is forbidden only at times;
- `venue`: a place with a `category` that an order may forbid, `id`, `name`; a point or a polygon.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import shapely
from pydantic import Field, TypeAdapter, ValidationError

from geofence.areas import Areas
from geofence.bans import Bans, Hours
from geofence.containment import Outline
from geofence.geojson import read_shape
from geofence.index import FenceIndex
from schemas.errors import BadConfiguration
from schemas.fields import Adcode, Identifier, Sent
from schemas.order import Window, Zone

__all__ = ["NO_FENCES", "Area", "Fences", "Schedule", "Venue", "ZoneFence", "load_fences"]

_CRS84: Final = "urn:ogc:def:crs:OGC:1.3:CRS84"


class Schedule(Sent):
    """When a zone is forbidden: windows of local time, read as those of a curfew."""

    zone: Zone = "Asia/Shanghai"
    windows: Annotated[tuple[Window, ...], Field(min_length=1, max_length=32)]


class Area(Sent):
    """An administrative unit."""

    kind: Literal["area"]
    adcode: Adcode
    name: Identifier

    @property
    def id(self) -> str:
        """The administrative code."""
        return self.adcode


class ZoneFence(Sent):
    """A zone that orders forbid by id, at any time unless it has a schedule."""

    kind: Literal["zone"]
    id: Identifier
    name: Identifier
    schedule: Schedule | None = None


class Venue(Sent):
    """A venue that orders forbid by category."""

    kind: Literal["venue"]
    id: Identifier
    name: Identifier
    category: Identifier


Fence = Area | ZoneFence | Venue
_FENCE: Final[TypeAdapter[Fence]] = TypeAdapter(Annotated[Fence, Field(discriminator="kind")])
_SHAPES: Final = {
    "area": {"Polygon", "MultiPolygon"},
    "zone": {"Polygon", "MultiPolygon"},
    "venue": {"Point", "Polygon", "MultiPolygon"},
}


@dataclass(frozen=True, slots=True)
class Fences:
    """
    All fences by id. Everything is in degrees on WGS-84.

    `areas` holds shapes by administrative code and `outlines` the same shapes ready for probabilities; `permitted` all
    that an order may permit, areas and zones, by number, `bans` what it may forbid; `zones` and `venues` hold
    descriptions, `shapes` the shape of every fence, `index` all zones and venues for the rare path.
    """

    areas: dict[str, Any] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    outlines: dict[str, Outline] = field(default_factory=dict)
    permitted: Areas = field(default_factory=Areas)
    bans: Bans = field(default_factory=Bans)
    zones: dict[str, ZoneFence] = field(default_factory=dict)
    venues: dict[str, Venue] = field(default_factory=dict)
    shapes: dict[str, Any] = field(default_factory=dict)
    index: FenceIndex = field(default_factory=FenceIndex)

    def add(self, fence: Fence, shape: Any) -> None:  # noqa: ANN401 - shapely has no types
        """Add one fence; an id that is taken raises ValueError."""
        if fence.id in self.shapes:
            raise ValueError("this id stands in the file twice")
        self.names[fence.id] = fence.name
        self.shapes[fence.id] = shape
        if not isinstance(fence, Venue):
            self.permitted.add(fence.id, shape, is_code=isinstance(fence, Area))
        if isinstance(fence, Area):
            self.areas[fence.id] = shape
            self.outlines[fence.id] = Outline.of(shape)
            return
        if isinstance(fence, ZoneFence):
            self.zones[fence.id] = fence
            self.bans.add_zone(fence.id, _hours(fence.schedule))
        else:
            self.venues[fence.id] = fence
            self.bans.add_venue(fence.id, fence.category)
        self.index.add(fence.id, shape)

    def county_of(self, lon: float, lat: float) -> str | None:
        """Administrative code of the smallest area that covers the position, or None outside all of them."""
        covering = [
            (shape.area, adcode) for adcode, shape in self.areas.items() if shapely.intersects_xy(shape, lon, lat)
        ]
        return min(covering)[1] if covering else None


NO_FENCES: Final = Fences()
"""For whoever has no file of them: no area, no zone, no venue."""


def load_fences(path: Path | None) -> Fences:
    """
    Read a GeoJSON file of fences; none of them without a file.

    A property that is not known is refused too: a misspelt `schedule` would otherwise forbid a zone around the
    clock. Raises BadConfiguration with the path and, where a feature is at fault, its number, id and reason.
    """
    if path is None:
        return NO_FENCES
    try:
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise BadConfiguration(path, error.strerror or "cannot be read") from None
    except ValueError as error:
        raise BadConfiguration(path, f"not JSON: {error}") from None
    if not isinstance(document, dict) or document.get("type") != "FeatureCollection":
        raise BadConfiguration(path, "not a GeoJSON FeatureCollection")
    features = document.get("features")
    if not isinstance(features, list) or not features:
        raise BadConfiguration(path, "features: an empty list or none")
    _refuse_other_crs(path, document)
    fences = Fences()
    for number, feature in enumerate(features):
        try:
            fences.add(*_read(feature))
        except ValueError as error:
            raise BadConfiguration(path, f"features[{number}]{_id_of(feature)}: {error}") from None
    return fences


def _hours(schedule: Schedule | None) -> Hours | None:
    if schedule is None:
        return None
    return Hours(schedule.zone, tuple((window.days, window.start, window.end) for window in schedule.windows))


def _refuse_other_crs(path: Path, document: dict[str, Any]) -> None:
    crs = document.get("crs")
    if crs is not None and crs != {"type": "name", "properties": {"name": _CRS84}}:
        raise BadConfiguration(path, "crs: RFC 7946 knows only WGS-84, longitude first; convert the file")


def _id_of(feature: object) -> str:
    properties = feature.get("properties") if isinstance(feature, dict) else None
    named = properties if isinstance(properties, dict) else {}
    found = named.get("id", named.get("adcode"))
    return f" {found}" if isinstance(found, str) else ""


def _read(feature: object) -> tuple[Fence, Any]:
    if not isinstance(feature, dict) or feature.get("type") != "Feature":
        raise ValueError("not a Feature")
    try:
        fence = _FENCE.validate_python(feature.get("properties"))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in ("properties", *first["loc"]))
        raise ValueError(f"{place}: {first['msg']}") from None
    return fence, read_shape(feature.get("geometry"), _SHAPES[fence.kind])
