"""Ping quality told again over the pings of the evidence: the same reasons as the rule that judged them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.doubts import doubts
from detectors.pings import DEGREE, Fixes, make
from geofence.plane import metres_per_degree
from schemas.ping import Status
from schemas.rules import QualityRule
from tests.detectors.watched import MINUTE, Ping, Watched, answer, fix, on
from tests.factories import HOME

NO_GHOSTS = np.zeros((0, 2))


def told(*pings: Ping, ghosts: list[tuple[float, float]] | None = None) -> list[str | None]:
    """What is said of pings, ghosts in metres from the residence."""
    sent = make(pings)
    mx, my = metres_per_degree(HOME[1] * DEGREE)
    x, y = (sent["lon"] - HOME[0]) * DEGREE * mx, (sent["lat"] - HOME[1]) * DEGREE * my
    return doubts(Fixes(sent, x, y), np.array(ghosts) if ghosts else NO_GHOSTS, QualityRule())


def test_each_reason_has_its_name() -> None:
    """Too fast, a learned ghost, the null island; an answer without a place is nothing to doubt."""
    null = (on("08:20"), 0, 0, 100, 0, 0, 0)
    fixes = fix(on("08:00")), fix(on("08:01"), 9_000), fix(on("08:10"), 2_050)
    said = told(*fixes, null, answer(on("08:30"), Status.timeout), ghosts=[(2_000.0, 0.0)])

    assert [None, "speed", "ghost", "null_island", None] == said


def test_speed_is_measured_from_the_last_fix_that_was_accepted() -> None:
    """After a fix that was too fast, one back at home is none."""
    assert [None, "speed", None] == told(fix(on("08:00")), fix(on("08:01"), 9_000), fix(on("08:02")))


def test_nothing_to_say_of_nothing() -> None:
    """Nor of a single ping."""
    assert [] == told()
    assert [None] == told(fix(on("08:00"), 90_000))


@pytest.mark.parametrize("every_min", [1, 5])
@given(away=st.lists(st.sampled_from([0, 300, 3_000, 9_000, 40_000]), min_size=1, max_size=12))
def test_it_agrees_with_the_rule(every_min: int, away: list[int]) -> None:
    """Whatever the jumps, the last fix that the kernel accepted is the last that is not doubted here."""
    pings = [fix(on("08:00") + k * every_min * MINUTE, east) for k, east in enumerate(away)]
    watched = Watched().hear(*pings)
    accepted = [ping[0] for ping, doubt in zip(pings, told(*pings), strict=True) if doubt is None]

    assert accepted[-1] == watched.engine.supervision.windows.hot["quality"]["last_ms"][0]
