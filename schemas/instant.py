"""Times as they are published: RFC 3339 in UTC, always with milliseconds and ``Z``."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

from pydantic import AfterValidator, AwareDatetime, PlainSerializer, WithJsonSchema

__all__ = ["Instant", "instant", "milliseconds", "rfc3339"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MS: Final = timedelta(milliseconds=1)


def instant(time_ms: int) -> datetime:
    """
    Give the moment of milliseconds since 1970, exactly: no float on the way.

    >>> instant(1_582_295_400_001).isoformat()
    '2020-02-21T14:30:00.001000+00:00'
    """
    return _EPOCH + time_ms * _MS


def milliseconds(moment: datetime) -> int:
    """
    Undo :func:`instant`; what is finer than a millisecond is dropped.

    >>> milliseconds(instant(1_582_295_400_001))
    1582295400001
    """
    return (moment - _EPOCH) // _MS


def rfc3339(moment: datetime) -> str:
    """
    Write a moment as it is published.

    >>> rfc3339(instant(1_582_295_400_000))
    '2020-02-21T14:30:00.000Z'
    """
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def _in_milliseconds(moment: datetime) -> datetime:
    return instant(milliseconds(moment))


Instant = Annotated[
    AwareDatetime,
    AfterValidator(_in_milliseconds),
    PlainSerializer(rfc3339, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
