"""Planted off-by-one changes: each rule is wrong by one operator, and a fixed set of lives must notice each."""

import importlib
import inspect
from collections.abc import Iterator
from random import Random
from types import FunctionType, ModuleType
from typing import Any

import pytest

from tests.detectors.lives import BASE, HOUR, MINUTE, Life, Track
from tests.detectors.scenarios import Way, expected, lives, run, script
from tests.factories import order, permit
from tests.reference.arrival import Step
from tests.reference.ledger import Result

SEEDS = (0, 6, 8, 14, 33)
PEOPLE = 10

MUTANTS = {
    "a contact at the very limit comes too late": (
        "rounds",
        "(due < until_ms)",
        "(due <= until_ms)",
    ),
    "an edge waits for what is at its moment": (
        "rounds",
        '(window.plan["change_ms"] <= until_ms)',
        '(window.plan["change_ms"] < until_ms)',
    ),
    "the contact clock rings a millisecond late": (
        "gap",
        'own["clock_ms"] + limit, own',
        'own["clock_ms"] + limit + 1, own',
    ),
    "the fix clock needs more than the limit": (
        "gap",
        "(silence >= limit)",
        "(silence > limit)",
    ),
    "what is overdue becomes a gap a millisecond late": (
        "gap",
        'own["contact_since_ms"] + later)',
        'own["contact_since_ms"] + later + 1)',
    ),
    "a gap teaches the rhythm": (
        "gap",
        '(own["contact_level"] < GAP), t)',
        '(own["contact_level"] <= GAP), t)',
    ),
    "one interval more warms up": (
        "rhythm",
        '(own["learned"][rows] < self.warmup[tier]',
        '(own["learned"][rows] <= self.warmup[tier]',
    ),
    "one ping more makes a run": (
        "outside",
        '(own["run_n"] >= self.pings[tier])',
        '(own["run_n"] > self.pings[tier])',
    ),
    "one coordinate more makes a run": (
        "outside",
        '(own["spots"] >= need)',
        '(own["spots"] > need)',
    ),
    "one ping more clears": (
        "curfew",
        '(own["clear_n"] >= self.clear_pings[tier])',
        '(own["clear_n"] > self.clear_pings[tier])',
    ),
    "exactly half an hour is minor": (
        "curfew",
        'minor = until_ms[i] - own["since_ms"][i] < self',
        'minor = until_ms[i] - own["since_ms"][i] <= self',
    ),
    "a night too few adds up": (
        "absences",
        'range(min(night - int(own["night"][i]), NIGHTS))',
        'range(min(night - int(own["night"][i]) + 1, NIGHTS))',
    ),
    "the belief opens only beyond its limit of all but certainty": (
        "belief",
        'own["p"] >= self.opens[tier]',
        'own["p"] >= 1.0',
    ),
    "one inside fix forgets where a run outside began": (
        "belief",
        'own["since_ms"][within & ~is_set & low] = 0',
        'own["since_ms"][within & ~is_set] = 0',
    ),
    "the end is the last inside fix, not the first": (
        "belief",
        'where=within & is_set & (own["clear_ms"] == 0))',
        "where=within & is_set)",
    ),
    "leave is seen by nobody": (
        "boundary",
        "certain & ~window.has(LEAVE) & (",
        "certain & ~window.has(AREA) & (",
    ),
    "who is out when leave ends needs another fix": (
        "boundary",
        "return found + _open(window, stands, now_ms)",
        "return found + _open(window, stands & ended, now_ms)",
    ),
    "a repeated fix counts as a new one": (
        "belief",
        "np.where(fixes.frozen, self.frozen[tier], 1.0)",
        "np.where(fixes.frozen, 1.0, 1.0)",
    ),
    "long silence makes no larger step": (
        "belief",
        "np.clip((ms - dense) / (sparse - dense), 0.0, 1.0)",
        "np.clip((ms - dense) / (sparse - dense), 0.0, 0.0)",
    ),
    "the line has no error": (
        "boundary",
        "/ K, self.line_m[tier])",
        "/ K, 0)",
    ),
    "a zone is forbidden at all hours": (
        "zones",
        "window.has(SCHEDULE << zone.schedule)",
        "window.has(1)",
    ),
    "who is inside when the hours begin needs another fix": (
        "zones",
        "found += self._forbid(window, i, slot, now_ms)",
        "found += []",
    ),
    "the hours of a zone never end": (
        "zones",
        'elif own["level"][i, slot] == OPEN:',
        'elif own["level"][i, slot] > OPEN:',
    ),
    "a zone keeps its slot": (
        "zones",
        "_give_back(own, (at[0][over], slots[over]))",
        "_give_back(own, (at[0][:0], slots[:0]))",
    ),
    "an hour-old fix proves nothing": (
        "belief",
        "now_ms - last_ms <= self.before_ms[tier]",
        "now_ms - last_ms < 0",
    ),
    "one fix elsewhere ends a dwell": (
        "dwelling",
        '(own["elsewhere"] >= ENDS)',
        '(own["elsewhere"] >= 1)',
    ),
    "a repeated fix is one more of a dwell": (
        "dwelling",
        "grows = here & ~fixes.frozen &",
        "grows = here &",
    ),
    "home is a place to dwell": (
        "dwelling",
        'np.hypot(own["x_m"], own["y_m"]) > self.away_m[plan["tier"]]',
        'np.hypot(own["x_m"], own["y_m"]) >= 0',
    ),
    "a cell beyond the line is outside also for who lives beside it": (
        "boundary",
        "return judged & away & (",
        "return judged & (",
    ),
    "a fix that cannot tell changes nothing": (
        "belief",
        "-self.unsure[tier]))",
        "0.0))",
    ),
    "one hit more makes a ghost": (
        "ghosts",
        '(own["ghost_hits"][rows] >= self.hits[tier])',
        '(own["ghost_hits"][rows] > self.hits[tier])',
    ),
    "one night more makes a ghost": (
        "ghosts",
        '(own["ghost_nights"][rows] >= self.nights[tier])',
        '(own["ghost_nights"][rows] > self.nights[tier])',
    ),
}


