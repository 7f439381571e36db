"""
The input of a run: a county as the simulator draws it, as many people and pings as are asked for.

Some hundred people are simulated over some days. Everybody else is one of them moved: another name, other hashes, the
whole life shifted by up to three kilometres and two minutes, so that the errors, gaps and absences are the simulator's.
A span around the start of the curfew is cut out of it, half of the pings on either side; one ping in a hundred arrives
ten minutes to an hour after its time.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
import numpy as np
import shapely
from numpy.typing import NDArray

from geofence.datum import from_wgs84, to_wgs84
from geofence.fences import Fences, load_fences
from geofence.plane import from_plane, to_plane
from schemas.fields import Datum
from schemas.order import Curfew, Order, Residence, Window
from stream.decode import partition_of
from stream.simulate.county import DEMO, County
from stream.simulate.feed import REPORT, Feed, Phone
from stream.simulate.lives import DAY, HOUR, MINUTE
from stream.simulate.people import CENTRE, hash_of

SEED: Final = 7
MONDAY_MS: Final = 1_772_380_800_000
"""2026-03-02 00:00 in Liuzhou."""
INTERVAL_MIN: Final = 5.0
SIMULATED: Final = 500
LATE: Final = 0.01
LATE_MIN: Final = (10, 60)
_SHIFT_M: Final = 3_000.0
_SHIFT_MS: Final = 2 * MINUTE
_SHORT_MS: Final = 14 * HOUR
_EVERY_DAY: Final = (0, 1, 2, 3, 4, 5, 6)
_OFFENDERS: Final = 0.1
_LEFT: Final = 0.85  # share of the questions that get an answer: losses, holes, phones that doze


class Input(msgspec.Struct, array_like=True):
    """Records as they travel: orders by supervisee, pings in the order of their arrival, and the end of time."""

    supervisees: list[str]
    orders: list[bytes]
    persons: list[int]
    values: list[bytes]
    end_ms: int
    in_curfew: float

    def keys(self) -> list[bytes]:
        """Give the key of each ping."""
        names = [name.encode() for name in self.supervisees]
        return [names[person] for person in self.persons]

    def partitions(self, count: int) -> list[int]:
        """Give the partition of each supervisee."""
        return [partition_of(name.encode(), count) for name in self.supervisees]

    def clock(self) -> bytes:
        """Give the clock record that stands behind all pings."""
        return b'{"clock_ms":%d}' % self.end_ms


class Span(NamedTuple):
    """What is cut out of the simulated days, and the curfew that everybody has in it."""

    days: int
    middle_ms: int
    curfew: Window


def draw(supervisees: int, pings: int) -> Input:
    """Draw orders of so many people and so many pings of theirs; the same numbers give the same bytes."""
    base = min(SIMULATED, supervisees)
    span = _span(pings / supervisees * INTERVAL_MIN * MINUTE / _LEFT)
    county = County(
        people=base, seed=SEED, start_ms=MONDAY_MS, days=span.days, interval_min=(INTERVAL_MIN,), offenders=_OFFENDERS
    )
    feed = county.feed()
    copies = -(-supervisees // base)
    rng = np.random.default_rng(SEED)
    aside = rng.uniform(-_SHIFT_M, _SHIFT_M, (copies, 2))
    later = rng.integers(-_SHIFT_MS, _SHIFT_MS, copies)
    aside[0], later[0] = 0.0, 0
    reports = _cut(_copied(feed.reports, base, supervisees, aside, later, span, pings), span, pings)
    phones = [_phone(feed.phones[number % base], number) for number in range(supervisees)]
    orders = list(_orders(feed.orders, phones, aside, span.curfew))
    arrived = Feed((), tuple(phones), _delayed(rng, reports), (), 0)
    hour = (reports["time_ms"] + 8 * HOUR) // MINUTE % 1440
    begin, end = (int(at[:2]) * 60 + int(at[3:]) for at in (span.curfew.start, span.curfew.end))
    return Input(
        [phone.supervisee for phone in phones],
        orders,
        arrived.reports["phone"].tolist(),
        [ping.value for ping in arrived.pings()],
        int(reports["time_ms"].max()) + MINUTE,
        float(np.mean((hour >= begin) | (hour < end))),
    )


def save(drawn: Input, path: Path) -> None:
    """Write an input for the processes that measure."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.msgpack.encode(drawn))


def load(path: Path) -> Input:
    """Read an input back."""
    return msgspec.msgpack.decode(path.read_bytes(), type=Input)


