"""Silence: no contact, or no fix, for longer than the person's own habit allows."""

from dataclasses import dataclass
from fractions import Fraction

from tests.reference.ledger import Ledger
from tests.reference.ping import Ping
from tests.reference.timeline import MINUTE, Flags

BINS = 40
MOST = 65535


@dataclass
class Open:
    """An open gap and how grave it is."""

    since_ms: int
    level: str


class Gap:
    """Two clocks, contact and fix. Nothing it knows outlives the authorisation."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self._forget()

    def _forget(self) -> None:
        self.contact_ms: int | None = None
        self.clock_ms: int | None = None
        self.fix_from_ms: int | None = None
        self.learned_limit_ms: int | None = None
        self.histogram = [0] * BINS
        self.learned = 0
        self.cause: str | None = None
        self.open: dict[str, Open] = {}

    def edge(self, t: int, before: Flags, after: Flags) -> None:
        """Permit and authorisation first, then the day."""
        if after.reported_off and not before.reported_off:
            self._close("contact", t)
            self._close("fix", t)
        if before.reported_off and not after.reported_off:
            self.clock_ms = None if self.clock_ms is None else t
            self.fix_from_ms = None if self.fix_from_ms is None else t
        if before.authorised and not after.authorised:
            self._close("contact", t)
            self._close("fix", t)
            self._forget()
        if before.day != after.day:
            self._learn_limit(after)

    def hear(self, ping: Ping, flags: Flags, *, is_fix: bool) -> None:
        """One ping of a phone."""
        if ping.is_contact:
            self._contact(ping.time_ms, flags, is_fix=is_fix)
        else:
            self._answer(ping, flags)

    def deadline(self, flags: Flags) -> int | None:
        """When silence alone opens or raises."""
        if not flags.authorised or flags.reported_off or self.clock_ms is None:
            return None
        contact = self.open.get("contact")
        if contact is None:
            return self.clock_ms + self._limit_ms(flags)
        return contact.since_ms + self._gap_ms(flags) if contact.level == "overdue" else None

    def fire(self, flags: Flags) -> None:
        """Do what the deadline brings."""
        assert self.clock_ms is not None
        if "contact" in self.open:
            self._write("contact", Open(self.open["contact"].since_ms, "gap"))
        else:
            self._write("contact", Open(self.clock_ms, self._level(self._limit_ms(flags), flags)))

    def _contact(self, t: int, flags: Flags, *, is_fix: bool) -> None:
        contact = self.open.get("contact")
        is_gap = contact is not None and contact.level == "gap"
        if self.contact_ms is not None and self.clock_ms == self.contact_ms and not is_gap:
            self._count(t - self.contact_ms)
        if contact is not None:
            self._close("contact", t)
            self.fix_from_ms = None if self.fix_from_ms is None else t
        self.cause = None
        self.contact_ms = self.clock_ms = t
        if is_fix:
            self._close("fix", t)
            self.fix_from_ms = t
        elif not flags.reported_off and self.fix_from_ms is not None:
            self._without_fix(t - self.fix_from_ms, self.fix_from_ms, flags)

    def _without_fix(self, silence_ms: int, since_ms: int, flags: Flags) -> None:
        gap = self.open.get("fix")
        if gap is None and silence_ms >= self._limit_ms(flags):
            self._write("fix", Open(since_ms, self._level(silence_ms, flags)))
        elif gap is not None and gap.level == "overdue" and silence_ms >= self._gap_ms(flags):
            self._write("fix", Open(gap.since_ms, "gap"))

    def _answer(self, ping: Ping, flags: Flags) -> None:
        self.cause = ping.answer
        if ping.is_code and not flags.reported_off:
            contact = self.open.get("contact")
            self._write("contact", Open(ping.time_ms if contact is None else contact.since_ms, "gap"))

    def _limit_ms(self, flags: Flags) -> int:
        """Give the person's own limit; until one is learned, that of the gap."""
        assert flags.terms is not None
        return flags.terms.gap.gap_min * MINUTE if self.learned_limit_ms is None else self.learned_limit_ms

    def _gap_ms(self, flags: Flags) -> int:
        assert flags.terms is not None
        return max(flags.terms.gap.gap_min * MINUTE, self._limit_ms(flags))

    def _level(self, silence_ms: int, flags: Flags) -> str:
        return "gap" if silence_ms >= self._gap_ms(flags) else "overdue"

    def _write(self, subject: str, gap: Open, until_ms: int | None = None) -> None:
        self.open[subject] = gap
        severity = "alert" if gap.level == "gap" else "notice"
        self.ledger.write("gap", subject, gap.since_ms, until_ms, gap.level, severity)

    def _close(self, subject: str, t: int) -> None:
        if subject in self.open:
            self._write(subject, self.open[subject], t)
            del self.open[subject]

    def end(self, t: int) -> None:
        """Close what is open because the order is gone; nothing ends before it began."""
        for subject, gap in list(self.open.items()):
            self._close(subject, max(t, gap.since_ms))

    def _count(self, interval_ms: int) -> None:
        fitting = [k for k in range(BINS) if Fraction(interval_ms, 1000) <= _seconds(k)]
        k = fitting[0] if fitting else BINS - 1
        self.histogram[k] = min(MOST, self.histogram[k] + 1)
        self.learned = min(MOST, self.learned + 1)

    def _learn_limit(self, flags: Flags) -> None:
        if flags.terms is None:
            return
        rule, n = flags.terms.gap, sum(self.histogram)
        if self.learned < rule.warmup:
            self.learned_limit_ms = rule.gap_min * MINUTE
        elif n:
            k = next(k for k in range(BINS) if sum(self.histogram[: k + 1]) * 100 >= 99 * n)
            habit = Fraction(rule.quantile_factor) * _seconds(k)
            allowed = min(max(habit, Fraction(rule.overdue_min * 60)), Fraction(rule.cap_min * 60))
            self.learned_limit_ms = int(allowed) * 1000
        self.histogram = [count * 3 // 4 for count in self.histogram]


def _seconds(k: int) -> Fraction:
    """Upper edge of bin *k*."""
    return 30 * Fraction(5, 4) ** k
