"""Timeline: what an order asks, as flags that turn at edges."""

import pytest

from detectors.standing import Standing
from detectors.timeline import Segment, block_of, compiled, local_day, midnight, terms_of
from detectors.window import AUTHORISED, CURFEW, EVIDENCE, PLACE, REPORTED_OFF
from schemas.order import decode_order
from tests.detectors.watched import DAY, HOUR, MONDAY, on
from tests.factories import HOME, at, authorisation, curfew, near, order, permit, window

BEFORE = {"general": HOUR, "strict": HOUR}
NAMED = {AUTHORISED: "authorised", CURFEW: "curfew", EVIDENCE: "evidence", REPORTED_OFF: "off"}


def standing_of(*raws: bytes) -> Standing:
    """The messages of one person, in the order of arrival."""
    standing = Standing()
    for raw in raws:
        standing = standing.with_order(raw, decode_order(raw), 0)
    return standing


def segments(time_ms: int, *raws: bytes) -> tuple[Segment, ...]:
    """The block that holds the moment."""
    standing = standing_of(*raws)
    orders = standing.opened()
    return compiled(terms_of(orders, BEFORE, block_of(orders.newest.zone, time_ms))).segments


def asked(time_ms: int, *raws: bytes) -> set[str]:
    """What is asked at that moment."""
    flags = [s.flags for s in segments(time_ms, *raws) if s.from_ms <= time_ms][-1]
    return {name for flag, name in NAMED.items() if flags & flag}


NIGHT = order(curfew=curfew())


@pytest.mark.parametrize(
    ("clock", "expected"),
    [
        ("20:59", set()),
        ("21:00", {"evidence"}),
        ("22:00", {"evidence", "curfew"}),
        ("03:00", {"evidence", "curfew"}),
        ("08:00", set()),
    ],
)
def test_a_night_has_an_hour_of_evidence_before_it(clock: str, expected: set[str]) -> None:
    """An edge belongs to what begins there; a night reaches into the next day."""
    assert expected | {"authorised"} == asked(on(clock, 1), NIGHT)


def test_an_end_before_the_start_lies_on_the_next_day() -> None:
    """Friday's window ends on Saturday morning, and Saturday has none of its own."""
    friday = order(curfew=curfew(window(days=(4,))))
    assert "curfew" in asked(on("07:59", 5), friday)
    assert "curfew" not in asked(on("08:00", 5), friday)
    assert "curfew" not in asked(on("23:00", 5), friday)


def test_a_window_of_the_whole_day_never_ends() -> None:
    """From midnight to midnight on all days is one piece; its start is as far back as is looked."""
    always = order(curfew=curfew(window("00:00", "00:00")))
    assert {"authorised", "curfew", "evidence"} == asked(on("00:00", 1), always) == asked(on("12:00", 1), always)


def test_windows_that_touch_are_one_piece() -> None:
    """The start of the piece is that of the first, also after midnight."""
    raw = order(curfew=curfew(window("22:00", "00:00"), window("00:00", "06:00")))
    inside = [s for s in segments(on("03:00", 1), raw) if s.from_ms <= on("03:00", 1)][-1]
    assert on("22:00") == inside.window_ms


def test_leave_cuts_a_night_into_pieces() -> None:
    """The second piece starts where the leave ends, and has an hour of evidence of its own."""
    raw = order(curfew=curfew(), permits=[permit("leave", on("22:00"), on("01:30", 1))])
    assert {"authorised"} == asked(on("21:30"), raw) == asked(on("00:00", 1), raw)
    assert {"authorised", "evidence"} == asked(on("00:30", 1), raw)
    assert {"authorised", "evidence", "curfew"} == asked(on("01:30", 1), raw)


def test_a_reported_phone_off_lifts_no_curfew() -> None:
    """It is a flag of its own."""
    raw = order(curfew=curfew(), permits=[permit("reported_off", on("22:00"), on("01:30", 1))])
    assert {"authorised", "evidence", "curfew", "off"} == asked(on("23:00"), raw)


def test_nothing_is_asked_outside_the_authorisation() -> None:
    """Neither curfew nor evidence; the piece starts where the authorisation does."""
    periods = [authorisation(on("23:00"), on("02:00", 1)), authorisation(on("05:00", 1), on("06:00", 1))]
    raw = order(curfew=curfew(), authorisations=periods)
    assert set() == asked(on("22:30"), raw) == asked(on("03:00", 1), raw)
    assert {"authorised", "evidence", "curfew"} == asked(on("23:00"), raw)
    inside = [s for s in segments(on("05:30", 1), raw) if s.from_ms <= on("05:30", 1)][-1]
    assert on("05:00", 1) == inside.window_ms


