"""The two-state filter: what a fix, a repeated fix and silence do to it, and that it can always alarm."""

from math import exp

import numpy as np
import pytest

from detectors.belief import HOUR_MS, Belief
from detectors.pings import Column, Fixes, make
from tests.detectors.watched import MINUTE, RULES, fix, on

TIER = np.array([0])
YES, NO = np.array([True]), np.array([False])
BELIEF = Belief(RULES, "boundary")


def told(p: float, every_ms: int, beyond: Column = YES, within: Column = NO, *, frozen: bool = False) -> float:
    """The belief after one fix that comes so long after the one before."""
    fixes = Fixes(make([fix(on("12:00"))]), np.zeros(1), np.zeros(1))
    fixes.last_ms = np.array([0 if every_ms < 0 else on("12:00") - every_ms])
    fixes.frozen = np.array([frozen])
    return float(BELIEF.told(np.array([p]), fixes, beyond, within, TIER)[0])


def odds(p: float) -> float:
    """For against one against."""
    return p / (1 - p)


@pytest.mark.parametrize(("step", "minutes"), [(2.0, 1.0), (2.0, 15.0), (2.4, 21.0), (3.0, 30.0), (3.0, 120.0)])
def test_a_step_grows_with_the_interval(step: float, minutes: float) -> None:
    """As much as the belief decays meanwhile, between 15 and 30 min in proportion; down as far as up."""
    ms = round(minutes * MINUTE)
    before = float(BELIEF.after(np.array([0.6]), np.array([ms]), TIER)[0])
    assert pytest.approx(odds(before) * exp(step)) == odds(told(0.6, ms))
    assert pytest.approx(odds(before) * exp(-step)) == odds(told(0.6, ms, NO, YES))


def test_a_repeated_fix_counts_a_quarter() -> None:
    """Half a unit of log-odds instead of two."""
    before = odds(float(BELIEF.after(np.array([0.6]), np.array([MINUTE]), TIER)[0]))
    assert pytest.approx(before * exp(0.5)) == odds(told(0.6, MINUTE, frozen=True))


def test_an_unsure_fix_lets_the_belief_fade() -> None:
    """By half as much as one within bounds, and by an eighth where it repeats the last one."""
    before = odds(float(BELIEF.after(np.array([0.6]), np.array([MINUTE]), TIER)[0]))
    assert pytest.approx(before * exp(-1)) == odds(told(0.6, MINUTE, NO, NO))
    assert pytest.approx(before * exp(-0.25)) == odds(told(0.6, MINUTE, NO, NO, frozen=True))


def test_silence_goes_back_to_what_is_usual() -> None:
    """Once a day out for eight hours is a quarter of the time; nearly so after two days, and before the first fix."""
    after = BELIEF.after(np.array([0.95, 0.0]), np.array([48 * HOUR_MS] * 2), np.array([0, 0]))
    assert pytest.approx([0.25, 0.25], abs=0.001) == after.tolist()
    assert pytest.approx(odds(0.25) * exp(3)) == odds(told(0.0, -1))


@pytest.mark.parametrize("minutes", [1, 2, 5, 10, 15, 20, 30, 45, 60])
@pytest.mark.parametrize("tier", [0, 1])
def test_an_endless_run_outside_alarms_at_every_interval(minutes: int, tier: int) -> None:
    """And one inside ends it, in both tiers: a belief that decays faster than it grows could not."""
    ms, fixes = minutes * MINUTE, Fixes(make([fix(on("12:00"))]), np.zeros(1), np.zeros(1))
    fixes.last_ms = np.array([on("12:00") - ms])
    p, of = np.array([0.0]), np.array([tier])
    for beyond, within in ((NO, YES), (YES, NO), (NO, YES)):
        for _ in range(40):
            p, before = BELIEF.told(p, fixes, beyond, within, of), p
            reached = p >= BELIEF.opens[of] if beyond else p < BELIEF.closes[of]
        assert reached, (minutes, float(p[0]), float(before[0]))
    p, count = BELIEF.after(np.zeros(1), np.array([ms]), of), 0
    while p < BELIEF.opens[of]:
        p, count = BELIEF.told(p, fixes, YES, NO, of), count + 1
    assert count <= 7
