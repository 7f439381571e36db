"""How good claims are: precision, recall, false episodes, latency and a score that rewards being early."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import exp
from typing import Final, NamedTuple

import numpy as np

from stream.evaluate.cases import FOREVER_MS
from stream.evaluate.claims import Claim
from stream.evaluate.labels import NEAR, UNKNOWN
from stream.simulate.feed import Truth
from stream.simulate.lives import MINUTE

__all__ = ["Measures", "Quality", "measure", "sigmoid"]

UNDEMANDED: Final = frozenset({NEAR, UNKNOWN, "minor", "short"})
FALSE_WEIGHT: Final = 0.11
MISSED_WEIGHT: Final = 1.0


class Quality(NamedTuple):
    """The figures of one rule under one setting; None where there is nothing to divide by."""

    precision: float | None
    recall: float | None
    f1: float | None
    false_per_30_days: float | None
    latency_median_min: float | None
    latency_p90_min: float | None
    nab: float | None
    alerts_per_day: float | None
    right: int
    wrong: int
    found: int
    missed: int
    days: float


@dataclass(slots=True)
class Measures:
    """Counts that add up over people. `gain` is the sum of the early-detection score, see `sigmoid`."""

    right: int = 0
    wrong: int = 0
    found: int = 0
    missed: int = 0
    alerts: int = 0
    days: float = 0.0
    gain: float = 0.0
    latency_ms: list[int] = field(default_factory=list)

    def add(self, other: "Measures") -> None:
        """Take in the counts of somebody else."""
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def quality(self) -> Quality:
        """Turn the counts into shares."""
        precision, recall = _share(self.right, self.wrong), _share(self.found, self.missed)
        both = None if precision is None or recall is None else precision + recall
        f1 = None if not both or precision is None or recall is None else 2 * precision * recall / both
        median, p90 = np.percentile(self.latency_ms, [50, 90]) / MINUTE if self.latency_ms else (None, None)
        events = self.found + self.missed
        nab = 100.0 * (self.gain + MISSED_WEIGHT * events) / ((1.0 + MISSED_WEIGHT) * events) if events else None
        each = 1.0 / self.days if self.days else None
        return Quality(
            precision, recall, f1, each and 30 * self.wrong * each, _float(median), _float(p90), nab,
            each and self.alerts * each, self.right, self.wrong, self.found, self.missed, self.days,
        )  # fmt: skip


def sigmoid(position: float) -> float:
    """
    Score of a moment in the window of an event, after Lavin and Ahmad 2015 (arXiv:1510.03336), section "scoring".

    -1 is the left edge of the window (0.987), 0 the right one (0), beyond it the score falls to -1. Here an event that
    is found earns the score of its earliest alert over that of the left edge, a missed one costs 1, an alert that is
    wrong costs 0.11 times the score at its distance behind the last window; 100 is perfect, 0 is to say nothing.

    >>> [round(sigmoid(y), 3) for y in (-1, 0, 3)]
    [0.987, 0.0, -1.0]
    """
    return 2.0 / (1.0 + exp(5.0 * min(position, 100.0))) - 1.0


def measure(claims: Sequence[Claim], truth: Iterable[Truth], days: float, window_ms: int, *, alerts: bool) -> Measures:
    """
    Hold the claims of one rule about one person against the truth; with `alerts`, notices do not count.

    A claim is right when it shares a moment with a true event or with what is near to one, wrong when with none; one
    that touches unknown time is neither. An event is found by the earliest claim that shares a moment with it.
    """
    known = list(truth)
    told = ((claim, claim.alert_ms if alerts else claim.told_ms) for claim in claims)
    own = [(claim, at_ms) for claim, at_ms in told if at_ms is not None]
    result = Measures(days=days)
    demanded = sorted((t for t in known if t.kind not in UNDEMANDED), key=lambda t: t.since_ms)
    ends = [event.since_ms + window_ms for event in demanded]
    for claim, at_ms in own:
        kinds = {event.kind for event in known if _meet(claim, event)}
        if kinds == {UNKNOWN}:
            continue
        result.alerts += claim.alert_ms is not None
        if kinds:
            result.right += 1
        else:
            result.wrong += 1
            before = bisect_right(ends, at_ms)
            behind = (at_ms - ends[before - 1]) / window_ms if before else FOREVER_MS
            result.gain += FALSE_WEIGHT * sigmoid(behind)
    for event in demanded:
        met = [at_ms for claim, at_ms in own if _meet(claim, event)]
        if not met:
            result.missed += 1
            result.gain -= MISSED_WEIGHT
            continue
        result.found += 1
        late_ms = max(0, min(met) - event.since_ms)
        result.latency_ms.append(late_ms)
        in_time = late_ms <= window_ms
        result.gain += sigmoid(late_ms / window_ms - 1.0) / sigmoid(-1.0) if in_time else -MISSED_WEIGHT
    return result


def _meet(claim: Claim, event: Truth) -> bool:
    until_ms = FOREVER_MS if event.until_ms is None else event.until_ms
    return claim.since_ms < until_ms and event.since_ms < claim.until_ms


def _float(value: float | None) -> float | None:
    return None if value is None else float(value)


def _share(good: int, bad: int) -> float | None:
    return good / (good + bad) if good + bad else None
