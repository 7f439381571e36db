"""The order as functions of time: what held at a moment, and at which moments that changes."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import NamedTuple
from zoneinfo import ZoneInfo

from schemas.order import Order, PermitKind, Window
from schemas.rules import Rules, TierRules
from tests.factories import ZONE
from tests.ground import SCHEDULES
from tests.reference.place import Place, Plane

MINUTE = 60_000
HOUR = 60 * MINUTE

Interval = tuple[int, int]


class Flags(NamedTuple):
    """What holds at one moment. `night` is the local day on which the effective curfew piece began."""

    authorised: bool
    reported_off: bool
    leave: bool
    lifted: bool
    curfew: bool
    evidence: bool
    window_start: int
    night: int
    day: int
    day_start: int
    plane: Plane | None
    terms: TierRules | None
    area: str | None
    prohibitions: tuple[tuple[str | None, str | None], ...]
    forbidden: frozenset[str]


NOTHING = Flags(
    authorised=False,
    reported_off=False,
    leave=False,
    lifted=False,
    curfew=False,
    evidence=False,
    window_start=0,
    night=0,
    day=0,
    day_start=0,
    plane=None,
    terms=None,
    area=None,
    prohibitions=(),
    forbidden=frozenset(),
)


class Timeline:
    """
    The messages of one person, oldest first, read up to *until_ms*.

    A message is the whole order from its `valid_from_ms` on and drops versions that begin later. Permits and
    authorisations are the newest message's, for all times; the rest is of the version valid at the time.
    """

    def __init__(self, messages: Sequence[Order], rules: Rules, until_ms: int) -> None:
        self.versions: list[Order] = []
        for message in messages:
            self.versions = [v for v in self.versions if v.valid_from_ms < message.valid_from_ms] + [message]
        self.newest = messages[-1]
        self.rules = rules
        self.until_ms = until_ms

    @cached_property
    def windows(self) -> dict[int, list[Interval]]:
        """Curfew windows of each version, by its `valid_from_ms`."""
        return {v.valid_from_ms: list(self._windows(v)) for v in self.versions}

    @cached_property
    def pieces(self) -> list[Interval]:
        """The effective pieces of the curfew: the longest stretches in which it holds without a break."""
        return list(self._pieces())

    def version(self, t: int) -> Order | None:
        """Give the order version valid at *t*."""
        valid = [v for v in self.versions if v.valid_from_ms <= t]
        return valid[-1] if valid else None

    def is_authorised(self, t: int) -> bool:
        """Whether pings of time *t* may be processed at all."""
        return self.version(t) is not None and _covers(t, ((a.from_ms, a.until_ms) for a in self.newest.authorisations))

    def edges(self) -> list[int]:
        """Every moment up to the end at which anything may change; some of them change nothing."""
        early = {tier.curfew.before_min * MINUTE for tier in (self.rules.tiers.general, self.rules.tiers.strict)}
        moments = set(self._cuts()) | {start - before for start, _ in self.pieces for before in early}
        return sorted(t for t in moments if self.versions[0].valid_from_ms <= t <= self.until_ms)

    def at(self, t: int) -> Flags:
        """Everything that holds at *t*."""
        version = self.version(t)
        if version is None:
            return NOTHING
        terms = self._terms(version)
        here = [(a, b) for a, b in self.pieces if a <= t < b]
        before = terms.curfew.before_min * MINUTE
        day, day_start = _local_day(t, version.zone)
        return Flags(
            authorised=self.is_authorised(t),
            reported_off=self._is_permitted(t, {PermitKind.reported_off}),
            leave=self._is_permitted(t, {PermitKind.leave}),
            lifted=self._is_permitted(t, {PermitKind.leave, PermitKind.night_shift}),
            curfew=bool(here),
            evidence=self.is_authorised(t) and any(a - before <= t < b for a, b in self.pieces),
            window_start=here[0][0] if here else 0,
            night=_local_day(here[0][0], version.zone)[0] if here else 0,
            day=day,
            day_start=day_start,
            plane=Plane(_home(version)),
            terms=terms,
            area=version.permitted_area,
            prohibitions=tuple((p.category, p.zone) for p in version.prohibitions),
            forbidden=frozenset(
                p.zone for p in version.prohibitions if p.zone is not None and _is_forbidden(p.zone, t)
            ),
        )

    def _terms(self, version: Order) -> TierRules:
        return self.rules.tiers.strict if version.tier == "strict" else self.rules.tiers.general

    def _is_permitted(self, t: int, kinds: set[PermitKind]) -> bool:
        return _covers(t, ((p.from_ms, p.until_ms) for p in self.newest.permits if p.kind in kinds))

    def _is_curfew(self, t: int) -> bool:
        version = self.version(t)
        return (
            version is not None
            and self.is_authorised(t)
            and _covers(t, self.windows[version.valid_from_ms])
            and not self._is_permitted(t, {PermitKind.leave, PermitKind.night_shift})
        )

    def _cuts(self) -> Iterator[int]:
        """Where an order, a permit, an authorisation, a window or a local day begins or ends."""
        for version in self.versions:
            yield version.valid_from_ms
            for interval in self.windows[version.valid_from_ms]:
                yield from interval
            for day in self._days(version.zone):
                yield _moment(day, time(), version.zone)
            for day in self._days(ZONE):
                for window in (window for windows in SCHEDULES.values() for window in windows):
                    yield from _window_on(day, window, ZONE)
        for permit in self.newest.permits:
            yield from (permit.from_ms, permit.until_ms)
        for period in self.newest.authorisations:
            yield from (period.from_ms, period.until_ms)

    def _pieces(self) -> Iterator[Interval]:
        cuts = sorted(set(self._cuts()))
        start = None
        for cut in cuts:
            if self._is_curfew(cut):
                start = cut if start is None else start
            elif start is not None:
                yield start, cut
                start = None

    def _windows(self, version: Order) -> Iterator[Interval]:
        if version.curfew is None:
            return
        for day in self._days(version.curfew.zone):
            if day in version.curfew.exceptions:
                continue
            for window in version.curfew.windows:
                if day.weekday() in window.days:
                    yield _window_on(day, window, version.curfew.zone)

    def _days(self, zone: str) -> Iterator[date]:
        day = _local(self.versions[0].valid_from_ms, zone).date() - timedelta(days=2)
        last = _local(self.until_ms, zone).date() + timedelta(days=3)
        while day <= last:
            yield day
            day += timedelta(days=1)


def _is_forbidden(zone: str, t: int) -> bool:
    """Whether a zone is forbidden at *t* to those to whom it is forbidden at all."""
    if zone not in SCHEDULES:
        return True
    day = _local(t, ZONE).date()
    windows = [(d, w) for d in (day - timedelta(days=1), day) for w in SCHEDULES[zone] if d.weekday() in w.days]
    return _covers(t, (_window_on(d, window, ZONE) for d, window in windows))


def _covers(t: int, intervals: Iterable[Interval]) -> bool:
    return any(start <= t < end for start, end in intervals)


def _home(version: Order) -> Place:
    return Place(round(version.residence.lon * 1e7), round(version.residence.lat * 1e7))


def _local(t: int, zone: str) -> datetime:
    return datetime.fromtimestamp(t / 1000, UTC).astimezone(ZoneInfo(zone))


def _moment(day: date, clock: time, zone: str) -> int:
    return round(datetime.combine(day, clock, ZoneInfo(zone)).timestamp() * 1000)


def _local_day(t: int, zone: str) -> tuple[int, int]:
    """Give the number of the local day that holds *t*, and its first moment."""
    day = _local(t, zone).date()
    return day.toordinal(), _moment(day, time(), zone)


def _window_on(day: date, window: Window, zone: str) -> Interval:
    start, end = time.fromisoformat(window.start), time.fromisoformat(window.end)
    last = day if end > start else day + timedelta(days=1)
    return _moment(day, start, zone), _moment(last, end, zone)
