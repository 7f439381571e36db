"""The orders of one person: which version holds when, and which permits and authorisations lift or allow what."""

from __future__ import annotations

import zlib
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec
import numpy as np

from detectors.pings import DEGREE
from detectors.window import AREA, BANS, PLACE
from geofence.datum import to_wgs84
from schemas.errors import BadState
from schemas.order import Order, PermitKind, load_order
from schemas.ping import Datum

if TYPE_CHECKING:
    from collections.abc import Iterator

Span = tuple[int, int]
FOREVER: Final = 1 << 62
DATUMS: Final = tuple(Datum)
TYPICAL: Final = (
    b'T00:00:00Z","family","visit","permit_id":"","kind":"reported_off","night_shift","leave","category":"","zone_id":"'
    b'"prohibitions":[{"permits":[{"exceptions":["2026-01-01","start":"20:00","end":"07:00"light"strict","minor":true,'
    b'{"supervisee":"","order_id":"order-","valid_from_ms":17697888,"tier":"general","organisation":"450000/450200/4502'
    b'02/450202001","officer":"officer-450202001","minor":false,"zone":"Asia/Shanghai","phones":[{"sim":"","devices":[""'
    b']}],"residence":{"lon":109.4,"lat":24.3,"datum":"wgs84","gcj02","county":"450202"},"permitted_area":"450202","curf'
    b'ew":{"zone":"Asia/Shanghai","windows":[{"days":[0,1,2,3,4,5,6],"start":"22:00","end":"06:00"}],"exceptions":[]},"p'
    b'rohibitions":[],"permits":[],"authorisations":[{"basis":"information_verification","from_ms":17697888,"until_ms":1'
    b'7754048,"undertaking":"2026-01-28","notice":"2026-01-28","head_signed":"2026-01-29","county_approved":"2026-01-30"'
    b',"filing":"filing-"},{"basis":"electronic_positioning","from_ms":17697888,"until_ms":177,"undertaking":"2026-01-'
)
"""What orders look like: what they share with it is not stored. A change of it is a change of the layout."""
DICTIONARY_AT: Final = slice(2, 6)
DICTIONARY: Final = zlib.adler32(TYPICAL).to_bytes(4, "big")


class Version(NamedTuple):
    """One order message; it holds from its own `valid_from_ms` on, whenever it arrived."""

    valid_from_ms: int
    raw: bytes


class Standing:
    """
    Every order version that a late ping may still need.

    A message is the whole order from its `valid_from_ms` on, so it replaces the versions from there. Permits and
    authorisations have windows of their own and come from the newest message for all times: that is how a permit
    approved late reaches back. They are kept compressed, in an eighth of their size, and read anew when they are asked
    for: once in some days for each person.
    """

    __slots__ = ("packed",)

    def __init__(self, versions: tuple[Version, ...] = ()) -> None:
        squeeze = zlib.compressobj(zdict=TYPICAL)
        self.packed = squeeze.compress(msgspec.msgpack.encode(versions)) + squeeze.flush()
        """Bytes for the changelog."""

    @property
    def versions(self) -> tuple[Version, ...]:
        """The versions in the order of `valid_from_ms`."""
        return _versions(zlib.decompressobj(zdict=TYPICAL).decompress(self.packed))

    def with_order(self, raw: bytes, order: Order, keep_from_ms: int) -> Standing:
        """
        The standing after one more message; versions that ended before `keep_from_ms` are forgotten.

        The newest message stands last, also when an older one is valid at the same time.
        """
        before = [v for v in self.versions if v.valid_from_ms < order.valid_from_ms]
        while len(before) > 1 and before[1].valid_from_ms <= keep_from_ms:
            del before[0]
        return Standing((*before, Version(order.valid_from_ms, raw)))

    def differs_from(self, other: Standing) -> int:
        """The earliest time at which the newer one may ask something else."""
        ours, theirs = self.opened(), other.opened()
        pairs = [(ours.authorised(), theirs.authorised())]
        pairs += [(lifted(ours.newest, kind), lifted(theirs.newest, kind)) for kind in PermitKind]
        starts = [span[0] for before, after in pairs for span in cut(before, after) + cut(after, before)]
        return min([theirs.newest.valid_from_ms, *starts])

    def opened(self) -> Orders:
        """All of it, read."""
        return _opened(self.packed)

    @classmethod
    def unpack(cls, packed: bytes) -> Standing:
        """
        What `packed` was.

        :raises BadState: when it was written with another dictionary.
        """
        if packed[DICTIONARY_AT] != DICTIONARY:
            raise BadState("the changelog holds orders of another layout: run the version that wrote them")
        standing: Standing = object.__new__(cls)
        standing.packed = packed
        return standing


