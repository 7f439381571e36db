"""Laws of the nights: over weeks, however pings arrive, the engine finds what the slow reference finds."""

from random import Random

from tests.detectors.lives import HOUR
from tests.detectors.scenarios import Way, expected, lives, run, script
from tests.detectors.sleepers import SLEEPERS
from tests.detectors.test_laws import law


@law(5)
def test_any_cut_and_restart(lives_seed: int, way_seed: int) -> None:
    """One batch for everything, or small ones with restarts between them, give the same episodes."""
    of, draw = lives(lives_seed, 3, SLEEPERS), Random(way_seed)
    whole = script(of, Way(largest=10**9, ticks=0), draw)
    cut = script(of, Way(largest=draw.choice((20, 150))), draw)
    results = expected(whole).results()
    assert results == run(whole).results()
    assert results == run(cut, draw, restarts=0.05).results()


@law(5)
def test_any_order_of_arrival(lives_seed: int, way_seed: int) -> None:
    """Pings up to four hours late, some twice, ticks a little ahead: nights are judged again, and come out the same."""
    draw = Random(way_seed)
    way = Way(largest=draw.choice((40, 300)), delay_ms=4 * HOUR, twice=0.1, ticks=0.5, ahead_ms=HOUR)
    steps = script(lives(lives_seed, 3, SLEEPERS), way, draw)
    assert expected(steps).results() == run(steps, draw, restarts=0.02).results()


@law(3)
def test_any_company(lives_seed: int, way_seed: int) -> None:
    """Other supervisees in the same batches change nothing for anybody."""
    of, draw = lives(lives_seed, 4, SLEEPERS), Random(way_seed)
    steps = script(of, Way(), draw)
    alone = {result for life in of for result in run([*script([life], Way(), draw), steps[-1]]).results()}
    assert alone == run(steps).results()
    assert expected(steps).results() == alone


def test_these_lives_have_everything_in_them() -> None:
    """Each class of night venue, and the residence, open and closed: else the laws above would hold of nothing."""
    found = {
        (result.rule, result.kind, result.until_ms is None)
        for seed in range(12)
        for result in expected(script(lives(seed, 6, SLEEPERS), Way(), Random(seed))).results()
    }
    kinds = [("night_venue", kind) for kind in ("repeated", "prohibited", "unconfirmed")] + [("residence", "elsewhere")]
    assert {(*kind, lasts) for kind in kinds for lasts in (True, False)} <= found
