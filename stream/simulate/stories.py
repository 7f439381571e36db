"""
Stories: one person each, told in a data file, with the episodes that must be found in a file beside it.

A story holds the dates; this module only turns them into an order and pings. The pings have the carrier's error, but
none is lost, so that every silence has exactly the edges that the file gives it.
"""

import json
import tomllib
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeVar
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray
from pydantic import AliasChoices, BaseModel, Field, ValidationError

from geofence.fences import load_fences
from geofence.plane import to_plane
from schemas.errors import BadConfiguration
from schemas.fields import Adcode, Datum, Identifier, Sent, SuperviseeId
from schemas.order import Order, Permit, PermitKind
from schemas.ping import Status
from stream.simulate.carrier import Network, ask_times
from stream.simulate.county import DEMO
from stream.simulate.feed import REPORT, Feed, Phone, Truth, merge
from stream.simulate.lives import DAY, MINUTE, Place, Visit, walk
from stream.simulate.orders import authorisations
from stream.simulate.people import CENTRE, hash_of
from stream.simulate.silences import Silence, fall_silent

__all__ = ["STORIES", "Episode", "Expected", "Story", "tell"]

STORIES: Final = DEMO / "stories"
_ZONE: Final = ZoneInfo("Asia/Shanghai")
_GHOSTS: Final = np.array([(9_000.0, 0.0), (0.0, -7_000.0), (-12_000.0, 3_000.0)])
_BEFORE: Final = 2 * DAY

_Model = TypeVar("_Model", bound=BaseModel)
Position = tuple[Annotated[float, Field(ge=-180, le=180)], Annotated[float, Field(ge=-90, le=90)]]


class Home(Sent):
    """Where the person of a story lives."""

    place: Position
    county: Adcode


class Stay(Sent):
    """To be at a venue of the fences file."""

    venue: Identifier
    since: datetime
    until: datetime


class Off(Sent):
    """A phone that is silent; with codes the carrier answers one of them, without an end it lasts."""

    since: datetime
    until: datetime | None = None
    codes: tuple[Status, ...] = ()


class Cover(Sent):
    """A permit that is in force only where the story is told as covered."""

    kind: PermitKind
    since: datetime
    until: datetime


class Story(Sent):
    """One data file. Times in it are local; `order` holds fields of an order, the rest of it follows from the story."""

    title: str
    supervisee: SuperviseeId
    seed: int
    monday: date | None = None
    first: datetime
    last: datetime
    interval_min: Annotated[float, Field(gt=0)]
    stickiness: Annotated[float, Field(ge=0, lt=1)]
    residence: Home
    order: dict[str, Any]
    visits: tuple[Stay, ...] = ()
    silences: tuple[Off, ...] = ()
    permits: tuple[Cover, ...] = ()

    def moved(self, monday: date | None) -> timedelta:
        """
        Give how far the times move when the story begins in the week of another Monday; None leaves them.

        Raises ValueError for a day that is no Monday, and for a story whose dates are historical.
        """
        if monday is None:
            return timedelta()
        if self.monday is None:
            raise ValueError(f"{self.title}: its dates are fixed")
        if monday.weekday():
            raise ValueError(f"{monday} is not a Monday")
        return monday - self.monday


class Episode(Sent):
    """One line of the expected file: a cause for a gap, a class for the others; a list has one a telling."""

    rule: Literal["curfew", "gap", "night_venue"]
    kinds: str | tuple[str, ...] = Field(validation_alias=AliasChoices("class", "cause"))
    since: datetime
    until: datetime | None

    def truth(self, supervisee: str, moved: timedelta, telling: int) -> Truth:
        """Say it of one person, as often as the story is told."""
        kind = self.kinds if isinstance(self.kinds, str) else self.kinds[telling]
        until_ms = None if self.until is None else _ms(self.until + moved)
        return Truth(supervisee, self.rule, kind, _ms(self.since + moved), until_ms)


class Expected(Sent):
    """The file beside a story."""

    episodes: tuple[Episode, ...]