class Orders:
    """Order versions that were read, each with the time from which it holds."""

    __slots__ = ("held",)

    def __init__(self, held: list[tuple[int, Order]]) -> None:
        self.held = held

    @property
    def newest(self) -> Order:
        """The whole current order."""
        return self.held[-1][1]

    def at(self, time_ms: int) -> Order:
        """The version that holds at that time; the first one before all of them."""
        for since_ms, order in reversed(self.held):
            if since_ms <= time_ms:
                return order
        return self.held[0][1]

    def spans(self) -> Iterator[tuple[Span, Order, int]]:
        """Each version with the time in which it holds, and the flags that turn where a part of the order changes."""
        marks, before = 0, None
        for number, (since_ms, order) in enumerate(self.held):
            until_ms = FOREVER if order is self.newest else self.held[number + 1][0]
            if len(self.held) > 1:
                parts = {PLACE: home(order), AREA: order.permitted_area, BANS: order.prohibitions}
                marks ^= sum(mark for mark, part in parts.items() if before is not None and before[mark] != part)
                before = parts
            yield (since_ms, until_ms), order, marks

    def authorised(self) -> list[Span]:
        """Periods in which pings may be processed: authorised by the newest message, and after the first began."""
        first = self.held[0][0]
        return united((max(a.from_ms, first), a.until_ms) for a in self.newest.authorisations)


_versions = msgspec.msgpack.Decoder(tuple[Version, ...]).decode


@lru_cache(maxsize=2048)
def _opened(packed: bytes) -> Orders:
    """Kept for a moment, since the same orders are asked for by the gate, the plan and the evidence of one batch."""
    data = zlib.decompressobj(zdict=TYPICAL).decompress(packed)
    return Orders([(version.valid_from_ms, load_order(version.raw)) for version in _versions(data)])


def lifted(order: Order, *kinds: PermitKind) -> list[Span]:
    """When permits of those kinds hold."""
    if not order.permits:
        return []
    return united((p.from_ms, p.until_ms) for p in order.permits if p.kind in kinds)


def home(order: Order) -> tuple[int, int]:
    """The residence in WGS-84 degrees * 1e7, lon and lat."""
    return _wgs84(order.residence.lon, order.residence.lat, order.residence.datum)


@lru_cache(maxsize=4096)
def _wgs84(lon: float, lat: float, datum: Datum) -> tuple[int, int]:
    lons, lats = to_wgs84(np.array([lon]), np.array([lat]), np.array([DATUMS.index(datum)], np.uint8))
    return round(float(lons[0]) / DEGREE), round(float(lats[0]) / DEGREE)


def united(spans: Iterator[Span]) -> list[Span]:
    """
    Sorted spans without overlap; spans that touch become one.

    >>> united(iter([(5, 7), (1, 3), (3, 5), (9, 9)]))
    [(1, 7)]
    """
    out: list[Span] = []
    for begin, end in sorted(spans):
        if begin >= end:
            continue
        if out and begin <= out[-1][1]:
            out[-1] = (out[-1][0], max(end, out[-1][1]))
        else:
            out.append((begin, end))
    return out


def cut(spans: list[Span], by: list[Span]) -> list[Span]:
    """
    What remains of *spans* outside *by*; both sorted and without overlap.

    >>> cut([(0, 10)], [(2, 3), (9, 12)])
    [(0, 2), (3, 9)]
    """
    out: list[Span] = []
    for begin, end in spans:
        at = begin
        for start, stop in by:
            if stop <= at or start >= end:
                continue
            if start > at:
                out.append((at, start))
            at = max(at, stop)
        if at < end:
            out.append((at, end))
    return out


def common(spans: list[Span], with_: list[Span]) -> list[Span]:
    """
    What lies in both; both sorted and without overlap.

    >>> common([(0, 4), (6, 9)], [(3, 7)])
    [(3, 4), (6, 7)]
    """
    both = [(max(a, c), min(b, d)) for a, b in spans for c, d in with_]
    return [(begin, end) for begin, end in both if begin < end]
