"""The reference against cases small enough to be worked out by hand; the laws lean on nothing else."""

from collections.abc import Iterable

import pytest

from schemas.rules import Rules
from tests.factories import PingFields, answer, at, authorisation, curfew, fix, near, order, permit, window
from tests.reference.arrival import Arrivals, Heard, Said, Step, Ticked
from tests.reference.ledger import Result
from tests.reference.ping import Ping

RULES = Rules(revision=1)
MINUTE = 60_000
HOUR = 60 * MINUTE
FAR = 10**15

Found = tuple[str, int, int | None, str, str]


def judge(messages: Iterable[bytes | None], pings: Iterable[PingFields], tick: str | int) -> list[Found]:
    """Episodes of one person, by time, after the clock has reached *tick*."""
    heard = Heard(tuple(("lz-1", Ping(*p)) for p in pings), -1)
    first, *later = messages
    steps: list[Step] = [Said("lz-1", first, 0), heard, *(Said("lz-1", m, 0) for m in later)]
    arrivals = Arrivals(RULES, FAR, FAR).take([*steps, Ticked(at(tick) if isinstance(tick, str) else tick)])
    return sorted((_found(r) for r in arrivals.results()), key=lambda found: (found[1], found[0]))


def _found(result: Result) -> Found:
    return result.subject, result.since_ms, result.until_ms, result.kind, result.severity


def every(minutes: int, start: str, end: str, east_m: float = 0) -> list[PingFields]:
    """Give fixes from start to end, both included, each a little beside the one before."""
    first, last = at(start), at(end)
    times = range(first, last + 1, minutes * MINUTE)
    return [fix(t, near(east_m, 30 * (n % 4))) for n, t in enumerate(times)]


@pytest.mark.parametrize("code", ["powered_off", "suspended"])
def test_man_who_switches_off(code: str) -> None:
    """Story 2: three gaps with exactly its times, the third as long as the answer stands."""
    pings = [
        *every(30, "2020-02-20 22:30", "2020-02-21 22:30"),
        *every(30, "2020-02-22 17:45", "2020-03-16 22:45"),
        fix(at("2020-03-16 23:01")),
        *every(30, "2020-03-17 06:45", "2020-04-07 16:15"),
        answer(at("2020-04-07 16:40"), code),
    ]
    gaps = [
        ("contact", at("2020-02-21 22:30"), at("2020-02-22 17:45"), "gap", "alert"),
        ("contact", at("2020-03-16 23:01"), at("2020-03-17 06:45"), "gap", "alert"),
        ("contact", at("2020-04-07 16:40"), None, "gap", "alert"),
    ]
    assert gaps == judge([order()], pings, "2020-04-08 12:00")
    off = [permit("reported_off", since, until or at("2021-01-01 00:00")) for _, since, until, _, _ in gaps]
    assert [] == judge([order(permits=off)], pings, "2020-04-08 12:00")


def test_minor_and_internet_cafe() -> None:
    """Story 1: each night away from 22:00 to 08:00 is one whole night, and the third one makes a night venue."""
    pings = []
    for day in (2, 3, 4):
        pings += every(15, f"2020-03-0{day} 08:15", f"2020-03-0{day} 21:00")
        pings += every(15, f"2020-03-0{day} 21:15", f"2020-03-0{day + 1} 08:00", 4000)
    nights = [
        ("residence", at(f"2020-03-0{day} 22:00"), at(f"2020-03-0{day + 1} 08:00"), "whole_night", "alert")
        for day in (2, 3, 4)
    ]
    venue = ("place 1", at("2020-03-03 07:00"), None, "repeated", "alert")
    found = judge([order(minor=True, curfew=curfew())], pings, "2020-03-05 08:30")
    assert [nights[0], venue, *nights[1:]] == found


def test_outside_when_the_window_opens() -> None:
    """No ping is needed at the edge, only the clock; and before the clock says so, nothing is found."""
    pings = [fix(at("2020-03-02 21:40") + n * 5 * MINUTE, near(900, 40 * n)) for n in range(4)]
    messages = [order(curfew=curfew())]
    assert [] == judge(messages, pings, at("2020-03-02 22:00") - 1)
    opened = [("residence", at("2020-03-02 22:00"), None, "late", "notice")]
    assert opened == judge(messages, pings, "2020-03-02 22:00")
    assert opened == judge(messages, pings, at("2020-03-02 22:30") - 1)
    raised = [("residence", at("2020-03-02 22:00"), None, "late", "alert")]
    assert raised == judge(messages, pings, "2020-03-02 22:30")


