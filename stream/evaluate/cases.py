"""
One supervisee of an evaluation: an order, pings as a carrier would send them, and what is true.

The trap: a label must not come from the code that it judges. Labels are drawn from the true movement and from the pings
that were sent, in the words of the rule, and no detector is asked.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final, NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from detectors.pings import DEGREE, NO_POSITION, PING
from geofence.plane import from_plane
from schemas.fields import Datum
from schemas.order import Curfew, Order, Permit, PermitKind, Residence, Window
from schemas.ping import Status
from stream.evaluate.tracks import Span, Track
from stream.simulate.carrier import Network, ask_times
from stream.simulate.feed import REPORT, Truth
from stream.simulate.lives import DAY, HOUR, MINUTE
from stream.simulate.orders import authorisations
from stream.simulate.silences import Silence, doze, fall_silent, holes

__all__ = ["CURFEW_H", "Case", "Setting", "degrade", "generator", "order_of", "pings_of", "quieten", "unknown"]

CURFEW_H: Final = (22, 8)
UNHEARD_MS: Final = 45 * MINUTE
"""What is not known of a recorded life for so long is covered by a permit: nobody is silent there."""
MOST_PERMITS: Final = 256
STILL_M: Final = 30.0
DOZES: Final = 0.4
GHOSTS_M: Final = (2_000.0, 15_000.0)
FOREVER_MS: Final = 1 << 62
LOCATED: Final = Status.located.code


class Setting(NamedTuple):
    """How a carrier asks: minutes between pings, and how often a resting phone repeats its last report."""

    interval_min: float
    stickiness: float


class Case(NamedTuple):
    """One supervisee under one setting; `pings` has the dtype `PING`, `days` is how long the truth is known."""

    supervisee: str
    corpus: str
    setting: Setting
    order: bytes
    pings: NDArray[np.void]
    truth: tuple[Truth, ...]
    days: float


def generator(seed: int, *words: object) -> np.random.Generator:
    """Give a generator of its own for what the words name, so that no draw moves another."""
    return np.random.default_rng([seed, *(crc32(str(word).encode()) for word in words)])


def degrade(rng: np.random.Generator, track: Track, setting: Setting, seed: int) -> NDArray[np.void]:
    """
    Ask the carrier about a true movement: reports with the dtype `REPORT`, none where nothing is known.

    Cells, radii, drift to ghosts, lost questions and stickiness are those of the simulator.
    """
    start_ms, end_ms = int(track.time_ms[0]), int(track.minutes()[-1])
    times = ask_times(rng, start_ms, end_ms, setting.interval_min)
    x, y, known = track.at(times)
    times, x, y = times[known], x[known], y[known]
    still = np.hypot(np.diff(x, prepend=np.inf), np.diff(y, prepend=np.inf)) < STILL_M
    angle, away = rng.uniform(0.0, 2.0 * np.pi, 3), rng.uniform(*GHOSTS_M, 3)
    ghosts = np.column_stack((np.cos(angle), np.sin(angle))) * away[:, None] + track.home
    reports = np.zeros(len(times), REPORT)
    reports["time_ms"], reports["status"] = times, LOCATED
    found = Network(seed, setting.stickiness).report(rng, x, y, still, ghosts)
    reports["x"], reports["y"], reports["accuracy_m"], reports["cell"] = found
    return reports


def quieten(rng: np.random.Generator, reports: NDArray[np.void], silences: Sequence[Silence]) -> NDArray[np.void]:
    """Put in what makes a phone silent for no fault of its person, coverage holes and night doze, then the silences."""
    start_ms, end_ms = int(reports["time_ms"][0]), int(reports["time_ms"][-1]) + 1
    reports = holes(rng, reports, start_ms, end_ms)
    if rng.random() < DOZES:
        reports = doze(reports, start_ms, end_ms)
    for silence in silences:
        reports = fall_silent(reports, silence)
    return reports


def pings_of(reports: NDArray[np.void], origin: tuple[float, float]) -> NDArray[np.void]:
    """Give reports as the kernel keeps pings, on WGS-84."""
    pings = np.zeros(len(reports), PING)
    located = reports["status"] == LOCATED
    lon, lat = from_plane(reports["x"], reports["y"], *origin)
    pings["time_ms"], pings["status"] = reports["time_ms"], reports["status"]
    for name, degrees in (("lon", lon), ("lat", lat)):
        pings[name] = np.where(located, np.rint(degrees / DEGREE), NO_POSITION)
    pings["accuracy_m"] = np.where(located, np.clip(np.rint(reports["accuracy_m"]), 1, 65_535), 0)
    return pings


def unknown(track: Track) -> list[Span]:
    """Give the stretches between which something is known, and the time after the last."""
    known = [*track.known(), (FOREVER_MS, FOREVER_MS)]
    return [(before[1], after[0]) for before, after in pairwise(known) if after[0] > before[1]]


def order_of(supervisee: str, track: Track, county: str | None) -> Order:
    """Write an order with a curfew every night; what is not known of the person counts as a reported phone-off."""
    lon, lat = (float(degrees) for degrees in from_plane(*track.home, *track.origin))
    begin_ms, until_ms = int(track.time_ms[0]) - DAY, int(track.minutes()[-1]) + 30 * DAY
    holes_ms = [span for span in unknown(track) if span[1] - span[0] > UNHEARD_MS and span[1] < FOREVER_MS]
    longest = sorted(sorted(holes_ms, key=lambda span: span[0] - span[1])[:MOST_PERMITS])
    return Order(
        supervisee=supervisee,
        order_id=f"order-{supervisee}",
        valid_from_ms=begin_ms,
        organisation=f"450000/450200/{county or '450202'}/{county or '450202'}001",
        officer="officer-1",
        phones=(),
        residence=Residence(lon=lon, lat=lat, datum=Datum.wgs84, county=county or "450202"),
        permitted_area=county,
        curfew=Curfew(windows=(Window(days=tuple(range(7)), start=f"{CURFEW_H[0]}:00", end=f"{CURFEW_H[1]:02}:00"),)),
        permits=tuple(
            Permit(permit_id=f"unknown-{n}", kind=PermitKind.reported_off, from_ms=since, until_ms=until)
            for n, (since, until) in enumerate(longest)
        ),
        authorisations=authorisations(supervisee, begin_ms, until_ms),
    )


def in_curfew(times: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tell which moments lie between 22:00 and 08:00 in Liuzhou."""
    hour: NDArray[np.int64] = (times + 8 * HOUR) % DAY // HOUR
    return (hour >= CURFEW_H[0]) | (hour < CURFEW_H[1])
