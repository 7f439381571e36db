"""Gap: silence, codes, the two clocks, and what stops them."""

from typing import Any

import pytest

from detectors.pings import OPENING
from schemas.ping import Status
from tests.detectors.watched import DAY, HOUR, MINUTE, Watched, answer, fix, on, stay
from tests.factories import at, authorisation, order, permit


def accustomed(raw: bytes | None = None) -> Watched:
    """Someone who was heard of every five minutes until Tuesday 01:00, so that an hour is already long."""
    return Watched(raw).hear(*stay(on("12:00"), on("01:00", 1), 5))


def test_silence_of_two_hours_is_a_gap_since_the_last_contact() -> None:
    """Before the rhythm is known both limits are 120 min; the gap is dated the limit, not the tick."""
    person = Watched().hear(fix(on("08:00"))).wait(on("11:30"))
    assert ["opened gap/contact: gap, alert, silent, 02 08:00 - "] == person.said
    assert on("10:00") == person.new[0].at_ms


def test_a_ping_at_the_very_limit_counts_as_heard() -> None:
    """A contact 120 min after the last one comes before the deadline at the same moment."""
    assert [] == Watched().hear(fix(on("08:00"))).hear(fix(on("10:00"))).said


def test_a_ping_after_the_limit_finds_the_gap_without_any_tick() -> None:
    """One ms later the gap has been, from contact to contact, though nothing ticked in between."""
    person = Watched().hear(fix(on("08:00"))).hear(fix(on("10:00") + 1))
    assert ["gap/contact: gap, alert, silent, 02 08:00 - 02 10:00"] == person.lasting
    assert ["opened", "closed"] == [event.phase for event in person.new]


def test_a_learned_rhythm_is_overdue_first_and_a_gap_later() -> None:
    """Who is heard of every 5 min is overdue after 60 min, a notice, and that episode rises at 120 min."""
    person = accustomed()
    assert [] == person.wait(on("02:00", 1) - 1).said
    assert ["opened gap/contact: overdue, notice, silent, 03 01:00 - "] == person.wait(on("02:00", 1)).said
    assert ["updated gap/contact: gap, alert, silent, 03 01:00 - "] == person.wait(on("03:00", 1)).said


def test_an_overdue_silence_that_ends_stays_a_notice() -> None:
    """Closed at the next contact, before it became a gap."""
    person = accustomed().hear(fix(on("02:10", 1)))
    assert ["gap/contact: overdue, notice, silent, 03 01:00 - 03 02:10"] == person.lasting


@pytest.mark.parametrize(("after_ms", "kind"), [(0, "overdue, notice"), (1, "gap, alert")])
def test_an_overdue_silence_that_ends_at_the_very_limit_stays_a_notice(after_ms: int, kind: str) -> None:
    """A contact 120 min after the last one comes before the rise; one ms later it has risen, without any tick."""
    person = accustomed().hear(fix(on("03:00", 1) + after_ms))
    assert [f"gap/contact: {kind}, silent, 03 01:00 - 03 03:00"] == person.lasting


def test_the_strict_tier_is_quicker() -> None:
    """Its gap comes after 90 min."""
    person = Watched(order(tier="strict")).hear(fix(on("08:00")))
    assert [] == person.wait(on("09:30") - 1).said
    assert ["opened gap/contact: gap, alert, silent, 02 08:00 - "] == person.wait(on("09:30")).said


@pytest.mark.parametrize("code", sorted(OPENING))
def test_a_code_opens_at_once_and_names_the_cause(code: Status) -> None:
    """Since its own time, not since the last contact; closed at the next contact, with the cause still named."""
    person = Watched().hear(fix(on("08:00")), answer(on("08:20"), code))
    assert [f"opened gap/contact: gap, alert, {code}, 02 08:20 - "] == person.said
    person.hear(fix(on("08:45")))
    assert [f"closed gap/contact: gap, alert, {code}, 02 08:20 - 02 08:45"] == person.said


@pytest.mark.parametrize("answered", [Status.out_of_coverage, Status.timeout])
def test_other_answers_open_nothing_but_name_the_silence(answered: Status) -> None:
    """The gap comes at its own limit, since the last contact, and says what the carrier said."""
    person = Watched().hear(fix(on("08:00"))).hear(answer(on("08:20"), answered))
    assert [] == person.said
    assert [f"opened gap/contact: gap, alert, {answered}, 02 08:00 - "] == person.wait(on("10:00")).said


def test_a_code_of_a_phone_never_heard_of_opens() -> None:
    """The first word about a phone may be that it is switched off."""
    person = Watched().hear(answer(on("08:00"), Status.powered_off))
    assert ["opened gap/contact: gap, alert, powered_off, 02 08:00 - "] == person.said


