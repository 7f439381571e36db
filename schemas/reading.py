"""
From bytes to a message, and from a refusal to its reason code.

Every message is read strictly: no number from a string, no time from a boolean, no fraction of a millisecond.
"""

from typing import Final, TypeVar

from pydantic import BaseModel, ValidationError

from schemas.errors import BadInput, Reason

__all__ = ["LARGEST_ORDER", "LARGEST_VALUE", "read", "why_refused"]

LARGEST_VALUE: Final = 4_096
LARGEST_ORDER: Final = 65_536

M = TypeVar("M", bound=BaseModel)

_BY_TYPE: Final = {
    "missing": Reason.missing_field,
    "json_invalid": Reason.not_json,
    "greater_than_equal": Reason.out_of_range,
    "less_than_equal": Reason.out_of_range,
    "finite_number": Reason.out_of_range,
    "int_parsing_size": Reason.out_of_range,
    "string_too_short": Reason.out_of_range,
    "string_too_long": Reason.out_of_range,
    "string_pattern_mismatch": Reason.out_of_range,
    "value_error": Reason.wrong_type,
    "datum_undeclared": Reason.unknown_datum,
}
_BY_FIELD: Final = {"datum": Reason.unknown_datum, "status": Reason.unknown_status}


def read(model: type[M], value: bytes | None, *, largest: int = LARGEST_VALUE) -> M:
    """
    Read one record's value as *model*.

    :raises BadInput: with the reason of the first thing that is wrong; sizes are judged before anything is parsed.
    """
    if not value:
        raise BadInput(Reason.empty_value)
    if len(value) > largest:
        raise BadInput(Reason.oversize)
    try:
        return model.model_validate_json(value, strict=True)
    except ValidationError as refusal:
        reason, where = why_refused(refusal)
    raise BadInput(reason, where)


def why_refused(refusal: ValidationError) -> tuple[Reason, str]:
    """Give the reason code and the field of the first complaint; the value itself is left out."""
    first = refusal.errors(include_url=False, include_input=False, include_context=False)[0]
    where = ".".join(str(step) for step in first["loc"])
    if first["type"] == "enum":
        return _BY_FIELD.get(where, Reason.wrong_type), where
    return _BY_TYPE.get(first["type"], Reason.wrong_type), where
