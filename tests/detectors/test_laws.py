"""
Laws: however pings arrive, the vectorised engine finds what the slow reference finds.

Seeds stand for lives (`lives.py`); Hypothesis prints those of a failing example, and they repeat it.
"""

from collections.abc import Callable, Iterable, Sequence
from random import Random

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from detectors.findings import EpisodeEvent
from tests.detectors.scenarios import Way, expected, lives, run, script
from tests.reference.arrival import Heard

HOUR = 3_600_000
MAY_FOLLOW = {
    "": {"opened"},
    "opened": {"updated", "closed", "retracted"},
    "updated": {"updated", "closed", "retracted"},
    "closed": {"updated", "retracted"},
    "retracted": {"opened"},
}
SEEDS = st.integers(0, 2**32 - 1)

Seeded = Callable[[int, int], None]


def law(examples: int) -> Callable[[Seeded], Callable[[], None]]:
    """Hold for so many drawn pairs of lives and ways of arrival; a seed has no smaller version, so none is sought."""

    def held(test: Seeded) -> Callable[[], None]:
        phases = (Phase.explicit, Phase.generate)
        return settings(max_examples=examples, deadline=None, database=None, phases=phases, derandomize=True)(
            given(lives_seed=SEEDS, way_seed=SEEDS)(test)
        )

    return held


@law(6)
def test_any_cut(lives_seed: int, way_seed: int) -> None:
    """One batch for everything, batches of one ping, and anything between give the same episodes."""
    of, draw = lives(lives_seed, 4), Random(way_seed)
    whole = script(of, Way(largest=10**9, ticks=0), draw)
    cut = script(of, Way(largest=draw.choice((3, 40, 400))), draw)
    results = expected(whole).results()
    assert results == expected(cut).results()
    assert results == run(whole).results()
    assert results == run(cut).results()


@law(6)
def test_any_restart(lives_seed: int, way_seed: int) -> None:
    """An engine that knows only the changelog goes on as if nothing had happened."""
    draw = Random(way_seed)
    steps = script(lives(lives_seed, 4), Way(largest=60), draw)
    assert expected(steps).results() == run(steps, draw, restarts=0.3).results()


@law(5)
def test_any_company(lives_seed: int, way_seed: int) -> None:
    """Other supervisees in the same batches change nothing for anybody."""
    of, draw = lives(lives_seed, 4), Random(way_seed)
    steps = script(of, Way(), draw)
    together = run(steps).results()
    alone = {result for life in of for result in run([*script([life], Way(), draw), steps[-1]]).results()}
    assert alone == together
    assert expected(script(of, Way(), draw)).results() == together


@law(6)
def test_ticks_at_any_time(lives_seed: int, way_seed: int) -> None:
    """
    Ticks may be missing, or run hours ahead of pings that arrive after them.

    Not of orders that end: what a deadline before the end has opened by then depends on whether it was looked at.
    """
    draw = Random(way_seed)
    of = [life for life in lives(lives_seed, 8) if all(raw is not None for _, raw in life.messages)]
    largest = draw.choice((10, 40, 300))
    rare = script(of, Way(largest=largest, ticks=0), draw)
    ahead = script(of, Way(largest=largest, ticks=0.7, ahead_ms=5 * HOUR), draw)
    results = expected(rare).results()
    assert results == run(rare).results()
    assert results == run(ahead, draw).results()


@law(6)
def test_any_order_of_arrival(lives_seed: int, way_seed: int) -> None:
    """Pings up to four hours late, and everything else on top: restarts, repeats, ticks a little ahead."""
    draw = Random(way_seed)
    largest = draw.choice((10, 60, 300))
    way = Way(largest=largest, delay_ms=4 * HOUR, twice=0.1, ticks=0.5, ahead_ms=HOUR)
    steps = script(lives(lives_seed, 4), way, draw)
    reference, engine = expected(steps), run(steps, draw, restarts=0.1)
    assert reference.results() == engine.results()
    assert sorted(reference.refused) == sorted(engine.refused)


@law(5)
def test_duplicates(lives_seed: int, way_seed: int) -> None:
    """A ping that comes again, at once, hours or days later, changes nothing."""
    draw = Random(way_seed)
    once = script(lives(lives_seed, 4), Way(), draw)
    results = expected(once).results()
    at_once = [again for step in once for again in ((step, step) if isinstance(step, Heard) else (step,))]
    assert results == run(at_once).results()
    later = [*once[:-1], *(step for step in once if isinstance(step, Heard)), once[-1]]
    assert expected(later).results() == run(later, draw).results()


@law(5)
def test_every_moment(lives_seed: int, way_seed: int) -> None:
    """What was published up to any moment is what the reference says of everything up to then."""
    draw = Random(way_seed)
    steps = script(lives(lives_seed, 3), Way(largest=60, delay_ms=4 * HOUR), draw)
    for end in sorted(draw.sample(range(1, len(steps)), min(6, len(steps) - 1))):
        assert expected(steps[:end]).results() == run(steps[:end]).results()


@law(6)
def test_stream_of_events(lives_seed: int, way_seed: int) -> None:
    """
    An episode counts its revisions from one without a hole, and its phases follow each other as they may.

    Not of orders that end: what is erased cannot go on counting, should late pings tell the same once more.
    """
    draw = Random(way_seed)
    of = [life for life in lives(lives_seed, 8) if all(raw is not None for _, raw in life.messages)]
    way = Way(largest=30, delay_ms=4 * HOUR, twice=0.1, ticks=0.6, ahead_ms=HOUR)
    steps = script(of, way, draw)
    engine = run(steps, draw, restarts=0.2)
    by_episode: dict[str, list[EpisodeEvent]] = {}
    for event in engine.events:
        if event.supersedes is not None:
            assert "retracted" == by_episode[event.supersedes][-1].phase
            assert "opened" == event.phase
        by_episode.setdefault(event.episode_id, []).append(event)
    for events in by_episode.values():
        assert list(range(1, len(events) + 1)) == [event.revision for event in events]
        assert all(event.phase in MAY_FOLLOW[last] for last, event in _after_phase(events))
        assert 1 == len({(e.supervisee, e.rule, e.subject, e.since_ms) for e in events})
        assert all(event.until_ms is None for event in events if event.phase == "opened")
        assert all(event.until_ms is not None for event in events if event.phase == "closed")
    assert expected(steps).results() == engine.results()


def _after_phase(events: Sequence[EpisodeEvent]) -> Iterable[tuple[str, EpisodeEvent]]:
    """Give each event behind the phase before it."""
    return zip(["", *(event.phase for event in events)], events, strict=False)
