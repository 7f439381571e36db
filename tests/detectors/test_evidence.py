"""Evidence: the pings behind an event, as a court can recompute them."""

from typing import Any

from detectors.evidence import MOST, evidence
from detectors.findings import Finding
from detectors.pings import Column, make
from schemas.order import decode_order
from schemas.ping import Status
from schemas.rules import GapRule, Rules
from tests.detectors.watched import MINUTE, answer, fix, on
from tests.factories import order

ORDER = decode_order(order())


def finding(at_ms: int) -> Finding:
    """Something found at that time."""
    return Finding(0, "gap", "contact", "opened", at_ms, at_ms, None, "gap", "alert", "silent", {})


def judged(pings: Column, found: Finding) -> list[dict[str, Any]]:
    """The pings of the evidence."""
    shown: list[dict[str, Any]] = evidence(ORDER, Rules(revision=1), pings, found)["pings"]
    return shown


def test_the_parameters_that_were_in_force_are_shown() -> None:
    """Those of the rule that found it, in the tier of the order, and the zone in which times are local."""
    shown = evidence(ORDER, Rules(revision=1), make([]), finding(on("08:30")))
    expected = {"zone": "Asia/Shanghai", "tier": "general", "parameters": GapRule().model_dump(), "pings": []}
    assert expected == shown


def test_each_fix_says_how_the_curfew_judges_it() -> None:
    """At home, too near to say, and outside."""
    pings = make([fix(on("08:00"), east, 0, 100) for east in (50, 400, 900)])
    assert ["in", "unsure", "out"] == [one["answer"] for one in judged(pings, finding(on("08:30")))]


def test_a_fix_is_shown_with_its_place_radius_and_distance() -> None:
    """Degrees as they were sent, metres from the residence of the order."""
    time_ms, lon, lat, *_ = ping = fix(on("08:00"), 300, 400, 0)
    assert [
        {
            "time_ms": time_ms,
            "status": "located",
            "lon": lon / 1e7,
            "lat": lat / 1e7,
            "radius_m": 1_000.0,
            "distance_m": 500.0,
            "answer": "in",
        }
    ] == judged(make([ping]), finding(on("08:00")))


def test_an_answer_without_a_place_is_shown_without_one() -> None:
    """Time and status are all there is."""
    shown = judged(make([answer(on("08:00"), Status.powered_off)]), finding(on("08:00")))
    assert [{"time_ms": on("08:00"), "status": "powered_off"}] == shown


def test_what_came_after_the_finding_is_no_evidence() -> None:
    """A ping at its very time is."""
    pings = make([fix(on("08:00")), fix(on("08:10")), fix(on("08:20"))])
    shown = judged(pings, finding(on("08:10")))
    assert [on("08:00"), on("08:10")] == [one["time_ms"] for one in shown]


def test_the_last_24_are_shown() -> None:
    """An alert stays small."""
    pings = make([fix(on("08:00") + k * MINUTE) for k in range(40)])
    shown = judged(pings, finding(on("08:30")))
    assert (MOST, on("08:30")) == (len(shown), shown[-1]["time_ms"])


def test_no_ping_is_no_evidence() -> None:
    """A silence may have none at all."""
    assert [] == judged(make([]), finding(on("08:30")))
