"""Pings as columns: what the wire decoder makes of a ping, and how many of them become arrays."""

import struct
from binascii import unhexlify
from collections.abc import Mapping, Sequence
from itertools import chain
from math import nan
from types import MappingProxyType, SimpleNamespace
from typing import Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from schemas.fields import Datum
from schemas.ping import Source, Status

__all__ = ["ABSENT", "UNDECLARED", "Columns", "WirePing", "are_placed", "columns", "columns_of", "joined", "rows_of"]

UNDECLARED: Final = 255
ABSENT: Final[Mapping[str, object]] = MappingProxyType(
    {
        "lon": nan,
        "lat": nan,
        "accuracy_m": nan,
        "datum": SimpleNamespace(code=UNDECLARED),
        "sim": "",
        "device": "0" * 32,
    }
)
_pack: Final = struct.Struct("<qdddBBB5x").pack
_ROW: Final = np.dtype(
    {
        "names": ["time_ms", "lon", "lat", "accuracy_m", "status", "datum", "source"],
        "formats": ["<i8", "<f8", "<f8", "<f8", "u1", "u1", "u1"],
        "offsets": [0, 8, 16, 24, 32, 33, 34],
        "itemsize": 40,
    }
)


class WirePing(Protocol):
    """
    What the decoder makes of a ping: absent numbers are NaN, an absent device is 32 zeros, an absent sim is empty.

    The datum of a ping without one is no member of :class:`Datum`; its ``code`` is 255.
    """

    supervisee: str
    time_ms: int
    status: Status
    lon: float
    lat: float
    datum: Datum
    accuracy_m: float
    cell: str | None
    carrier: str | None
    source: Source
    sim: str
    device: str


class Columns(NamedTuple):
    """
    Pings as arrays and lists of equal length.

    ``lon``, ``lat`` (degrees in ``datum``) and ``accuracy_m`` (metres) are NaN where absent; ``status``, ``datum`` and
    ``source`` are positions in their set (``datum`` 0 where none is declared, since there is nothing to shift);
    ``device`` is the first four bytes of the hash, big-endian, 0 where absent; ``sim`` is empty where absent.
    """

    supervisee: list[str]
    time_ms: NDArray[np.int64]
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    accuracy_m: NDArray[np.float64]
    status: NDArray[np.uint8]
    datum: NDArray[np.uint8]
    source: NDArray[np.uint8]
    device: NDArray[np.uint32]
    sim: list[str]


def columns(pings: Sequence[WirePing]) -> Columns:
    """Turn the pings of a :class:`Decoded` into columns."""
    return columns_of(pings, rows_of(pings))


def rows_of(pings: Sequence[WirePing]) -> NDArray[np.void]:
    """Pack the numbers of pings, an undeclared datum as 255; raises when one of them is None."""
    packed = [_pack(p.time_ms, p.lon, p.lat, p.accuracy_m, p.status.code, p.datum.code, p.source.code) for p in pings]
    return np.frombuffer(b"".join(packed), _ROW)


def columns_of(pings: Sequence[WirePing], rows: NDArray[np.void]) -> Columns:
    """Turn pings and their packed numbers into columns."""
    datum = rows["datum"].copy()
    datum[datum == UNDECLARED] = 0
    return Columns(
        [p.supervisee for p in pings],
        rows["time_ms"].copy(),
        rows["lon"].copy(),
        rows["lat"].copy(),
        rows["accuracy_m"].copy(),
        rows["status"].copy(),
        datum,
        rows["source"].copy(),
        np.frombuffer(unhexlify("".join([p.device for p in pings])), ">u4")[::4].astype(np.uint32),
        [p.sim for p in pings],
    )


def joined(parts: list[Columns]) -> Columns:
    """Put columns of several chunks end to end."""
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return columns([])
    return Columns._make(
        list(chain(*column)) if isinstance(column[0], list) else np.concatenate(column)
        for column in zip(*parts, strict=True)
    )


def are_placed(rows: NDArray[np.void]) -> bool:
    """Whether every position is whole and declares its datum, and every located ping has one."""
    nowhere = np.isnan(rows["lon"])
    wrong = nowhere != np.isnan(rows["lat"])
    wrong |= nowhere & (rows["status"] == Status.located.code)
    wrong |= ~nowhere & (rows["datum"] == UNDECLARED)
    return not wrong.any()
