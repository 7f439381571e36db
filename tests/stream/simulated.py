"""What the tests of the simulator share: one Monday, one town, and people of one seed."""

from functools import cache

import numpy as np

from geofence.fences import load_fences
from stream.simulate.county import DEMO, DISTRICTS
from stream.simulate.people import Person, Town, draw_person

MONDAY = 1_772_380_800_000
"""Monday 2026-03-02, 00:00 local time."""
SEED = 5


@cache
def town() -> Town:
    """Give the urban districts of the demo."""
    return Town(load_fences(DEMO / "fences.geojson"), DISTRICTS)


def person_of(number: int) -> tuple[Person, np.random.Generator]:
    """Draw the person of that number and give the generator as it is left behind."""
    rng = np.random.default_rng([SEED, number])
    return draw_person(rng, town(), number, SEED, (5.0,)), rng
