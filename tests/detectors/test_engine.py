"""The engine: restarts, batches, ticks, and what it takes in besides pings."""

import numpy as np
import pytest

from detectors.engine import Engine
from detectors.pings import make
from schemas.checkin import Answer, CheckIn
from schemas.disposition import Disposition, Verdict
from schemas.errors import BadInput, BadState, Reason
from schemas.ping import Status
from tests.detectors.watched import DAY, HOUR, MINUTE, NAME, RULES, Ping, Watched, answer, fix, on, stay
from tests.factories import HOME, curfew, near, order

NIGHT = order(curfew=curfew())
SILENCE = "gap/contact: gap, alert, silent, 02 08:00 - "


def silent() -> Watched:
    """Someone whose gap of 08:00 was published at noon."""
    return Watched().hear(fix(on("08:00"))).wait(on("12:00"))


def test_a_restart_changes_nothing_of_what_follows() -> None:
    """The same pings and ticks, with and without one after each step, give the same events."""
    one, other = Watched(NIGHT), Watched(NIGHT)
    evening = [*stay(on("18:00"), on("20:00"), 20), *stay(on("21:10"), on("22:30"), 10, 900)]
    for ping in [*evening, *stay(on("23:10"), on("23:40"), 10)]:
        one.hear(ping).wait(ping[0] + 5 * MINUTE)
        other.hear(ping).restart().wait(ping[0] + 5 * MINUTE).restart()
    assert one.events == other.events
    assert ["curfew/residence: late, alert, late, 02 22:00 - 02 23:10"] == one.lasting


def test_a_late_ping_after_a_restart_does_what_it_would_have_done() -> None:
    """The copy it needs and the pings since come from the changelog."""
    for late in (fix(on("09:30")), fix(on("11:20")), answer(on("09:00"), Status.powered_off)):
        before = silent().hear(fix(on("11:30") + 1)).hear(late)
        after = silent().hear(fix(on("11:30") + 1)).restart().hear(late)
        assert before.events == after.events
        assert before.new != []


def test_hours_of_pings_after_a_restart_take_the_gap_back() -> None:
    """The upload meets a worker that never saw the person."""
    person = Watched().hear(fix(on("08:00"))).wait(on("13:05")).restart()
    person.hear(*stay(on("08:10"), on("13:00"), 10), clock_ms=on("13:05"))
    assert ([], []) == (person.refused, person.lasting)


def test_a_deadline_outlives_a_restart() -> None:
    """Silence is found though nothing was heard since."""
    assert ["opened " + SILENCE] == Watched().hear(fix(on("08:00"))).restart().wait(on("10:00")).said


def test_what_is_loaded_is_not_dirty() -> None:
    """A restart alone writes nothing."""
    person = silent().restart()
    assert (False, {}) == (person.engine.pending(), person.flush())


def test_rows_of_another_layout_are_refused() -> None:
    """Never taken for an empty start."""
    person = silent()
    person.flush()
    person.records[b"h:lz-1"] = b"\0\0\0\0" + person.records[b"h:lz-1"][4:]
    with pytest.raises(BadState, match="another layout"):
        Engine(RULES).load(person.records)


def test_rows_without_their_order_are_refused() -> None:
    """The changelog was truncated; to go on would be to watch people without a court's order."""
    person = silent()
    person.flush()
    del person.records[b"o:lz-1"]
    with pytest.raises(BadState, match="without their order"):
        Engine(RULES).load(person.records)


def test_an_empty_changelog_is_an_empty_start() -> None:
    """Nobody is known, and an order may come."""
    engine = Engine(RULES)
    engine.load({})
    assert (0, False) == (len(engine), engine.knows(NAME))
    engine.order(NAME, order(), 0)
    assert (1, True) == (len(engine), engine.knows(NAME))


def test_the_same_order_again_changes_nothing() -> None:
    """Orders are read again from the beginning at every assignment."""
    person = silent()
    person.flush()
    assert [] == person.tell(order(), on("12:00")).said
    assert not person.engine.pending()


def test_an_unreadable_order_changes_nothing() -> None:
    """Neither for a new person nor for one who is known."""
    person = silent()
    person.flush()
    for raw, reason in ((b"{}", Reason.unreadable_order), (order("lz-2"), Reason.key_mismatch)):
        for name in (NAME, "lz-9"):
            with pytest.raises(BadInput) as refused:
                person.engine.order(name, raw, on("12:00"))
            assert reason == refused.value.reason
    assert (1, False, False) == (len(person.engine), person.engine.knows("lz-9"), person.engine.pending())


def test_the_cut_of_the_stream_does_not_matter() -> None:
    """One batch, or each ping alone, in the order of time or not."""
    pings: list[Ping] = [*stay(on("18:00"), on("20:50"), 10), *stay(on("21:10"), on("23:40"), 10, 900)]
    one = Watched(NIGHT).hear(*reversed(pings)).wait(on("23:59"))
    other = Watched(NIGHT)
    for ping in pings:
        other.hear(ping)
    assert one.events == other.wait(on("23:59")).events


