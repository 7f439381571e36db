"""Pings at the speed of the wire: lists of keys and values in, columns out.

The decoder is derived from :class:`schemas.ping.Ping`. What it cannot see (patterns, the record's key, fields that
depend on each other) is checked over a whole chunk at once; only a chunk with something wrong in it is read
record by record. Both ways refuse the same records.
"""

import re
import struct
from binascii import unhexlify
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from math import nan
from types import SimpleNamespace
from typing import Final, NamedTuple, Protocol, cast

import msgspec
import numpy as np
from numpy.typing import NDArray

from schemas.derive import struct_of
from schemas.errors import BadInput, Reason
from schemas.fields import CONTROLS, Datum, Moment, Received
from schemas.ping import Ping, Source, Status
from schemas.reading import LARGEST_VALUE, read

__all__ = ["CLOCK_KEY", "Clock", "Columns", "Decoded", "WirePing", "columns", "decode", "decode_pings"]

CLOCK_KEY: Final = b"~clock"
CHUNK: Final = 512  # more at a time falls out of the processor's cache
NO_DEVICE: Final = "0" * 32
UNDECLARED: Final = 255
_ABSENT: Final = {
    "lon": nan,
    "lat": nan,
    "accuracy_m": nan,
    "datum": SimpleNamespace(code=UNDECLARED),
    "sim": "",
    "device": NO_DEVICE,
}
_HEX: Final = b"0123456789abcdef"
_SUPERVISEE: Final = re.compile(rb'"supervisee"\s*:')


class WirePing(Protocol):
    """What the decoder makes of a ping: absent numbers are NaN, an absent device is 32 zeros, an absent sim is empty.

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


class Clock(Received):
    """A clock record: how far the sender's time has come, written to every partition under ``~clock``."""

    clock_ms: Moment


