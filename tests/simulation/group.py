"""The coordinator of a simulated group: who is a member, in which generation, with which partition numbers."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

from tests.simulation.broker import LaterError
from tests.simulation.world import World

SESSION_S: Final = 1.0
REBALANCE_S: Final = 6.0


class Assignment(NamedTuple):
    """What a member is given."""

    generation: int
    numbers: frozenset[int]


@dataclass(slots=True)
class Member:
    """What the coordinator knows of one: when it was heard last, and whether it waits for a new generation."""

    heard_s: float
    joined: bool = False
    given: Assignment | None = None


class Group:
    """Gives every partition number to one member; all give back everything before a new generation begins."""

    def __init__(self, world: World, partitions: int) -> None:
        self.world, self.partitions = world, partitions
        self.members: dict[str, Member] = {}
        self.generation = 0
        self.is_moving = False

    def join(self, name: str) -> Assignment:
        """Wait for the next generation; asked again and again until it has come."""
        member = self.members.get(name)
        if member is None:
            member = self.members[name] = Member(self.world.now_s)
            self._move()
        member.heard_s = self.world.now_s
        if member.given is not None:
            given, member.given = member.given, None
            return given
        if not member.joined:
            member.joined = True
            self._move()
            self._complete()
        raise LaterError

    def beat(self, name: str, generation: int) -> bool:
        """Hear from a member; False: it has to join anew."""
        member = self.members.get(name)
        if member is None:
            return False
        member.heard_s = self.world.now_s
        self.world.at(SESSION_S * 1.01, self._expiry(name, SESSION_S))
        return not self.is_moving and generation == self.generation

    def leave(self, name: str) -> None:
        """Forget a member at once."""
        if self.members.pop(name, None) is not None:
            self._move()
            self._complete()

    def _move(self) -> None:
        if self.is_moving:
            return
        self.is_moving = True
        for name, member in self.members.items():
            self.world.at(REBALANCE_S, self._expiry(name, REBALANCE_S * 0.9))
            member.given = None

    def _expiry(self, name: str, silence_s: float) -> Callable[[], None]:
        def expire() -> None:
            member = self.members.get(name)
            if member is not None and self.world.now_s - member.heard_s >= silence_s:
                self.world.tell("group", f"{name} has expired")
                self.leave(name)

        return expire

    def _complete(self) -> None:
        if not self.is_moving or not self.members or not all(member.joined for member in self.members.values()):
            return
        self.is_moving, self.generation = False, self.generation + 1
        names = list(self.members)
        self.world.random.shuffle(names)
        for place, name in enumerate(names):
            numbers = frozenset(number for number in range(self.partitions) if number % len(names) == place)
            self.members[name].given, self.members[name].joined = Assignment(self.generation, numbers), False
            self.world.at(SESSION_S * 1.5, self._expiry(name, SESSION_S))
        self.world.tell("group", f"generation {self.generation}: {names}")
