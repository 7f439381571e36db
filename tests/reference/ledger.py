"""What the rules found about one person."""

from typing import NamedTuple


class Result(NamedTuple):
    """One episode, as the laws compare it."""

    supervisee: str
    rule: str
    subject: str
    since_ms: int
    until_ms: int | None
    kind: str
    severity: str


class Ledger:
    """Episodes by their identity (rule, subject, since): the same identity again is the same episode, changed."""

    def __init__(self, supervisee: str) -> None:
        self.supervisee = supervisee
        self.episodes: dict[tuple[str, str, int], Result] = {}

    def write(self, rule: str, subject: str, since_ms: int, until_ms: int | None, kind: str, severity: str) -> None:
        """Put down how the episode stands now."""
        result = Result(self.supervisee, rule, subject, since_ms, until_ms, kind, severity)
        self.episodes[rule, subject, since_ms] = result

    def results(self) -> set[Result]:
        """Every episode as it stands."""
        return set(self.episodes.values())
