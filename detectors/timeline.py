"""What an order asks, as flags over time: constant between edges, compiled for two local days at once."""

from __future__ import annotations

from bisect import bisect_right
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple
from zoneinfo import ZoneInfo

from detectors.standing import Span, common, cut, lifted, united
from detectors.window import AUTHORISED, CURFEW, DAY, EVIDENCE, LEAVE, LIFTED, REPORTED_OFF, SCHEDULE
from geofence.bans import Bans
from schemas.order import PermitKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from detectors.standing import Orders
    from schemas.order import Curfew, Order

DAYS: Final = 2
QUARTER_MS: Final = 900_000
LOOK_BACK_DAYS: Final = 3
EPOCH: Final = date(1970, 1, 1)
NO_BANS: Final = Bans()


class Segment(NamedTuple):
    """From `from_ms` to the next one nothing turns. `window_ms`: start of the piece of curfew begun last."""

    from_ms: int
    flags: int
    window_ms: int
    day_ms: int
    day: int
    version: int


class Timeline(NamedTuple):
    """Segments of one block of days, and the time at which the next block takes over."""

    segments: tuple[Segment, ...]
    until_ms: int


class Hours(NamedTuple):
    """A curfew as values that can be compared and hashed: (days, start, end) of each window, dates without one."""

    zone: str
    windows: tuple[tuple[tuple[int, ...], str, str], ...]
    exceptions: tuple[date, ...]


class Terms(NamedTuple):
    """All that the flags of one block depend on: equal terms share one timeline, whoever they belong to."""

    block: int
    zone: str
    authorised: tuple[Span, ...]
    lifted: tuple[Span, ...]
    reported_off: tuple[Span, ...]
    leave: tuple[Span, ...]
    versions: tuple[tuple[Span, Hours | None, int, int, tuple[Hours, ...]], ...]
    """When it holds, curfew, evidence before it, marks, schedules of forbidden zones."""


