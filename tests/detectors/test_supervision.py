"""Supervision: late pings, orders that change, and what is left when one ends."""

import numpy as np
import pytest

from detectors.engine import Engine
from detectors.pings import make
from schemas.ping import Status
from tests.detectors.watched import MINUTE, NAME, RULES, Watched, answer, fix, on, stay
from tests.factories import HOME, authorisation, curfew, near, order, permit

NIGHT = order(curfew=curfew())
SILENCE = "gap/contact: gap, alert, silent, 02 08:00 - "


def silent() -> Watched:
    """Someone whose gap of 08:00 was published at noon."""
    return Watched().hear(fix(on("08:00"))).wait(on("12:00"))


def test_a_late_ping_retracts() -> None:
    """The phone was heard in time after all, so there was no gap."""
    person = silent().hear(fix(on("11:30"))).hear(fix(on("09:45")))
    assert ["retracted"] == [event.phase for event in person.new]
    assert [] == person.lasting


def test_a_late_ping_moves_the_beginning() -> None:
    """The gap since 08:00 is taken back, one since 09:00 opened that names it, each step at its own time."""
    person = silent().hear(fix(on("11:30"))).hear(fix(on("09:00")))
    old, new, end = person.new
    assert ("retracted", on("08:00")) == (old.phase, old.since_ms)
    assert ("opened", on("09:00"), on("11:00"), old.episode_id) == (new.phase, new.since_ms, new.at_ms, new.supersedes)
    assert ("closed", new.episode_id, on("11:30"), None) == (end.phase, end.episode_id, end.until_ms, end.supersedes)


def test_a_late_ping_into_a_silence_that_lasts_moves_it_at_once() -> None:
    """The clock has passed the new limit already, so nobody waits for a tick, and the new gap names the old one."""
    old, new = silent().hear(fix(on("09:00"))).new
    assert ("retracted", on("08:00"), None) == (old.phase, old.since_ms, old.supersedes)
    assert ("opened", on("09:00"), on("11:00"), old.episode_id) == (new.phase, new.since_ms, new.at_ms, new.supersedes)


def test_a_silence_moved_by_a_late_ping_is_opened_once() -> None:
    """The tick that comes after finds nothing more, at that clock or before the next limit."""
    person = silent().hear(fix(on("09:00")))
    assert ([], []) == (person.wait(on("12:00")).said, person.wait(on("23:00")).said)
    assert ["gap/contact: gap, alert, silent, 02 09:00 - "] == person.lasting


@pytest.mark.parametrize(("before_noon_ms", "phases"), [(0, ["retracted", "opened"]), (1, ["retracted"])])
def test_a_late_ping_runs_its_row_up_to_the_last_tick(before_noon_ms: int, phases: list[str]) -> None:
    """Silence from 10:00 on is a gap at 12:00: found at once when time had come so far, a millisecond sooner not."""
    person = Watched().hear(fix(on("08:00"))).wait(on("12:00") - before_noon_ms)
    assert phases == [event.phase for event in person.hear(fix(on("10:00"))).new]
    assert ["gap/contact: gap, alert, silent, 02 10:00 - "] == person.wait(on("12:00")).lasting


def test_a_late_ping_does_not_run_its_row_ahead_of_a_tick_that_is_not_done() -> None:
    """What lies between is for that tick to find, in its turn."""
    person = Watched(NIGHT).hear(fix(on("08:00")))
    assert person.engine.tick(on("12:00", 1))
    assert ["opened", "closed"] == [event.phase for event in person.hear(fix(on("23:00"))).new]
    assert ["opened gap/contact: gap, alert, silent, 02 23:00 - "] == person.wait(on("12:00", 1)).said


def test_a_late_ping_amends_the_end() -> None:
    """The phone was heard earlier than was known: the closed gap is updated."""
    person = silent().hear(fix(on("11:50"))).hear(fix(on("11:20")))
    assert ["updated gap/contact: gap, alert, silent, 02 08:00 - 02 11:20"] == person.said


def test_a_late_ping_amends_the_cause() -> None:
    """What the carrier said in the silence names it."""
    person = silent().hear(answer(on("09:00"), Status.out_of_coverage))
    assert ["updated gap/contact: gap, alert, out_of_coverage, 02 08:00 - "] == person.said


