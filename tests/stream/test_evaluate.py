"""Alerts against the truth: what counts as right, as found, and as neither."""

from typing import Any

import pytest

from stream.evaluate import Score, as_truth, score, standing
from stream.simulate.feed import Truth

HOUR = 3_600_000


def body(since: str, until: str | None = None, **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - fields of an alert
    """Give the parts of an alert that are read here; times of day on 1970-01-01."""
    times = {"since": f"1970-01-01T{since}:00.000Z", "until": until and f"1970-01-01T{until}:00.000Z"}
    given = {"supervisee": "s1", "rule": "gap", "reason": "silent", "severity": "alert", "phase": "opened"}
    return {"episode_id": since, "revision": 1, **given, **times, **fields}


def gap(since_h: int, until_h: int | None, supervisee: str | None = "s1", kind: str = "silent") -> Truth:
    """Give a true gap; hours since 1970."""
    return Truth(supervisee, "gap", kind, since_h * HOUR, None if until_h is None else until_h * HOUR)


def test_the_last_revision_stands_and_a_retracted_episode_does_not() -> None:
    """Revisions may come more than once and are told apart by number."""
    opened, closed = body("01:00"), body("01:00", "02:00", revision=2, phase="closed")
    taken_back = [body("03:00"), body("03:00", revision=2, phase="retracted")]

    assert [closed] == standing([opened, closed, opened, *taken_back])


def test_an_episode_is_said_in_the_words_of_the_truth() -> None:
    """Times become milliseconds, an open end stays open."""
    assert gap(1, None) == as_truth(body("01:00"))
    assert gap(1, 2, kind="arrears") == as_truth(body("01:00", "02:00", reason="arrears"))


@pytest.mark.parametrize(
    ("truth", "expected"),
    [
        (gap(1, 2), Score(1, 0, 1, 0)),
        (gap(0, None), Score(1, 0, 1, 0)),
        (gap(2, 3), Score(0, 1, 0, 1)),
        (gap(1, 2, supervisee="s2"), Score(0, 1, 0, 1)),
        (gap(1, 2)._replace(rule="curfew"), Score(0, 1, 0, 1)),
    ],
)
def test_both_meet_where_person_and_rule_are_the_same_and_a_moment_is_shared(truth: Truth, expected: Score) -> None:
    """One that ends where the other begins shares none."""
    assert expected == score([body("01:00", "02:00")], [truth])


def test_notices_outages_and_minor_absences_are_not_counted() -> None:
    """A minor absence that was found is right all the same."""
    notice, minor = body("01:00", severity="notice"), gap(5, 6, kind="minor")

    assert Score(0, 0, 0, 0) == score([notice], [gap(1, 2, supervisee=None), minor])
    assert Score(1, 0, 0, 0) == score([body("05:00")], [minor])


def test_precision_and_recall_are_shares_and_none_of_nothing_is_no_number() -> None:
    """Nothing found out of nothing is neither good nor bad."""
    assert (0.75, 0.5) == (Score(3, 1, 1, 1).precision, Score(3, 1, 1, 1).recall)
    assert (None, None) == (Score(0, 0, 0, 0).precision, Score(0, 0, 0, 0).recall)
