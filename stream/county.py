"""A simulated feed from the words of the command line."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np

from schemas.errors import BadConfiguration
from stream.sentences import DEFAULT_ZONE
from stream.simulate.county import County
from stream.simulate.feed import Feed
from stream.simulate.silences import Outage
from stream.simulate.stories import STORIES, tell

HOUR_MS = 3_600_000
OUTAGE_MS = 2 * HOUR_MS
OUTAGE_RADIUS_M = 1_500.0
TOWN_M = 6_000.0
"""Half the width of the square, about the middle of the city, in which outages lie."""


def drawn(
    people: int, days: int, start: datetime, seed: int, interval_min: Sequence[float], stickiness: float, outages: int
) -> Feed:
    """Draw a county; `start` is a day whose midnight is that of Shanghai. The same words give the same bytes."""
    start_ms = round(start.replace(tzinfo=ZoneInfo(DEFAULT_ZONE)).timestamp() * 1000)
    rng = np.random.default_rng([seed, days, outages])
    failed = []
    for _ in range(outages):
        from_ms = start_ms + int(rng.integers(days * 24)) * HOUR_MS
        x, y = rng.uniform(-TOWN_M, TOWN_M, 2)
        failed.append(Outage(from_ms, from_ms + OUTAGE_MS, float(x), float(y), OUTAGE_RADIUS_M))
    county = County(
        people=people,
        seed=seed,
        start_ms=start_ms,
        days=days,
        interval_min=tuple(interval_min),
        stickiness=stickiness,
        outages=tuple(failed),
    )
    return county.feed()


def told(name: str) -> Feed:
    """Tell a story at its own dates. Raises BadConfiguration, with the names there are, for one that is not there."""
    path = STORIES / f"{name}.toml"
    if not path.exists():
        names = ", ".join(sorted(story.stem for story in STORIES.glob("*.toml")))
        raise BadConfiguration("--story", f"{name!r} is none of {names}")
    return tell(path)
