"""Curfew: what opens a breach, what closes it, and how it is named."""

import pytest

from detectors.examples import Person
from tests.detectors.watched import MINUTE, Ping, Watched, fix, on, stay
from tests.factories import HOME, at, authorisation, curfew, near, order, permit, window

NIGHT = order(curfew=curfew())


def out(*clocks: str, day: int = 0, east_m: float = 1_000) -> list[Ping]:
    """Outside fixes at those local times, 40 m apart."""
    return [fix(on(clock, day), east_m + 40 * k) for k, clock in enumerate(clocks)]


def watched(raw: bytes = NIGHT) -> Watched:
    """Someone who was at home at 20:30 and is in reach ever since, so that no gap gets in the way."""
    return Watched(raw).hear(fix(on("20:30")))


def breaches(person: Watched) -> list[str]:
    """The lasting episodes of the curfew."""
    return [line for line in person.lasting if line.startswith("curfew")]


def test_four_pings_over_a_quarter_of_an_hour_open() -> None:
    """Since the first of them, a notice while the absence may still be minor."""
    person = watched().hear(*out("22:05", "22:10", "22:15"))
    assert [] == person.said
    assert ["opened curfew/residence: left, notice, left, 02 22:05 - "] == person.hear(fix(on("22:20"), 1_200)).said


@pytest.mark.parametrize(
    "pings",
    [
        out("22:05", "22:10", "22:20"),
        out("22:05", "22:06", "22:07", "22:19"),
        [fix(on(clock), 1_000) for clock in ("22:05", "22:10", "22:15", "22:20")],
        [fix(on(clock), 1_000 + east) for clock, east in (("22:05", 0), ("22:10", 19), ("22:15", 40), ("22:20", 41))],
        out("22:05", "22:10", "22:15", "22:20", east_m=379),
    ],
    ids=["three pings", "14 minutes", "one coordinate", "two coordinates", "distance"],
)
def test_less_than_that_opens_nothing(pings: list[Ping]) -> None:
    """Each of the conditions alone is missing."""
    assert [] == watched().hear(*pings).said


def test_coordinates_closer_than_20_m_count_once() -> None:
    """A third one just beyond 20 m of both others is the one that was missing."""
    east = (("22:05", 1_000.0), ("22:10", 1_020.5), ("22:15", 1_020.5), ("22:20", 1_041.0))
    person = watched().hear(*(fix(on(clock), metres) for clock, metres in east))
    assert ["opened curfew/residence: left, notice, left, 02 22:05 - "] == person.said


def test_sparse_pings_need_two_coordinates_only() -> None:
    """At intervals of 20 min two suffice; one minute closer they do not."""
    sparse = [fix(on("22:05") + k * 20 * MINUTE, 1_000 + 40 * (k % 2)) for k in range(4)]
    assert 1 == len(breaches(watched().hear(*sparse)))
    denser = [fix(on("22:05") + k * 19 * MINUTE, 1_000 + 40 * (k % 2)) for k in range(4)]
    assert [] == breaches(watched().hear(*denser))


@pytest.mark.parametrize(
    ("away_m", "accuracy_m", "is_outside"),
    [(499.9, 100, False), (500.1, 100, True), (999.9, 800, False), (1000.1, 800, True), (1199.9, 0, False)],
)
def test_outside_is_200_m_beyond_the_radius_or_300_m(away_m: float, accuracy_m: int, *, is_outside: bool) -> None:
    """The larger of both is taken off; a missing radius counts as 1,000 m."""
    pings = [fix(on("22:05") + k * 5 * MINUTE, away_m, 0, accuracy_m) for k in range(3)]
    person = watched().hear(*pings, fix(on("22:20"), -away_m, 0, accuracy_m), fix(on("22:25"), 0, away_m, accuracy_m))
    assert is_outside == (breaches(person) != [])


