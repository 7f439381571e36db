"""What orders forbid, by number: zones with the times at which they are forbidden, and categories of venues."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple
from zlib import crc32

if TYPE_CHECKING:
    from collections.abc import Iterable

    from schemas.order import Prohibition

NOTHING: Final = 0
"""The number of an order that forbids no place, or none that is drawn."""
ALWAYS: Final = -1
MOST_SCHEDULES: Final = 16
"""Different schedules that one order can tell apart; zones with further ones count as forbidden at all times."""


class Hours(NamedTuple):
    """A schedule as a value: its time zone, and (days, start, end) of each window."""

    zone: str
    windows: tuple[tuple[tuple[int, ...], str, str], ...]


class Zone(NamedTuple):
    """A forbidden zone: its id, the key under which a row remembers it, and where in the ban its schedule stands."""

    id: str
    key: int
    schedule: int


class Ban(NamedTuple):
    """All that one order forbids."""

    zones: tuple[Zone, ...] = ()
    schedules: tuple[Hours, ...] = ()
    categories: frozenset[str] = frozenset()


class Bans:
    """
    What orders forbid; who is forbidden the same has the same number as long as the object lives.

    Ids and categories that are not drawn are left out: nobody can be found there. A row remembers a zone or a venue by
    its `key`, which depends on the id alone.
    """

    def __init__(self) -> None:
        self._hours: dict[str, Hours | None] = {}
        self._categories: set[str] = set()
        self._numbers: dict[Ban, int] = {Ban(): NOTHING}
        self._of = [Ban()]
        self.names: dict[int, str] = {}

    def add_zone(self, zone: str, hours: Hours | None) -> None:
        """Add a zone; without hours it is forbidden at all times."""
        self._hours[zone] = hours
        self.names[key(zone)] = zone

    def add_venue(self, venue: str, category: str) -> None:
        """Add a venue."""
        self._categories.add(category)
        self.names[key(venue)] = venue

    def number(self, prohibitions: Iterable[Prohibition]) -> int:
        """Give the number of what is forbidden."""
        if not prohibitions:
            return NOTHING
        ban = self._ban(prohibitions)
        number = self._numbers.setdefault(ban, len(self._of))
        if number == len(self._of):
            self._of.append(ban)
        return number

    def of(self, number: int) -> Ban:
        """Give what has that number."""
        return self._of[number]

    def _ban(self, prohibitions: Iterable[Prohibition]) -> Ban:
        zones, schedules = [], list[Hours]()
        for zone in sorted({one.zone for one in prohibitions if one.zone in self._hours}, key=str):
            hours = self._hours[str(zone)]
            if hours is not None and hours not in schedules and len(schedules) < MOST_SCHEDULES:
                schedules.append(hours)
            at = schedules.index(hours) if hours in schedules else ALWAYS
            zones.append(Zone(str(zone), key(str(zone)), at))
        categories = frozenset(one.category for one in prohibitions if one.category in self._categories)
        return Ban(tuple(zones), tuple(schedules), frozenset(map(str, categories)))


def key(fence_id: str) -> int:
    """
    Name a zone or a venue in four bytes.

    >>> key("port") == key("port") != key("station")
    True
    """
    return crc32(fence_id.encode()) or 1