@pytest.mark.parametrize(
    ("places", "is_found"),
    [
        (((900, 0), (900, 40), (900, 80), (900, 80)), True),
        (((900, 0), (900, 40), (900, 40), (900, 55)), False),
        (((900, 0), (480, 40), (900, 80), (900, 160)), False),
        (((900, 0), (900, 40), (0, 0), (900, 80)), False),
    ],
    ids=["three distinct", "two distinct", "one unsure", "one inside"],
)
def test_evidence_of_absence(places: tuple[tuple[int, int], ...], is_found: bool) -> None:  # noqa: FBT001
    """Four fixes outside over 15 minutes at three distinct coordinates, none of them inside in between."""
    pings = [fix(at("2020-03-02 23:00") + n * 5 * MINUTE, near(*place)) for n, place in enumerate(places)]
    expected = [("residence", at("2020-03-02 23:00"), None, "left", "notice")] if is_found else []
    assert expected == judge([order(curfew=curfew())], pings, "2020-03-02 23:20")


def test_sparse_pings_need_two_coordinates() -> None:
    """At 20 minutes apart two coordinates are enough; one millisecond closer three are asked for."""
    pings = [fix(at("2020-03-02 23:00") + n * 20 * MINUTE, near(900, 40 * (n > 0))) for n in range(4)]
    messages = [order(curfew=curfew())]
    assert [("residence", at("2020-03-02 23:00"), None, "left", "alert")] == judge(messages, pings, "2020-03-03 00:00")
    sooner = (pings[-1][0] - 1, *pings[-1][1:])
    assert [] == judge(messages, [*pings[:-1], sooner], "2020-03-03 00:00")


def test_return_needs_two_fixes_and_dates_the_first() -> None:
    """Two fixes inside close; 29 minutes are minor, 30 are not."""
    for minutes, kind, severity in ((29, "minor", "notice"), (30, "left", "alert")):
        pings = every(5, "2020-03-02 23:00", "2020-03-02 23:20", 900)
        back = at("2020-03-02 23:00") + minutes * MINUTE
        pings += [fix(back), fix(back + 5 * MINUTE)]
        expected = [("residence", at("2020-03-02 23:00"), back, kind, severity)]
        assert expected == judge([order(curfew=curfew())], pings, "2020-03-02 23:59")


def test_minor_absences_add_up_over_seven_nights() -> None:
    """Five times 29 minutes within a week are more than two hours; with one night out of the week they are not."""
    for nights, is_found in (((2, 3, 4, 5, 8), True), ((2, 3, 4, 5, 9), False)):
        pings = []
        for day in nights:
            pings += every(5, f"2020-03-0{day} 23:00", f"2020-03-0{day} 23:20", 900)
            pings += [fix(at(f"2020-03-0{day} 23:29")), fix(at(f"2020-03-0{day} 23:34"))]
        found = judge([order(curfew=curfew())], pings, at(f"2020-03-0{nights[-1]} 23:40"))
        last = at(f"2020-03-0{nights[-1]} 23:00")
        assert 5 == sum(kind == "minor" for *_, kind, _ in found)
        assert is_found == (("accumulated", last, last + 29 * MINUTE, "accumulated", "alert") in found)


def test_leave_and_night_shift_lift_the_curfew() -> None:
    """Who comes home from leave in the night is judged from the end of the leave on."""
    pings = every(15, "2020-03-02 21:00", "2020-03-03 08:00", 4000)
    for kind in ("leave", "night_shift"):
        covered = [permit(kind, at("2020-03-02 12:00"), at("2020-03-03 02:00"))]
        found = judge([order(curfew=curfew(), permits=covered)], pings, "2020-03-03 09:00")
        assert [("residence", at("2020-03-03 02:00"), at("2020-03-03 08:00"), "whole_night", "alert")] == found


def test_exceptions_and_weekdays() -> None:
    """A window begins only on its weekdays, and not on an excepted date; it may last into the next day."""
    pings = every(15, "2020-03-05 12:00", "2020-03-09 12:00", 4000)
    plan = curfew(window(days=(3, 4, 5)), exceptions=("2020-03-06",))
    found = [one for one in judge([order(curfew=plan)], pings, "2020-03-09 12:00") if one[0] == "residence"]
    nights = [("2020-03-05 22:00", "2020-03-06 08:00"), ("2020-03-07 22:00", "2020-03-08 08:00")]
    assert [("residence", at(a), at(b), "whole_night", "alert") for a, b in nights] == found


