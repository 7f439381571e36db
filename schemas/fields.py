"""
The words that several messages share: ids, times, places, and how open a message is.

A time is an int, milliseconds since 1970 UTC. A position is ``lon, lat`` in degrees of a declared datum.
"""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field

__all__ = [
    "CONTROLS",
    "LONGEST_ID",
    "Accuracy",
    "Adcode",
    "Coded",
    "Datum",
    "Hash",
    "Identifier",
    "Latitude",
    "Longitude",
    "Moment",
    "Organisation",
    "Received",
    "Sent",
    "SuperviseeId",
]

LONGEST_ID = 64
CONTROLS = bytes([*range(32), 127])  # what no id may hold
_PLAIN = r"[^\x00-\x1f\x7f]"

SuperviseeId = Annotated[
    str,
    Field(
        min_length=1,
        max_length=LONGEST_ID,
        pattern=rf"^[^~\x00-\x1f\x7f]{_PLAIN}*$",
        description="Pseudonym of the person, equal to the record's key. No control characters; '~' is reserved.",
    ),
]
Identifier = Annotated[str, Field(min_length=1, max_length=LONGEST_ID, pattern=rf"^{_PLAIN}+$")]
Moment = Annotated[
    int, Field(ge=946_684_800_000, le=4_102_444_800_000, description="Milliseconds since 1970 UTC; years 2000 to 2100.")
]
Longitude = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False, description="Degrees east in *datum*.")]
Latitude = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False, description="Degrees north in *datum*.")]
Accuracy = Annotated[
    float,
    Field(
        ge=0,
        le=100_000,
        allow_inf_nan=False,
        description="Radius in metres that holds the truth with 68 %; 0 or missing counts as 1,000 m.",
    ),
]
Hash = Annotated[
    str, Field(min_length=32, max_length=32, pattern="^[0-9a-f]{32}$", description="128 bits as lower-case hex.")
]
Adcode = Annotated[str, Field(pattern=r"^\d{6}$", description="Administrative code, such as 450203.")]
Organisation = Annotated[
    str,
    Field(
        pattern=r"^\d{6}(/\d{6}(/\d{6}(/\d{9})?)?)?$",
        description="Path region/city/county/township, such as 450000/450200/450202/450202001.",
    ),
]


class Coded(StrEnum):
    """
    A closed set whose members also know their position, which is what the columns store.

    A new member goes to the end: the position is in every stored row.
    """

    code: int

    def __new__(cls, word: str) -> Self:
        """Give the next position to the next member."""
        member = str.__new__(cls, word)
        member._value_ = word
        member.code = len(cls.__members__)
        return member


class Datum(Coded):
    """The reference of a position. Undeclared is refused: GCJ-02 is half a kilometre off."""

    wgs84 = "wgs84"
    gcj02 = "gcj02"
    bd09 = "bd09"


class Received(BaseModel):
    """A message that others write: unknown fields are let through, so that they may add some before we do."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Sent(BaseModel):
    """A message or a file in our own care: an unknown field is a mistake."""

    model_config = ConfigDict(frozen=True, extra="forbid")
