"""Plans: where each row stands on its timeline."""

import numpy as np
import pytest

from detectors.pings import NEVER
from detectors.plans import NOWHERE, Plans
from detectors.window import AUTHORISED, CURFEW, DAY, EDGE, EVIDENCE, PLACE, Window
from schemas.order import decode_order
from schemas.ping import Datum
from tests.detectors.watched import on, plans_of
from tests.factories import HOME, authorisation, curfew, near, order

NIGHT = order(curfew=curfew())


def standing(plans: Plans, *times_ms: int) -> Window:
    """The rows placed at these times."""
    rows = np.arange(len(times_ms))
    return Window(rows, {"plan": plans.placed(rows, np.array(times_ms))})


def walked(window: Window, plans: Plans, until_ms: int) -> list[tuple[int, int]]:
    """Every edge of one row up to a time: when, and which flags turned."""
    edges = []
    while window.plan["change_ms"][0] <= until_ms:
        moment = int(window.plan["change_ms"][0])
        plans.advance(window, np.ones(1, bool))
        edges.append((moment, int(window.plan["turned"][0]) ^ EDGE))
    return edges


def test_a_row_stands_nowhere_until_it_is_placed() -> None:
    """Nothing is due, nothing is asked."""
    plans = plans_of(NIGHT)
    assert (NOWHERE, NEVER, 0) == tuple(plans.plan[name][0] for name in ("at", "change_ms", "flags"))
    plans.place(np.array([0]), np.array([on("12:00")]))
    assert (AUTHORISED, on("21:00")) == (plans.plan["flags"][0] & ~np.uint8(DAY), plans.plan["change_ms"][0])
    plans.clear(0)
    assert (NOWHERE, NEVER, 0) == tuple(plans.plan[name][0] for name in ("at", "change_ms", "flags"))


def test_an_edge_belongs_to_what_begins_there() -> None:
    """A row placed at it stands behind it."""
    window = standing(plans_of(NIGHT, NIGHT), on("22:00") - 1, on("22:00"))
    assert [False, True] == window.has(CURFEW).tolist()
    assert [on("22:00"), on("00:00", 1)] == window.plan["change_ms"].tolist()


def test_walking_passes_every_edge_once() -> None:
    """Evidence, curfew, midnight, the end; and the next night the same, across the end of a block."""
    plans = plans_of(NIGHT)
    edges = walked(standing(plans, on("12:00")), plans, on("12:00", 4))
    times = []
    for day in range(4):
        times += [on("21:00", day), on("22:00", day), on("00:00", day + 1), on("08:00", day + 1)]
    assert times == [moment for moment, turned in edges if turned]
    assert [EVIDENCE, CURFEW, DAY, CURFEW | EVIDENCE] * 4 == [turned for _, turned in edges if turned]


def test_placed_and_walked_rows_stand_alike() -> None:
    """Wherever a row came from, its plan is a function of the orders and the time."""
    plans = plans_of(order(curfew=curfew(), tier="strict"))
    window = standing(plans, on("12:00"))
    for moment, _ in walked(window, plans, on("12:00", 3)):
        assert moment < on("12:00", 3)
    anew = standing(plans, on("12:00", 3))
    for name in anew.plan:
        if name not in {"turned", "at", "last"}:
            assert anew.plan[name].tolist() == window.plan[name].tolist(), name


def test_rows_without_an_edge_stay_and_turn_nothing() -> None:
    """Only the rows of the mask move."""
    plans = plans_of(NIGHT, NIGHT)
    window = standing(plans, on("12:00"), on("12:00"))
    plans.advance(window, np.array([False, True]))
    assert [0, EDGE | EVIDENCE] == window.plan["turned"].tolist()
    assert [on("21:00"), on("22:00")] == window.plan["change_ms"].tolist()


def test_a_version_that_begins_brings_its_residence_and_tier() -> None:
    """Inside a block, at its own ms, and PLACE turns."""
    plans = plans_of(NIGHT)
    moved = order(valid_from_ms=on("13:00"), home=near(700, 0, HOME), tier="strict")
    before = plans.standings[0]
    assert before is not None
    plans.stand(0, before.with_order(moved, decode_order(moved), 0))
    window = standing(plans, on("12:00"))
    assert (HOME[0], 0) == (window.plan["lon0"][0], window.plan["tier"][0])
    assert (on("13:00"), PLACE) == walked(window, plans, on("13:00"))[0]
    assert (near(700, 0, HOME)[0], 1) == (window.plan["lon0"][0], window.plan["tier"][0])


def test_every_period_of_authorisation_counts() -> None:
    """Half-open, and not only the newest one."""
    periods = [authorisation(on("00:00"), on("06:00")), authorisation(on("12:00"), on("18:00"))]
    plans = plans_of(order(authorisations=periods))
    times = np.array([on(clock) for clock in ("00:00", "05:59", "06:00", "12:00", "17:59", "18:00")])
    assert [True, True, False, True, True, False] == plans.authorised(np.zeros(6, np.int64), times).tolist()


def test_without_authorisation_nothing_is_allowed() -> None:
    """An order may exist before its papers do."""
    plans = plans_of(order(authorisations=[]))
    assert [False] == plans.authorised(np.array([0]), np.array([on("12:00")])).tolist()


def test_a_row_without_an_order_cannot_be_placed() -> None:
    """That would be a fault of the caller."""
    plans = plans_of(NIGHT)
    plans.stand(0, None)
    with pytest.raises(LookupError):
        standing(plans, on("12:00"))


def test_the_residence_is_shifted_from_its_datum() -> None:
    """Every datum of the contract ends in WGS-84, and metres per degree are those of the place."""
    places = [{"lon": 109.42, "lat": 24.33, "datum": datum.value, "county": "450202"} for datum in Datum]
    window = standing(plans_of(*(order(residence=place) for place in places)), *[on("12:00")] * len(places))
    assert len(places) == len(set(window.plan["lon0"].tolist()))
    x, y = window.plane(window.plan["lon0"] + 100_000, window.plan["lat0"])
    assert [1_015.0] * len(places) == np.round(x).tolist()
    assert [0.0] * len(places) == y.tolist()


def test_the_pool_forgets_what_nobody_stands_on() -> None:
    """A long run does not grow, and who stands somewhere still does."""
    plans = plans_of(NIGHT, order("lz-2", curfew=curfew(), tier="strict"))
    plans.used = 66_000
    plans.place(np.array([0, 1]), np.array([on("12:00"), on("12:00", 9)]))
    plans.tidy()
    assert plans.used < 1_000
    window = Window(np.arange(2), {"plan": {name: array[:2].copy() for name, array in plans.plan.items()}})
    assert [on("21:00"), on("21:00", 9)] == window.plan["change_ms"].tolist()
    plans.advance(window, np.ones(2, bool))
    assert [on("22:00"), on("22:00", 9)] == window.plan["change_ms"].tolist()
