"""A check-in: the answer to a roll call (点验), or that none came."""

from enum import StrEnum
from typing import Self

from pydantic import Field, model_validator

from schemas.fields import Accuracy, Datum, Identifier, Latitude, Longitude, Moment, Received, SuperviseeId

__all__ = ["Answer", "CheckIn", "Method"]


class Answer(StrEnum):
    """What came back: the right person, somebody else or a doubtful match, or nothing in time."""

    matched = "matched"
    unmatched = "unmatched"
    missed = "missed"


class Method(StrEnum):
    """How the person was recognised."""

    face = "face"
    voice = "voice"


class CheckIn(Received):
    """
    One roll call and its answer.

    An answer carries the method; a missed one cannot. The place is optional as a whole, never in part.
    ``time_ms`` is the moment of the answer; of a missed one, the end of the time allowed.
    """

    supervisee: SuperviseeId
    checkin_id: Identifier
    time_ms: Moment
    answer: Answer
    method: Method | None = None
    challenge_id: Identifier | None = Field(default=None, description="The challenge that this answers.")
    lon: Longitude | None = None
    lat: Latitude | None = None
    datum: Datum | None = None
    accuracy_m: Accuracy | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if (self.answer is Answer.missed) != (self.method is None):
            msg = "an answer names its method, a missed call has none"
            raise ValueError(msg)
        if len({self.lon is None, self.lat is None, self.datum is None}) > 1:
            msg = "a place needs lon, lat and datum"
            raise ValueError(msg)
        return self