def test_a_late_ping_opens() -> None:
    """Three outside pings were too few; the fourth comes an hour late, and the breach is that of then."""
    outside = [fix(on("22:05") + k * 5 * MINUTE, 1_000 + 40 * k) for k in range(4)]
    person = Watched(NIGHT).hear(fix(on("21:50")), outside[0], outside[1], outside[3]).wait(on("23:05"))
    assert [] == person.lasting
    person.hear(outside[2])
    assert on("22:05") + 30 * MINUTE == person.new[-1].at_ms
    assert ["curfew/residence: left, alert, left, 02 22:05 - "] == person.lasting
    assert [] == person.wait(on("23:05")).said


def test_a_late_ping_that_changes_nothing_says_nothing() -> None:
    """Only the difference is published."""
    assert [] == silent().hear(answer(on("07:50"), Status.no_fix)).said


def test_a_late_ping_before_everything_is_taken() -> None:
    """The first that was heard need not be the first that was."""
    person = Watched().hear(fix(on("12:00"))).hear(fix(on("09:00")))
    assert ["gap/contact: gap, alert, silent, 02 09:00 - 02 12:00"] == person.lasting


def test_a_late_ping_heard_twice_counts_once() -> None:
    """Wherever it was before: in the rows, or among the late ones that wait."""
    late = fix(on("08:45"))
    person = silent().hear(late, late).hear(late).hear(fix(on("08:00")))
    assert (1, 3) == (person.engine.counters["late"], person.engine.counters["duplicate"])
    assert 2 == len(person.engine.supervision.inputs)


def test_hours_of_pings_sent_at_once_take_the_gap_back() -> None:
    """A phone that stored five hours and sends them when it is in reach again was there all the time."""
    stored = stay(on("08:10"), on("13:00"), 10)
    person = Watched().hear(fix(on("08:00"))).wait(on("13:05"))
    assert [SILENCE] == person.lasting
    person.hear(*stored, clock_ms=on("13:05"))
    assert ["retracted"] == [event.phase for event in person.new]
    assert ([], []) == (person.refused, person.lasting)
    assert len(stored) + 1 == len(person.engine.supervision.inputs)


def test_hours_of_pings_sent_one_by_one_end_the_same() -> None:
    """In whatever order they come."""
    stored = stay(on("08:10"), on("13:00"), 10)
    person = Watched().hear(fix(on("08:00"))).wait(on("13:05"))
    for k in np.random.default_rng(3).permutation(len(stored)):
        person.hear(stored[k], clock_ms=on("13:05"))
    assert ([], []) == (person.refused, person.lasting)


def test_hours_of_pings_at_night_find_the_breach_that_was() -> None:
    """The same upload from elsewhere: no gap, but a whole night out, dated as it was."""
    person = Watched(NIGHT).hear(fix(on("21:00"), 900)).wait(on("02:00", 1))
    person.hear(*stay(on("21:10"), on("02:00", 1), 10, 900), clock_ms=on("02:00", 1)).wait(on("02:10", 1))
    assert ["curfew/residence: late, alert, late, 02 22:00 - "] == person.lasting


def test_a_ping_so_late_that_those_after_it_were_forgotten_is_refused() -> None:
    """To run a row again without them would find silences that never were."""
    person = Watched().hear(*stay(on("00:00"), on("20:00"), 30))
    person.flush()
    person.wait(on("00:00", 3)).flush()
    person.restart().hear(fix(on("18:10")))
    assert ([(0, "too_late")], []) == (person.refused, person.said)


def test_late_pings_of_many_batches_wait_for_the_reader() -> None:
    """They are in the state before anything is read of it, and cost one run."""
    person = silent()
    for minute in (10, 20, 30, 40):
        person.engine.apply([NAME], make([fix(on("08:00") + minute * MINUTE)]), -1)
    assert person.engine.pending()
    old, new = person.engine.take_events()
    assert ("retracted", on("08:00")) == (old.phase, old.since_ms)
    assert ("opened", on("08:40"), old.episode_id) == (new.phase, new.since_ms, new.supersedes)


def test_a_permit_approved_late_retracts_the_gap() -> None:
    """It reaches back over what was published."""
    person = silent().tell(order(permits=[permit("reported_off", on("07:30"), on("14:00"))]), on("12:00"))
    assert (["retracted"], []) == ([event.phase for event in person.new], person.lasting)


def test_a_permit_taken_back_finds_the_gap_that_was() -> None:
    """As if it had never been."""
    person = Watched(order(permits=[permit("reported_off", on("07:30"), on("14:00"))])).hear(fix(on("08:00")))
    person.wait(on("12:00")).tell(order(), on("12:00")).wait(on("12:00"))
    assert [SILENCE] == person.lasting


