"""Absences in the curfew found once more."""

from collections.abc import Iterator

from detectors.standing import Span, common, cut, united
from stream.recompute.evidence import MINUTE_MS, Evidence, Found, Ping, apart_m, is_fix, of_phone, permits, windows

__all__ = ["absence"]


def absence(evidence: Evidence, at_ms: int, _until_ms: int | None) -> Found:
    """Enough pings outside, over enough time, at enough places, in a piece of the curfew; the first one is a fact."""
    for piece in _curfew(evidence):
        for since_ms, count in _openings(evidence, piece, at_ms):
            return since_ms, f"{count} pings outside when it was found"
    return None, "too few pings outside"


def _openings(evidence: Evidence, piece: Span, at_ms: int) -> Iterator[tuple[int, int]]:
    """Give when an absence in a piece of the curfew begins, and from how many pings that was seen."""
    rule, (begin, end) = evidence["parameters"], piece
    first_ms = max(evidence["run_first_ms"], begin - rule["before_min"] * MINUTE_MS)
    run: list[Ping] = []
    for ping in filter(is_fix, of_phone(evidence)):
        time_ms = ping["time_ms"]
        if time_ms < first_ms:
            continue
        if begin <= min(time_ms, at_ms) and _enough(evidence, run):
            break
        if time_ms >= end or time_ms > at_ms:
            break
        if ping["distance_m"] - ping["radius_m"] < rule["clear_m"]:
            run = []
        elif ping["distance_m"] - max(ping["radius_m"], rule["floor_m"]) > rule["distance_m"]:
            run.append(ping)
            if begin <= time_ms and _enough(evidence, run):
                break
    if begin <= at_ms and _enough(evidence, run):
        yield max(run[0]["time_ms"], begin), len(run)


def _enough(evidence: Evidence, run: list[Ping]) -> bool:
    rule = evidence["parameters"]
    if len(run) < rule["pings"]:
        return False
    span_ms = run[-1]["time_ms"] - run[0]["time_ms"]
    sparse = span_ms >= rule["sparse_min"] * MINUTE_MS * (len(run) - 1)
    places: list[Ping] = []
    for ping in run:
        if all(apart_m(ping, place) > evidence["quality"]["frozen_m"] for place in places):
            places.append(ping)
    need = int(rule["distinct_sparse" if sparse else "distinct"])
    return bool(span_ms >= rule["span_min"] * MINUTE_MS) and len(places) >= need


def _curfew(evidence: Evidence) -> list[Span]:
    """Pieces of the curfew about the first ping: windows of the order, authorised, and not lifted by a permit."""
    order = evidence["order"]
    if order["curfew"] is None:
        return []
    asked = united(iter(windows(order["curfew"], evidence["run_first_ms"])))
    lawful = [(begin, end) for begin, end in order["authorised"]]
    return common(cut(asked, permits(evidence, "leave", "night_shift")), lawful)
