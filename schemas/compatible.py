"""
Whether a changed schema breaks those who hold the released one.

What others write must stay readable: the new schema reads whatever a released one allowed (BACKWARD).
What Vigil writes must stay readable: a released schema reads whatever the new one allows (FORWARD).
Both are one question with the roles turned: may the reader refuse something that the writer may write?
The trap is a closed reader: with ``additionalProperties: false`` even a new optional field is refused.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal, NamedTuple

__all__ = ["Schema", "breaks"]

Schema = Mapping[str, Any]

_LEAST: Final = ("minimum", "minLength", "minItems")
_MOST: Final = ("maximum", "maxLength", "maxItems")
_SAME: Final = ("pattern", "format")


class _Side(NamedTuple):
    """A part of a schema, with the definitions that its references point to."""

    part: Schema
    definitions: Schema

    def at(self, part: Schema) -> "_Side":
        while "$ref" in part:
            part = self.definitions[part["$ref"].removeprefix("#/$defs/")]
        return _Side(part, self.definitions)

    def choices(self) -> "list[_Side]":
        return [self.at(choice) for choice in self.part.get("anyOf", [self.part])]


def breaks(direction: Literal["in", "out"], released: Schema, new: Schema) -> list[str]:
    """Say, one line a place, how *new* breaks the holders of *released*; nothing when all is well."""
    reader, writer = (new, released) if direction == "in" else (released, new)
    return list(_refused(_whole(reader), _whole(writer), "$"))


def _whole(schema: Schema) -> _Side:
    return _Side(schema, schema.get("$defs", {}))


def _refused(reader: _Side, writer: _Side, where: str) -> Iterator[str]:
    """Every choice of the writer must suit one of the reader; else the nearest one says why not."""
    for written in writer.choices():
        yield from min((list(_unsuited(read, written, where)) for read in reader.choices()), key=len)


def _unsuited(reader: _Side, writer: _Side, where: str) -> Iterator[str]:
    read, written = reader.part, writer.part
    kind, fits = written.get("type"), {"number": ("number", "integer")}
    if "type" in read and kind not in fits.get(read["type"], (read["type"],)):
        yield f"{where}: {kind} instead of {read['type']}"
        return
    if "enum" in read and (unknown := set(written.get("enum", ["anything"])) - set(read["enum"])):
        yield f"{where}: unknown value {', '.join(sorted(unknown))}"
    for bound in (*_LEAST, *_MOST):
        limit, value = read.get(bound), written.get(bound)
        if limit is not None and (value is None or (value < limit if bound in _LEAST else value > limit)):
            yield f"{where}: {bound} {value} instead of {limit}"
    yield from (f"{where}: another {s}" for s in _SAME if s in read and written.get(s) != read[s])
    for name in sorted({*read.get("required", ())} - {*written.get("required", ())}):
        yield f"{where}.{name}: required, but may be missing"
    for name, part in written.get("properties", {}).items():
        inside = read.get("properties", {}).get(name, read.get("additionalProperties", {}))
        if inside is False:
            yield f"{where}.{name}: unknown field, and the reader is closed"
        else:
            yield from _refused(reader.at(inside), writer.at(part), f"{where}.{name}")
    if "items" in read:
        yield from _refused(reader.at(read["items"]), writer.at(written.get("items", {})), f"{where}[]")