def test_many_days_in_one_batch_keep_their_copies() -> None:
    """The batch is cut by time, so that a ping late by hours still finds a copy before it."""
    person = Watched().hear(*stay(on("00:00"), on("00:00", 3), 30))
    person.hear(fix(on("00:00", 3) - 5 * HOUR + MINUTE))
    assert ([], 1) == (person.refused, person.engine.counters["late"])


def test_a_tick_is_cut_into_slices() -> None:
    """At most so many rows at a time, and it says when there are more."""
    engine = Engine(RULES)
    names = [f"lz-{k}" for k in range(10)]
    for name in names:
        engine.order(name, order(name), 0)
    engine.apply(names, make([fix(on("08:00"))] * 10), -1)
    assert [True, True, False] == [engine.tick(on("10:00"), limit=4) for _ in range(3)]
    assert set(names) == {event.supervisee for event in engine.take_events()}


@pytest.mark.parametrize("days", [1, 2, 70])
def test_a_leap_of_the_clock_is_gone_through_in_steps(days: int) -> None:
    """Fast up to twice the horizon before the clock, then by one spacing a call; only the last call is a tick done."""
    person, clock_ms, calls, more = Watched(NIGHT).hear(fix(on("08:00"), 900)), on("12:00", days), 0, True
    of = person.engine.supervision
    while more:
        due_ms = int(of.windows.due[0])
        more, calls = person.engine.tick(clock_ms), calls + 1
        reached_ms = int(of.windows.frontier(np.array([0]))[0])
        assert reached_ms <= max(due_ms + of.spacing_ms, min(clock_ms - 12 * HOUR, due_ms + 30 * DAY))
        assert (of.windows.due[0] <= clock_ms, 0 if more else clock_ms) == (more, of.ticked_ms)
    assert calls > days // 30 + 1


def test_a_leap_of_the_clock_leaves_copies_on_its_way() -> None:
    """A ping late by almost the horizon after two silent days finds one before it."""
    person = Watched(NIGHT).hear(fix(on("08:00"))).wait(on("12:00", 2))
    person.hear(fix(on("06:01", 2)), clock_ms=on("12:00", 2))
    assert [] == person.refused
    assert [
        "gap/contact: gap, alert, silent, 02 08:00 - 04 06:01",
        "gap/contact: gap, alert, silent, 04 06:01 - ",
    ] == person.lasting


def test_a_leap_of_the_clock_finds_what_many_ticks_find() -> None:
    """The result rests on the last clock, not on how it came there."""
    evening = stay(on("20:00"), on("23:00"), 10, 900)
    leap, steps = Watched(NIGHT).hear(*evening).wait(on("12:00", 2)), Watched(NIGHT).hear(*evening)
    for hour in range(24, 61):
        steps.wait(on("00:00") + hour * HOUR)
    assert steps.events == leap.events


def test_pings_of_everybody_in_one_batch_are_told_apart() -> None:
    """Each person's are judged by their own residence."""
    engine = Engine(RULES)
    homes = {"lz-1": HOME, "lz-2": near(1_000, 0, HOME)}
    for name, home in homes.items():
        engine.order(name, order(name, home=home, curfew=curfew()), 0)
    pings = stay(on("21:00"), on("23:00"), 10, 1_000)
    engine.apply(["lz-2", "lz-1"] * len(pings), make([ping for ping in pings for _ in homes]), -1)
    assert {"lz-1"} == {event.supervisee for event in engine.take_events()}


def test_checkins_and_dispositions_are_recorded_with_the_row() -> None:
    """Of people without an order nothing is kept."""
    person = Watched().hear(fix(on("08:00")))
    person.flush()
    for name in (NAME, "nobody"):
        asked = CheckIn(supervisee=name, checkin_id="c-1", time_ms=on("08:00"), answer=Answer.missed)
        person.engine.checkin(asked)
        person.engine.disposition(
            Disposition(
                supervisee=name,
                disposition_id="d-1",
                time_ms=on("08:00"),
                verdict=Verdict.external,
                organisation="450000/450200",
                officer="officer-1",
            )
        )
    assert {b"h:lz-1"} == set(person.flush())


def test_people_who_come_while_late_pings_wait_are_heard() -> None:
    """However many: the rows are more than there was room for when the late ping was set aside."""
    engine = Engine(RULES)
    engine.order(NAME, order(), 0)
    engine.apply([NAME], make([fix(on("09:00"))]), -1)
    engine.apply([NAME], make([fix(on("08:30"))]), -1)
    people = [f"lz-{number}" for number in range(2, 202)]
    for name in people:
        engine.order(name, order(name), 0)
    assert [] == engine.apply([*people, NAME], make([fix(on("09:30"))] * (len(people) + 1)), -1)
    engine.settle()
    assert (203, 1) == (engine.counters["accepted"], engine.counters["late"])


def test_what_waits_is_pending_until_both_were_taken() -> None:
    """Events and rows."""
    engine = Engine(RULES)
    assert not engine.pending()
    engine.order(NAME, order(), 0)
    assert engine.pending()
    engine.take_dirty()
    assert not engine.pending()
    engine.apply([NAME], make([answer(on("08:00"), Status.arrears)]), -1)
    engine.take_dirty()
    assert engine.pending()
    assert 1 == len(engine.take_events())
    assert not engine.pending()