def test_another_residence_is_judged_from_its_beginning_on() -> None:
    """Whoever sleeps at the new one from that day on is at home there, and was away before."""
    moved = order(valid_from_ms=on("12:00", 1), home=near(900, 0, HOME), curfew=curfew())
    person = Watched(NIGHT).hear(*stay(on("21:00"), on("12:00", 1), 10, 900)).tell(moved, on("12:00", 1))
    person.hear(*stay(on("12:10", 1), on("09:00", 2), 10, 900))
    assert ["curfew/residence: whole_night, alert, whole_night, 02 22:00 - 03 08:00"] == person.lasting


def test_another_residence_told_late_is_judged_again() -> None:
    """The night's breach was one of the old residence, which no longer held."""
    moved = order(valid_from_ms=on("20:00"), home=near(900, 0, HOME), curfew=curfew())
    person = Watched(NIGHT).hear(*stay(on("21:00"), on("23:00"), 10, 900)).tell(moved, on("23:05"))
    assert (["retracted"], []) == ([event.phase for event in person.new], person.lasting)


def test_a_new_order_says_which_version_an_event_rests_on() -> None:
    """The one that held at the time of the event."""
    person = Watched().hear(fix(on("08:00"))).tell(order(valid_from_ms=on("09:00"), order_id="o-2"), on("08:30"))
    assert [f"o-2@{on('09:00')}"] == [event.order_version for event in person.wait(on("10:00")).new]


def test_a_prolonged_authorisation_goes_on() -> None:
    """Told before the old one ends, the person is watched without a break."""
    first, second = authorisation(on("00:00"), on("09:00")), authorisation(on("09:00"), on("18:00"))
    person = Watched(order(authorisations=[first])).hear(fix(on("08:00")))
    person.tell(order(authorisations=[first, second]), on("08:30")).wait(on("10:00"))
    assert [SILENCE] == person.lasting


def two_people() -> tuple[Engine, dict[bytes, bytes]]:
    """An engine with two people who were heard of in the same batches, and what it wrote."""
    engine = Engine(RULES)
    for name in ("lz-1", "lz-2"):
        engine.order(name, order(name, curfew=curfew()), 0)
    for minute in range(0, 300, 10):
        pings = [fix(on("20:00") + minute * MINUTE, 900.0 + k, device=7_000 + k) for k in (0, 1)]
        engine.apply(["lz-1", "lz-2"], make(pings), -1)
    engine.tick(on("03:30", 1))
    return engine, {key: value for key, value in engine.take_dirty() if value is not None}


def test_the_end_closes_what_is_open() -> None:
    """With the reason; what was closed before stays as it was."""
    person = Watched(NIGHT).hear(*stay(on("21:00"), on("23:00"), 10, 900)).tell(None, on("23:30"))
    assert ["closed curfew/residence: late, alert, order_ended, 02 22:00 - 02 23:30"] == person.said
    assert (0, False) == (len(person.engine), person.engine.knows(NAME))


@pytest.mark.parametrize(("end", "found"), [("10:00", True), ("12:00", True), ("09:59", False)])
def test_time_runs_to_the_end(end: str, *, found: bool) -> None:
    """What was due by then is found at its own time, though no tick came since, and closed by the end."""
    person = Watched().hear(fix(on("08:00"))).tell(None, on(end))
    steps = [("opened", on("10:00"), None), ("closed", on(end), on(end))]
    assert (steps if found else []) == [(event.phase, event.at_ms, event.until_ms) for event in person.new]


def test_time_runs_to_the_end_through_many_days() -> None:
    """However many steps that takes: the night out is whole, and the silence goes on to the end."""
    person = Watched(NIGHT).hear(*stay(on("21:00"), on("23:00"), 10, 900)).tell(None, on("12:00", 5))
    assert [
        "curfew/residence: whole_night, alert, whole_night, 02 22:00 - 03 08:00",
        "gap/contact: gap, alert, order_ended, 02 23:00 - 07 12:00",
    ] == person.lasting


def test_an_end_dated_before_an_episode_ends_it_where_it_began() -> None:
    """No episode lasts for less than nothing."""
    person = Watched(NIGHT).hear(*stay(on("21:00"), on("23:00"), 10, 900)).tell(None, on("21:30"))
    assert ["closed curfew/residence: minor, notice, order_ended, 02 22:00 - 02 22:00"] == person.said