def test_own_habit_shortens_the_limit_at_the_day_edge() -> None:
    """Pings every 5 minutes: after the first midnight 60 minutes of silence are overdue, 120 are a gap."""
    pings = every(5, "2020-03-02 12:00", "2020-03-03 01:00")
    assert [] == judge([order()], pings, at("2020-03-03 02:00") - 1)
    last = at("2020-03-03 01:00")
    assert [("contact", last, None, "overdue", "notice")] == judge([order()], pings, "2020-03-03 02:00")
    assert [("contact", last, None, "overdue", "notice")] == judge([order()], pings, at("2020-03-03 03:00") - 1)
    assert [("contact", last, None, "gap", "alert")] == judge([order()], pings, "2020-03-03 03:00")
    early = every(5, "2020-03-02 20:00", "2020-03-02 23:30")
    assert [] == judge([order()], early, "2020-03-03 01:00")


def test_slow_habit_lengthens_the_limit() -> None:
    """Every 85 minutes: bin of 30 s * 1.25^24 = 106 min, doubled and capped at 180 min, and then at once a gap."""
    pings = every(85, "2020-03-02 12:00", "2020-03-06 12:00")
    last = pings[-1][0]
    assert [] == judge([order()], pings, last + 180 * MINUTE - 1)
    assert [("contact", last, None, "gap", "alert")] == judge([order()], pings, last + 180 * MINUTE)


def test_fix_clock_is_read_at_contacts() -> None:
    """Contacts without a fix: the fix gap opens since the last fix; while contact is lost it opens nothing."""
    start = at("2020-03-02 12:00")
    bare = [answer(start + n * 30 * MINUTE, "no_fix") for n in range(1, 5)]
    assert [("fix", start, None, "gap", "alert")] == judge([order()], [fix(start), *bare], "2020-03-02 14:00")
    assert [] == judge([order()], [fix(start), *bare[:-1]], "2020-03-02 14:00")
    back = [*bare, fix(start + 3 * HOUR)]
    closed = [("fix", start, start + 3 * HOUR, "gap", "alert")]
    assert closed == judge([order()], [fix(start), *back], "2020-03-02 15:30")
    lost = [("contact", start, start + 130 * MINUTE, "gap", "alert")]
    late = [fix(start), answer(start + 130 * MINUTE, "no_fix")]
    assert lost == judge([order()], late, start + 240 * MINUTE)


def test_answers_that_only_name_a_cause() -> None:
    """Out of coverage and timeout open nothing and do not keep a clock from running."""
    start = at("2020-03-02 12:00")
    pings = [fix(start), answer(start + HOUR, "out_of_coverage"), answer(start + HOUR, "timeout")]
    assert [] == judge([order()], pings, start + 2 * HOUR - 1)
    assert [("contact", start, None, "gap", "alert")] == judge([order()], pings, start + 2 * HOUR)


def test_permit_approved_late_takes_the_gap_back() -> None:
    """The second message covers what the first did not: the silence counts from the permit's end on."""
    start = at("2020-03-02 12:00")
    messages = [order(), order(permits=[permit("reported_off", start, start + 3 * HOUR)])]
    assert [] == judge(messages, [fix(start)], start + 5 * HOUR - 1)
    expected = [("contact", start + 3 * HOUR, None, "gap", "alert")]
    assert expected == judge(messages, [fix(start)], start + 5 * HOUR)


def test_moved_residence_closes_the_absence() -> None:
    """An order version with another residence ends what was measured from the old one."""
    pings = every(15, "2020-03-02 22:15", "2020-03-03 08:00", 900)
    moved = at("2020-03-03 01:00")
    messages = [order(curfew=curfew()), order(valid_from_ms=moved, home=near(900, 50), curfew=curfew())]
    expected = [("residence", at("2020-03-02 22:15"), moved, "left", "alert")]
    assert expected == judge(messages, pings, "2020-03-03 08:00")


def test_authorisation_that_ends() -> None:
    """Everything open ends with it, and the next period knows nothing of the clocks of the last."""
    end = at("2020-03-02 23:59")
    messages = [
        order(
            curfew=curfew(),
            authorised=((at("2020-01-01 00:00"), end), (at("2020-03-04 00:00"), at("2021-01-01 00:00"))),
        )
    ]
    pings = [*every(15, "2020-03-02 22:15", "2020-03-02 23:15", 900), answer(end - 1, "powered_off")]
    expected = [
        ("residence", at("2020-03-02 22:15"), end, "left", "alert"),
        ("contact", end - 1, end, "gap", "alert"),
    ]
    assert expected == judge(messages, pings, "2020-03-06 00:00")


