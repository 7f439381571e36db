"""The delivery among thousands of crashes that a seed chooses; a seed that fails is printed and fails again."""

import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.simulation.case import NewCase
from tests.simulation.guards import GUARDS, Changes, off
from tests.simulation.run import Outcome, simulate
from tests.simulation.supervision import Supervision
from tests.simulation.tally import Tally

ROOT = Path(__file__).parents[2]
MOST = 400
"""Seeds tried for a guard that is off; the rarest damage comes with one in a hundred and fifty."""


def told(outcome: Outcome) -> str:
    """Give the story of a seed that failed."""
    return "\n".join([*outcome.story, f"seed={outcome.seed} {outcome.verdict}"])


@pytest.mark.parametrize(("case", "seeds"), [(Tally, 250), (Supervision, 8)])
def test_nothing_is_lost_doubled_or_wrong(case: NewCase, seeds: int) -> None:
    """Expected: no damage with any seed, every process ends as its fault says, and each kind of fault was met."""
    befell = Counter[str]()
    for seed in range(seeds):
        outcome = simulate(seed, case=case)
        befell += outcome.befell
        assert outcome.verdict.damage == 0, told(outcome)
    print(f"seeds=0..{seeds - 1} {dict(befell)}")  # noqa: T201 - the seeds of the run, and what it has met
    met = {"kill", "stop", "end", "join", "away", "rule", "polls lost", "fenced"} if case is Tally else {"kill"}
    assert all(befell[kind] for kind in met), befell


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.__name__)
def test_each_guard_is_needed(guard: Callable[[], Changes]) -> None:
    """Expected: damage with some seed once the guard is off."""
    assert any(simulate(seed, partial(off, guard)).verdict.damage for seed in range(MOST))


def test_a_seed_gives_the_same_run() -> None:
    """Expected: the same story to the last line in another process, whose sets of names are in another order."""
    program = "from tests.simulation.run import simulate; print(simulate(9).story)"
    stories = {
        subprocess.run(
            [sys.executable, "-c", program], cwd=ROOT, env={"PYTHONHASHSEED": salt}, capture_output=True, check=True
        ).stdout
        for salt in ("1", "2", "3")
    }
    assert len(stories) == 1
