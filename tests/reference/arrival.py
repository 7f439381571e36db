"""What arrives, in the order of arrival: who is let in, and what comes of it for everybody."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple

from schemas.order import Order, decode_order
from schemas.rules import Rules
from tests.reference.ledger import Result
from tests.reference.person import Person
from tests.reference.ping import Ping
from tests.reference.timeline import Timeline


class Said(NamedTuple):
    """An order message; None ends the order, and what is open, at `now_ms`."""

    supervisee: str
    raw: bytes | None
    now_ms: int


class Heard(NamedTuple):
    """A batch of pings, and the clock at which it was looked at."""

    pings: tuple[tuple[str, Ping], ...]
    clock_ms: int


class Ticked(NamedTuple):
    """The clock alone."""

    clock_ms: int


Step = Said | Heard | Ticked


@dataclass
class Life:
    """What is known of one person between the first order and the null."""

    messages: list[Order] = field(default_factory=list)
    pings: list[Ping] = field(default_factory=list)


class Arrivals:
    """The gate, and behind it one independent life for each person. Only the last tick is shared."""

    def __init__(self, rules: Rules, horizon_ms: int, future_ms: int) -> None:
        self.rules = rules
        self.horizon_ms = horizon_ms
        self.future_ms = future_ms
        self.lives: dict[str, Life] = {}
        self.ended: set[Result] = set()
        self.refused: list[tuple[str, Ping, str]] = []
        self.last_tick = 0

    def take(self, steps: Sequence[Step]) -> "Arrivals":
        """Take all of them, in this order."""
        for step in steps:
            if isinstance(step, Said):
                self._say(step)
            elif isinstance(step, Heard):
                self._hear(step)
            else:
                self.last_tick = max(self.last_tick, step.clock_ms)
        return self

    def results(self) -> set[Result]:
        """Every episode of everybody."""
        found = set(self.ended)
        for supervisee, life in self.lives.items():
            found |= self._live(supervisee, life).results()
        return found

    def _say(self, step: Said) -> None:
        if step.raw is not None:
            self.lives.setdefault(step.supervisee, Life()).messages.append(_order(step.raw))
        elif step.supervisee in self.lives:
            life = self.lives.pop(step.supervisee)
            self.ended |= self._live(step.supervisee, life, step.now_ms).end(step.now_ms)

    def _hear(self, step: Heard) -> None:
        for supervisee, ping in step.pings:
            reason = self._refusal(supervisee, ping, step.clock_ms)
            if reason is None:
                self.lives[supervisee].pings.append(ping)
            else:
                self.refused.append((supervisee, ping, reason))

    def _refusal(self, supervisee: str, ping: Ping, clock_ms: int) -> str | None:
        if supervisee not in self.lives:
            return "unknown_supervisee"
        if not Timeline(self.lives[supervisee].messages, self.rules, ping.time_ms).is_authorised(ping.time_ms):
            return "not_authorised"
        if clock_ms >= 0 and ping.time_ms > clock_ms + self.future_ms:
            return "future"
        if clock_ms >= 0 and ping.time_ms < clock_ms - self.horizon_ms:
            return "too_late"
        return None

    def _live(self, supervisee: str, life: Life, until_ms: int = 0) -> Person:
        person = Person(supervisee, self.rules)
        person.live(life.messages, life.pings, max(self.last_tick, until_ms))
        return person


@cache
def _order(raw: bytes) -> Order:
    return decode_order(raw)