def test_a_new_cause_updates_and_the_same_one_says_nothing() -> None:
    """One episode with the cause as it is now."""
    person = Watched().hear(fix(on("08:00")), answer(on("08:20"), Status.powered_off))
    assert [] == person.hear(answer(on("08:40"), Status.powered_off)).said
    person.hear(answer(on("09:00"), Status.arrears))
    assert ["updated gap/contact: gap, alert, arrears, 02 08:20 - "] == person.said
    person.hear(answer(on("09:20"), Status.out_of_coverage))
    assert ["updated gap/contact: gap, alert, out_of_coverage, 02 08:20 - "] == person.said


def test_a_code_raises_an_overdue_silence_to_a_gap() -> None:
    """The same episode, since the last contact."""
    person = accustomed().wait(on("02:00", 1)).hear(answer(on("02:10", 1), Status.suspended))
    assert ["updated gap/contact: gap, alert, suspended, 03 01:00 - "] == person.said


def test_contact_without_a_fix_opens_the_fix_clock() -> None:
    """The phone answers, its position does not: a gap of its own, until the next fix."""
    person = Watched().hear(fix(on("08:00")))
    person.hear(*(answer(on("08:00") + k * 20 * MINUTE, Status.no_fix) for k in range(1, 6)))
    assert [] == person.said
    person.hear(answer(on("10:00"), Status.no_fix))
    assert ["opened gap/fix: gap, alert, no_fix, 02 08:00 - "] == person.said
    assert ["closed gap/fix: gap, alert, no_fix, 02 08:00 - 02 10:07"] == person.hear(fix(on("10:07"))).said


def test_the_fix_clock_has_both_levels() -> None:
    """With a learned rhythm it is overdue after 60 min and rises at 120 min, each read at a contact."""
    person = accustomed().hear(*(answer(on("01:00", 1) + k * 50 * MINUTE, Status.no_fix) for k in range(1, 4)))
    assert [
        "opened gap/fix: overdue, notice, no_fix, 03 01:00 - ",
        "updated gap/fix: gap, alert, no_fix, 03 01:00 - ",
    ] == person.said
    assert on("02:40", 1) == person.new[0].at_ms


def test_while_contact_is_lost_the_fix_clock_opens_nothing() -> None:
    """One silence is one episode; after it the fix clock starts anew at the contact."""
    person = Watched().hear(fix(on("08:00")), answer(on("11:00"), Status.no_fix))
    person.hear(*(answer(on("11:00") + k * 30 * MINUTE, Status.no_fix) for k in (1, 2, 3)))
    assert ["gap/contact: gap, alert, silent, 02 08:00 - 02 11:00"] == person.lasting
    assert ["opened gap/fix: gap, alert, no_fix, 02 11:00 - "] == person.hear(answer(on("13:00"), Status.no_fix)).said


def test_a_fix_that_cannot_be_true_is_a_contact_only() -> None:
    """Null island ends no fix gap, but the phone was heard."""
    null_island = (on("09:00"), 0, 0, 100, 0, 0, 0)
    person = Watched().hear(fix(on("08:00")), null_island).wait(on("10:59"))
    assert [] == person.lasting
    assert ["opened gap/contact: gap, alert, silent, 02 09:00 - "] == person.wait(on("11:00")).said


def test_a_wristband_is_no_contact_of_the_phone() -> None:
    """Its pings neither delay nor close a gap."""
    person = Watched().hear(fix(on("08:00")), fix(on("09:00"), phone=128)).wait(on("10:00"))
    person.hear(fix(on("10:30"), phone=128))
    assert ["gap/contact: gap, alert, silent, 02 08:00 - "] == person.lasting


def test_a_reported_phone_off_stops_the_clock_and_its_end_starts_it_anew() -> None:
    """Nothing while it lasts; after it the silence counts from its end."""
    raw = order(permits=[permit("reported_off", on("08:30"), on("18:00"))])
    person = Watched(raw).hear(fix(on("08:00")), answer(on("09:00"), Status.powered_off)).wait(on("20:00") - 1)
    assert [] == person.lasting
    assert ["opened gap/contact: gap, alert, powered_off, 02 18:00 - "] == person.wait(on("20:00")).said


def test_a_reported_phone_off_that_begins_closes_what_is_open() -> None:
    """The gap before it stays, and ends as permitted."""
    raw = order(permits=[permit("reported_off", on("12:00"), on("18:00"))])
    person = Watched(raw).hear(fix(on("08:00"))).wait(on("13:00"))
    assert ["gap/contact: gap, alert, permitted, 02 08:00 - 02 12:00"] == person.lasting


@pytest.mark.parametrize("kind", ["leave", "night_shift"])
def test_other_permits_excuse_no_silence(kind: str) -> None:
    """Leave and a night shift lift other rules; the phone must still be reachable."""
    person = Watched(order(permits=[permit(kind, on("07:00"), on("18:00"))])).hear(fix(on("08:00"))).wait(on("10:00"))
    assert ["gap/contact: gap, alert, silent, 02 08:00 - "] == person.lasting


