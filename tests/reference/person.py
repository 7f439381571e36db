"""One person, from everything that was ever said and heard, in the order of its own times."""

from collections.abc import Iterable, Sequence

from schemas.order import Order
from schemas.rules import Rules
from tests.reference.boundary import Boundary
from tests.reference.curfew import Curfew
from tests.reference.exclusion import Exclusion
from tests.reference.gap import Gap
from tests.reference.ledger import Ledger, Result
from tests.reference.nights import Nights
from tests.reference.ping import Ping
from tests.reference.quality import Quality
from tests.reference.timeline import NOTHING, Flags, Timeline


class Person:
    """
    Walks through time once: at each moment edges first, then pings, then what silence brings.

    Deadlines up to the last tick are fired; a ping beyond it fires those before its own time.
    """

    def __init__(self, supervisee: str, rules: Rules) -> None:
        self.rules = rules
        self.ledger = Ledger(supervisee)
        self.quality = Quality()
        self.gap = Gap(self.ledger)
        self.curfew = Curfew(self.ledger)
        self.boundary = Boundary(self.ledger)
        self.exclusion = Exclusion(self.ledger)
        self.nights = Nights(self.ledger, self.quality)
        self.flags: Flags = NOTHING

    def live(self, messages: Sequence[Order], pings: Iterable[Ping], last_tick: int) -> None:
        """Judge a whole life."""
        heard: dict[int, list[Ping]] = {}
        for ping in sorted(set(pings)):
            heard.setdefault(ping.time_ms, []).append(ping)
        end = max([last_tick, *heard])
        timeline = Timeline(messages, self.rules, end)
        edges = set(timeline.edges())
        for t in sorted(edges | set(heard)):
            self._fire_before(t)
            if t in edges:
                self._edge(t, timeline.at(t))
            for ping in heard.get(t, []):
                self._fire_before(t)
                self._hear(ping)
        self._fire_before(last_tick + 1)

    def results(self) -> set[Result]:
        """Every episode as it stands."""
        return self.ledger.results()

    def end(self, t: int) -> set[Result]:
        """Let the order be gone: what is open ends at *t*."""
        self.gap.end(t)
        self.curfew.end(t, self.flags)
        self.boundary.end(t)
        self.exclusion.end(t)
        self.nights.end(t)
        return self.results()

    def _edge(self, t: int, after: Flags) -> None:
        before, self.flags = self.flags, after
        self.quality.edge(before, after)
        self.gap.edge(t, before, after)
        self.curfew.edge(t, before, after)
        self.boundary.edge(t, before, after)
        self.exclusion.edge(t, before, after)
        self.nights.edge(t, before, after)

    def _hear(self, ping: Ping) -> None:
        if not ping.is_carriers or not self.flags.authorised:
            return
        last_ms = None if self.quality.last is None else self.quality.last.time_ms
        frozen = ping.is_located and self.quality.repeats(ping, self.flags)
        is_fix = ping.is_located and self.quality.accepts(ping, self.flags)
        self.gap.hear(ping, self.flags, is_fix=is_fix)
        if is_fix:
            self.curfew.hear(ping, self.flags)
            self.boundary.hear(ping, self.flags, frozen=frozen, last_ms=last_ms)
            self.exclusion.hear(ping, self.flags, frozen=frozen, last_ms=last_ms)
            self.nights.hear(ping, self.flags, frozen=frozen)

    def _fire_before(self, t: int) -> None:
        """Fire every deadline before *t*, each at its own time; at the same time in the order of the rules."""
        while True:
            moments = (self.gap.deadline(self.flags), self.curfew.deadline(self.flags), self.nights.deadline())
            soonest = min([moment for moment in moments if moment is not None], default=t)
            if soonest >= t:
                return
            if soonest == moments[0]:
                self.gap.fire(self.flags)
            elif soonest == moments[1]:
                self.curfew.fire()
            else:
                self.nights.fire(self.flags)
