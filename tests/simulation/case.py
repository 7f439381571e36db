"""What a simulated run is about: who sends what, which rules the workers have, and what must come of it."""

from collections.abc import Callable
from typing import Final, NamedTuple, Protocol

from detectors.findings import EpisodeEvent
from stream.partition import Headers, Kernel, Partition
from stream.settings import Settings
from tests.simulation.broker import Broker
from tests.simulation.world import World

PARTITIONS: Final = 2


class RuleError(Exception):
    """What a rule fails with."""


class Verdict(NamedTuple):
    """What is wrong, in words; empty lists where nothing is."""

    state_mismatch: list[str]
    missing: list[str]
    extra: list[str]
    dups: list[str]
    stuck: list[str]

    @property
    def damage(self) -> int:
        """Count it."""
        return sum(map(len, self))

    def __str__(self) -> str:
        counts = " ".join(f"{name}={len(found)}" for name, found in zip(self._fields, self, strict=True))
        return "\n".join([counts, *(f"  {what}" for found in self for what in found[:8])])


class Case(Protocol):
    """Sends by itself once it is made; the run asks when it is over, and then for the verdict."""

    settings: Settings

    def kernel(self) -> Kernel:
        """Give the rules of one partition number."""

    def encode(self, event: EpisodeEvent) -> tuple[bytes, bytes, Headers]:
        """Give the alert for an event."""

    @property
    def over(self) -> bool:
        """Whether everything was sent."""

    def close(self) -> None:
        """Send something more to each partition of the pings topic."""

    def end(self) -> bool:
        """Send what comes after everything was read; False: nothing does."""

    def is_quiet(self, partition: Partition) -> bool:
        """Whether time has passed for a partition as far as it will."""

    def judge(self, stuck: list[str]) -> Verdict:
        """Hold what is in the topics against what must be."""


NewCase = Callable[[int, World, Broker], Case]
"""Makes the case of a seed, which begins to send at once."""
