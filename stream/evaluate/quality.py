"""An evaluation: the corpora under each setting, the engine over all of them side by side, and the figures."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from geofence.fences import Fences
from schemas.errors import BadConfiguration
from schemas.rules import Rules
from stream.evaluate import corpora, forbidden
from stream.evaluate.cases import Case, Setting
from stream.evaluate.claims import Claim, judge
from stream.evaluate.entries import ENTRIES, Entry
from stream.evaluate.folder import read_tracks
from stream.evaluate.measures import Measures, Quality, measure
from stream.evaluate.nights import VENUE, measure_nights
from stream.evaluate.tracks import Track
from stream.simulate.lives import MINUTE

__all__ = ["FIRST_TEST_SEED", "INTERVALS_MIN", "STICKINESS", "Plan", "Report", "Row", "evaluate"]

FIRST_TEST_SEED: Final = 100
INTERVALS_MIN: Final = (5.0, 15.0, 30.0)
STICKINESS: Final = (0.0, 0.7)


class Plan(NamedTuple):
    """What is evaluated: `people` and `days` are those of the county, `corpus` a folder of recorded lives."""

    seed: int
    people: int
    days: int
    intervals_min: tuple[float, ...] = INTERVALS_MIN
    corpus: Path | None = None


class Row(NamedTuple):
    """The figures of one entry on one corpus under one setting."""

    rule: str
    corpus: str
    setting: Setting
    quality: Quality


@dataclass(frozen=True, slots=True)
class Report:
    """What came out. `skipped` says which corpora are missing, and why; `subjects` how many people each one has."""

    plan: Plan
    rules_revision: int
    rows: tuple[Row, ...]
    subjects: dict[str, int]
    skipped: dict[str, str]

    @property
    def seed_is_for(self) -> str:
        """Say whether thresholds may have been chosen on this seed."""
        return "tuning" if self.plan.seed < FIRST_TEST_SEED else "test"

    def as_json(self) -> dict[str, Any]:
        """Give everything as JSON would have it."""
        rows = [
            {"rule": row.rule, "corpus": row.corpus, **row.setting._asdict(), **row.quality._asdict()}
            for row in self.rows
        ]
        return {
            "seed": self.plan.seed,
            "seed_is_for": self.seed_is_for,
            "first_test_seed": FIRST_TEST_SEED,
            "rules_revision": self.rules_revision,
            "county": {"people": self.plan.people, "days": self.plan.days},
            "subjects": self.subjects,
            "skipped": self.skipped,
            "rows": rows,
        }


def evaluate(plan: Plan, rules: Rules, fences: Fences, done: Callable[[], None]) -> Report:
    """
    Build the corpora and judge them, one interval after the other; `done` is called after each.

    A folder that is not there or not of the right form is left out, with the reason in the report.
    """
    tracks, skipped = _tracks(plan.corpus)
    places = [forbidden.chosen(plan.seed, track) for track in tracks]
    fences = forbidden.fenced(fences, tracks, places)
    rows: list[Row] = []
    subjects: dict[str, int] = {}
    for interval_min in plan.intervals_min:
        settings = [Setting(interval_min, stickiness) for stickiness in STICKINESS]
        cases = [case for setting in settings for case in _cases(plan, setting, tracks, fences, rules)]
        cases += [
            corpora.with_visits(plan.seed, setting, track, fences, rules, place)
            for setting in settings
            for track, place in zip(tracks, places, strict=True)
        ]
        rows += _rows(cases, judge(cases, rules, fences), settings)
        for corpus in {case.corpus for case in cases}:
            subjects[corpus] = sum(case.corpus == corpus for case in cases) // len(settings)
        done()
    order = {entry.name: number for number, entry in enumerate(ENTRIES)}
    rows.sort(key=lambda row: (order[row.rule], row.corpus))
    return Report(plan, rules.revision, tuple(rows), subjects, skipped)


def _tracks(folder: Path | None) -> tuple[list[Track], dict[str, str]]:
    if folder is None:
        return [], {"recorded lives": "no folder was named (--corpus)"}
    try:
        return read_tracks(folder), {}
    except BadConfiguration as error:
        return [], {"recorded lives": str(error)}


def _cases(plan: Plan, setting: Setting, tracks: Sequence[Track], fences: Fences, rules: Rules) -> Iterator[Case]:
    yield from corpora.county(plan.seed, setting, plan.people, plan.days, rules)
    yield from corpora.still(plan.seed, setting, fences)
    for track in tracks:
        for corpus in (corpora.recorded, corpora.with_violations, corpora.with_silences, corpora.with_nights):
            yield corpus(plan.seed, setting, track, fences, rules)


def _rows(cases: Sequence[Case], claims: Sequence[Claim], settings: Sequence[Setting]) -> Iterator[Row]:
    of: dict[str, list[Claim]] = defaultdict(list)
    for claim in claims:
        of[claim.supervisee].append(claim)
    for entry in ENTRIES:
        for corpus in entry.corpora:
            for setting in settings:
                own = [case for case in cases if case.corpus == corpus and case.setting == setting]
                if own:
                    yield Row(entry.name, corpus, setting, _measured(entry, own, of).quality())


def _measured(entry: Entry, cases: Sequence[Case], of: dict[str, list[Claim]]) -> Measures:
    total = Measures()
    for case in cases:
        told = [claim for claim in of[case.supervisee] if claim.rule == entry.rule]
        told = [claim for claim in told if entry.about in {None, claim.subject, claim.kind}]
        if entry.truth == VENUE:
            total.add(measure_nights(told, case.truth, case.days))
            continue
        truth = [event for event in case.truth if event.rule == entry.truth]
        total.add(measure(told, truth, case.days, entry.window_min * MINUTE, alerts=entry.least == "alert"))
    return total
