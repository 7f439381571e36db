"""Lives: continuous, at home at night, with priority for what is planned."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from stream.simulate.days import is_weekend, midnights, ordinary_day
from stream.simulate.lives import DAY, HOUR, MINUTE, Place, Visit, travel_ms, walk, with_priority
from stream.simulate.people import Life
from tests.stream.simulated import MONDAY, person_of

HOME, SHOP = Place(0.0, 0.0), Place(3_000.0, 0.0)


def test_a_visit_is_reached_from_home_and_left_for_home() -> None:
    """At the hours of the visit the person is there, an hour before and after at home, between them on the way."""
    path = walk(HOME, [Visit(10 * HOUR, 12 * HOUR, SHOP)], 0, DAY)
    x, _, still = path.at(np.array([8, 9, 10, 11, 12, 13, 14]) * HOUR)

    assert [0.0, 0.0, 3_000.0, 3_000.0, 3_000.0, 0.0, 0.0] == x.tolist()
    assert [False, True, False, True, False, False, True] == still.tolist()
    assert 0 < path.at(np.array([10 * HOUR - MINUTE]))[0][0] < 3_000


def test_between_two_close_visits_there_is_no_way_home() -> None:
    """With little time in between the person goes from one place straight to the next."""
    visits = [Visit(10 * HOUR, 11 * HOUR, SHOP), Visit(11 * HOUR + 20 * MINUTE, 12 * HOUR, Place(3_000.0, 600.0))]
    x, _, _ = walk(HOME, visits, 0, DAY).at(np.arange(10 * HOUR, 12 * HOUR, MINUTE))

    assert {3_000.0} == set(x.tolist())


@given(st.lists(st.tuples(st.integers(0, DAY), st.integers(1, 6 * HOUR), st.integers(0, 9)), max_size=8))
def test_nobody_is_faster_than_a_car(drawn: list[tuple[int, int, int]]) -> None:
    """Whatever the visits, the path is in time order and its steepest leg is 16 m/s."""
    visits = sorted(Visit(t, t + length, Place(2_000.0 * k, 500.0 * k)) for t, length, k in drawn)
    path = walk(HOME, visits, 0, DAY)
    steps = np.diff(path.time_ms)

    assert (steps >= 0).all()
    assert (np.hypot(np.diff(path.x), np.diff(path.y)) <= 0.01601 * steps + 0.1).all()
    assert (path.x[-1], path.y[-1]) == HOME


def test_what_is_planned_displaces_what_comes_within_the_hour() -> None:
    """An ordinary errand right before a planned absence does not take place, one in the morning does."""
    plan = Visit(21 * HOUR, 30 * HOUR, SHOP)
    morning, evening = Visit(9 * HOUR, 10 * HOUR, SHOP), Visit(20 * HOUR, 20 * HOUR + 30 * MINUTE, SHOP)

    assert [morning, plan] == with_priority([plan], [morning, evening])


def test_whoever_does_not_work_at_night_is_home_from_ten_to_six() -> None:
    """An ordinary life breaks no curfew, whatever the seed."""
    nights = np.concatenate([d + np.arange(22 * HOUR, 30 * HOUR, 10 * MINUTE) for d in range(0, 7 * DAY, DAY)]) + MONDAY
    for number in range(40):
        person, rng = person_of(number)
        if person.life is not Life.night_worker:
            days = [v for day in midnights(MONDAY, MONDAY + 7 * DAY) for v in ordinary_day(rng, person, day)]
            x, y, _ = walk(person.home, days, MONDAY, MONDAY + 8 * DAY).at(nights)

            assert 0.0 == np.hypot(x - person.home.x, y - person.home.y).max()


def test_workers_work_on_weekdays_and_not_at_the_weekend() -> None:
    """At three in the afternoon of a Wednesday they are at work, on Sunday nobody is."""
    workers = [(p, rng) for p, rng in map(person_of, range(40)) if p.life is Life.worker]
    places = []
    for person, rng in workers:
        for day in (MONDAY + 2 * DAY, MONDAY + 6 * DAY):
            path = walk(person.home, ordinary_day(rng, person, day), day, day + DAY)
            x, y, _ = path.at(np.array([day + 15 * HOUR]))
            places.append((float(x[0]), float(y[0])) == person.work)

    assert [True, False] * len(workers) == places
    assert [False, True] == [is_weekend(MONDAY + 2 * DAY), is_weekend(MONDAY + 6 * DAY)]


def test_far_places_are_reached_at_a_higher_speed() -> None:
    """On foot or by scooter in the quarter, by bus in the city, by car beyond."""
    assert [200, 1_000, 1_875] == [travel_ms(HOME, Place(m, 0.0)) // 1_000 for m in (1_000.0, 9_000.0, 30_000.0)]
