"""Replay: files in, the episodes of the live run out, whatever the cut."""

import json
from typing import Any

import pytest

from detectors.examples import HOME, MIDNIGHT_MS, MINUTE_MS, order
from detectors.findings import EpisodeEvent
from detectors.gate import Limits
from schemas.errors import BadConfiguration, Reason
from schemas.rules import Rules
from schemas.topics import CHECKINS, ORDERS, PINGS
from stream.records import Record
from stream.replay import Replay, replay
from stream.turns import Inputs, Refusal

RULES = Rules(revision=1)
LIMITS = Limits(future_ms=31 * 86_400_000)


def _order(name: str = "lz-1", **changes: Any) -> bytes:  # noqa: ANN401  # any field of an order
    return json.dumps({**order(curfew=(1320, 480)), "supervisee": name, **changes}).encode()


def _ping(minute: float, name: str = "lz-1", **changes: Any) -> bytes:  # noqa: ANN401  # any field of a ping
    ping = {"supervisee": name, "time_ms": MIDNIGHT_MS + round(minute * MINUTE_MS), "status": "located"}
    place = {"lon": HOME[0], "lat": HOME[1], "datum": "wgs84", "accuracy_m": 100}
    return json.dumps({**ping, **place, **changes}).encode()


def _clock(minute: int) -> bytes:
    return json.dumps({"clock_ms": MIDNIGHT_MS + minute * MINUTE_MS}).encode()


