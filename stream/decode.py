"""
Records of the pings topic as the columns that the rules see, and the partition that a key belongs to.

The datum is settled here, once: what leaves this module is WGS-84. A radius that was given but rounds to nothing stays
one metre, since 0 would mean that none was given.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from aiokafka.partitioner import murmur2
from numpy.typing import NDArray

from detectors.pings import NO_POSITION, PING, WRISTBAND
from geofence.datum import to_wgs84
from schemas import wire
from schemas.errors import Reason
from schemas.ping import Source

DEGREES = 1e7
WIDEST_M = np.iinfo(np.uint16).max


@dataclass(frozen=True, slots=True)
class Batch:
    """
    Readable pings in the order of their records: `index` says where each stood, `refused` which could not be read.

    `pings` has the dtype `detectors.pings.PING` and the shape (n,); `clocks` are the clock records by their place.
    """

    supervisees: list[str]
    pings: NDArray[np.void]
    index: NDArray[np.int64]
    refused: list[tuple[int, Reason]]
    clocks: list[tuple[int, int]]


def decode(keys: Sequence[bytes | None], values: Sequence[bytes | None]) -> Batch:
    """Read the records of one partition; nothing in them can make this raise."""
    decoded = wire.decode_pings(keys, values)
    return Batch(
        decoded.columns.supervisee, packed(decoded.columns), decoded.index, decoded.refused, decoded.clocks
    )


def packed(columns: wire.Columns) -> NDArray[np.void]:
    """Give decoded pings as `PING` records, positions in WGS-84."""
    pings = np.zeros(len(columns.time_ms), PING)
    placed = ~(np.isnan(columns.lon) | np.isnan(columns.lat))
    lon, lat = to_wgs84(columns.lon, columns.lat, columns.datum)
    for name, degrees in (("lon", lon), ("lat", lat)):
        pings[name] = NO_POSITION
        pings[name][placed] = np.rint(degrees[placed] * DEGREES)
    pings["time_ms"] = columns.time_ms
    pings["accuracy_m"] = np.minimum(np.ceil(np.nan_to_num(columns.accuracy_m)), WIDEST_M)
    pings["status"] = columns.status
    pings["phone"] = np.where(columns.source == Source.wristband.code, WRISTBAND, 0)
    pings["device"] = columns.device
    return pings


def partition_of(key: bytes, partitions: int) -> int:
    """
    Give the partition that Java's and Faust's producers choose for a key.

    >>> partition_of(b"lz-1", 16)
    3
    """
    return int(murmur2(key) & 0x7FFFFFFF) % partitions


def misrouted(keys: Collection[bytes | None], number: int, partitions: int) -> set[bytes | None]:
    """Give those of `keys` that hash to another partition than `number`; their sender uses another partitioner."""
    return {key for key in keys if key is not None and partition_of(key, partitions) != number}
