"""Planted changes in the rules about nights: each is wrong by one operator, and a fixed set of lives notices it."""

from random import Random

import pytest

from tests.detectors.scenarios import Way, expected, lives, run, script
from tests.detectors.sleepers import SLEEPERS
from tests.detectors.test_mutants import plant
from tests.reference.arrival import Step
from tests.reference.ledger import Result

SEEDS = range(8)
PEOPLE = 6

MUTANTS = {
    "the third fix of a challenger is too few": ("stays", "(n >= least)", "(n > least)"),
    "silence ends no stay": ("stays", 'lost = stays & (s - own["last_s"][rows] > SILENCE_S)', "lost = stays & (s < 0)"),
    "the same coordinate is another spot": ("nights", "(same | soon)", "(soon)"),
    "the spot in force does not count": ("nights", "used = valid & (step >= early[:, None])",
                                         "used = valid & (step > early[:, None])"),
    "an hour and a half is too short": ("nights", "(end - first >= LEAST)", "(end - first > LEAST)"),
    "a stay that was over must be longer": (
        "nights", "begun) >= LEAST_S)", "begun) >= 2 * LEAST_S)",
    ),
    "thirteen nights are remembered": ("places", "<< passed[:, None]) & ALL", "<< passed[:, None]) & (ALL >> 1)"),
    "the fourth night makes a venue": (
        "venues", "nights.bit_count() < self.least[tier] or", "nights.bit_count() <= self.least[tier] or"
    ),
    "the fourth night makes a doubt": (
        "venues", "nights.bit_count() >= self.doubted[tier]", "nights.bit_count() > self.doubted[tier] - 2"
    ),
    "what was doubted keeps its beginning": ("venues", "if was == Kind.doubted else", "if was < 0 else"),
    "a permit changes nothing": ("night_venue", "& ~window.has(LIFTED)\n", "\n"),
    "a visit is a stay at home": ("night_venue", "stays.since_s >= HOME_S)", "stays.since_s >= 0)"),
    "the residence stays doubted": ("residence", 'own["opened_s"][i] and not doubted', 'own["opened_s"][i] and False'),
}  # fmt: skip


@pytest.fixture(scope="module")
def scenarios() -> list[tuple[list[Step], set[Result]]]:
    """Give what arrives, and what the reference finds in it."""
    scripts = [script(lives(seed, PEOPLE, SLEEPERS), Way(), Random(seed)) for seed in SEEDS]
    return [(steps, expected(steps).results()) for steps in scripts]


def test_unplanted(scenarios: list[tuple[list[Step], set[Result]]]) -> None:
    """Without a change the scenarios find nothing to complain of, else they would prove nothing."""
    for steps, results in scenarios:
        assert results == run(steps).results()


@pytest.mark.parametrize("mutant", MUTANTS)
def test_planted(mutant: str, scenarios: list[tuple[list[Step], set[Result]]], monkeypatch: pytest.MonkeyPatch) -> None:
    """At least one scenario differs from the reference."""
    plant(monkeypatch, *MUTANTS[mutant])
    assert any(results != run(steps).results() for steps, results in scenarios)