def _said(events: list[EpisodeEvent]) -> list[tuple[str, str, str, int]]:
    return [(e.supervisee, e.phase, e.reason, (e.at_ms - MIDNIGHT_MS) // MINUTE_MS) for e in events]


def _run(pings: list[bytes], orders: list[bytes] | None = None, **others: Any) -> Replay:  # noqa: ANN401
    run = Replay(RULES, LIMITS, partitions=4)
    records = [Record(f"line {n}", value) for n, value in enumerate(pings, 1)]
    given = [Record(f"line {n}", value) for n, value in enumerate([_order()] if orders is None else orders, 1)]
    run.run(Inputs(given, records, others.pop("checkins", ())), **others)
    return run


WALK = [_ping(m, lon=HOME[0] + 0.01 + m * 1e-5) for m in range(21 * 60, 26 * 60, 7)]
"""Nine hundred metres from home and more, from 21:00 to 02:00."""


def test_gap_between_two_pings_is_found() -> None:
    """Silence between two pings of the file is an episode with both ends."""
    events = replay([_order()], [_ping(0), _ping(300)], rules=RULES, limits=LIMITS)

    assert [("lz-1", "opened", "silent", 120), ("lz-1", "closed", "silent", 300)] == _said(events)


@pytest.mark.parametrize("cut", [1, 3, 16])
def test_cut_decides_nothing(cut: int) -> None:
    """A few pings at a time or all at once: the same events."""
    orders = [_order(), _order("lz-2")]
    pings = [_ping(m, name) for m in range(0, 900, 45) for name in ("lz-1", "lz-2") if name == "lz-1" or m % 180 == 0]
    whole = _said(replay(orders, pings, rules=RULES, limits=LIMITS))

    assert 9 == len(whole)
    assert sorted(whole) == sorted(_said(replay(orders, pings, rules=RULES, limits=LIMITS, cut=cut)))


def test_clock_ends_at_the_last_input() -> None:
    """After the last ping no silence is made up."""
    assert [] == _run([_ping(0), _ping(30)]).events


def test_clock_record_shows_a_silence() -> None:
    """A clock record among the pings pushes every partition on, at its own place."""
    run = _run([_ping(0), _clock(130), _ping(140)])

    assert [("lz-1", "opened", "silent", 120), ("lz-1", "closed", "silent", 140)] == _said(run.events)


def test_until_runs_the_clock_on() -> None:
    """`until_ms` shows what silence after the files would mean."""
    run = _run([_ping(0)], until_ms=MIDNIGHT_MS + 121 * MINUTE_MS)

    assert [("lz-1", "opened", "silent", 120)] == _said(run.events)


def test_until_before_the_last_input_is_refused() -> None:
    """A moment inside the files would cut them in silence, so it is refused."""
    with pytest.raises(BadConfiguration, match="--until: lies before"):
        _run([_ping(0), _ping(30)], until_ms=MIDNIGHT_MS)


def test_refusals_are_told_with_line_and_reason() -> None:
    """Each bad record is named by its line and reason; the good ones beside it are used."""
    run = _run(
        [
            b"nonsense",
            _ping(1),
            _ping(2, "nobody"),
            _ping(3, datum="mars"),
            _ping(4, status="asleep"),
            _ping(5, lat=91),
            b'{"time_ms": 1}',
            _ping(6, time_ms=MIDNIGHT_MS + 40 * 86_400_000),
            _ping(7, time_ms=MIDNIGHT_MS - 400 * MINUTE_MS),
            b'{"clock_ms": -1}',
        ],
        checkins=[Record("line 1", b"{}")],
    )

    assert {
        Refusal(PINGS, "line 1", Reason.not_json),
        Refusal(PINGS, "line 3", Reason.unknown_supervisee),
        Refusal(PINGS, "line 4", Reason.unknown_datum),
        Refusal(PINGS, "line 5", Reason.unknown_status),
        Refusal(PINGS, "line 6", Reason.out_of_range),
        Refusal(PINGS, "line 7", Reason.missing_field),
        Refusal(PINGS, "line 8", Reason.future),
        Refusal(PINGS, "line 9", Reason.too_late),
        Refusal(PINGS, "line 10", Reason.out_of_range),
        Refusal(CHECKINS, "line 1", Reason.missing_field),
    } == set(run.refused)
    assert 1 == run.engine.counters["accepted"]


def test_bad_order_is_refused_and_its_pings_are_unknown() -> None:
    """An order that cannot be read leaves its person unknown."""
    run = _run([_ping(0)], [b'{"supervisee": "lz-1"}'])

    assert [Reason.unreadable_order, Reason.unknown_supervisee] == [refusal.reason for refusal in run.refused]


def test_later_order_acts_from_its_own_time() -> None:
    """A night judged by the first order is a breach; from the second order on, which has no curfew, none is."""
    without = _order(order_id="o-2", valid_from_ms=MIDNIGHT_MS + 12 * 60 * MINUTE_MS, curfew=None)
    both = [e for e in _run(WALK).events if e.rule == "curfew"]
    after = [e for e in _run(WALK, [_order(), without]).events if e.rule == "curfew"]

    assert "opened" in {e.phase for e in both}
    assert [] == after


def test_ending_closes_and_forgets() -> None:
    """At its time an ending closes what is open; later pings are of somebody unknown."""
    ending = b'{"supervisee": "lz-1", "end": true, "at_ms": %d}' % (MIDNIGHT_MS + 200 * MINUTE_MS)
    run = _run([_ping(0), _ping(300)], [_order(), ending])

    assert [("lz-1", "opened", "silent", 120), ("lz-1", "closed", "order_ended", 200)] == _said(run.events)
    assert [Reason.unknown_supervisee] == [refusal.reason for refusal in run.refused]


def test_ending_without_a_time_comes_last() -> None:
    """Without a time the order ends after everything else."""
    run = _run([_ping(0), _ping(300)], [_order(), b'{"supervisee": "lz-1", "end": true}'])

    assert ["opened", "closed"] == [event.phase for event in run.events]
    assert 0 == len(run.engine)


def test_order_of_nobody_known_cannot_end() -> None:
    """An ending for somebody without an order is told."""
    run = _run([], [b'{"supervisee": "lz-9", "end": true}'])

    assert [Refusal(ORDERS, "line 1", Reason.unknown_supervisee)] == run.refused