def test_impossible_speed_and_null_island_are_no_fixes() -> None:
    """A jump of 9 km in a minute does not count, but is a contact; so is a position at 0, 0."""
    start = at("2020-03-02 23:00")
    pings = [fix(start)]
    for n in range(8):
        pings += [fix(start + n * 10 * MINUTE + MINUTE, near(40_000, 50 * n)), fix(start + n * 10 * MINUTE, (n, n))]
        pings += [fix(start + (n + 1) * 10 * MINUTE)]
    assert [] == judge([order(curfew=curfew())], pings, start + 3 * HOUR)


def test_ghost_counts_from_the_second_day_on() -> None:
    """Three loops on two nights make a ghost at the next midnight; a stay there is then no absence."""
    pings = []
    for day, loops in ((2, 2), (3, 1)):
        for n in range(loops):
            t = at(f"2020-03-0{day} 23:00") + n * 20 * MINUTE
            pings += [fix(t), fix(t + 4 * MINUTE, near(1500, 0)), fix(t + 8 * MINUTE)]
    ghosted = [fix(at("2020-03-04 01:00") + n * 5 * MINUTE, near(1500, 25 * n - 50)) for n in range(5)]
    messages = [
        order(curfew=curfew(), permits=[permit("reported_off", at("2020-03-02 00:00"), at("2020-03-04 00:30"))])
    ]
    assert [] == judge(messages, [*pings, *ghosted], "2020-03-04 02:00")
    left = [("residence", at("2020-03-04 01:00"), None, "left", "notice")]
    assert left == judge(messages, [*pings[:-3], *ghosted], "2020-03-04 01:25")


def test_duplicates_and_wristbands_say_nothing_new() -> None:
    """A repeated ping counts once; a wristband neither closes a gap nor is outside."""
    start = at("2020-03-02 23:00")
    twice = [fix(start + n * 5 * MINUTE, near(900, 50 * n)) for n in range(3)] * 2
    assert [] == judge([order(curfew=curfew())], twice, start + HOUR)
    bands = [fix(start + n * HOUR, near(900, 50 * n), phone=129) for n in range(1, 6)]
    assert [("contact", start, None, "gap", "alert")] == judge([order(curfew=curfew())], [fix(start), *bands], start)


def test_null_ends_everything_and_the_next_order_starts_anew() -> None:
    """What is open ends at the last moment known; pings after it belong to nobody."""
    start = at("2020-03-02 12:00")
    steps: list[Step] = [
        Said("lz-1", order(), 0),
        Heard((("lz-1", Ping(*answer(start, "powered_off"))),), -1),
        Ticked(start + HOUR),
        Said("lz-1", None, start + HOUR),
        Heard((("lz-1", Ping(*fix(start + 2 * HOUR))),), -1),
        Said("lz-1", order(), 0),
        Ticked(start + 9 * HOUR),
    ]
    arrivals = Arrivals(RULES, FAR, FAR).take(steps)
    assert {Result("lz-1", "gap", "contact", start, start + HOUR, "gap", "alert")} == arrivals.results()
    assert ["unknown_supervisee"] == [reason for _, _, reason in arrivals.refused]


def test_gate() -> None:
    """Unknown, not authorised, future, too late: in that order, each at its first millisecond."""
    start, clock = at("2020-03-02 12:00"), at("2020-03-03 12:00")
    messages = order(
        valid_from_ms=start,
        authorisations=[authorisation(start - HOUR, clock - HOUR), authorisation(clock - HOUR + 1, clock + HOUR)],
    )
    times = [start - 1, clock - HOUR, clock + HOUR, clock + 2 * MINUTE + 1, clock - 6 * HOUR - 1]
    let_in = [clock - HOUR - 1, clock + 2 * MINUTE, clock - 6 * HOUR]
    heard = Heard(tuple(("lz-1", Ping(*fix(t))) for t in times + let_in), clock)
    arrivals = Arrivals(RULES, 6 * HOUR, 2 * MINUTE).take([heard, Said("lz-1", messages, 0), heard])
    expected = ["unknown_supervisee"] * 8 + ["not_authorised"] * 3 + ["future", "too_late"]
    assert expected == [reason for _, _, reason in arrivals.refused]
