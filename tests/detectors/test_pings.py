"""Pings as columns: identity, order, and what a rule sees of them."""

import numpy as np
import pytest

from detectors.pings import (
    IS_CONTACT,
    IS_LOCATED,
    IS_OPENING,
    MISSING_ACCURACY_M,
    NO_POSITION,
    PING,
    STATUSES,
    Fixes,
    in_order,
    make,
    radius_m,
    repeats,
)
from schemas.ping import Status
from tests.detectors.watched import Ping, answer, fix, on


def fixes(*pings: Ping) -> Fixes:
    """The pings as one round, wherever the residence is."""
    part = make(pings)
    return Fixes(part, np.full(len(part), 30.0), np.full(len(part), 40.0))


def test_a_ping_is_24_bytes() -> None:
    """Memory and changelog are planned with that."""
    assert 24 == PING.itemsize


def test_what_is_made_comes_back() -> None:
    """Field by field, in their order."""
    ping = fix(on("08:00"), 300, -20, 120, phone=129, device=4_000_000_000)
    assert [ping] == make([ping]).tolist()


@pytest.mark.parametrize(
    ("status", "flags"),
    [
        (Status.located, (True, True, False)),
        (Status.no_fix, (False, True, False)),
        (Status.powered_off, (False, False, True)),
        (Status.out_of_coverage, (False, False, False)),
        (Status.suspended, (False, False, True)),
        (Status.arrears, (False, False, True)),
        (Status.timeout, (False, False, False)),
        (Status.service_not_opened, (False, False, True)),
        (Status.function_not_activated, (False, False, True)),
        (Status.consent_withdrawn, (False, False, True)),
        (Status.number_not_own, (False, False, True)),
    ],
)
def test_what_each_answer_is(status: Status, flags: tuple[bool, bool, bool]) -> None:
    """Located, contact, or a reason that opens a gap by itself."""
    code = STATUSES.index(status)
    assert flags == (IS_LOCATED[code], IS_CONTACT[code], IS_OPENING[code])


def test_order_is_by_row_then_time() -> None:
    """Wherever the records stood."""
    pings = make([fix(on("08:05")), fix(on("08:01")), fix(on("08:03")), fix(on("08:00"))])
    assert [3, 1, 2, 0] == in_order(np.array([1, 0, 0, 0]), pings).tolist()


def test_ties_fall_by_content_on_every_arrival() -> None:
    """Phone, status, lon, lat, accuracy, device: in this order."""
    tied = [
        fix(on("08:00"), -5),
        fix(on("08:00")),
        fix(on("08:00"), 0, 3),
        fix(on("08:00"), 0, 3, 200),
        fix(on("08:00"), 0, 3, 200, device=1),
        answer(on("08:00"), Status.no_fix),
        fix(on("08:00"), -900, phone=1),
    ]
    draw = np.random.default_rng(1)
    for _ in range(20):
        mixed = [tied[k] for k in draw.permutation(len(tied))]
        assert tied == make(mixed)[in_order(np.zeros(len(tied), np.int64), make(mixed))].tolist()


def test_only_equal_records_of_one_row_are_repeats() -> None:
    """The same of another person, or with another device, is a ping of its own."""
    same, other = fix(on("08:00")), fix(on("08:00"), device=1)
    assert [False, True, False, False] == repeats(np.array([0, 0, 0, 1]), make([same, same, other, other])).tolist()
    assert [] == repeats(np.zeros(0, np.int64), make([])).tolist()
    assert [False] == repeats(np.zeros(1, np.int64), make([same])).tolist()


def test_a_missing_radius_is_a_kilometre() -> None:
    """For no radius is no precision."""
    assert [MISSING_ACCURACY_M, 1.0, 65_535.0] == radius_m(
        make([fix(on("08:00"), accuracy_m=accuracy_m) for accuracy_m in (0, 1, 65_535)])
    ).tolist()


def test_a_round_tells_contact_answer_and_place_apart() -> None:
    """A wristband is none of the three."""
    seen = fixes(
        fix(on("08:00")),
        answer(on("08:00"), Status.no_fix),
        answer(on("08:00"), Status.timeout),
        fix(on("08:00"), phone=128),
        answer(on("08:00"), Status.powered_off, phone=128),
    )
    assert [True, True, False, False, False] == seen.contact.tolist()
    assert [False, False, True, False, False] == seen.answer.tolist()
    assert [True, False, False, False, False] == seen.located.tolist()
    assert [False] * 5 == seen.accepted.tolist() == seen.frozen.tolist()
    assert ([50.0] * 5, 5) == (seen.d_m.tolist(), len(seen))


def test_located_without_a_position_is_a_contact_only() -> None:
    """It has no place that a rule could use."""
    bare = (on("08:00"), NO_POSITION, NO_POSITION, 0, 0, 0, 0)
    assert ([True], [False]) == (fixes(bare).contact.tolist(), fixes(bare).located.tolist())


def test_a_part_of_a_round_is_a_round() -> None:
    """All of it at those positions."""
    part = fixes(fix(on("08:00")), fix(on("08:01")), answer(on("08:02"), Status.no_fix)).take(np.array([2, 0]))
    assert [on("08:02"), on("08:00")] == part.time_ms.tolist() == part.pings["time_ms"].tolist()
    assert ([False, True], 2) == (part.located.tolist(), len(part))
