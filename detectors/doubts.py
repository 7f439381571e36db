"""Why a fix in the evidence was left out of containment: ping quality once more, for the few pings that are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from detectors.ghosts import NEAR_M
from detectors.pings import positions
from detectors.quality import NULL_ISLAND

if TYPE_CHECKING:
    from detectors.pings import Column, Fixes
    from schemas.rules import QualityRule

__all__ = ["doubts"]


def doubts(fixes: Fixes, ghosts: Column, rule: QualityRule) -> list[str | None]:
    """
    Give for each ping of one person, in order, why it is no fix that can be true, or None.

    `ghosts` are those that counted, as columns x and y in metres from the residence. The trap: speed is measured from
    the last fix that was accepted, and before the first ping nothing is known, so the first is taken on trust.
    """
    said: list[str | None] = [None] * len(fixes)
    at = positions(fixes.located)
    x, y, r, t = (column[at] for column in (fixes.x_m, fixes.y_m, fixes.r_m, fixes.time_ms))
    lon, lat = fixes.pings["lon"][at], fixes.pings["lat"][at]
    wrong = {"null_island": (np.abs(lon) < NULL_ISLAND) & (np.abs(lat) < NULL_ISLAND)}
    if len(ghosts):
        wrong["ghost"] = (np.hypot(ghosts[:, :1] - x, ghosts[:, 1:] - y) <= NEAR_M).any(axis=0)
    beyond_m = np.hypot(x[1:] - x[:-1], y[1:] - y[:-1]) - r[1:] - r[:-1]
    if not (np.maximum(beyond_m, 0.0) * 1000 > rule.speed_mps * np.diff(t)).any() and not np.any([*wrong.values()]):
        return said
    last: int | None = None
    for k, i in enumerate(at.tolist()):
        said[i] = next((reason for reason, where in wrong.items() if where[k]), None)
        if said[i] is None and last is not None:
            beyond = np.hypot(x[k] - x[last], y[k] - y[last]) - r[k] - r[last]
            said[i] = "speed" if max(0.0, beyond) * 1000 > rule.speed_mps * (t[k] - t[last]) else None
        last = k if said[i] is None else last
    return said
