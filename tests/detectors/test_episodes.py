"""Episodes: from findings to events, and what a run from the past takes back."""

from collections.abc import Callable, Sequence
from typing import Any

from detectors.episodes import Context, Episodes
from detectors.findings import Finding, Phase
from schemas.alert import episode_id


def contexts(findings: Sequence[Finding]) -> list[Context]:
    """What an event says beside the finding."""
    return [Context(f"org-{finding.row}", "o@1", {"pings": []}) for finding in findings]


def episodes(settled_ms: Callable[[int], int] = lambda _: 0) -> Episodes:
    """Episodes of people whose names and orders are made up, all of which may still change unless told otherwise."""
    return Episodes(lambda row: f"lz-{row}", contexts, settled_ms)


def found(
    phase: Phase, since_ms: int, at_ms: int, until_ms: int | None = None, kind: str = "gap", subject: str = "contact"
) -> Finding:
    """A step of the gap rule about row 0; a notice where the kind is overdue."""
    severity, facts = "notice" if kind == "overdue" else "alert", {"limit_ms": 7}
    return Finding(0, "gap", subject, phase, since_ms, at_ms, until_ms, kind, severity, "silent", facts)


def said(of: Episodes) -> list[tuple[Any, ...]]:
    """Phase, revision, since, until and time of each event since the last call."""
    events, of.events = of.events, []
    return [(e.phase, e.revision, e.since_ms, e.until_ms, e.at_ms) for e in events]


def test_each_step_is_published_as_it_is_found() -> None:
    """Revisions count from one, and the identity is derived from person, rule, subject and beginning."""
    of = episodes()
    of.record([found("opened", 10, 60, kind="overdue"), found("updated", 10, 120), found("closed", 10, 130, 130)])
    assert [episode_id("lz-0", "gap", "contact", 10)] * 3 == [event.episode_id for event in of.events]
    assert [("opened", 1, 10, None, 60), ("updated", 2, 10, None, 120), ("closed", 3, 10, 130, 130)] == said(of)


def test_an_event_carries_its_context() -> None:
    """Organisation, order version, and facts and pings as evidence."""
    of = episodes()
    of.record([found("opened", 10, 60)])
    event = of.events[0]
    assert ("lz-0", "org-0", "o@1", "officer", None) == (
        event.supervisee, event.organisation, event.order_version, event.audience, event.supersedes,
    )  # fmt: skip
    assert {"kind": "gap", "limit_ms": 7, "pings": []} == event.evidence


def test_a_step_that_readers_cannot_tell_from_the_last_is_no_news() -> None:
    """The same end, class, severity and reason."""
    of = episodes()
    of.record([found("opened", 10, 60), found("updated", 10, 70)])
    assert [("opened", 1, 10, None, 60)] == said(of)


def test_a_rerun_that_finds_the_same_says_nothing() -> None:
    """Only the difference is published."""
    of = episodes()
    steps = [found("opened", 10, 60), found("closed", 10, 90, 90)]
    of.record(steps)
    said(of)
    of.revise(0, 50, steps)
    assert [] == said(of)


def test_a_rerun_that_finds_another_end_updates() -> None:
    """A closed episode may be updated, and its revision rises."""
    of = episodes()
    of.record([found("opened", 10, 60), found("closed", 10, 90, 90)])
    said(of)
    of.revise(0, 70, [found("closed", 10, 80, 80)])
    assert [("updated", 3, 10, 80, 80)] == said(of)


def test_a_rerun_that_finds_nothing_retracts() -> None:
    """Once; and what it was stays known until it cannot change any more."""
    of = episodes()
    of.record([found("opened", 10, 60)])
    said(of)
    of.revise(0, 20, [])
    assert [("retracted", 2, 10, None, 60)] == said(of)
    of.revise(0, 20, [])
    assert [] == said(of)


def test_what_was_retracted_may_be_found_again() -> None:
    """With the same identity and the next revision, so that no reader takes it for an old message."""
    of = episodes()
    of.record([found("opened", 10, 60)])
    of.revise(0, 20, [])
    said(of)
    of.revise(0, 20, [found("opened", 10, 65)])
    assert [("opened", 3, 10, None, 65)] == said(of)