def tell(
    path: Path,
    *,
    monday: date | None = None,
    covered: bool = False,
    telling: int = 0,
    fences_file: Path = DEMO / "fences.geojson",
) -> Feed:
    """
    Turn the story of a data file into a feed whose truth is the file `<name>.expected.json` beside it.

    `monday` moves it to another week, `telling` chooses among the codes of a silence, `covered` puts its permits in
    force, after which nothing is left to find. Raises BadConfiguration with the path of the file that is wrong, and
    ValueError as `Story.moved` does.
    """
    story = _read(path, Story, tomllib.loads)
    lines = _read(path.with_suffix(".expected.json"), Expected, json.loads).episodes
    moved = story.moved(monday)
    first_ms, last_ms = _ms(story.first + moved), _ms(story.last + moved)
    visits = _visits(story, moved, fences_file)
    reports = _reports(story, visits, [_silence(off, moved, last_ms, telling) for off in story.silences], moved)
    order = _order(story, moved, first_ms, last_ms, covered=covered)
    phone = Phone(story.supervisee, Datum.gcj02, "cmcc", order.phones[0].sim, order.phones[0].devices[0])
    truth = [] if covered else [line.truth(story.supervisee, moved, telling) for line in lines]
    return merge([order], [phone], [reports], truth, last_ms)


def _read(path: Path, model: type[_Model], parse: Callable[[str], Any]) -> _Model:
    try:
        return model.model_validate(parse(path.read_text("utf-8")))
    except OSError as error:
        raise BadConfiguration(path, f"cannot be read ({error.strerror})") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise BadConfiguration(path, f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    except ValueError as error:
        raise BadConfiguration(path, str(error)) from error


def _ms(local: datetime) -> int:
    zoned = local if local.tzinfo else local.replace(tzinfo=_ZONE)
    return round(zoned.timestamp() * 1_000)


def _place(lon: float, lat: float) -> Place:
    x, y = to_plane(lon, lat, *CENTRE)
    return Place(float(x), float(y))


def _visits(story: Story, moved: timedelta, fences_file: Path) -> list[Visit]:
    shapes, visits = load_fences(fences_file).shapes, []
    for stay in story.visits:
        if stay.venue not in shapes:
            raise BadConfiguration(fences_file, f"has no venue {stay.venue}")
        centre = shapes[stay.venue].centroid
        visits.append(Visit(_ms(stay.since + moved), _ms(stay.until + moved), _place(centre.x, centre.y)))
    return visits


def _silence(off: Off, moved: timedelta, last_ms: int, telling: int) -> Silence:
    until_ms = last_ms if off.until is None else _ms(off.until + moved)
    # The ping at its beginning is the last contact, or else the first code.
    if off.codes:
        return Silence(_ms(off.since + moved), until_ms, off.codes[telling])
    return Silence(_ms(off.since + moved) + 1, until_ms, None)


def _reports(story: Story, visits: Sequence[Visit], silences: Sequence[Silence], moved: timedelta) -> NDArray[np.void]:
    rng, home = np.random.default_rng(story.seed), _place(*story.residence.place)
    first_ms, last_ms = _ms(story.first + moved), _ms(story.last + moved)
    edges = [edge for off in silences for edge in (off.from_ms - (off.code is None), off.until_ms) if edge < last_ms]
    times = ask_times(rng, first_ms, last_ms, story.interval_min, loss=0.0)
    # The pings at the edges take the place of those close by.
    clear = [np.abs(times - edge) > story.interval_min / 2 * MINUTE for edge in edges]
    times = np.sort(np.append(times[np.all(clear, axis=0)] if clear else times, edges)).astype(np.int64)
    x, y, still = walk(home, visits, first_ms, last_ms).at(times)
    reports = np.empty(len(times), REPORT)
    reports["time_ms"], reports["phone"], reports["status"] = times, 0, Status.located.code
    network = Network(story.seed, story.stickiness)
    reports["x"], reports["y"], reports["accuracy_m"], reports["cell"] = network.report(
        rng, x, y, still, _GHOSTS + home
    )
    for silence in silences:
        reports = fall_silent(reports, silence)
    return reports


def _order(story: Story, moved: timedelta, first_ms: int, last_ms: int, *, covered: bool) -> Order:
    (lon, lat), begin_ms = story.residence.place, first_ms - _BEFORE
    permits = [
        Permit(permit_id=f"permit-{n}", kind=c.kind, from_ms=_ms(c.since + moved), until_ms=_ms(c.until + moved))
        for n, c in enumerate(story.permits if covered else (), start=1)
    ]
    given = {
        "supervisee": story.supervisee,
        "order_id": f"order-{story.supervisee}",
        "valid_from_ms": begin_ms,
        "phones": [
            {
                "sim": hash_of(story.seed, story.supervisee, "sim"),
                "devices": [hash_of(story.seed, story.supervisee, "device")],
            }
        ],
        "residence": {"lon": lon, "lat": lat, "datum": Datum.wgs84, "county": story.residence.county},
        "permits": permits,
        "authorisations": authorisations(story.supervisee, begin_ms, last_ms + 30 * DAY),
    }
    return Order.model_validate(story.order | given)
