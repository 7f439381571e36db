"""Check-ins: whole answers, whole places."""

from typing import Any

import pytest

from schemas.checkin import Answer, CheckIn, Method
from schemas.errors import BadInput, Reason
from schemas.reading import read
from tests.schemas.messages import checkin, raw


def test_an_answer() -> None:
    """An answered call carries how the person was recognised, and where."""
    got = read(CheckIn, raw(checkin(more=1)))
    assert (Answer.matched, Method.face, 109.42) == (got.answer, got.method, got.lon)


@pytest.mark.parametrize(
    "change",
    [
        {"method": None},
        {"answer": "missed"},
        {"lon": None},
        {"datum": None},
        {"lon": None, "lat": None},
    ],
)
def test_halves_are_refused(change: dict[str, Any]) -> None:
    """An answer without method, a missed call with one, and a place with a part missing mean nothing."""
    with pytest.raises(BadInput) as refusal:
        read(CheckIn, raw(checkin(**change)))
    assert Reason.wrong_type is refusal.value.reason


def test_a_missed_call_needs_no_more() -> None:
    """A call that nobody answered has neither method nor place."""
    missed = checkin(answer="missed", method=None, lon=None, lat=None, datum=None, accuracy_m=None)
    assert Answer.missed is read(CheckIn, raw(missed)).answer
