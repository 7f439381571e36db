"""
Pings at the speed of the wire: lists of keys and values in, columns out.

The decoder is derived from :class:`schemas.ping.Ping`. What it cannot see (patterns, the record's key, fields that
depend on each other) is checked over a whole chunk at once; only a chunk with something wrong in it is read
record by record. Both ways refuse the same records, and the same as the model does, except that a NaN or a second
``"supervisee"`` inside an unknown field is refused here and nesting deeper than about 200 levels only there.
"""

import re
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import isnan
from operator import attrgetter
from typing import Final, cast

import msgspec
import numpy as np
from numpy.typing import NDArray

from schemas.columns import ABSENT, UNDECLARED, Columns, WirePing, are_placed, columns, columns_of, joined, rows_of
from schemas.derive import struct_of
from schemas.errors import BadInput, Reason
from schemas.fields import CONTROLS, Moment, Received
from schemas.ping import Ping, Status
from schemas.reading import LARGEST_VALUE, read

__all__ = ["CLOCK_KEY", "Clock", "Columns", "Decoded", "WirePing", "columns", "decode", "decode_pings"]

CLOCK_KEY: Final = b"~clock"
CHUNK: Final = 512  # more at a time falls out of the processor's cache
FEW: Final = 16  # fewer are read one by one as fast
_HEX: Final = b"0123456789abcdef"
_HASHES: Final = re.compile("[0-9a-f]*")
_PLAIN: Final = re.compile(r"(?!~)[^\x00-\x1f\x7f]+")
_NAME: Final = b'"supervisee"'
_SUPERVISEE: Final = re.compile(rb'"supervisee"\s*:')


class Clock(Received):
    """A clock record: how far the sender's time has come, written to every partition under ``~clock``."""

    clock_ms: Moment


@dataclass(frozen=True, slots=True)
class Decoded:
    """The good pings of one batch, where each stood in it, what was refused, and the clock records by their place."""

    pings: list[WirePing]
    index: NDArray[np.int64]
    refused: list[tuple[int, Reason]]
    clocks: list[tuple[int, int]]
    columns: Columns


class _Suspect(Exception):  # noqa: N818
    """Something in the chunk is wrong; which record it is, only a look at each can tell."""


Part = tuple[list[WirePing], Columns, NDArray[np.int64]]
"""Good pings, the same as columns, and where they stood in their chunk."""

decode = cast("Callable[[bytes], WirePing]", msgspec.json.Decoder(struct_of(Ping, ABSENT)).decode)
_UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_nullable: Final = attrgetter(*ABSENT)


def decode_pings(keys: Sequence[bytes | None], values: Sequence[bytes | None]) -> Decoded:
    """
    Read the records of one batch; each bad one is refused with its reason, clock records are kept apart.

    The trap of JSON is a name given twice: the last one wins here, the first one elsewhere. So ``"supervisee"`` may
    stand once in a record, at any depth, and must equal the record's key.
    """
    index = np.arange(len(values))
    refused: list[tuple[int, Reason]] = []
    clocks: list[tuple[int, int]] = []
    if CLOCK_KEY in keys:
        places = [i for i, key in enumerate(keys) if key == CLOCK_KEY]
        clocks = list(_clocks([(i, values[i]) for i in places], refused))
        index = np.delete(index, places)
        keys, values = [keys[i] for i in index.tolist()], [values[i] for i in index.tolist()]
    pings: list[WirePing] = []
    good, parts = [index[:0]], []
    for start in range(0, len(values), CHUNK):
        some = slice(start, start + CHUNK)
        bad: list[tuple[int, Reason]] = []
        for chunk, part, kept in _parts(keys[some], values[some], bad):
            pings += chunk
            parts.append(part)
            good.append(index[some][kept])
        refused += [(int(index[start + i]), reason) for i, reason in bad]
    return Decoded(pings, np.concatenate(good), sorted(refused), clocks, joined(parts))


def _parts(
    keys: Sequence[bytes | None], values: Sequence[bytes | None], refused: list[tuple[int, Reason]]
) -> Iterator[Part]:
    """Read a chunk in as few parts as can be looked over as a whole; adds what is bad to `refused`."""
    pings, unreadable = _decoded(values)
    places = np.arange(len(values))
    if unreadable:
        refused += _apart(keys, values, unreadable)[2]
        places = np.delete(places, unreadable)
        some = places.tolist()
        keys, values = [keys[i] for i in some], [values[i] for i in some]
    if pings:
        yield from _halved(keys, values, places, pings, refused)


def _decoded(values: Sequence[bytes | None]) -> tuple[list[WirePing], list[int]]:
    """Decode what can be, in order, and say which cannot; sizes are judged before anything is parsed."""
    try:
        sized = max(map(len, cast("Sequence[bytes]", values))) <= LARGEST_VALUE
    except TypeError:  # a null
        sized = False
    if not sized:
        values = [value if value is not None and len(value) <= LARGEST_VALUE else b"" for value in values]
    pings: list[WirePing] = []
    unreadable: list[int] = []
    decoding = map(decode, cast("Sequence[bytes]", values))
    while len(pings) + len(unreadable) < len(values):
        try:
            pings.extend(decoding)  # goes on behind the record at which it has stopped
        except _UNREADABLE:
            unreadable.append(len(pings) + len(unreadable))
    return pings, unreadable


