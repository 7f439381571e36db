"""
What a carrier reports of a true position: the serving cell or a guess near the truth, with a radius.

The trap is the stickiness: a phone that lies still repeats one wrong place for hours, so errors of successive pings
are not independent, and a rule that only counts pings fails on it. All lengths are metres on the plane of the city.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Cells = NDArray[np.int64]

RINGS_M: Final = (4_000.0, 8_000.0, 20_000.0)
SPACING_M: Final = np.array([350.0, 600.0, 1_300.0, 3_000.0])
LOSS: Final = 0.03
DRIFT: Final = 0.01
INTERVAL_SPREAD: Final = 0.2

_NEIGHBOURS: Final = np.array([(east, north) for east in (-1, 0, 1) for north in (-1, 0, 1)])
_JITTER: Final = 0.3
_REACH: Final = 0.8
_AT_CELL: Final = 0.6
_GUESS: Final = 0.45
_RADIUS, _RADIUS_SPREAD = 0.82, 0.25
_LONGEST_DRIFT: Final = 3
_BITS: Final = 16
_HALF: Final = 1 << (_BITS - 1)


class Reports(NamedTuple):
    """Reported places of one phone in time order: east and north, the 68 % radius, and the cell."""

    x: Floats
    y: Floats
    radius_m: Floats
    cell: Cells


@dataclass(frozen=True, slots=True)
class Network:
    """
    One carrier's cells: a jittered grid, dense in the centre of the city and wide outside.

    `stickiness` is the probability that a phone which has not moved repeats its last report.
    """

    seed: int
    stickiness: float

    def report(
        self, rng: np.random.Generator, x: Floats, y: Floats, still: NDArray[np.bool_], ghosts: Floats
    ) -> Reports:
        """
        Degrade the true positions of one phone.

        `still[i]` says that the phone lies where it lay at ping i - 1. Now and then a run of one to three pings
        drifts to one of the `ghosts`, shape (3, 2).
        """
        count = len(x)
        level = np.searchsorted(RINGS_M, np.hypot(x, y))
        spacing = SPACING_M[level]
        cell_x, cell_y, cell = self._serving(rng, x, y, level)
        guess = rng.random(count) >= _AT_CELL
        error = rng.normal(0.0, _GUESS, (2, count)) * spacing
        reported_x, reported_y = np.where(guess, x + error[0], cell_x), np.where(guess, y + error[1], cell_y)
        radius = _RADIUS * spacing * rng.lognormal(0.0, _RADIUS_SPREAD, count)
        repeat = still & (rng.random(count) < self.stickiness)
        last = np.maximum.accumulate(np.where(repeat, 0, np.arange(count)))
        found = Reports(reported_x[last], reported_y[last], radius[last], cell[last])
        _drift(rng, found, ghosts)
        return found

    def _serving(
        self, rng: np.random.Generator, x: Floats, y: Floats, level: NDArray[np.int64]
    ) -> tuple[Floats, Floats, Cells]:
        """Draw the serving cell among the nine around, with p ~ exp(-(d / 0.8 spacing)^2)."""
        spacing = SPACING_M[level][:, None]
        column = np.floor(x[:, None] / spacing).astype(np.int64) + _NEIGHBOURS[:, 0]
        row = np.floor(y[:, None] / spacing).astype(np.int64) + _NEIGHBOURS[:, 1]
        cell = (level[:, None] << 2 * _BITS) | (column + _HALF) << _BITS | (row + _HALF)
        aside_x, aside_y = self._jitter(cell)
        cell_x, cell_y = (column + 0.5 + aside_x) * spacing, (row + 0.5 + aside_y) * spacing
        square = (cell_x - x[:, None]) ** 2 + (cell_y - y[:, None]) ** 2
        total = np.cumsum(np.exp(-square / (_REACH * spacing) ** 2), axis=1)
        chosen = np.sum(rng.random(len(x))[:, None] * total[:, -1:] > total, axis=1)
        pick = np.arange(len(x)), chosen
        return cell_x[pick], cell_y[pick], cell[pick]

    def _jitter(self, cell: Cells) -> tuple[Floats, Floats]:
        """Shift each cell from its place in the grid: always the same shift for the same cell and seed."""
        mixed = cell.view(np.uint64) + np.uint64(self.seed % (1 << 32)) * np.uint64(0x9E3779B9)
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB), (31, 1)):
            mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
        low, high = mixed & np.uint64(0xFFFFFFFF), mixed >> np.uint64(32)
        return _JITTER * (low / 2.0**31 - 1.0), _JITTER * (high / 2.0**31 - 1.0)


def _drift(rng: np.random.Generator, found: Reports, ghosts: Floats) -> None:
    starts = np.flatnonzero(rng.random(len(found.x)) < DRIFT)
    lengths = rng.integers(1, _LONGEST_DRIFT + 1, len(starts))
    choices = rng.integers(0, len(ghosts), len(starts))
    for start, length, choice in zip(starts, lengths, choices, strict=True):
        run = slice(start, start + length)
        found.x[run], found.y[run] = ghosts[choice]
        found.cell[run] = (len(SPACING_M) << 2 * _BITS) | int(choice)


def ask_times(
    rng: np.random.Generator, start_ms: int, end_ms: int, interval_min: float, loss: float = LOSS
) -> NDArray[np.int64]:
    """Draw the times at which the carrier asks a phone: the interval within 20 %, a share of the questions lost."""
    interval = interval_min * 60_000.0
    count = int((end_ms - start_ms) / (interval * (1.0 - INTERVAL_SPREAD))) + 1
    steps = interval * rng.uniform(1.0 - INTERVAL_SPREAD, 1.0 + INTERVAL_SPREAD, count)
    times = (start_ms + rng.random() * interval - steps[0] + np.cumsum(steps)).astype(np.int64)
    kept: NDArray[np.int64] = times[(times < end_ms) & (rng.random(count) >= loss)]
    return kept
