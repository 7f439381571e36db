"""What an alert says of the order: enough to find its episode again, and nothing that does not touch it."""

from detectors.findings import Finding
from detectors.standing import Standing
from detectors.terms import terms
from schemas.order import load_order
from tests.detectors.watched import DAY, NAME, on
from tests.factories import curfew, near, order, permit, window

FOUND = Finding(0, "curfew", "residence", "opened", on("23:00"), on("23:30"), None, "left", "alert", "left", {})


def standing(*raws: bytes) -> Standing:
    """Orders of one person as they came in."""
    held = Standing()
    for raw in raws:
        held = held.with_order(raw, load_order(raw), 0)
    return held


def test_residence_and_curfew_are_those_in_force_at_the_finding() -> None:
    """A later version is not looked at."""
    first = order(NAME, on("00:00"), curfew=curfew(window("22:00", "08:00", (0, 1))))
    later = order(NAME, on("00:00") + 3 * DAY, home=near(5_000, 0))
    shown = terms(standing(first, later).opened(), FOUND)

    assert {"lon": 109.42, "lat": 24.33} == shown["residence"]
    assert [{"days": [0, 1], "start": "22:00", "end": "08:00"}] == shown["curfew"]["windows"]
    assert on("00:00") == shown["same_from_ms"]


def test_permits_that_touch_the_time_come_from_the_newest_message() -> None:
    """One that was approved late is there; one of last week is not."""
    old, late = permit("leave", on("10:00", -7), on("12:00", -7)), permit("leave", on("22:00"), on("23:00"))
    held = standing(order(NAME, on("00:00", -9)), order(NAME, on("00:00", 2), permits=[old, late]))
    shown = terms(held.opened(), FOUND)

    assert [{"kind": "leave", "from_ms": on("22:00"), "until_ms": on("23:00")}] == shown["permits"]


def test_it_is_said_since_when_the_same_is_asked() -> None:
    """A version that moves neither residence nor area goes on; one that moves the residence begins anew."""
    held = standing(
        order(NAME, on("00:00")),
        order(NAME, on("20:00"), home=near(900, 0)),
        order(NAME, on("21:00"), home=near(900, 0)),
    )

    assert on("20:00") == terms(held.opened(), FOUND)["same_from_ms"]


def test_authorisations_are_those_that_touch_the_time() -> None:
    """One that ended long before is not shown; an order without a curfew shows none."""
    periods = ((on("00:00", -9), on("00:00", -8)), (on("00:00"), on("00:00", 9)))
    shown = terms(standing(order(NAME, on("00:00", -9), authorised=periods)).opened(), FOUND)

    assert [[on("00:00"), on("00:00", 9)]] == shown["authorised"]
    assert shown["curfew"] is None