def test_already_outside_at_the_start_is_a_breach_at_the_edge() -> None:
    """Pings of the hour before satisfy the rule, so it opens at 22:00 though no further ping comes."""
    person = watched().hear(*out("21:10", "21:20", "21:30", "21:40")).wait(on("22:00") - 1)
    assert [] == person.said
    person.wait(on("22:00"))
    assert ["opened curfew/residence: late, notice, late, 02 22:00 - "] == person.said
    assert on("22:00") == person.new[0].at_ms


def test_at_the_edge_without_a_tick() -> None:
    """The next ping, at home and much later, finds the breach that was."""
    person = watched().hear(*out("21:10", "21:20", "21:30", "21:40"), fix(on("22:50")), fix(on("22:55")))
    assert ["curfew/residence: late, alert, late, 02 22:00 - 02 22:50"] == breaches(person)


def test_pings_earlier_than_an_hour_before_do_not_count() -> None:
    """Three of four within the hour are too few."""
    assert [] == watched().hear(*out("20:59", "21:20", "21:30", "21:40")).wait(on("22:00")).said


def test_a_run_across_the_edge_is_dated_the_edge() -> None:
    """Three before and one after: since the start, not since the first ping."""
    person = watched().hear(*out("21:50", "21:55", "21:58", "22:06"))
    assert ["opened curfew/residence: late, notice, late, 02 22:00 - "] == person.said


def test_last_seen_at_home_and_silent_is_no_breach() -> None:
    """Only pings that say outside are evidence; the silence is a gap."""
    person = watched().hear(fix(on("21:58"))).wait(on("08:00", 1))
    assert [] == breaches(person)
    assert ["gap/contact: gap, alert, silent, 02 21:58 - "] == person.lasting


def test_an_absence_below_30_minutes_is_minor() -> None:
    """Ended by two pings at home, at the first of them; a notice, whatever it was called before."""
    person = watched().hear(*out("22:05", "22:10", "22:15", "22:20"), fix(on("22:30")))
    assert ["curfew/residence: left, notice, left, 02 22:05 - "] == breaches(person)
    person.hear(fix(on("22:40")))
    assert ["closed curfew/residence: minor, notice, minor, 02 22:05 - 02 22:30"] == person.said


def test_after_30_minutes_it_is_an_alert_by_time_alone() -> None:
    """No ping is needed for that, and the time is that of the limit."""
    person = watched().hear(*out("22:05", "22:10", "22:15", "22:20")).wait(on("22:50"))
    assert ["updated curfew/residence: left, alert, left, 02 22:05 - "] == person.said
    assert on("22:35") == person.new[0].at_ms


def test_one_ping_at_home_holds_the_alert_back() -> None:
    """It may be the first of the two that end a minor absence; the next outside ping raises after all."""
    person = watched().hear(*out("22:05", "22:10", "22:15", "22:20"), fix(on("22:30"))).wait(on("22:50"))
    assert [] == person.said
    person.hear(fix(on("22:52"), 1_000))
    assert ["updated curfew/residence: left, alert, left, 02 22:05 - "] == person.said


def test_unsure_pings_do_nothing() -> None:
    """They neither extend the run nor empty it, neither clear nor delay."""
    unsure = [fix(on("22:12"), 400), fix(on("22:17"), 450)]
    person = watched().hear(*out("22:05", "22:10", "22:15"), *unsure)
    assert [] == person.said
    assert ["opened curfew/residence: left, notice, left, 02 22:05 - "] == person.hear(fix(on("22:20"), 1_200)).said
    person.hear(fix(on("22:25")), fix(on("22:27"), 400), fix(on("22:29")))
    assert ["closed curfew/residence: minor, notice, minor, 02 22:05 - 02 22:25"] == person.said


def test_a_ping_at_home_empties_the_run() -> None:
    """Four outside ones that it parts are no evidence together."""
    before, after = out("22:05", "22:10"), out("22:15", "22:20", east_m=1_100)
    assert ["opened"] == [event.phase for event in watched().hear(*before, *after).new]
    assert [] == watched().hear(*before, fix(on("22:12")), *after).said


