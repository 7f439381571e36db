"""A feed: orders, pings in time order and the truth behind them, ready for files or Kafka."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from geofence.datum import from_wgs84
from geofence.plane import from_plane
from schemas.fields import Datum
from schemas.order import Order
from schemas.ping import Source, Status
from stream.simulate.people import CENTRE

__all__ = ["REPORT", "Feed", "Phone", "SentPing", "Truth", "merge"]

REPORT: Final = np.dtype(
    [
        ("time_ms", "<i8"),
        ("phone", "<u4"),
        ("status", "u1"),
        ("x", "<f8"),
        ("y", "<f8"),
        ("accuracy_m", "<f4"),
        ("cell", "<i8"),
    ]
)
"""One ping before it is written: the place in metres on the plane of the city, status as position in `Status`."""

_CHUNK: Final = 65_536
_STATUSES: Final = tuple(Status)
_DATUMS: Final = tuple(Datum)
_HEAD: Final = '{{"supervisee":"{}","time_ms":'
_TAIL: Final = '"carrier":"{}","source":"{}","sim":"{}","device":"{}"}}'


class Phone(NamedTuple):
    """What stands in every ping of one phone."""

    supervisee: str
    datum: Datum
    carrier: str
    sim: str
    device: str


class SentPing(NamedTuple):
    """One record of the pings topic."""

    time_ms: int
    supervisee: str
    value: bytes


class Truth(NamedTuple):
    """
    What really happened: an absence in the curfew, a phone gone silent, or an outage that is nobody's.

    `kind` is the class of a curfew breach (whole_night, late, left, minor) or the cause of a gap (silent, or the
    carrier's code). A gap lasts from the last contact, or from its first code, to the next contact; `until_ms` is
    None when there is none.
    """

    supervisee: str | None
    rule: str
    kind: str
    since_ms: int
    until_ms: int | None

    def as_json(self) -> dict[str, object]:
        """Give the row of the truth file."""
        word = "cause" if self.rule == "gap" else "class"
        return {
            "supervisee": self.supervisee,
            "rule": self.rule,
            word: self.kind,
            "since_ms": self.since_ms,
            "until_ms": self.until_ms,
        }


@dataclass(frozen=True, slots=True)
class Feed:
    """
    Everything about some people and some days. `reports` has the dtype REPORT and is in time order.

    Nothing happens at or after `end_ms`. A report takes 41 bytes; the pings are written as they are asked for, about
    300 bytes each.
    """

    orders: tuple[Order, ...]
    phones: tuple[Phone, ...]
    reports: NDArray[np.void]
    truth: tuple[Truth, ...]
    end_ms: int

    def __len__(self) -> int:
        return len(self.reports)

    def pings(self) -> Iterator[SentPing]:
        """Write the pings one after the other, in time order."""
        heads = [_HEAD.format(phone.supervisee) for phone in self.phones]
        tails = [_TAIL.format(phone.carrier, Source.network, phone.sim, phone.device) for phone in self.phones]
        datums = np.array([phone.datum.code for phone in self.phones], np.uint8)
        for start in range(0, len(self.reports), _CHUNK):
            part = self.reports[start : start + _CHUNK]
            code = datums[part["phone"]]
            lon, lat = from_wgs84(*from_plane(part["x"], part["y"], *CENTRE), code)
            columns = (part["time_ms"], part["phone"], part["status"], lon, lat, code, part["accuracy_m"], part["cell"])
            for time_ms, phone, status, east, north, datum, accuracy_m, cell in zip(
                *(column.tolist() for column in columns), strict=True
            ):
                body = f'{heads[phone]}{time_ms},"status":"{_STATUSES[status]}",'
                if status == Status.located.code:
                    body += (
                        f'"lon":{east:.7f},"lat":{north:.7f},"datum":"{_DATUMS[datum]}","accuracy_m":{accuracy_m:.0f},'
                    )
                    body += f'"cell":"46000-{cell:x}",'
                yield SentPing(time_ms, self.phones[phone].supervisee, (body + tails[phone]).encode())


def merge(
    orders: Sequence[Order],
    phones: Sequence[Phone],
    parts: Sequence[NDArray[np.void]],
    truth: Sequence[Truth],
    end_ms: int,
) -> Feed:
    """Put the reports of several phones into time order; reports of one time keep the order of the phones."""
    reports = np.concatenate(parts) if parts else np.empty(0, REPORT)
    reports = reports[np.argsort(reports["time_ms"], kind="stable")]
    ordered = sorted(truth, key=lambda row: (row.since_ms, row.supervisee or "", row.rule))
    return Feed(tuple(orders), tuple(phones), reports, tuple(ordered), end_ms)