def test_another_beginning_is_another_episode_that_names_the_old_one() -> None:
    """The old one is retracted first."""
    of = episodes()
    of.record([found("opened", 10, 60)])
    said(of)
    of.revise(0, 9, [found("opened", 30, 80)])
    old, new = of.events
    assert ("retracted", "opened") == (old.phase, new.phase)
    assert (old.episode_id, None) == (new.supersedes, old.supersedes)


def test_another_subject_supersedes_nothing() -> None:
    """A gap of fixes does not take the place of a gap of contact."""
    of = episodes()
    of.record([found("opened", 10, 60)])
    said(of)
    of.revise(0, 9, [found("opened", 30, 80, subject="fix")])
    assert [None, None] == [event.supersedes for event in of.events]


def test_an_episode_first_seen_when_it_is_over_is_opened_first() -> None:
    """Readers get both events, each with its own time."""
    of = episodes()
    of.revise(0, 0, [found("opened", 10, 60), found("closed", 10, 90, 90)])
    assert [("opened", 1, 10, None, 60), ("closed", 2, 10, 90, 90)] == said(of)


def test_steps_before_the_rerun_stay() -> None:
    """What lies at or before its beginning was not found again, but still holds."""
    of = episodes()
    of.record([found("opened", 10, 60, kind="overdue"), found("updated", 10, 120)])
    said(of)
    of.revise(0, 60, [])
    assert [("updated", 3, 10, None, 60)] == said(of)


def test_the_end_of_the_order_leaves_nothing() -> None:
    """Neither episodes nor anything to write; what was published stays to be taken."""
    of = episodes()
    of.record([found("opened", 10, 60), found("closed", 10, 90, 90)])
    of.end(0)
    assert (None, set(), 0) == (of.pack(0), of.dirty, of.open_since(0))
    assert 2 == len(said(of))


def test_the_newest_open_episode_is_known_by_its_beginning() -> None:
    """Those that ended do not count."""
    of = episodes()
    assert 0 == of.open_since(0)
    of.record([found("opened", 10, 60), found("opened", 20, 60, subject="fix"), found("opened", 30, 60)])
    of.record([found("closed", 30, 90, 90)])
    assert 20 == of.open_since(0)


def test_old_episodes_are_forgotten_when_a_new_one_comes() -> None:
    """Those that ended before all that may still change; open ones stay, however old."""
    settled = {0: 90}
    of = episodes(settled.__getitem__)
    of.record([found("opened", 10, 60), found("opened", 20, 60, subject="fix"), found("closed", 10, 90, 90)])
    of.record([found("opened", 500, 560)])
    assert {10, 20, 500} == {episode.since_ms for episode in of.of[0].values()}
    settled[0] = 91
    of.record([found("opened", 600, 660)])
    assert {20, 500, 600} == {episode.since_ms for episode in of.of[0].values()}


def test_only_the_row_of_the_new_episode_is_looked_through() -> None:
    """What settled is asked of that row; the episodes of others stay."""
    of = episodes({0: 0, 1: 1_000}.__getitem__)
    steps = [found("opened", 10, 60), found("closed", 10, 90, 90)]
    of.record([*steps, *(step._replace(row=1) for step in steps)])
    of.record([found("opened", 500, 560), found("opened", 500, 560)._replace(row=1)])
    assert ({10, 500}, {500}) == tuple({e.since_ms for e in of.of[row].values()} for row in (0, 1))


def test_a_revision_rises_across_a_restart() -> None:
    """What is packed comes back whole: steps, revision, what was shown."""
    of, again = episodes(), episodes()
    of.record([found("opened", 10, 60)])
    again.unpack(0, of.pack(0) or b"")
    again.record([found("closed", 10, 90, 90)])
    assert [("closed", 2, 10, 90, 90)] == said(again)


def test_a_row_without_episodes_packs_to_a_tombstone() -> None:
    """Nothing is stored of nothing."""
    assert episodes().pack(0) is None
