"""The orders of one person: which version holds when, and which permits and authorisations lift or allow what."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec
import numpy as np

from detectors.pings import DEGREE
from geofence.datum import to_wgs84
from schemas.order import Order, PermitKind, load_order
from schemas.ping import Datum

if TYPE_CHECKING:
    from collections.abc import Iterator

Span = tuple[int, int]
FOREVER: Final = 1 << 62
DATUMS: Final = tuple(Datum)


class Version(NamedTuple):
    """One order message; it holds from its own `valid_from_ms` on, whenever it arrived."""

    valid_from_ms: int
    raw: bytes


class Standing:
    """
    Every order version that a late ping may still need.

    A message is the whole order from its `valid_from_ms` on, so it replaces the versions from there. Permits and
    authorisations have windows of their own and come from the newest message for all times: that is how a permit
    approved late reaches back.
    """

    __slots__ = ("versions",)

    def __init__(self, versions: tuple[Version, ...] = ()) -> None:
        self.versions = versions

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
        ours, theirs = self.newest, other.newest
        pairs = [(self.authorised(ours), other.authorised(theirs))]
        pairs += [(lifted(ours, kind), lifted(theirs, kind)) for kind in PermitKind]
        starts = [span[0] for before, after in pairs for span in cut(before, after) + cut(after, before)]
        return min([theirs.valid_from_ms, *starts])

    @property
    def newest(self) -> Order:
        """The whole current order."""
        return load_order(self.versions[-1].raw)

    def at(self, time_ms: int) -> int:
        """Position of the version that holds at that time; the first one before all of them."""
        for position in range(len(self.versions) - 1, 0, -1):
            if self.versions[position].valid_from_ms <= time_ms:
                return position
        return 0

    def order_at(self, time_ms: int) -> Order:
        """The version that holds at that time."""
        return load_order(self.versions[self.at(time_ms)].raw)

    def spans(self, newest: Order) -> Iterator[tuple[Span, Order, int]]:
        """Each version with the time in which it holds, and how often the residence had moved by then."""
        if len(self.versions) == 1:
            yield (self.versions[0].valid_from_ms, FOREVER), newest, 0
            return
        moves, spot = 0, None
        ends = [v.valid_from_ms for v in self.versions[1:]] + [FOREVER]
        for version, until in zip(self.versions, ends, strict=True):
            order = load_order(version.raw)
            moves, spot = moves + (spot is not None and home(order) != spot), home(order)
            yield (version.valid_from_ms, until), order, moves

    def authorised(self, order: Order) -> list[Span]:
        """Periods in which pings may be processed: authorised by the newest message, and after the first began."""
        first = self.versions[0].valid_from_ms
        spans = [(max(a.from_ms, first), a.until_ms) for a in order.authorisations]
        return united(span for span in spans if span[0] < span[1])

    def pack(self) -> bytes:
        """Bytes for the changelog."""
        return msgspec.json.encode([[v.valid_from_ms, base64.b64encode(v.raw).decode()] for v in self.versions])

    @classmethod
    def unpack(cls, packed: bytes) -> Standing:
        """The inverse of `pack`."""
        return cls(tuple(Version(int(since), base64.b64decode(raw)) for since, raw in msgspec.json.decode(packed)))


def lifted(order: Order, *kinds: PermitKind) -> list[Span]:
    """When permits of those kinds hold."""
    return united((p.from_ms, p.until_ms) for p in order.permits if p.kind in kinds)


def home(order: Order) -> tuple[int, int]:
    """The residence in WGS-84 degrees * 1e7, lon and lat."""
    where = order.residence
    datum = np.array([DATUMS.index(where.datum)], np.uint8)
    lon, lat = to_wgs84(np.array([where.lon]), np.array([where.lat]), datum)
    return round(float(lon[0]) / DEGREE), round(float(lat[0]) / DEGREE)


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
