"""The published schemas: no drift, no break of a release, every golden sample still read."""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any, Final

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from schemas.compatible import breaks
from schemas.export import FOLDER, MESSAGES, RELEASED, schema_of, write
from schemas.reading import LARGEST_ORDER, read

GOLDEN: Final = sorted((Path(__file__).parent / "golden").glob("v*/*.json"))
SAMPLES: Final = [path for path in GOLDEN if ".headers" not in path.name]
RELEASES: Final = sorted(RELEASED.glob("v*/*.json"))
CHECKED: Final = {
    *("$defs", "$ref", "additionalProperties", "anyOf", "enum", "format", "items", "maxItems", "maxLength", "maximum"),
    *("minItems", "minLength", "minimum", "pattern", "properties", "required", "type"),
}
SILENT: Final = {"$id", "$schema", "default", "description", "title"}


def schema(name: str) -> dict[str, Any]:
    """Give the schema of today."""
    return dict(json.loads(schema_of(name)))


def name_of(sample: Path) -> str:
    """Give the message of a golden sample: ``ping-located.json`` is a ping."""
    return sample.stem.split("-")[0]


@pytest.mark.parametrize("name", MESSAGES)
def test_no_drift(name: str) -> None:
    """The files in the tree are those that ``python -m schemas.export`` writes."""
    assert schema_of(name) == (FOLDER / f"{name}.json").read_text(encoding="utf-8")
    Draft202012Validator.check_schema(schema(name))


def test_export_writes_every_message(tmp_path: Path) -> None:
    """One file a message, and no other in the tree."""
    write(tmp_path / "new")
    assert {f"{name}.json" for name in MESSAGES} == {path.name for path in (tmp_path / "new").iterdir()}
    assert {f"{name}.json" for name in MESSAGES} == {path.name for path in FOLDER.iterdir()}


@pytest.mark.parametrize("release", RELEASES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_no_release_is_broken(release: Path) -> None:
    """Whoever built on any released schema is safe with that of today."""
    assert [] == breaks(MESSAGES[release.stem].direction, json.loads(release.read_bytes()), schema(release.stem))


def test_every_message_is_released() -> None:
    """The first release holds every message that has a schema."""
    assert {("v1", name) for name in MESSAGES} <= {(path.parent.name, path.stem) for path in RELEASES}


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_old_samples_are_still_read(sample: Path) -> None:
    """Bytes of a release still parse, and their schema of today still holds them."""
    name = name_of(sample)
    assert read(MESSAGES[name].model, sample.read_bytes(), largest=LARGEST_ORDER)
    assert [] == list(Draft202012Validator(schema(name)).iter_errors(json.loads(sample.read_bytes())))


def test_every_message_has_samples() -> None:
    """Every message has golden samples, and every sample belongs to a message."""
    assert set(MESSAGES) == {name_of(sample) for sample in SAMPLES}


def keywords(part: Any, *, named: bool = False) -> set[str]:  # noqa: ANN401
    """Give the keywords of a schema; under *named* the keys are names of fields."""
    if isinstance(part, list):
        return set().union(*map(keywords, part))
    if not isinstance(part, dict):
        return set()
    inner = [keywords(value, named=not named and key in {"properties", "$defs"}) for key, value in part.items()]
    return set().union(*inner, () if named else part)


def test_the_checker_knows_every_keyword() -> None:
    """No schema uses a keyword that the checker would pass over."""
    assert CHECKED | SILENT == set().union(*(keywords(schema(name)) for name in MESSAGES))


def changed(name: str, *path: str, **changes: Any) -> dict[str, Any]:  # noqa: ANN401
    """Give a schema with changes at *path*; a change to ``...`` takes the keyword away."""
    new = deepcopy(schema(name))
    part = new
    for step in path:
        part = part[step]
    part.update({key: value for key, value in changes.items() if value is not ...})
    for key in [key for key, value in changes.items() if value is ...]:
        del part[key]
    return new


REQUIRED: Final = {name: schema(name)["required"] for name in MESSAGES}
WORD: Final = {"type": "string"}


@pytest.mark.parametrize(
    ("name", "new", "expected"),
    [
        (
            "alert",
            changed("alert", required=[name for name in REQUIRED["alert"] if name != "since"]),
            ["$.since: required, but may be missing"],
        ),
        ("alert", changed("alert", "$defs", "Phase", enum=["opened", "lost"]), ["$.phase: unknown value lost"]),
        ("alert", changed("alert", "properties", "revision", minimum=0), ["$.revision: minimum 0 instead of 1"]),
        ("alert", changed("alert", "properties", "rule", maxLength=65), ["$.rule: maxLength 65 instead of 64"]),
        ("alert", changed("alert", "properties", "rule", pattern="^.*$"), ["$.rule: another pattern"]),
        ("alert", changed("alert", "properties", "revision", minimum=...), ["$.revision: minimum None instead of 1"]),
        ("alert", changed("alert", "properties", "revision", type="string"), ["$.revision: string instead of integer"]),
        (
            "alert",
            changed("alert", "properties", since={"anyOf": [WORD | {"format": "date-time"}, {"type": "null"}]}),
            ["$.since: null instead of string"],
        ),
        ("alert", changed("alert", "$defs", "Text", required=["zh"]), ["$.text.en: required, but may be missing"]),
        (
            "ping",
            changed("ping", required=[*REQUIRED["ping"], "msisdn"]),
            ["$.msisdn: required, but may be missing"],
        ),
        (
            "ping",
            changed("ping", "$defs", "Source", enum=["network", "gnss", "wifi"]),
            ["$.source: unknown value wristband"],
        ),
        (
            "ping",
            changed("ping", "properties", "time_ms", maximum=1),
            ["$.time_ms: maximum 4102444800000 instead of 1"],
        ),
        (
            "order",
            changed("order", "$defs", "Phone", "properties", "devices", maxItems=1),
            ["$.phones[].devices: maxItems 16 instead of 1"],
        ),
        (
            "order",
            changed("order", "properties", officer=...),
            ["$.officer: unknown field, and the reader is closed"],
        ),
    ],
)
def test_breaks_are_caught(name: str, new: dict[str, Any], expected: list[str]) -> None:
    """Each change that harms a holder of the released schema is named with its place."""
    assert expected == breaks(MESSAGES[name].direction, schema(name), new)


@pytest.mark.parametrize(
    ("name", "new"),
    [
        ("alert", changed("alert", "properties", more=WORD)),
        ("alert", changed("alert", "properties", "rule", maxLength=32)),
        ("alert", changed("alert", "$defs", "Severity", enum=["alert"])),
        ("ping", changed("ping", "properties", more=WORD)),
        ("ping", changed("ping", required=["supervisee", "time_ms"])),
        ("ping", changed("ping", "$defs", "Source", enum=["network", "gnss", "wifi", "wristband", "ble"])),
        ("ping", changed("ping", "properties", cell=...)),
        ("order", changed("order", "properties", more=WORD)),
    ],
)
def test_growth_is_no_break(name: str, new: dict[str, Any]) -> None:
    """New optional fields, wider inputs and narrower outputs harm nobody."""
    assert [] == breaks(MESSAGES[name].direction, schema(name), new)


def test_removed_field_of_an_alert_breaks_its_readers() -> None:
    """A field that readers were promised cannot go, even when it goes from both lists."""
    new = changed("alert", "properties", evidence=...)
    new["required"].remove("evidence")
    assert ["$.evidence: required, but may be missing"] == breaks("out", schema("alert"), new)
