"""Outside the permitted area, without leave."""

from tests.ground import permitted
from tests.reference.belief import Belief, Latch, inside
from tests.reference.ledger import Ledger
from tests.reference.ping import Ping
from tests.reference.place import Place
from tests.reference.timeline import Flags


class Boundary:
    """A latch, set by the belief; it becomes an episode where no leave covers it."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self._forget()

    def _forget(self) -> None:
        self.latch = Latch(Belief(), self._write)

    def edge(self, t: int, before: Flags, after: Flags) -> None:
        """What ends, then what is another, then leave."""
        ended = before.authorised and not after.authorised
        moved = (
            before.plane is not None
            and after.plane is not None
            and (before.plane.home != after.plane.home or before.area != after.area)
        )
        if ended or moved:
            self.latch.close(t)
            self._forget()
        if after.leave and not before.leave:
            self.latch.close(t)
        if before.leave and not after.leave and after.terms is not None:
            self.latch.forbid(t, after.terms.boundary)

    def hear(self, ping: Ping, flags: Flags, *, frozen: bool, last_ms: int | None) -> None:
        """One fix that quality believed."""
        assert flags.terms is not None
        rule, area = flags.terms.boundary, permitted(flags.area)
        if not area:
            return
        p_inside, sure = sum(inside(ping, where, rule, rule.line_m) for where in area), rule.sure_percent / 100
        assert flags.plane is not None
        home, distance_m = flags.terms.curfew, flags.plane.from_home(Place(ping.lon, ping.lat))
        is_away = distance_m - max(ping.radius_m, home.floor_m) > home.distance_m
        sign = 1 if is_away and p_inside <= 1 - sure else -1 if p_inside >= sure else 0
        p = self.latch.belief.hear(ping.time_ms, sign, frozen=frozen, last_ms=last_ms, rule=rule)
        self.latch.hear(ping.time_ms, sign, p, asked=not flags.leave, rule=rule)

    def end(self, t: int) -> None:
        """Close what is open because the order is gone."""
        self.latch.end(t)

    def _write(self, since_ms: int, until_ms: int | None) -> None:
        self.ledger.write("boundary", "permitted_area", since_ms, until_ms, "outside", "alert")
