"""Some supervisees side by side: the columns a rule computes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

if TYPE_CHECKING:
    from detectors.findings import Finding
    from detectors.pings import Column, Fixes

Columns = dict[str, "Column"]

AUTHORISED: Final = 1
CURFEW: Final = 2
EVIDENCE: Final = 4
REPORTED_OFF: Final = 8
PLACE: Final = 16
DAY: Final = 32
LEAVE: Final = 64
AREA: Final = 256
BANS: Final = 512
SCHEDULE: Final = 1024
LIFTED: Final = 1 << 30
"""
Bits of `plan["flags"]`. PLACE, AREA, BANS and DAY only alternate: a turn of theirs is a moved residence, another
permitted area, other prohibitions, a new local day. SCHEDULE and the bits above it are those of the forbidden
zones, up to LIFTED, which is leave or night shift.
"""
EDGE: Final = 128
"""Set in `plan["turned"]` at every edge, so that it is zero exactly where a deadline of silence is fired."""

PLAN: Final = np.dtype(
    [
        ("at", "i4"),  # position in the pool of timelines, -1 before the first ping
        ("first", "i4"),  # first position of this timeline
        ("last", "i4"),  # and the last one
        ("change_ms", "i8"),  # when the flags turn next
        ("flags", "u4"),
        ("turned", "u4"),  # which bits turned at the edge that is being fired
        ("tier", "u1"),
        ("area", "u2"),  # number of the permitted area among the fences, 0 for none
        ("bans", "u2"),  # number of what is forbidden, 0 for nothing
        ("window_ms", "i8"),  # start of the piece of curfew that holds the moment
        ("day_ms", "i8"),  # local midnight before the moment
        ("day", "i4"),  # that day's number
        ("lon0", "i8"),
        ("lat0", "i8"),
        ("mx", "f8"),  # metres in 1e-7 degrees of longitude at the residence
        ("my", "f8"),  # and of latitude
    ],
)
"""What the order asks at this moment. Derived from the order and the time, so it is never stored."""


class Window:
    """
    Columns of some rows, position for position, grouped by who owns them: `window["gap"]["limit_ms"]`.

    `head` shares memory with its origin, so a rule that writes into it writes through; `take` copies and needs `put`.
    Rules write in place (`own["x"][where] = ...`); a rebound array would be lost.
    """

    __slots__ = ("rows", "state")

    def __init__(self, rows: Column, state: dict[str, Columns]) -> None:
        self.rows = rows
        self.state = state

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, owner: str) -> Columns:
        return self.state[owner]

    @property
    def plan(self) -> Columns:
        """What the order asks of each row at this moment."""
        return self.state["plan"]

    def head(self, count: int) -> Window:
        """The first `count` rows, sharing memory."""
        if count == len(self.rows):
            return self
        state = {owner: {name: a[:count] for name, a in own.items()} for owner, own in self.state.items()}
        return Window(self.rows[:count], state)

    def take(self, at: Column) -> Window:
        """Copies of the rows at those positions."""
        state = {owner: {name: a[at] for name, a in own.items()} for owner, own in self.state.items()}
        return Window(self.rows[at], state)

    def put(self, at: Column, part: Window) -> None:
        """Write back what `take(at)` gave."""
        for owner, own in self.state.items():
            changed = part.state[owner]
            for name, array in own.items():
                array[at] = changed[name]

    def has(self, flag: int) -> Column:
        """True for each row whose plan has the flag now."""
        has: Column = (self.plan["flags"] & flag) != 0
        return has

    def went(self, flag: int, *, on: bool) -> Column:
        """True for each row whose flag turned on (or off) at the edge that is being fired."""
        flags, turned = self.plan["flags"], self.plan["turned"]
        went: Column = ((turned & flag) != 0) & (((flags & flag) != 0) == on)
        return went

    def turned(self, flag: int) -> Column:
        """True for each row whose flag turned, whichever way, at the edge that is being fired."""
        turned: Column = (self.plan["turned"] & flag) != 0
        return turned

    def silent(self) -> Column:
        """True for each row whose deadline, not an edge, is being fired: at one time an edge, a ping, then silence."""
        silent: Column = self.plan["turned"] == 0
        return silent

    def plane(self, lon: Column, lat: Column) -> tuple[Column, Column]:
        """Metres east and north of each row's residence, from degrees * 1e7."""
        plan = self.plan
        return (lon - plan["lon0"]) * plan["mx"], (lat - plan["lat0"]) * plan["my"]


class Detector(Protocol):
    """One rule: the columns it remembers for each row, and three verbs, always in this order."""

    name: str
    columns: np.dtype[np.void]

    def observe(self, window: Window, fixes: Fixes) -> list[Finding]:
        """One ping for each row; every deadline before it has been fired."""
        ...

    def due(self, window: Window) -> Column:
        """When silence alone will change the answer (int64 ms), `NEVER` where it cannot."""
        ...

    def fire(self, window: Window, now_ms: Column) -> list[Finding]:
        """That moment, or an edge of the plan (`plan["turned"]`), has come: one time for each row."""
        ...
