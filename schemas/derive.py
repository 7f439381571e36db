"""
From a pydantic model to a msgspec struct, so that one declaration serves both speeds.

Types and bounds carry over. Patterns do not: a regular expression doubles the time of a decode, so whoever
needs one checks it over a whole batch. Validators of the model do not carry over either.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from types import MappingProxyType, UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin

import annotated_types
import msgspec
from pydantic import BaseModel
from pydantic.fields import FieldInfo

__all__ = ["struct_of"]

_BOUNDS: Final = {
    annotated_types.Ge: "ge",
    annotated_types.Gt: "gt",
    annotated_types.Le: "le",
    annotated_types.Lt: "lt",
    annotated_types.MinLen: "min_length",
    annotated_types.MaxLen: "max_length",
}


def struct_of(model: type[BaseModel], defaults: Mapping[str, object] = MappingProxyType({})) -> type[msgspec.Struct]:
    """
    Build the struct with the fields of *model*; unknown fields are let through.

    *defaults* replaces the default of a field where absence must be told by something other than None.
    The struct is not tracked by the garbage collector: nothing in a message can refer back to it.
    """
    fields: list[tuple[str, Any] | tuple[str, Any, Any]] = [
        (name, _type(field.annotation, field.metadata))
        if field.is_required()
        else (name, _type(field.annotation, field.metadata), defaults.get(name, field.default))
        for name, field in model.model_fields.items()
    ]
    return msgspec.defstruct(f"Wire{model.__name__}", fields, frozen=True, gc=False, kw_only=True)


_nested = cache(struct_of)


def _type(annotation: object, metadata: list[Any]) -> object:
    if get_origin(annotation) is Annotated:
        inner, *more = get_args(annotation)
        return _type(inner, [*metadata, *more])
    bounds = {_BOUNDS[type(m)]: getattr(m, _BOUNDS[type(m)]) for m in _flat(metadata) if type(m) in _BOUNDS}
    plain = _plain(annotation)
    return Annotated[plain, msgspec.Meta(**bounds)] if bounds else plain


def _plain(annotation: object) -> object:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return _nested(annotation)
    origin = get_origin(annotation)
    if origin is None:
        return annotation
    inside = tuple(part if part is ... else _type(part, []) for part in get_args(annotation))
    return Union[inside] if origin in {Union, UnionType} else origin[inside]  # noqa: UP007


def _flat(metadata: list[Any]) -> Iterator[Any]:
    for item in metadata:
        if isinstance(item, FieldInfo):
            yield from item.metadata
        else:
            yield item