def test_late_pings_that_wait_are_settled_before_the_end() -> None:
    """They belong to the person who leaves, not to whoever gets the row."""
    engine = Engine(RULES)
    engine.order(NAME, order(), 0)
    for clock in ("08:00", "11:30", "09:00"):
        engine.apply([NAME], make([fix(on(clock))]), -1)
    engine.order(NAME, None, on("12:00"))
    engine.order("lz-2", order("lz-2"), on("12:00"))
    ends = [(event.phase, event.since_ms) for event in engine.take_events()]
    assert ("opened", on("09:00")) in ends
    assert 1 == len(engine)
    assert 0 == len(engine.supervision.inputs)


def test_an_order_that_ends_before_it_was_written_leaves_tombstones_only() -> None:
    """Of that person, and of nobody else."""
    engine = Engine(RULES)
    engine.order(NAME, order(), 0)
    engine.order(NAME, None, on("12:00"))
    records = engine.take_dirty()
    assert records
    assert [] == [(key, value) for key, value in records if value is not None or not key.endswith(b":lz-1")]


def test_the_end_leaves_nothing_of_the_person() -> None:
    """Every key ends with a tombstone, and no value holds a ping or the name any more."""
    engine, records = two_people()
    engine.order("lz-1", None, on("04:00", 1))
    written = dict(engine.take_dirty())
    own = {key for key in records if key.endswith(b":lz-1")}
    assert {b"h:lz-1", b"o:lz-1", b"e:lz-1"} <= own
    assert {None} == {written[key] for key in own}
    records |= {key: value for key, value in written.items() if value is not None}
    left = {key: value for key, value in records.items() if written.get(key, b"") is not None}
    assert any(key.startswith(b"~inputs") for key in left)
    device = np.array([7_000], "<u4").tobytes()
    assert not [key for key, value in left.items() if b"lz-1" in key + value or device in value]
    assert [key for key, value in left.items() if np.array([7_001], "<u4").tobytes() in value]


def test_the_end_leaves_others_as_they_were() -> None:
    """A late ping of the other one finds all it needs, also after a restart."""
    engine, records = two_people()
    engine.take_events()
    engine.order("lz-1", None, on("04:00", 1))
    assert {"lz-1"} == {event.supervisee for event in engine.take_events()}
    for key, value in engine.take_dirty():
        records.pop(key, None)
        if value is not None:
            records[key] = value
    again = Engine(RULES)
    again.load(records)
    for of in (engine, again):
        of.apply(["lz-2"], make([fix(on("03:00", 1))]), -1)
    events = engine.take_events()
    assert {"lz-2"} == {event.supervisee for event in events}
    assert events == again.take_events()


def test_an_end_of_nobody_is_no_news() -> None:
    """A null of a person who was never known."""
    engine = Engine(RULES)
    engine.order("lz-1", None, on("08:00"))
    assert ([], False) == (engine.take_dirty(), engine.pending())


def test_who_comes_again_starts_anew() -> None:
    """With a new order in the same row: no gap of before, no late ping into the past life."""
    person = silent().tell(None, on("12:00")).tell(order(valid_from_ms=on("13:00")), on("13:00"))
    assert [] == person.wait(on("23:00")).said
    person.hear(fix(on("23:10"))).hear(fix(on("09:00")))
    assert [(0, "not_authorised")] == person.refused
    assert ["gap/contact: gap, alert, order_ended, 02 08:00 - 02 12:00"] == person.lasting


def test_the_records_of_who_came_again_are_whole() -> None:
    """A tombstone and a new row of one key in one flush: the row is last."""
    person = silent()
    person.flush()
    person.engine.order(NAME, None, on("12:00"))
    person.engine.order(NAME, order(), on("12:00"))
    person.restart()
    assert ["opened gap/contact: gap, alert, silent, 02 14:00 - "] == person.hear(fix(on("14:00"))).wait(
        on("16:00")
    ).said


def test_a_gap_found_again_goes_on_counting() -> None:
    """A permit told late and taken back: the third revision, or readers take it for an old message."""
    person = Watched().hear(*stay(on("00:00"), on("08:00"), 10)).wait(on("12:00"))
    person.tell(order(permits=[permit("reported_off", on("07:30"), on("14:00"))]), on("12:00"))
    person.tell(order(), on("12:01")).wait(on("12:01"))
    assert [1, 2, 3] == [event.revision for event in person.events]