def test_two_at_home_must_follow_each_other() -> None:
    """An outside ping between them starts the count anew; unsure ones do not."""
    person = watched().hear(*out("22:05", "22:10", "22:15", "22:20"), fix(on("22:25")), fix(on("22:27"), 1_300))
    assert [] == person.hear(fix(on("22:29"))).said
    person.hear(fix(on("22:31")))
    assert ["closed curfew/residence: minor, notice, minor, 02 22:05 - 02 22:29"] == person.said


def test_after_a_breach_it_takes_a_whole_run_again() -> None:
    """One ping outside after coming home is no breach."""
    person = watched().hear(*out("22:05", "22:10", "22:15", "22:20"), fix(on("22:25")), fix(on("22:30")))
    assert [] == person.hear(fix(on("22:35"), 1_300)).said


def test_what_was_outside_in_the_morning_is_no_evidence_in_the_evening() -> None:
    """Three before the window ends and one in the hour before the next begins are no run."""
    person = watched().hear(*out("07:40", "07:45", "07:50", day=1), *stay(on("09:00", 1), on("20:00", 1), 60))
    person.hear(*out("21:30", day=1, east_m=1_300)).wait(on("22:10", 1))
    assert [] == breaches(person)


def test_out_from_edge_to_edge_is_a_whole_night() -> None:
    """Never home between both edges."""
    person = watched().hear(*stay(on("21:00"), on("08:30", 1), 10, 900))
    assert ["curfew/residence: whole_night, alert, whole_night, 02 22:00 - 03 08:00"] == breaches(person)


def test_home_in_the_night_is_late() -> None:
    """Out at the start, home at 01:00: the absence ends there, an alert."""
    person = watched().hear(*stay(on("21:00"), on("00:50", 1), 10, 900), *stay(on("01:00", 1), on("02:00", 1), 10))
    assert ["curfew/residence: late, alert, late, 02 22:00 - 03 01:00"] == breaches(person)


def test_out_from_the_night_on_has_left() -> None:
    """Home at the start, out until the end."""
    person = watched().hear(*stay(on("22:00"), on("04:50", 1), 10), *stay(on("05:00", 1), on("08:30", 1), 10, 900))
    assert ["curfew/residence: left, alert, left, 03 05:00 - 03 08:00"] == breaches(person)


def test_whole_nights_are_one_episode_each() -> None:
    """Three nights at the internet cafe: a breach each night."""
    person = watched().hear(*stay(on("21:00"), on("09:00", 3), 10, 2_500))
    expected = [f"curfew/residence: whole_night, alert, whole_night, 0{d} 22:00 - 0{d + 1} 08:00" for d in (2, 3, 4)]
    assert expected == breaches(person)


@pytest.mark.parametrize(("kind", "found"), [("leave", 0), ("night_shift", 0), ("reported_off", 1)])
def test_leave_and_night_shift_lift_the_curfew(kind: str, found: int) -> None:
    """A reported phone-off says nothing of where the person may be."""
    raw = order(curfew=curfew(), permits=[permit(kind, on("20:00"), on("12:00", 1))])
    assert found == len(breaches(watched(raw).hear(*stay(on("21:00"), on("08:30", 1), 10, 900))))


def test_a_permit_that_ends_in_the_night_starts_the_curfew_there() -> None:
    """Who is out when the leave ends is late since then."""
    raw = order(curfew=curfew(), permits=[permit("leave", on("18:00"), on("23:30"))])
    person = watched(raw).hear(*stay(on("22:40"), on("23:20"), 10, 900)).wait(on("23:30"))
    assert ["opened curfew/residence: late, notice, late, 02 23:30 - "] == person.said