def block_of(zone: str, time_ms: int) -> int:
    """The block of days that holds the moment."""
    return _day_of_quarter(zone, time_ms // QUARTER_MS) // DAYS


@lru_cache(maxsize=65536)
def _day_of_quarter(zone: str, quarter: int) -> int:
    """No zone has a midnight within a quarter of an hour."""
    return local_day(zone, quarter * QUARTER_MS)


def terms_of(orders: Orders, before_ms: dict[str, int], block: int, bans: Bans = NO_BANS) -> Terms:
    """What matters in that block; the rest is left out, so that most share their terms."""
    order = orders.newest
    begin = midnight(order.zone, (block - LOOK_BACK_DAYS) * DAYS)
    end = midnight(order.zone, (block + 2) * DAYS)
    held = []
    for span, version, marks in orders.spans():
        if span[0] < end and span[1] > begin:
            forbidden = tuple(Hours(*hours, ()) for hours in bans.of(bans.number(version.prohibitions)).schedules)
            held.append((_clip(span, begin, end), _hours(version.curfew), before_ms[version.tier], marks, forbidden))
    return Terms(
        block,
        order.zone,
        tuple([_clip(s, begin, end) for s in orders.authorised() if s[0] < end and s[1] > begin]),
        _inside(order, begin, end, PermitKind.leave, PermitKind.night_shift),
        _inside(order, begin, end, PermitKind.reported_off),
        _inside(order, begin, end, PermitKind.leave),
        tuple(held),
    )


@lru_cache(maxsize=4096)
def compiled(terms: Terms) -> Timeline:
    """The segments of a block. All spans are half-open: an edge belongs to what begins there."""
    first_day = terms.block * DAYS
    midnights = [midnight(terms.zone, first_day + k) for k in range(DAYS + 1)]
    begin, until = midnights[0], midnights[-1]
    authorised = list(terms.authorised)
    pieces: list[Span] = []
    evidence: list[Span] = []
    for held, hours, *_ in terms.versions:
        if hours is not None:
            days = range(first_day - LOOK_BACK_DAYS, first_day + DAYS + LOOK_BACK_DAYS)
            pieces += common([held], united(span for day in days for span in _windows(hours, day)))
    pieces = cut(common(united(iter(pieces)), authorised), list(terms.lifted))
    for start, stop in pieces:
        evidence.append((start - _before(terms, start), stop))
    evidence = common(united(iter(evidence)), authorised)
    spans = (
        (AUTHORISED, authorised),
        (CURFEW, pieces),
        (EVIDENCE, evidence),
        (REPORTED_OFF, list(terms.reported_off)),
        (LEAVE, list(terms.leave)),
        (LIFTED, list(terms.lifted)),
        *_forbidden(terms, first_day),
    )
    edges = {begin, *midnights[:-1]}
    edges.update(edge for _, all_of in spans for span in all_of for edge in span if begin < edge < until)
    edges.update(held[0] for held, *_ in terms.versions if begin < held[0] < until)
    segments = []
    for edge in sorted(edges):
        flags = sum(flag for flag, all_of in spans if any(start <= edge < stop for start, stop in all_of))
        version = max((k for k, (held, *_) in enumerate(terms.versions) if held[0] <= edge), default=0)
        day = first_day + bisect_right(midnights, edge) - 1
        flags |= (terms.versions[version][3] if terms.versions else 0) | DAY * (day & 1)
        window_ms = max((start for start, _ in pieces if start <= edge), default=0)
        segments.append(Segment(edge, flags, window_ms, midnights[day - first_day], day, version))
    return Timeline(tuple(segments), until)


def local_day(zone: str, time_ms: int) -> int:
    """Number of the local day, counted from 1970-01-01."""
    return (datetime.fromtimestamp(time_ms / 1000, ZoneInfo(zone)).date() - EPOCH).days


@lru_cache(maxsize=65536)
def midnight(zone: str, day: int) -> int:
    """When that local day begins, in ms UTC."""
    return _moment(zone, day, time())


def _moment(zone: str, day: int, at: time) -> int:
    local = datetime.combine(EPOCH + timedelta(days=day), at, ZoneInfo(zone))
    return int(local.astimezone(UTC).timestamp() * 1000)


def _hours(curfew: Curfew | None) -> Hours | None:
    if curfew is None:
        return None
    return Hours(curfew.zone, tuple((w.days, w.start, w.end) for w in curfew.windows), curfew.exceptions)


def _forbidden(terms: Terms, first_day: int) -> Iterator[tuple[int, list[Span]]]:
    """When the zones of each schedule are forbidden, with the flag of the schedule."""
    days = range(first_day - LOOK_BACK_DAYS, first_day + DAYS + LOOK_BACK_DAYS)
    for position in range(max((len(version[4]) for version in terms.versions), default=0)):
        spans = list[Span]()
        for held, *_, schedules in terms.versions:
            if position < len(schedules):
                windows = united(span for day in days for span in _windows(schedules[position], day))
                spans += common([held], windows)
        yield SCHEDULE << position, united(iter(spans))


def _windows(hours: Hours, day: int) -> Iterator[Span]:
    """The curfews that begin on that local day."""
    begins = EPOCH + timedelta(days=day)
    for days, start, end in hours.windows:
        if begins.weekday() in days and begins not in hours.exceptions:
            first, last = time.fromisoformat(start), time.fromisoformat(end)
            yield _moment(hours.zone, day, first), _moment(hours.zone, day + (last <= first), last)


def _before(terms: Terms, start_ms: int) -> int:
    """How long before a piece pings count as evidence, by the tier of the version that holds at its start."""
    held = [before for (begin, _), _, before, *_ in terms.versions if begin <= start_ms]
    return held[-1] if held else 0


def _clip(span: Span, begin: int, end: int) -> Span:
    return max(span[0], begin), min(span[1], end)


def _inside(order: Order, begin: int, end: int, *kinds: PermitKind) -> tuple[Span, ...]:
    return tuple([s for s in lifted(order, *kinds) if s[0] < end and s[1] > begin])
