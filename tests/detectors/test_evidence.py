"""Evidence: the pings behind an event, as a court can recompute them."""

from typing import Any

from detectors.evidence import MOST, evidence
from detectors.findings import Finding
from detectors.pings import Column, make
from schemas.order import decode_order
from schemas.ping import Status
from schemas.rules import GapRule, QualityRule, Rules
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
    parameters = {"parameters": GapRule().model_dump(), "quality": QualityRule().model_dump()}
    expected = {"zone": "Asia/Shanghai", "tier": "general", **parameters, "pings": []}
    assert expected == shown


def test_each_fix_says_how_the_curfew_judges_it() -> None:
    """At home, too near to say, and outside."""
    pings = make([fix(on("08:00") + east * MINUTE // 100, east, 0, 100) for east in (50, 400, 900)])
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


def test_a_fix_that_cannot_be_true_says_why_it_was_left_out() -> None:
    """In place of an answer; a wristband is judged by neither."""
    pings = make([fix(on("08:00")), fix(on("08:01"), 9_000), fix(on("08:02"), phone=0x80)])
    shown = judged(pings, finding(on("08:30")))
    assert ["in", None, None] == [one.get("answer") for one in shown]
    assert [None, "speed", None] == [one.get("rejected") for one in shown]
    assert [None, None, "wristband"] == [one.get("source") for one in shown]


def test_of_many_pings_those_about_the_beginning_and_the_end_are_shown() -> None:
    """And between them those whose place is another than before: the 30th of 60, but none of its repeats."""
    east = [0] * 30 + [900] * 30
    pings = make([fix(on("08:00") + k * MINUTE, metres) for k, metres in enumerate(east)])
    found = finding(on("09:30"))._replace(since_ms=on("08:10"))
    minutes = [(one["time_ms"] - on("08:00")) // MINUTE for one in judged(pings, found)]
    assert [*range(8, 16), 30, *range(50, 60)] == minutes
