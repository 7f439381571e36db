"""Away from the residence while the curfew holds."""

from dataclasses import dataclass, field

from tests.reference.ledger import Ledger
from tests.reference.ping import Ping
from tests.reference.place import Place
from tests.reference.timeline import MINUTE, Flags

DISTINCT_KEPT = 3


@dataclass
class Run:
    """Fixes outside since the person was last seen inside."""

    n: int = 0
    first_ms: int = 0
    last_ms: int = 0
    distinct: list[Place] = field(default_factory=list)


@dataclass
class Absence:
    """An open breach."""

    since_ms: int
    at_start: bool
    night: int
    raised: bool = False


class Curfew:
    """Evidence is gathered from an hour before the curfew on, so that who is already outside needs no more ping."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.run = Run()
        self.clear_n = 0
        self.clear_first_ms = 0
        self.open: Absence | None = None
        self.minor_s: dict[int, int] = {}

    def edge(self, t: int, before: Flags, after: Flags) -> None:
        """Residence, then what ends, then what begins."""
        if before.plane is not None and after.plane is not None and before.plane.home != after.plane.home:
            self._close(t, after, "order_changed")
            self.run = Run()
        if before.curfew and not after.curfew:
            self._close(t, after, "window" if after.authorised else "order_ended")
        if before.evidence and not after.evidence:
            self.run = Run()
        if before.authorised and not after.authorised:
            self.minor_s = {}
        if after.evidence and not before.evidence:
            self.run = Run()
            self.clear_n = 0
        if after.curfew and not before.curfew and self.open is None and self._is_satisfied(after):
            self._open(t, after, since_ms=t, at_start=True)

    def hear(self, ping: Ping, flags: Flags) -> None:
        """One fix that quality believed."""
        assert flags.plane is not None
        assert flags.terms is not None
        if not flags.evidence:
            return
        rule = flags.terms.curfew
        place = Place(ping.lon, ping.lat)
        distance_m = flags.plane.from_home(place)
        if distance_m - ping.radius_m < rule.clear_m:
            self._inside(ping.time_ms, flags)
        elif distance_m - max(ping.radius_m, rule.floor_m) > rule.distance_m:
            self._outside(ping.time_ms, place, flags)

    def deadline(self, flags: Flags) -> int | None:
        """When absence alone becomes grave."""
        if self.open is None or self.open.raised or self.clear_n:
            return None
        return self.open.since_ms + self._minor_ms(flags)

    def fire(self) -> None:
        """Do what the deadline brings."""
        assert self.open is not None
        self._raise(self.open)

    def _inside(self, t: int, flags: Flags) -> None:
        assert flags.terms is not None
        if self.open is None:
            self.run = Run()
            return
        if self.clear_n == 0:
            self.clear_first_ms = t
        self.clear_n += 1
        if self.clear_n >= flags.terms.curfew.clear_pings:
            self._close(self.clear_first_ms, flags, "returned")
            self.run = Run()

    def _outside(self, t: int, place: Place, flags: Flags) -> None:
        assert flags.plane is not None
        assert flags.terms is not None
        run, frozen_m = self.run, flags.terms.quality.frozen_m
        if run.n == 0:
            run.first_ms = t
        run.n += 1
        run.last_ms = t
        is_new = all(flags.plane.distance(place, known) > frozen_m for known in run.distinct)
        if is_new and len(run.distinct) < DISTINCT_KEPT:
            run.distinct.append(place)
        self.clear_n = 0
        if self.open is None and flags.curfew and self._is_satisfied(flags):
            since_ms = max(run.first_ms, flags.window_start)
            self._open(t, flags, since_ms=since_ms, at_start=run.first_ms < flags.window_start)
        elif self.open is not None and t - self.open.since_ms >= self._minor_ms(flags):
            self._raise(self.open)

    def _is_satisfied(self, flags: Flags) -> bool:
        assert flags.terms is not None
        rule, run = flags.terms.curfew, self.run
        lasted = run.last_ms - run.first_ms
        is_sparse = lasted >= rule.sparse_min * MINUTE * (run.n - 1)
        need = rule.distinct_sparse if is_sparse else rule.distinct
        return run.n >= rule.pings and lasted >= rule.span_min * MINUTE and len(run.distinct) >= need

    def _minor_ms(self, flags: Flags) -> int:
        assert flags.terms is not None
        return flags.terms.curfew.minor_min * MINUTE

    def _open(self, t: int, flags: Flags, *, since_ms: int, at_start: bool) -> None:
        self.open = Absence(since_ms, at_start, flags.night)
        kind = "late" if at_start else "left"
        self.ledger.write("curfew", "residence", since_ms, None, kind, "notice")
        if t - since_ms >= self._minor_ms(flags):
            self._raise(self.open)

    def _raise(self, absence: Absence) -> None:
        absence.raised = True
        kind = "late" if absence.at_start else "left"
        self.ledger.write("curfew", "residence", absence.since_ms, None, kind, "alert")

    def _close(self, until_ms: int, flags: Flags, why: str) -> None:
        absence, self.open = self.open, None
        if absence is None:
            return
        self.run = Run()
        self.clear_n = 0
        kind, severity = ("late" if absence.at_start else "left"), "alert"
        if until_ms - absence.since_ms < self._minor_ms(flags):
            kind, severity = "minor", "notice"
        elif absence.at_start and why == "window":
            kind = "whole_night"
        self.ledger.write("curfew", "residence", absence.since_ms, until_ms, kind, severity)
        if kind == "minor" and why != "order_ended":
            self._accumulate(absence, until_ms, flags)

    def _accumulate(self, absence: Absence, until_ms: int, flags: Flags) -> None:
        """Short absences of seven nights together weigh as much as a long one."""
        assert flags.terms is not None
        rule, night = flags.terms.curfew, absence.night
        self.minor_s = {n: s for n, s in self.minor_s.items() if n > night - rule.accumulated_days}
        self.minor_s[night] = self.minor_s.get(night, 0) + (until_ms - absence.since_ms) // 1000
        if sum(self.minor_s.values()) >= rule.accumulated_min * 60:
            self.ledger.write("curfew", "accumulated", absence.since_ms, until_ms, "accumulated", "alert")
            self.minor_s = {}

    def end(self, t: int, flags: Flags) -> None:
        """Close what is open because the order is gone; nothing ends before it began."""
        if self.open is not None:
            self._close(max(t, self.open.since_ms), flags, "order_ended")
