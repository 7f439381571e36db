"""
A ping: what the carrier says about one phone, a fix or the reason why there is none.

``located`` promises a position; every other status may come without one. A position always declares its datum.
"""

from typing import Annotated, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from schemas.fields import Accuracy, Coded, Datum, Hash, Latitude, Longitude, Moment, Received, SuperviseeId

__all__ = ["Carrier", "Datum", "Ping", "Source", "Status"]

Carrier = Annotated[str, Field(max_length=16)]


class Status(Coded):
    """The carrier's answer. Each cause of silence has its own code, because each has its own owner and remedy."""

    located = "located"
    no_fix = "no_fix"
    powered_off = "powered_off"
    out_of_coverage = "out_of_coverage"
    suspended = "suspended"
    arrears = "arrears"
    timeout = "timeout"
    service_not_opened = "service_not_opened"
    function_not_activated = "function_not_activated"
    consent_withdrawn = "consent_withdrawn"
    number_not_own = "number_not_own"


class Source(Coded):
    """What produced the position. The confidence of ``accuracy_m`` differs by source."""

    network = "network"
    gnss = "gnss"
    wifi = "wifi"
    wristband = "wristband"


class Ping(Received):
    """
    One message of the carrier about one phone.

    A missing accuracy is allowed and counts as 1,000 m; a missing datum is not, once there is a position.

    >>> Ping(supervisee="lz-1", time_ms=1_582_000_000_000, status=Status.powered_off).lon is None
    True
    """

    supervisee: SuperviseeId
    time_ms: Moment
    status: Status
    lon: Longitude | None = None
    lat: Latitude | None = None
    datum: Datum | None = None
    accuracy_m: Accuracy | None = None
    cell: Annotated[str, Field(max_length=32)] | None = Field(default=None, description="Serving cell.")
    carrier: Carrier | None = Field(default=None, description="Short name of the operator of the network.")
    source: Source = Source.network
    sim: Hash | None = Field(default=None, description="Salted hash of the SIM.")
    device: Hash | None = Field(default=None, description="Salted hash of the handset.")

    @model_validator(mode="after")
    def _has_a_whole_place(self) -> Self:
        position = {self.lon is None, self.lat is None}
        if len(position) > 1 or (self.status is Status.located and True in position):
            raise PydanticCustomError("missing", "a position needs lon and lat, and located needs a position")
        if False in position and self.datum is None:
            raise PydanticCustomError("datum_undeclared", "a position declares its datum")
        return self
