"""What is scored: an entry for each kind of finding, with the truth it is held against and where that is known."""

from typing import Final, Literal, NamedTuple

__all__ = ["ENTRIES", "Entry"]


class Entry(NamedTuple):
    """
    Claims of `rule` about a subject or of a kind, against the true events named `truth`.

    Claims count from the severity `least` on. `window_min` is how early is early: an alert at its end is worth nothing
    to the early-detection score. `corpora` is where the truth is known.
    """

    name: str
    rule: str
    about: str | None
    truth: str
    window_min: int
    least: Literal["notice", "alert"]
    corpora: tuple[str, ...]


ENTRIES: Final = (
    Entry("curfew", "curfew", "residence", "curfew", 120, "notice", ("recorded", "violations", "county", "still")),
    Entry("boundary", "boundary", None, "boundary", 120, "notice", ("recorded", "violations", "still")),
    Entry("exclusion, zone", "exclusion", "zone", "zone", 120, "notice", ("forbidden",)),
    Entry("exclusion, venue", "exclusion", "venue", "venue", 120, "notice", ("forbidden",)),
    Entry("night venue", "night_venue", None, "venue nights", 300, "notice", ("nights", "recorded", "still")),
    Entry("gap", "gap", None, "gap", 180, "alert", ("silences", "county", "still")),
    Entry("gap, any cause", "gap", None, "silence", 180, "alert", ("silences", "county")),
)
"""`gap` counts a long coverage hole as wrong, since nobody was to blame; `any cause` counts what the order defines."""