def _halved(
    keys: Sequence[bytes | None],
    values: Sequence[bytes | None],
    places: NDArray[np.int64],
    pings: list[WirePing],
    refused: list[tuple[int, Reason]],
) -> Iterator[Part]:
    """Look over decoded pings together; where one of them is bad, each half by itself, and in the end each of a few."""
    try:
        part = _whole(keys, values, pings)
    except (_Suspect, TypeError, UnicodeDecodeError):
        if len(places) > FEW:
            middle = len(places) // 2
            for some in slice(None, middle), slice(middle, None):
                yield from _halved(keys[some], values[some], places[some], pings[some], refused)
            return
        good, kept, reasons = _apart(keys, values, range(len(keys)))
        refused += [(int(places[i]), reason) for i, reason in reasons]
        if good:
            yield good, columns(good), places[kept]
    else:
        yield *part, places


def _whole(
    keys: Sequence[bytes | None], values: Sequence[bytes | None], pings: list[WirePing]
) -> tuple[list[WirePing], Columns]:
    """Look over pings that were decoded from `values`; raises when any of them needs a look of its own."""
    present = cast("Sequence[bytes]", values)
    ids = "\0".join([p.supervisee for p in pings]).encode()
    if ids != b"\0".join(cast("Sequence[bytes]", keys)) or not _are_plain(ids, len(pings)):
        raise _Suspect
    text = b"".join(present)
    if not (_name_one_person_each(text, len(pings)) and (text.isascii() or text.decode())):
        raise _Suspect
    try:
        hashes, rows = _hashes(pings), rows_of(pings)
    except (TypeError, AttributeError, struct.error):
        pings = list(map(_filled, pings))
        hashes, rows = _hashes(pings), rows_of(pings)
    if hashes.translate(None, _HEX) or not are_placed(rows):
        raise _Suspect
    return pings, columns_of(pings, rows)


def _are_plain(ids: bytes, count: int) -> bool:
    """Whether only the separators are control characters, and no id begins with the reserved sign."""
    return len(ids.translate(None, CONTROLS)) == len(ids) - count + 1 and not ids.startswith(b"~") and b"\0~" not in ids


def _name_one_person_each(text: bytes, count: int) -> bool:
    """
    Whether the chunk holds as many names ``supervisee`` as records.

    Told by their p and v, three apart, which is three times faster than to count the word; other fields may hold such
    a pair (``provider``), and then the word is counted.
    """
    letters = np.frombuffer(text, np.uint8)
    pairs = letters[3:] == ord("v")
    pairs &= letters[:-3] == ord("p")
    return bool(np.count_nonzero(pairs) == count) or text.count(_NAME) == count


def _hashes(pings: Sequence[WirePing]) -> bytes:
    return ("".join([p.sim for p in pings]) + "".join([p.device for p in pings])).encode()


def _apart(
    keys: Sequence[bytes | None], values: Sequence[bytes | None], at: Iterable[int]
) -> tuple[list[WirePing], list[int], list[tuple[int, Reason]]]:
    """Read records of a chunk one by one: the good pings, their positions, and the refusals."""
    pings, kept, refused = [], [], []
    for i in at:
        try:
            pings.append(_one(keys[i], values[i]))
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
        value.decode()  # the decoder leaps over unknown fields without a look at their bytes
    except _UNREADABLE:
        ping = None
    if ping is None or not _is_sound(ping):
        read(Ping, value)  # the slower twin says what is wrong
        raise BadInput(Reason.not_json)
    if len(_SUPERVISEE.findall(value)) > 1:
        raise BadInput(Reason.duplicate_key, "supervisee")
    if ping.supervisee.encode() != key:
        raise BadInput(Reason.key_mismatch, "supervisee")
    return ping


def _is_sound(ping: WirePing) -> bool:
    """Check of one ping what :func:`_together` checks of many."""
    nowhere = isnan(ping.lon)
    return (
        _PLAIN.fullmatch(ping.supervisee) is not None
        and _HASHES.fullmatch(ping.sim + ping.device) is not None
        and nowhere is isnan(ping.lat)
        and (ping.status is not Status.located if nowhere else ping.datum.code != UNDECLARED)
    )


def _filled(ping: WirePing) -> WirePing:
    """Give a null of the wire the value that absence has."""
    if None not in _nullable(ping):
        return ping
    nulls = {name: value for name, value in ABSENT.items() if getattr(ping, name) is None}
    return cast("WirePing", msgspec.structs.replace(cast("msgspec.Struct", ping), **nulls))


def _clocks(
    records: list[tuple[int, bytes | None]], refused: list[tuple[int, Reason]]
) -> Iterator[tuple[int, int]]:
    """Read clock records; what cannot be read is added to *refused*."""
    for i, value in records:
        try:
            yield i, read(Clock, value).clock_ms
        except BadInput as bad:
            refused.append((i, bad.reason))