def _span(length_ms: float) -> Span:
    """Half a night where that is enough; else whole days with a curfew of twelve hours."""
    short = length_ms <= _SHORT_MS
    days = 5 if short else int(length_ms // DAY) + 3
    middle_ms = MONDAY_MS + 2 * DAY + 22 * HOUR if short else MONDAY_MS + days * DAY // 2
    start, end = ("22:00", "06:00") if short else ("20:00", "08:00")
    return Span(days, middle_ms, Window(days=_EVERY_DAY, start=start, end=end))


def _copied(
    reports: NDArray[np.void],
    base: int,
    supervisees: int,
    aside: NDArray[np.float64],
    later: NDArray[np.int64],
    span: Span,
    pings: int,
) -> NDArray[np.void]:
    """Repeat the reports around the middle of the span for each copy, moved in place and time, sorted by time."""
    reach_ms = pings / supervisees * INTERVAL_MIN * MINUTE / _LEFT + HOUR
    near = reports[np.abs(reports["time_ms"] - span.middle_ms) <= reach_ms]
    parts = []
    for copy, (east, north) in enumerate(aside.tolist()):
        part = near.copy()
        part["phone"] += np.uint32(copy * base)
        part["time_ms"] += later[copy]
        part["x"] += east
        part["y"] += north
        parts.append(part[part["phone"] < supervisees])
    whole = np.concatenate(parts)
    order = np.argsort(whole["time_ms"], kind="stable")
    found = np.empty(len(whole), REPORT)
    for name in REPORT.names or ():
        found[name] = whole[name][order]
    return found


def _cut(reports: NDArray[np.void], span: Span, pings: int) -> NDArray[np.void]:
    """Take so many reports, half of them before the middle of the span."""
    middle = int(np.searchsorted(reports["time_ms"], span.middle_ms))
    begin = max(0, min(middle - pings // 2, len(reports) - pings))
    if len(reports) < pings:
        raise ValueError(f"{len(reports)} pings were simulated where {pings} are needed")
    return reports[begin : begin + pings]


def _delayed(rng: np.random.Generator, reports: NDArray[np.void]) -> NDArray[np.void]:
    """Put one report in a hundred where it arrives: later than it happened."""
    arrival = reports["time_ms"].copy()
    late = rng.random(len(reports)) < LATE
    arrival[late] += rng.integers(LATE_MIN[0] * MINUTE, LATE_MIN[1] * MINUTE, int(late.sum()))
    return reports[np.argsort(arrival, kind="stable")]


def _phone(of: Phone, number: int) -> Phone:
    name = f"lz-{number:06d}"
    return of._replace(supervisee=name, sim=hash_of(SEED, name, "sim"), device=hash_of(SEED, name, "device"))


def _orders(
    orders: tuple[Order, ...], phones: list[Phone], aside: NDArray[np.float64], curfew: Window
) -> Iterator[bytes]:
    """Write the order of each person: that of the one they are a copy of, at a residence of their own."""
    base = len(orders)
    homes = [order.residence for order in orders]
    code = np.full(base, Datum.gcj02.code, np.uint8)
    lon, lat = to_wgs84(np.array([home.lon for home in homes]), np.array([home.lat for home in homes]), code)
    x, y = to_plane(lon, lat, *CENTRE)
    everybody, fences = Curfew(windows=(curfew,)), load_fences(DEMO / "fences.geojson")
    for copy, (east, north) in enumerate(aside.tolist()):
        areas = _areas(fences, *from_plane(x + east, y + north, *CENTRE))
        lon, lat = from_wgs84(*from_plane(x + east, y + north, *CENTRE), code)
        for number, phone in enumerate(phones[copy * base : (copy + 1) * base]):
            order = orders[number]
            changes = {
                "supervisee": phone.supervisee,
                "order_id": f"order-{phone.supervisee}",
                "permitted_area": areas[number],
                "curfew": everybody,
                "phones": (order.phones[0].model_copy(update={"sim": phone.sim, "devices": (phone.device,)}),),
                "residence": Residence(
                    lon=round(float(lon[number]), 7),
                    lat=round(float(lat[number]), 7),
                    datum=Datum.gcj02,
                    county=homes[number].county,
                ),
            }
            yield order.model_copy(update=changes).model_dump_json().encode()


def _areas(fences: Fences, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> list[str]:
    """Give the county of each residence: who was moved over a line may be where they live now."""
    found = ["450200"] * len(lon)
    for county, shape in fences.areas.items():
        for number in np.flatnonzero(shapely.contains_xy(shape, lon, lat)):
            found[number] = county
    return found