def test_a_permit_that_begins_in_the_night_ends_the_breach() -> None:
    """Out at both edges of the piece that was left of the night."""
    raw = order(curfew=curfew(), permits=[permit("night_shift", on("02:00", 1), on("12:00", 1))])
    person = watched(raw).hear(*stay(on("21:00"), on("08:30", 1), 10, 900))
    assert ["curfew/residence: whole_night, alert, whole_night, 02 22:00 - 03 02:00"] == breaches(person)


def test_a_permit_approved_late_retracts() -> None:
    """The breach that was published is taken back, as the permit reaches back."""
    person = watched().hear(*stay(on("21:00"), on("23:30"), 10, 900))
    assert 1 == len(breaches(person))
    person.tell(order(curfew=curfew(), permits=[permit("leave", on("20:00"), on("12:00", 1))]), on("23:35"))
    assert ["retracted"] == [event.phase for event in person.new]
    assert [] == breaches(person)


def test_no_window_begins_on_an_exception() -> None:
    """The festival's night is free; the night before reaches into its morning."""
    raw = order(curfew=curfew(exceptions=("2026-03-03",)))
    person = watched(raw).hear(*stay(on("21:00"), on("08:30", 3), 10, 900))
    nights = ["02 22:00 - 03 08:00", "04 22:00 - 05 08:00"]
    assert nights == [line[-19:] for line in breaches(person)]


def test_windows_that_touch_are_one_night() -> None:
    """Friday's window to midnight and Saturday's from midnight have no edge between them."""
    raw = order(curfew=curfew(window("22:00", "00:00"), window("00:00", "06:00")))
    person = watched(raw).hear(*stay(on("21:00"), on("06:30", 1), 10, 900))
    assert ["curfew/residence: whole_night, alert, whole_night, 02 22:00 - 03 06:00"] == breaches(person)


def test_another_residence_closes() -> None:
    """What is open ends with the order's change, and is judged anew from there."""
    person = watched().hear(*stay(on("21:00"), on("23:50"), 10, 900))
    person.tell(order(valid_from_ms=on("00:00", 1), home=near(1_000, 0, HOME), curfew=curfew()), on("23:55"))
    person.hear(*stay(on("00:00", 1), on("08:30", 1), 10, 900))
    assert ["curfew/residence: late, alert, order_changed, 02 22:00 - 03 00:00"] == breaches(person)


def test_another_residence_empties_the_run() -> None:
    """What was outside of the old one is no evidence about the new one, though that is far away too."""
    moved = order(valid_from_ms=on("22:18"), home=near(0, 5_000, HOME), curfew=curfew())
    person = watched().tell(moved, on("20:30")).hear(*out("22:05", "22:10", "22:15", "22:20"))
    assert [] == person.said
    assert ["curfew/residence: left, notice, left, 02 22:20 - "] == breaches(
        person.hear(*out("22:25", "22:30", "22:35", east_m=1_300))
    )


def test_the_end_of_the_authorisation_is_no_whole_night() -> None:
    """Out at both edges, but the second one is not that of the night."""
    raw = order(curfew=curfew(), authorisations=[authorisation(at("2026-01-01 00:00"), on("04:00", 1))])
    person = watched(raw).hear(*stay(on("21:00"), on("03:50", 1), 10, 900)).wait(on("04:00", 1))
    assert ["curfew/residence: late, alert, order_ended, 02 22:00 - 03 04:00"] == breaches(person)


def test_fixes_that_cannot_be_true_are_no_evidence() -> None:
    """A jump of 30 km and back does not part a run at home from itself."""
    person = Person(curfew=(60, 600)).ping(minute=58)
    for minute in (61, 66, 71, 76):
        person.ping(minute=minute).ping(minute=minute + 1, away_m=30_000 + 40 * minute)
        assert [] == person.said


def test_nothing_without_a_curfew() -> None:
    """An order that names no hours leaves the nights free."""
    assert [] == breaches(watched(order()).hear(*stay(on("21:00"), on("08:30", 1), 10, 900)))
