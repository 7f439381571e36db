"""Claims against the truth, and the score for being early."""

import pytest

from stream.evaluate.cases import FOREVER_MS
from stream.evaluate.claims import Claim
from stream.evaluate.labels import NEAR, UNKNOWN
from stream.evaluate.measures import Measures, measure, sigmoid
from stream.simulate.feed import Truth
from stream.simulate.lives import MINUTE

HOUR = 60


def claim(since: int, until: int | None, told: int, alert: int | None = None) -> Claim:
    """Give a claim by the minute."""
    end = FOREVER_MS if until is None else until * MINUTE
    at = None if alert is None else alert * MINUTE
    return Claim("s", "curfew", "residence", "left", since * MINUTE, end, told * MINUTE, at, {})


def event(since: int, until: int, kind: str = "absence") -> Truth:
    """Give a true event by the minute."""
    return Truth("s", "curfew", kind, since * MINUTE, until * MINUTE)


def measured(claims: list[Claim], truth: list[Truth], *, alerts: bool = False) -> Measures:
    """Measure over ten days with a window of two hours."""
    return measure(claims, truth, 10.0, 120 * MINUTE, alerts=alerts)


def test_right_wrong_found_and_missed() -> None:
    """A claim is right by a shared moment, an event is found by the earliest claim of it."""
    found = measured(
        [claim(10, 50, 25), claim(60, 90, 70), claim(300, 320, 310)], [event(0, 100), event(900, 999)]
    ).quality()

    assert (2, 1, 1, 1) == (found.right, found.wrong, found.found, found.missed)
    assert (2 / 3, 0.5) == (found.precision, found.recall)
    assert (25.0, 25.0, 3.0) == (found.latency_median_min, found.latency_p90_min, found.false_per_30_days)
    assert pytest.approx(2 * (2 / 3) * 0.5 / (2 / 3 + 0.5)) == found.f1


def test_what_is_near_is_neither_demanded_nor_wrong() -> None:
    """A finding there is right, and none is nothing missed."""
    assert (1, 0, 0, 0) == measured([claim(10, 20, 15)], [event(0, 30, NEAR)]).quality()[8:12]
    assert (0, 0, 0, 0) == measured([], [event(0, 30, NEAR)]).quality()[8:12]


def test_what_touches_the_unknown_is_not_judged_and_no_alert() -> None:
    """Unless something true is met as well."""
    claims, unknown = [claim(10, None, 15, 15)], event(0, 30, UNKNOWN)

    assert (0, 0, 0) == (
        measured(claims, [unknown]).right,
        measured(claims, [unknown]).wrong,
        measured(claims, [unknown]).alerts,
    )
    assert (1, 1) == (
        measured(claims, [unknown, event(40, 50)]).right,
        measured(claims, [unknown, event(40, 50)]).alerts,
    )


def test_alerts_leave_notices_out_and_count_from_their_own_time() -> None:
    """A notice that became an alert was told when it became one."""
    claims = [claim(0, 300, 60, 120), claim(400, 420, 410)]
    found = measured(claims, [event(0, 300)], alerts=True)

    assert ([120 * MINUTE], 1, 0, 1) == (found.latency_ms, found.right, found.wrong, found.alerts)


@pytest.mark.parametrize(
    ("claims", "score"),
    [
        ([claim(0, 100, 0)], 100.0),
        ([], 0.0),
        ([claim(0, 500, 120)], 50.0),
        ([claim(0, 500, 121)], 0.0),
        ([claim(0, 100, 0), claim(2_000, 2_010, 2_005)], 94.5),
        ([claim(0, 100, 0), claim(-300, -200, -250)], 94.5),
    ],
)
def test_the_early_score(claims: list[Claim], score: float) -> None:
    """The left edge is 100, silence 0, the right edge half; late is missed; a wrong alert far off costs 0.11."""
    assert pytest.approx(score, abs=0.01) == measured(claims, [event(0, 500)]).quality().nab


def test_a_wrong_alert_close_behind_a_window_costs_less() -> None:
    """One at a fifth of the window behind it costs less than half of one far off."""
    assert -0.5 < sigmoid(0.2) < 0 < sigmoid(-0.2)
    assert 97.2 < (measured([claim(0, 100, 0), claim(510, 520, 144)], [event(0, 500)]).quality().nab or 0) < 100


def test_nothing_is_no_number() -> None:
    """Without claims, events and days there are no shares."""
    assert [None] * 8 == list(Measures().quality()[:8])


def test_counts_add_up() -> None:
    """Two people together are as one after the other."""
    total = Measures()
    for claims in ([claim(0, 100, 5)], [claim(700, 710, 705)]):
        total.add(measured(claims, [event(0, 100)]))

    assert (1, 1, 1, 1, 20.0) == total.quality()[8:]
