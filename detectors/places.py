"""Places: the few in which nights of the last two weeks ended, and in which of them."""

from __future__ import annotations

from datetime import date
from math import hypot, sqrt
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from detectors.pings import DEGREE, positions

if TYPE_CHECKING:
    from detectors.nights import Spot
    from detectors.pings import Column
    from detectors.window import Columns, Window

PLACES: Final = 3
NIGHTS: Final = 14
ALL: Final = (1 << NIGHTS) - 1
AWAY_M: Final = 250.0
GHOST_M: Final = 100.0
MERGE_M: Final = 350.0
MERGE_SIGMAS: Final = 3.0
FARTHEST_M: Final = 1_200.0
SAME_M: Final = 50.0
SIGMAS: Final = 2.5
"""Errors of its own, per axis, by which a place must lie off the residence."""
EXTENT_M: Final = 60.0
"""What a centre may be wrong by beside the errors of its nights: a network has a bias of its own at every place."""
NINETY_FIVE: Final = 2.448
"""Standard deviations per axis within which 95 % lie."""
DAY_S: Final = 86_400
EPOCH: Final = date(1970, 1, 1).toordinal()


class Places:
    """
    Three places for each row, each with a bit for each of the last 14 nights.

    A vote goes to the nearest place within 350 m, or within three joint errors where these are larger, and moves its
    centre by its weight. One single coordinate that a place has already been built on says nothing new: the network
    may put a phone there. Nor does a learned ghost, or what lies within 250 m of the residence.
    """

    columns = (
        ("place_lon", "i4", (PLACES,)),
        ("place_lat", "i4", (PLACES,)),
        ("place_sd_m", "u2", (PLACES,)),  # 0 where there is none
        ("place_nights", "u2", (PLACES,)),  # the lowest bit is the last night
        ("night", "u2"),  # its number
    )

    def pass_nights(self, own: Columns, rows: Column, night: Column) -> None:
        """The night of that number is the last one now; a place that was empty before goes."""
        gone = own["place_nights"][rows] == 0
        for name in ("place_lon", "place_lat", "place_sd_m"):
            own[name][rows] = np.where(gone, 0, own[name][rows])
        passed = np.clip(night - own["night"][rows], 0, NIGHTS)
        own["place_nights"][rows] = (own["place_nights"][rows].astype(np.int64) << passed[:, None]) & ALL
        own["night"][rows] = night

    def vote(self, window: Window, i: int, spot: Spot, held: Column) -> None:
        """The last night of row `i` was spent there; a place that is `held` is not given up for it."""
        own, plan = window["night_venue"], window.plan
        mx, my = float(plan["mx"][i]), float(plan["my"][i])
        lon, lat = int(plan["lon0"][i]) + round(spot.x_m / mx), int(plan["lat0"][i]) + round(spot.y_m / my)
        if hypot(spot.x_m, spot.y_m) <= max(AWAY_M, spot.sd_m) or _is_ghost(window, i, lon, lat):
            return
        used = own["place_sd_m"][i] > 0
        off = _off_m(own["place_lon"][i], own["place_lat"][i], (lon, lat), (mx, my))
        joint = np.sqrt(own["place_sd_m"][i].astype(np.float64) ** 2 + spot.sd_m**2)
        near = used & (off <= np.clip(MERGE_SIGMAS * joint, MERGE_M, FARTHEST_M))
        if near.any():
            slot = int(np.where(near, off, np.inf).argmin())
            if not (spot.lone and off[slot] <= SAME_M):
                _join(own, i, slot, (lon, lat), spot)
            return
        free = positions(~used)
        given = free if free.size else positions(~held)
        if given.size:
            slot = int(min(given.tolist(), key=lambda k: _worth(int(own["place_nights"][i, k]))))
            own["place_lon"][i, slot], own["place_lat"][i, slot] = lon, lat
            own["place_sd_m"][i, slot] = max(1, round(max(spot.sd_m, spot.least_m)))
            own["place_nights"][i, slot] = 1

    def is_beyond(self, window: Window, i: int, slot: int, least_m: int) -> bool:
        """Whether a place lies farther than that from the residence, and farther than its own error explains."""
        error_m = SIGMAS * float(window["night_venue"]["place_sd_m"][i, slot])
        return self.from_home_m(window, i, slot) > max(least_m, error_m)

    def first_night_s(self, window: Window, i: int, slot: int, now_ms: int) -> int:
        """When the first of the nights of a place ended, in s: so many days of 24 h before the one that ends now."""
        return now_ms // 1000 - (int(window["night_venue"]["place_nights"][i, slot]).bit_length() - 1) * DAY_S

    def facts(self, window: Window, i: int, slot: int) -> dict[str, Any]:
        """A place as an alert describes it: its centre, the radius that holds it with 95 %, the days of its nights."""
        own = window["night_venue"]
        nights, last = int(own["place_nights"][i, slot]), int(own["night"][i])
        return {
            "lon": round(int(own["place_lon"][i, slot]) * DEGREE, 6),
            "lat": round(int(own["place_lat"][i, slot]) * DEGREE, 6),
            "radius_m": round(NINETY_FIVE * hypot(float(own["place_sd_m"][i, slot]), EXTENT_M)),
            "distance_m": round(self.from_home_m(window, i, slot)),
            "nights": [date.fromordinal(EPOCH + last - ago).isoformat() for ago in _ago(nights)],
        }

    def from_home_m(self, window: Window, i: int, slot: int) -> float:
        """How far a place lies from the residence."""
        own, plan = window["night_venue"], window.plan
        home = int(plan["lon0"][i]), int(plan["lat0"][i])
        metres = float(plan["mx"][i]), float(plan["my"][i])
        return float(_off_m(own["place_lon"][i, slot], own["place_lat"][i, slot], home, metres))


def _ago(nights: int) -> list[int]:
    return [ago for ago in reversed(range(NIGHTS)) if nights >> ago & 1]


def _worth(nights: int) -> tuple[int, int]:
    """What speaks for keeping a place: how many its nights are, then how lately the last one was."""
    return nights.bit_count(), nights & -nights and -(nights & -nights)


def _join(own: Columns, i: int, slot: int, at: tuple[int, int], spot: Spot) -> None:
    was = float(own["place_sd_m"][i, slot]) ** 2
    weight = was / (was + spot.sd_m**2)
    for name, fix in zip(("place_lon", "place_lat"), at, strict=True):
        centre = int(own[name][i, slot])
        own[name][i, slot] = round(centre + (fix - centre) * weight)
    own["place_sd_m"][i, slot] = max(1, round(max(sqrt(was * (1 - weight)), spot.least_m)))
    own["place_nights"][i, slot] |= 1


def _is_ghost(window: Window, i: int, lon: int, lat: int) -> bool:
    own, plan = window["quality"], window.plan
    counts = np.unpackbits(own["ghosts"][i : i + 1], bitorder="little").astype(bool)
    metres = float(plan["mx"][i]), float(plan["my"][i])
    return bool((counts & (_off_m(own["ghost_lon"][i], own["ghost_lat"][i], (lon, lat), metres) <= GHOST_M)).any())


def _off_m(lon: Column, lat: Column, at: tuple[int, int], metres: tuple[float, float]) -> Column:
    off: Column = np.hypot((lon - np.int64(at[0])) * metres[0], (lat - np.int64(at[1])) * metres[1])
    return off
