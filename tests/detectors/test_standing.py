"""Standing: which order version holds when."""

from detectors.standing import Standing, home
from detectors.window import PLACE
from schemas.order import decode_order
from tests.detectors.watched import on
from tests.factories import HOME, authorisation, near, order, permit

JANUARY = on("00:00", -60)


def after(*raws: bytes, keep_from_ms: int = 0) -> Standing:
    """The messages of one person, in the order of arrival."""
    standing = Standing()
    for raw in raws:
        standing = standing.with_order(raw, decode_order(raw), keep_from_ms)
    return standing


def test_a_message_holds_from_its_valid_from_on() -> None:
    """At that very ms; before the first one the first one holds."""
    one, two = order(valid_from_ms=on("00:00")), order(valid_from_ms=on("00:00", 5), tier="strict")
    standing = after(one, two)
    assert ["general", "general", "strict"] == [
        standing.opened().at(time_ms).tier.value for time_ms in (on("00:00", -1), on("00:00", 5) - 1, on("00:00", 5))
    ]


def test_a_message_replaces_the_versions_from_there_on() -> None:
    """Later ones and an equal one are dropped, whenever they arrived."""
    first, second, third = (order(valid_from_ms=on("00:00", day)) for day in (0, 5, 10))
    again = order(valid_from_ms=on("00:00", 5), tier="strict")
    assert [on("00:00"), on("00:00", 5)] == [v.valid_from_ms for v in after(first, second, third, again).versions]
    assert again == after(first, second, third, again).versions[-1].raw


def test_versions_that_ended_long_ago_are_forgotten() -> None:
    """One that still held at the given time stays."""
    raws = [order(valid_from_ms=on("00:00", day)) for day in (0, 5, 10, 15)]
    kept = after(*raws, keep_from_ms=on("00:00", 7))
    assert [on("00:00", 5), on("00:00", 10), on("00:00", 15)] == [v.valid_from_ms for v in kept.versions]


def test_authorisations_come_from_the_newest_message_for_all_times() -> None:
    """And begin at the earliest when the first version does."""
    old = order(valid_from_ms=on("00:00"), authorisations=[authorisation(JANUARY, on("00:00", 3))])
    new = order(
        valid_from_ms=on("00:00", 2),
        authorisations=[authorisation(JANUARY, on("00:00", 2)), authorisation(on("00:00", 2), on("00:00", 9))],
    )
    standing = after(old, new)
    assert [(on("00:00"), on("00:00", 9))] == standing.opened().authorised()


def test_a_period_before_the_first_version_authorises_nothing() -> None:
    """It ended before the order began."""
    standing = after(order(valid_from_ms=on("00:00"), authorisations=[authorisation(JANUARY, on("00:00"))]))
    assert [] == standing.opened().authorised()


def test_orders_differ_from_the_earliest_change_on() -> None:
    """A permit approved late reaches back before the message's own beginning."""
    old = after(order(valid_from_ms=JANUARY))
    assert on("00:00", 3) == old.differs_from(after(order(valid_from_ms=JANUARY), order(valid_from_ms=on("00:00", 3))))
    late = order(valid_from_ms=on("00:00", 3), permits=[permit("leave", on("00:00", 1), on("00:00", 2))])
    assert on("00:00", 1) == old.differs_from(after(order(valid_from_ms=JANUARY), late))


def test_a_permit_taken_away_differs_from_its_beginning_on() -> None:
    """As one that was added does; one that stays does not matter."""
    stays, goes = permit("leave", on("00:00", -9), on("00:00", -8)), permit("leave", on("00:00", 1), on("00:00", 2))
    old = order(valid_from_ms=JANUARY, permits=[stays, goes])
    new = after(old, order(valid_from_ms=on("00:00", 3), permits=[stays]))
    assert on("00:00", 1) == after(old).differs_from(new)


def test_a_prolonged_authorisation_differs_from_its_beginning_on() -> None:
    """Its period is another one, so that a row is looked at again from there."""
    old = after(order(valid_from_ms=JANUARY, authorisations=[authorisation(on("00:00", -9), on("00:00", 2))]))
    new = after(order(valid_from_ms=on("00:00", 1), authorisations=[authorisation(on("00:00", -9), on("00:00", 9))]))
    assert on("00:00", -9) == old.differs_from(new)


def test_a_flag_turns_where_the_residence_changes() -> None:
    """The same residence in the next version is no move."""
    places = [HOME, HOME, near(500, 0, HOME), near(500, 0, HOME), HOME]
    standing = after(*(order(valid_from_ms=on("00:00", day), home=place) for day, place in enumerate(places)))
    assert [0, 0, PLACE, PLACE, 0] == [marks for _, _, marks in standing.opened().spans()]


def test_the_residence_is_brought_to_wgs84() -> None:
    """In Liuzhou the Chinese datum lies some hundred metres off; a declared WGS-84 stays as it is, to the digit."""
    assert HOME == home(decode_order(order()))
    shifted = {"lon": HOME[0] / 1e7, "lat": HOME[1] / 1e7, "datum": "gcj02", "county": "450202"}
    lon, lat = home(decode_order(order(residence=shifted)))
    assert (True, True) == (20_000 < HOME[0] - lon < 80_000, 5_000 < abs(HOME[1] - lat) < 80_000)


def test_what_is_packed_comes_back() -> None:
    """Versions to the byte."""
    standing = after(order(valid_from_ms=JANUARY), order(valid_from_ms=on("00:00"), permits=[]))
    assert standing.versions == Standing.unpack(standing.packed).versions