class Columns(NamedTuple):
    """Pings as arrays and lists of equal length.

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


@dataclass(frozen=True, slots=True)
class Decoded:
    """The good pings of one batch, where each one stood in it, what was refused, and the newest clock record."""

    pings: list[WirePing]
    index: NDArray[np.int64]
    refused: list[tuple[int, Reason]]
    clock_ms: int | None
    columns: Columns


class _Suspect(Exception):  # noqa: N818
    """Something in the chunk is wrong; which record it is, only a look at each can tell."""


decode = cast("Callable[[bytes], WirePing]", msgspec.json.Decoder(struct_of(Ping, _ABSENT)).decode)
_UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_pack: Final = struct.Struct("<qdddBBB5x").pack
_ROW: Final = np.dtype(
    {
        "names": ["time_ms", "lon", "lat", "accuracy_m", "status", "datum", "source"],
        "formats": ["<i8", "<f8", "<f8", "<f8", "u1", "u1", "u1"],
        "offsets": [0, 8, 16, 24, 32, 33, 34],
        "itemsize": 40,
    }
)


def decode_pings(keys: Sequence[bytes | None], values: Sequence[bytes | None]) -> Decoded:
    """Read the records of one batch; each bad one is refused with its reason, clock records are kept apart.

    The trap of JSON is a name given twice: the last one wins here, the first one elsewhere. So ``"supervisee"`` may
    stand once in a record, at any depth, and must equal the record's key.
    """
    index = np.arange(len(values))
    refused: list[tuple[int, Reason]] = []
    clock_ms = None
    if CLOCK_KEY in keys:
        clocks = [i for i, key in enumerate(keys) if key == CLOCK_KEY]
        clock_ms = _clock([(i, values[i]) for i in clocks], refused)
        index = np.delete(index, clocks)
        keys, values = [keys[i] for i in index.tolist()], [values[i] for i in index.tolist()]
    pings: list[WirePing] = []
    good, parts = [index[:0]], []
    for start in range(0, len(values), CHUNK):
        some = slice(start, start + CHUNK)
        try:
            chunk, part = _together(keys[some], values[some])
            good.append(index[some])
        except (_Suspect, TypeError, *_UNREADABLE):
            chunk, kept, reasons = _apart(keys[some], values[some])
            part = columns(chunk)
            good.append(index[some][kept])
            refused += [(int(index[start + i]), reason) for i, reason in reasons]
        pings += chunk
        parts.append(part)
    return Decoded(pings, np.concatenate(good), sorted(refused), clock_ms, _joined(parts))


def columns(pings: Sequence[WirePing]) -> Columns:
    """Turn the pings of a :class:`Decoded` into columns."""
    return _columns(pings, _rows(pings))


def _rows(pings: Sequence[WirePing]) -> NDArray[np.void]:
    packed = [_pack(p.time_ms, p.lon, p.lat, p.accuracy_m, p.status.code, p.datum.code, p.source.code) for p in pings]
    return np.frombuffer(b"".join(packed), _ROW)


def _columns(pings: Sequence[WirePing], rows: NDArray[np.void]) -> Columns:
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


def _joined(parts: list[Columns]) -> Columns:
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return columns([])
    return Columns._make(
        list(chain(*column)) if isinstance(column[0], list) else np.concatenate(column)
        for column in zip(*parts, strict=True)
    )


def _together(keys: Sequence[bytes | None], values: Sequence[bytes | None]) -> tuple[list[WirePing], Columns]:
    """Read a chunk as a whole; raises when any record of it needs a look of its own."""
    present = cast("Sequence[bytes]", values)  # a None among keys or values raises TypeError
    if max(map(len, present)) > LARGEST_VALUE:
        raise _Suspect
    pings = list(map(decode, present))
    ids = "\0".join([p.supervisee for p in pings]).encode()
    if ids != b"\0".join(cast("Sequence[bytes]", keys)) or not _are_plain(ids, len(pings)):
        raise _Suspect
    if not _name_one_person_each(b"".join(present), len(pings)):
        raise _Suspect
    try:
        hashes, rows = _hashes(pings), _rows(pings)
    except (TypeError, AttributeError, struct.error):
        pings = list(map(_filled, pings))
        hashes, rows = _hashes(pings), _rows(pings)
    if hashes.translate(None, _HEX) or not _are_placed(rows):
        raise _Suspect
    return pings, _columns(pings, rows)


def _are_plain(ids: bytes, count: int) -> bool:
    """Whether only the separators are control characters, and no id begins with the reserved sign."""
    return len(ids.translate(None, CONTROLS)) == len(ids) - count + 1 and not ids.startswith(b"~") and b"\0~" not in ids


def _name_one_person_each(text: bytes, count: int) -> bool:
    """Whether the chunk holds as many names ``supervisee`` as records, told by their p and v: 3 x faster than count."""
    letters = np.frombuffer(text, np.uint8)
    found = letters[3:] == ord("v")
    found &= letters[:-3] == ord("p")
    return bool(np.count_nonzero(found) == count)


def _are_placed(rows: NDArray[np.void]) -> bool:
    nowhere = np.isnan(rows["lon"])
    wrong = nowhere != np.isnan(rows["lat"])
    wrong |= nowhere & (rows["status"] == Status.located.code)
    wrong |= ~nowhere & (rows["datum"] == UNDECLARED)
    return not wrong.any()


def _hashes(pings: Sequence[WirePing]) -> bytes:
    return ("".join([p.sim for p in pings]) + "".join([p.device for p in pings])).encode()


def _apart(
    keys: Sequence[bytes | None], values: Sequence[bytes | None]
) -> tuple[list[WirePing], list[int], list[tuple[int, Reason]]]:
    """Read a chunk record by record: the good pings, their positions, and the refusals."""
    pings, kept, refused = [], [], []
    for i, (key, value) in enumerate(zip(keys, values, strict=True)):
        try:
            pings.append(_one(key, value))
            kept.append(i)
        except BadInput as bad:
            refused.append((i, bad.reason))
    return pings, kept, refused


def _one(key: bytes | None, value: bytes | None) -> WirePing:
    if not key:
        raise BadInput(Reason.key_missing)
    if not value:
        raise BadInput(Reason.empty_value)
    if len(value) > LARGEST_VALUE:
        raise BadInput(Reason.oversize)
    try:
        ping = _filled(decode(value))
    except _UNREADABLE:
        ping = None
    if ping is None or not _is_sound(ping):
        read(Ping, value)  # the slower twin says what is wrong
        raise BadInput(Reason.wrong_type)
    if len(_SUPERVISEE.findall(value)) > 1:
        raise BadInput(Reason.duplicate_key, "supervisee")
    if ping.supervisee.encode() != key:
        raise BadInput(Reason.key_mismatch, "supervisee")
    return ping


def _is_sound(ping: WirePing) -> bool:
    """Check of one ping what :func:`_together` checks of many."""
    hashes = _hashes([ping])
    return _are_plain(ping.supervisee.encode(), 1) and not hashes.translate(None, _HEX) and _are_placed(_rows([ping]))


def _filled(ping: WirePing) -> WirePing:
    """Give a null of the wire the value that absence has."""
    nulls = {name: value for name, value in _ABSENT.items() if getattr(ping, name) is None}
    return cast("WirePing", msgspec.structs.replace(cast("msgspec.Struct", ping), **nulls)) if nulls else ping


def _clock(records: list[tuple[int, bytes | None]], refused: list[tuple[int, Reason]]) -> int | None:
    """Give the newest of these clock records; what cannot be read is added to *refused*."""
    newest = None
    for i, value in records:
        try:
            clock_ms = read(Clock, value).clock_ms
        except BadInput as bad:
            refused.append((i, bad.reason))
        else:
            newest = clock_ms if newest is None else max(newest, clock_ms)
    return newest
