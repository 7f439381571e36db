"""
When a phone says nothing: benign holes and night doze, outages of the network, and phones that were switched off.

Each takes reports away or turns them into the carrier's code. What is left of the reports decides what the truth is:
a gap begins with the last contact that was really sent.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from schemas.ping import Status
from stream.simulate.days import midnights
from stream.simulate.feed import Truth
from stream.simulate.lives import DAY, HOUR, MINUTE

__all__ = ["Outage", "Silence", "doze", "fall_silent", "holes", "lose", "truth_of"]

_HOLES_A_DAY: Final = 0.7
_HOLE_MEDIAN_MIN, _HOLE_SPREAD, _LONGEST_HOLE_MIN = 12.0, 1.0, 600.0
# What the carrier answers inside a hole: its code, a timeout, or nothing at all.
_HOLE_ANSWERS: Final = (Status.out_of_coverage, Status.timeout, None)
_HOLE_SHARES: Final = (0.5, 0.1, 0.4)
_NO_FIX: Final = 0.005
_DOZE_MIN: Final = 40
_CONTACT: Final = (Status.located.code, Status.no_fix.code)

Reports = NDArray[np.void]
Floats = NDArray[np.float64]


class Silence(NamedTuple):
    """A phone that is off from one time until another: without a word, or with the carrier's code at each question."""

    from_ms: int
    until_ms: int
    code: Status | None


class Outage(NamedTuple):
    """A part of the network that is down: phones truly within `radius_m` of a place (metres on the plane) are lost."""

    from_ms: int
    until_ms: int
    x: float
    y: float
    radius_m: float
    share: float = 1.0


def holes(rng: np.random.Generator, reports: Reports, start_ms: int, end_ms: int) -> Reports:
    """Take away 0.7 coverage holes a day, median 12 min with a long tail, and the odd fix that did not succeed."""
    found = reports.copy()
    found["status"][rng.random(len(found)) < _NO_FIX] = Status.no_fix.code
    for _ in range(rng.poisson(_HOLES_A_DAY * (end_ms - start_ms) / DAY)):
        from_ms = int(rng.uniform(start_ms, end_ms))
        minutes = min(_HOLE_MEDIAN_MIN * rng.lognormal(0.0, _HOLE_SPREAD), _LONGEST_HOLE_MIN)
        code = _HOLE_ANSWERS[rng.choice(len(_HOLE_ANSWERS), p=_HOLE_SHARES)]
        found = fall_silent(found, Silence(from_ms, from_ms + round(minutes * MINUTE), code))
    return found


def doze(reports: Reports, start_ms: int, end_ms: int) -> Reports:
    """Thin the reports between midnight and six to one in 40 minutes: a phone that saves power answers rarely."""
    time_ms = reports["time_ms"]
    night = np.zeros(len(reports), np.bool_)
    for midnight in midnights(start_ms, end_ms):
        night |= (time_ms >= midnight) & (time_ms < midnight + 6 * HOUR)
    slot = time_ms // (_DOZE_MIN * MINUTE)
    thinned: Reports = reports[~night | (np.diff(slot, prepend=-1) != 0)]
    return thinned


def lose(
    rng: np.random.Generator, reports: Reports, true_x: Floats, true_y: Floats, outage: Outage
) -> NDArray[np.bool_]:
    """Tell which reports an outage leaves; a phone is hit as a whole, with the share of the outage."""
    if rng.random() >= outage.share:
        return np.ones(len(reports), np.bool_)
    time_ms = reports["time_ms"]
    near = np.hypot(true_x - outage.x, true_y - outage.y) < outage.radius_m
    kept: NDArray[np.bool_] = ~(near & (time_ms >= outage.from_ms) & (time_ms < outage.until_ms))
    return kept


def fall_silent(reports: Reports, silence: Silence) -> Reports:
    """Take the reports of a silence away, or put the code into them."""
    within = (reports["time_ms"] >= silence.from_ms) & (reports["time_ms"] < silence.until_ms)
    if silence.code is None:
        spoken: Reports = reports[~within]
        return spoken
    found = reports.copy()
    found["status"][within] = silence.code.code
    return found


def truth_of(supervisee: str, reports: Reports, silence: Silence) -> Truth | None:
    """Give the gap that a silence made in the reports that were sent; None when nobody can have noticed it."""
    time_ms = reports["time_ms"]
    contact = np.isin(reports["status"], _CONTACT)
    before = time_ms[contact & (time_ms < silence.from_ms)]
    after = time_ms[contact & (time_ms >= silence.until_ms)]
    until_ms = int(after[0]) if len(after) else None
    if silence.code is None:
        return Truth(supervisee, "gap", "silent", int(before[-1]), until_ms) if len(before) else None
    coded = time_ms[(time_ms >= silence.from_ms) & (time_ms < silence.until_ms)]
    return Truth(supervisee, "gap", silence.code.value, int(coded[0]), until_ms) if len(coded) else None