def test_the_end_of_the_authorisation_closes_and_forgets() -> None:
    """Closed with the reason, and no deadline follows though the person stays silent."""
    raw = order(authorisations=[authorisation(at("2026-01-01 00:00"), on("12:00"))])
    person = Watched(raw).hear(fix(on("08:00"))).wait(on("12:00") + DAY)
    assert ["gap/contact: gap, alert, order_ended, 02 08:00 - 02 12:00"] == person.lasting
    assert 0 == int(person.engine.supervision.windows.hot["gap"]["contact_ms"][0])


def test_a_gap_teaches_nothing() -> None:
    """Who is silent for 130 min sixty times in a row is not excused by it: every one is a gap."""
    person = Watched().hear(*stay(on("00:00"), on("00:00") + 60 * 130 * MINUTE, 130))
    assert 60 == sum("gap, alert" in line for line in person.lasting)


def test_a_cause_ends_with_the_next_contact() -> None:
    """The silence after it is a silence again."""
    person = Watched().hear(answer(on("08:00"), Status.arrears), fix(on("08:30"))).wait(on("10:30"))
    assert ["opened gap/contact: gap, alert, silent, 02 08:30 - "] == person.said


def test_a_reported_phone_off_stops_the_fix_clock_too() -> None:
    """Contacts without a fix open nothing while it lasts, and after it two hours count from its end."""
    raw = order(permits=[permit("reported_off", on("08:30"), on("18:00"))])
    bare = [answer(on("08:00") + k * 30 * MINUTE, Status.no_fix) for k in range(1, 24)]
    person = Watched(raw).hear(fix(on("08:00")), *bare)
    assert [] == person.lasting
    assert ["opened gap/fix: gap, alert, no_fix, 02 18:00 - "] == person.hear(answer(on("20:00"), Status.no_fix)).said


def test_a_reported_phone_off_that_begins_closes_the_fix_gap() -> None:
    """As it closes the one of contact."""
    raw = order(permits=[permit("reported_off", on("12:00"), on("18:00"))])
    bare = [answer(on("08:00") + k * 30 * MINUTE, Status.no_fix) for k in range(1, 9)]
    person = Watched(raw).hear(fix(on("08:00")), *bare)
    assert ["gap/fix: gap, alert, permitted, 02 08:00 - 02 12:00"] == person.lasting


def test_the_limit_changes_at_the_day_edge_only() -> None:
    """What was learned in the evening holds from midnight on."""
    heard = stay(on("12:00"), on("21:00"), 5)
    assert ["02 21:00 - "] == [line[-11:] for line in Watched().hear(*heard).wait(on("23:00")).lasting]
    assert [] == Watched().hear(*heard).wait(on("23:00") - 1).lasting


def switched_off(code: Status, *permits: dict[str, Any]) -> Watched:
    """The man who switches off: heard of every half hour from 2020-02-20 on, but for three silences."""
    spans = [("2020-02-20 00:00", "2020-02-21 22:30"), ("2020-02-22 17:45", "2020-03-16 23:01")]
    spans += [("2020-03-17 06:45", "2020-04-07 16:35"), ("2020-04-08 09:10", "2020-04-08 12:10")]
    person = Watched(order(valid_from_ms=at("2020-02-01 00:00"), permits=list(permits)))
    for start, end in spans:
        person.hear(*stay(at(start), at(end) - MINUTE, 30), fix(at(end)))
        cause, later = (code, 5 * MINUTE) if end == "2020-04-07 16:35" else (Status.powered_off, 3 * HOUR)
        person.hear(answer(at(end) + later, cause))
    return person.hear(fix(at("2020-04-08 16:00")))


@pytest.mark.parametrize("code", [Status.suspended, Status.arrears])
def test_the_man_who_switches_off(code: Status) -> None:
    """Three gaps with exactly the starts and ends of the case; out of service has two codes, either names itself."""
    first = [
        "gap/contact: gap, alert, powered_off, 21 22:30 - 22 17:45",
        "gap/contact: gap, alert, powered_off, 16 23:01 - 17 06:45",
        f"gap/contact: gap, alert, {code}, 07 16:40 - 08 09:10",
    ]
    assert first == switched_off(code).lasting[:3]


def test_the_man_who_switches_off_and_said_so() -> None:
    """No gap where a reported phone-off covers it."""
    spans = (("2020-02-21 22:00", "2020-02-22 18:00"), ("2020-03-16 23:00", "2020-03-17 07:00"))
    permits = [permit("reported_off", at(start), at(end)) for start, end in spans]
    permits.append(permit("reported_off", at("2020-04-07 16:00"), at("2020-04-09 00:00")))
    assert [] == switched_off(Status.suspended, *permits).lasting