def punctual() -> Life:
    """Someone heard of every 5 min, so overdue after an hour, who then keeps silent a millisecond over two."""
    moments = range(BASE, BASE + 25 * HOUR, 5 * MINUTE)
    track = Track(Random(0), BASE)
    for track.now in (*moments, moments[-1] + 2 * HOUR + 1):
        track.put(0, 0)
    return Life("lz-1", [(BASE, order("lz-1", BASE))], track.pings)


def stroller() -> Life:
    """Someone in zones before, in and after their hours, near venues at home and away from it, and once on leave."""
    asked = [{"zone": "park"}, {"zone": "yard"}, {"zone": "market"}, {"category": "internet_cafe"}]
    track = Track(Random(1), BASE + 6 * HOUR)
    for east_m, minutes in (
        (0, 120),
        (280, 90),
        (700, 400),
        (2_200, 180),
        (0, 60),
        (2_200, 420),
        (940, 120),
        (4_000, 90),
    ):
        track.stay(track.now + minutes * MINUTE, 5 * MINUTE, east_m, 25, 100)
    leave = permit("leave", BASE + 16 * HOUR, BASE + 19 * HOUR + 30 * MINUTE)
    terms: dict[str, Any] = {"prohibitions": asked, "permitted_area": "450202", "permits": [leave]}
    return Life("lz-2", [(BASE, order("lz-2", BASE, **terms))], track.pings)


@pytest.fixture(scope="module")
def scenarios() -> list[tuple[list[Step], set[Result]]]:
    """Give what arrives, and what the reference finds in it."""
    drawn = [(lives(seed, PEOPLE), seed) for seed in SEEDS]
    scripts = [script(of, Way(), Random(seed)) for of, seed in [*drawn, ([punctual()], 0), ([stroller()], 1)]]
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


def plant(monkeypatch: pytest.MonkeyPatch, module: str, was: str, becomes: str) -> None:
    """Replace one place in the source of a rule, in the one function that holds it."""
    original = importlib.import_module(f"detectors.{module}")
    source = inspect.getsource(original)
    assert 1 == source.count(was)
    changed = ModuleType(original.__name__)
    exec(compile(source.replace(was, becomes), str(original.__file__), "exec"), changed.__dict__)  # noqa: S102
    new = dict(_functions(changed))
    different = [(f, new[name]) for name, f in _functions(original) if f.__code__ != new[name].__code__]
    assert 1 == len(different)
    monkeypatch.setattr(different[0][0], "__code__", different[0][1].__code__)


def _functions(module: ModuleType) -> Iterator[tuple[str, FunctionType]]:
    holders = [module, *(c for c in vars(module).values() if inspect.isclass(c) and c.__module__ == module.__name__)]
    for holder in holders:
        for function in vars(holder).values():
            if isinstance(function, FunctionType) and function.__module__ == module.__name__:
                yield function.__qualname__, function
