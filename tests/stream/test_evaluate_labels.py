"""Labels: what is true by the words of a rule, on movement that is known to the minute."""

import numpy as np
import shapely

from geofence.plane import from_plane
from schemas.order import Permit, PermitKind
from stream.evaluate.cases import FOREVER_MS, order_of
from stream.evaluate.labels import NEAR, UNKNOWN, absences, exits, silences, unknowns
from stream.simulate.feed import REPORT, Truth
from stream.simulate.lives import HOUR, MINUTE
from stream.simulate.people import CENTRE
from tests.stream.lives import MONDAY, at_home, resting

EVENING = 22 * 60


def minutes(truth: Truth) -> tuple[str, int, int]:
    """Give kind, beginning and end in minutes from Monday's midnight."""
    assert truth.until_ms is not None
    return truth.kind, (truth.since_ms - MONDAY) // MINUTE, (truth.until_ms - MONDAY) // MINUTE


def test_an_absence_is_half_an_hour_beyond_500_m_in_the_curfew() -> None:
    """It begins with the curfew where the person was out before; what is shorter or nearer is only near."""
    track = resting(
        (1_000, EVENING - 1, 0.0), (EVENING, EVENING + 29, 600.0), (EVENING + 30, EVENING + 59, 400.0),
        (EVENING + 60, EVENING + 88, 600.0), (EVENING + 89, EVENING + 200, 200.0),
    )  # fmt: skip

    assert [("absence", 1_320, 1_350), (NEAR, 1_320, 1_409)] == [minutes(t) for t in absences("s", track)]
    assert [] == list(absences("s", resting((480, 1_319, 900.0))))


def test_an_exit_is_20_minutes_beyond_500_m_outside() -> None:
    """Outside at all is near; inside is nothing."""
    lon, lat = from_plane([-1_000, 1_000, 1_000, -1_000], [-1_000, -1_000, 1_000, 1_000], *CENTRE)
    area = shapely.Polygon(list(zip(lon, lat, strict=True)))
    track = resting((0, 99, 0.0), (100, 119, 1_600.0), (120, 130, 1_400.0), (131, 149, 1_600.0), (150, 160, 900.0))

    assert [("exit", 100, 120), (NEAR, 100, 150)] == [minutes(t) for t in exits("s", track, area)]


def test_a_silence_is_counted_outside_of_permits_and_by_contacts_alone() -> None:
    """A code is no contact; a permit cuts a silence; from the longest limit on it is demanded."""
    reports = np.zeros(6, REPORT)
    reports["time_ms"] = MONDAY + np.array([0, 60, 240, 300, 700, 1_000]) * MINUTE
    reports["status"][1] = 2
    off = Permit(
        permit_id="p", kind=PermitKind.reported_off, from_ms=MONDAY + 710 * MINUTE, until_ms=MONDAY + 900 * MINUTE
    )
    order = order_of("s", at_home(), None).model_copy(update={"permits": (off,)})
    found = [minutes(t) for t in silences("s", reports, order, 60 * MINUTE, 180 * MINUTE)]

    assert [("silence", 0, 240), ("silence", 300, 700), (NEAR, 900, 1_000)] == found


def test_what_is_unknown_has_a_margin_and_no_end() -> None:
    """An hour on both sides, and everything after the last point."""
    track = resting((0, 60, 0.0), (240, 300, 0.0))
    first, last = unknowns("s", track)

    assert (UNKNOWN, 1, 300) == minutes(first)
    assert (MONDAY + 301 * MINUTE - HOUR, FOREVER_MS + HOUR) == (last.since_ms, last.until_ms)