def test_an_order_asks_nothing_before_it_is_valid() -> None:
    """Also when the authorisation began earlier."""
    raw = order(valid_from_ms=on("23:00"), curfew=curfew())
    assert set() == asked(on("22:59"), raw)
    assert {"authorised", "evidence", "curfew"} == asked(on("23:00"), raw)


def test_the_tier_of_the_version_at_the_start_says_how_long_before_counts() -> None:
    """Two hours where the strict tier asks for them, from the night on that begins under it."""
    standing = standing_of(NIGHT, order(valid_from_ms=on("12:00"), tier="strict", curfew=curfew()))
    before = {"general": HOUR, "strict": 2 * HOUR}
    block = block_of("Asia/Shanghai", on("12:00"))
    found = [compiled(terms_of(standing.opened(), before, block + k)).segments for k in (-1, 0)]
    begins = {s.from_ms for part in found for s in part if s.flags & EVIDENCE and not s.flags & CURFEW}
    assert {on("20:00"), on("21:00", -1)} <= begins
    assert on("21:00") not in begins


def test_a_new_version_brings_its_own_hours() -> None:
    """The old curfew holds until then, the new one from then on."""
    later = order(valid_from_ms=on("12:00", 1), curfew=curfew(window("20:00", "06:00")))
    assert "curfew" in asked(on("07:00", 1), NIGHT, later)
    assert "curfew" not in asked(on("21:00"), NIGHT, later)
    assert "curfew" in asked(on("20:00", 1), NIGHT, later)
    assert "curfew" not in asked(on("07:00", 2), NIGHT, later)


def test_place_turns_only_when_the_residence_moves() -> None:
    """A version with the same residence leaves it as it is."""
    same = order(valid_from_ms=on("12:00"))
    moved = order(valid_from_ms=on("12:00"), home=near(500, 0, HOME))
    for other, turns in ((same, False), (moved, True)):
        flags = [s.flags & PLACE for s in segments(on("00:00"), NIGHT, other)]
        assert turns == (len(set(flags)) > 1)


def test_no_window_begins_on_an_exception() -> None:
    """The one that began the day before still ends as it would."""
    raw = order(curfew=curfew(exceptions=("2026-03-03",)))
    assert "curfew" in asked(on("07:59", 1), raw)
    assert "evidence" not in asked(on("21:30", 1), raw)
    assert "curfew" not in asked(on("07:59", 2), raw)


def test_a_night_of_changing_clocks_is_as_long_as_it_is() -> None:
    """In Berlin the night of 28 March 2026 has nine hours from 22:00 to 08:00."""
    raw = order(zone="Europe/Berlin", curfew=curfew(zone="Europe/Berlin"))
    start, end = at("2026-03-28 22:00", "Europe/Berlin"), at("2026-03-29 08:00", "Europe/Berlin")
    assert 9 * HOUR == end - start
    assert ("curfew" in asked(end - 1, raw)) > ("curfew" in asked(end, raw))
    assert ("curfew" in asked(start - 1, raw)) < ("curfew" in asked(start, raw))


def test_a_day_of_changing_clocks_has_23_hours() -> None:
    """Day edges are local midnights."""
    day = local_day("Europe/Berlin", at("2026-03-29 12:00", "Europe/Berlin"))
    assert 23 * HOUR == midnight("Europe/Berlin", day + 1) - midnight("Europe/Berlin", day)


def test_blocks_follow_each_other_without_a_hole() -> None:
    """One begins where the other ends, its first segment repeats what holds there, and days are numbered on."""
    standing = standing_of(NIGHT)
    number = block_of("Asia/Shanghai", MONDAY)
    blocks = [compiled(terms_of(standing.opened(), BEFORE, number + k)) for k in (0, 1)]
    assert blocks[0].until_ms == blocks[1].segments[0].from_ms
    last, first = blocks[0].segments[-1], blocks[1].segments[0]
    assert (last.flags & CURFEW, last.window_ms, last.day + 1) == (first.flags & CURFEW, first.window_ms, first.day)
    assert DAY == first.day_ms - last.day_ms


def test_equal_terms_share_one_timeline() -> None:
    """Two people with the same hours, whatever else their orders say, cost one compilation."""
    other = standing_of(order("lz-2", curfew=curfew(), home=near(9_000, 0, HOME), tier="strict"))
    one = standing_of(NIGHT)
    block = block_of("Asia/Shanghai", MONDAY)
    assert terms_of(one.opened(), BEFORE, block) == terms_of(other.opened(), BEFORE, block)
