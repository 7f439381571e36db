"""Evidence: the pings behind an event, as a court can recompute them."""

from detectors.evidence import MOST, judged
from detectors.findings import Finding
from detectors.pings import make
from schemas.order import decode_order
from schemas.ping import Status
from tests.detectors.watched import MINUTE, answer, fix, on
from tests.factories import order

ORDER = decode_order(order())


def finding(at_ms: int) -> Finding:
    """Something found at that time."""
    return Finding(0, "gap", "contact", "opened", at_ms, at_ms, None, "gap", "alert", "silent", {})


def test_a_fix_is_shown_with_its_place_radius_and_distance() -> None:
    """Degrees as they were sent, metres from the residence of the order."""
    time_ms, lon, lat, *_ = ping = fix(on("08:00"), 300, 400, 0)
    assert {
        "pings": [
            {
                "time_ms": time_ms,
                "status": "located",
                "lon": lon / 1e7,
                "lat": lat / 1e7,
                "radius_m": 1_000.0,
                "distance_m": 500.0,
            }
        ]
    } == judged(ORDER, make([ping]), finding(on("08:00")))


def test_an_answer_without_a_place_is_shown_without_one() -> None:
    """Time and status are all there is."""
    shown = judged(ORDER, make([answer(on("08:00"), Status.powered_off)]), finding(on("08:00")))
    assert {"pings": [{"time_ms": on("08:00"), "status": "powered_off"}]} == shown


def test_what_came_after_the_finding_is_no_evidence() -> None:
    """A ping at its very time is."""
    pings = make([fix(on("08:00")), fix(on("08:10")), fix(on("08:20"))])
    shown = judged(ORDER, pings, finding(on("08:10")))["pings"]
    assert [on("08:00"), on("08:10")] == [one["time_ms"] for one in shown]


def test_the_last_24_are_shown() -> None:
    """An alert stays small."""
    pings = make([fix(on("08:00") + k * MINUTE) for k in range(40)])
    shown = judged(ORDER, pings, finding(on("08:30")))["pings"]
    assert (MOST, on("08:30")) == (len(shown), shown[-1]["time_ms"])


def test_no_ping_is_no_evidence() -> None:
    """A silence may have none at all."""
    assert {"pings": []} == judged(ORDER, make([]), finding(on("08:30")))
