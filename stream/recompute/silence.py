"""Gaps found once more: silences, and phones that answer without a fix."""

from typing import Final

from detectors.pings import OPENING
from schemas.ping import Status
from stream.recompute.evidence import MINUTE_MS, Evidence, Found, Ping, is_fix, of_phone, permits

__all__ = ["contact_gap", "fix_gap"]

CONTACT: Final = frozenset({Status.located, Status.no_fix})
CODES: Final = frozenset(status.value for status in OPENING)


def contact_gap(evidence: Evidence, at_ms: int, until_ms: int | None) -> Found:
    """Nothing heard since the last contact, or since a permit ended, for the limit; or a code before that."""
    pings, ended_ms = of_phone(evidence), at_ms if until_ms is None else until_ms
    limit_ms, later_ms = _limits(evidence)
    heard = [k for k, ping in enumerate(pings) if ping["status"] in CONTACT and _before(ping, ended_ms, until_ms)]
    contact_ms = pings[heard[-1]]["time_ms"] if heard else int(evidence["contact_ms"])
    off = permits(evidence, "reported_off")
    clock_ms = max([contact_ms, *(end for _, end in off if contact_ms and contact_ms < end <= at_ms)])
    later = pings[heard[-1] + 1 :] if heard else pings
    codes = [p["time_ms"] for p in later if p["status"] in CODES and contact_ms <= p["time_ms"] <= ended_ms]
    codes = [time_ms for time_ms in codes if not any(begin <= time_ms < end for begin, end in off)]
    if codes and (not clock_ms or codes[0] <= clock_ms + limit_ms):
        return codes[0], "the carrier's code, at its time"
    if not clock_ms:
        return None, "nothing was ever heard"
    silent_ms = ended_ms - clock_ms
    if silent_ms < limit_ms and not codes:
        return None, f"silent for {silent_ms // MINUTE_MS} min only, of {limit_ms // MINUTE_MS}"
    level = "gap" if silent_ms >= later_ms or codes else "overdue"
    return clock_ms, f"{level}: nothing heard for {silent_ms // MINUTE_MS} min, the limit being {limit_ms // MINUTE_MS}"


def fix_gap(evidence: Evidence, at_ms: int, until_ms: int | None) -> Found:
    """Contacts without a fix that can be true, for the limit."""
    ended_ms = at_ms if until_ms is None else until_ms
    limit_ms, _ = _limits(evidence)
    since_ms = int(evidence["fix_from_ms"])
    fixes = [ping["time_ms"] for ping in of_phone(evidence) if is_fix(ping) and ping["time_ms"] < ended_ms]
    if fixes and fixes[-1] > since_ms:
        return None, "a fix lies in it"
    if ended_ms - since_ms < limit_ms:
        return None, f"without a fix for {(ended_ms - since_ms) // MINUTE_MS} min only"
    return since_ms, f"no fix for {(ended_ms - since_ms) // MINUTE_MS} min"


def _before(ping: Ping, ended_ms: int, until_ms: int | None) -> bool:
    """Whether a ping came before the end of a silence: that at its very end is what ended it."""
    time_ms: int = ping["time_ms"]
    return time_ms < ended_ms or (until_ms is None and time_ms == ended_ms)


def _limits(evidence: Evidence) -> tuple[int, int]:
    gap_ms = evidence["parameters"]["gap_min"] * MINUTE_MS
    limit_ms = int(evidence["limit_ms"]) or gap_ms
    return limit_ms, max(limit_ms, gap_ms)
