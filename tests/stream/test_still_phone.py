"""Two weeks of phones that lie at home, as a network reports them: error that sticks, drift, another cell in turn."""

from typing import Final

import numpy as np
import pytest

from detectors.engine import Engine
from detectors.pings import DEGREE, PING
from geofence.plane import from_plane
from schemas.rules import load_rules
from stream.settings import CHECKOUT
from stream.simulate.carrier import Network, ask_times
from stream.simulate.lives import DAY, HOUR
from stream.simulate.people import CENTRE
from tests.factories import at, curfew, order

START_MS: Final = at("2026-03-02 08:00")
END_MS: Final = START_MS + 14 * DAY
HOMES_M: Final = (500.0, 1_500.0, 2_500.0)
"""From the middle of the city, where cells are dense; beyond 8 km a cell is wider than a village."""


def still(seed: int, interval_min: int, stickiness: float, home_m: float) -> tuple[bytes, np.ndarray]:
    """Give the order of one person and the pings of a phone that is never moved."""
    rng = np.random.default_rng([seed, interval_min, round(home_m)])
    times = ask_times(rng, START_MS, END_MS, interval_min)
    ghosts = home_m + rng.uniform(-4_000, 4_000, (3, 2))
    x, y = np.full(len(times), home_m), np.zeros(len(times))
    found = Network(seed, stickiness).report(rng, x, y, np.ones(len(times), bool), ghosts)
    other = rng.random(len(times)) < 0.08
    found.x[other], found.y[other] = home_m + 640.0, -640.0
    pings = np.zeros(len(times), PING)
    lon, lat = from_plane(found.x, found.y, *CENTRE)
    pings["time_ms"], pings["accuracy_m"] = times, np.rint(found.radius_m)
    pings["lon"], pings["lat"] = np.rint(lon / DEGREE), np.rint(lat / DEGREE)
    home = tuple(round(float(degrees) / DEGREE) for degrees in from_plane(home_m, 0.0, *CENTRE))
    return order(f"lz-{seed}-{home_m:.0f}", START_MS - DAY, home=(home[0], home[1]), curfew=curfew()), pings


@pytest.mark.parametrize(("interval_min", "stickiness"), [(5, 0.0), (5, 0.7), (15, 0.0)])
def test_a_phone_that_lies_at_home_has_no_night_venue(interval_min: int, stickiness: float) -> None:
    """Nor is its residence doubted; 15 phones, 210 nights."""
    engine, names, parts = Engine(load_rules(CHECKOUT / "deploy" / "rules.toml")), list[str](), []
    for seed in range(5):
        for home_m in HOMES_M:
            raw, pings = still(seed, interval_min, stickiness, home_m)
            engine.order(f"lz-{seed}-{home_m:.0f}", raw, 0)
            names += [f"lz-{seed}-{home_m:.0f}"] * len(pings)
            parts.append(pings)
    engine.apply(names, np.concatenate(parts), -1)
    while engine.tick(END_MS + HOUR):
        pass
    found = [event for event in engine.take_events() if event.rule in {"night_venue", "residence"}]
    assert [] == [(event.supervisee, event.rule, event.reason) for event in found]
