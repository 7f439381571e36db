"""Who and what is let in: a ping that may not or cannot be processed is refused, with the reason that comes first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from detectors.pings import NEVER, positions
from schemas.errors import Reason

if TYPE_CHECKING:
    from detectors.pings import Column
    from detectors.supervision import Supervision

HOUR_MS: Final = 3_600_000
MINUTE_MS: Final = 60_000


class Limits(NamedTuple):
    """How far from the clock a ping may lie: `horizon_ms` before it, `future_ms` after it."""

    horizon_ms: int = 6 * HOUR_MS
    future_ms: int = 2 * MINUTE_MS


def refusals(
    of: Supervision, rows: Column, times_ms: Column, clock_ms: int | Column, limits: Limits
) -> dict[int, Reason]:
    """
    Positions that are refused, with the reason; rows are -1 for people without an order.

    The law comes before the clock: a ping that may not be processed is not even judged by its time. A negative
    `clock_ms` means that no clock is known, and nothing is refused by it; but a late ping that cannot be told from a
    forgotten one is too late whatever the clock says.
    """
    t, unknown = times_ms, rows < 0
    clock = np.broadcast_to(clock_ms, t.shape)
    future = (clock >= 0) & (t > clock + limits.future_ms)
    old = (clock >= 0) & (t < clock - limits.horizon_ms)
    lawless, known = np.zeros(len(rows), bool), positions(~unknown)
    lawless[known] = ~of.plans.authorised(rows[known], t[known])
    late = known[t[known] <= of.windows.frontier(rows[known])]
    if len(late):
        usable = of.windows.usable(rows[late], of.inputs.floor_ms)
        oldest = np.where(usable, of.windows.copied[rows[late]], NEVER).min(axis=1)
        old[late] |= t[late] <= np.maximum(oldest, of.inputs.floor_ms)
    refused: dict[int, Reason] = {}
    for where, reason in (
        (unknown, Reason.unknown_supervisee),
        (lawless, Reason.not_authorised),
        (future, Reason.future),
        (old, Reason.too_late),
    ):
        for position in positions(where).tolist():
            refused.setdefault(position, reason)
    return refused
