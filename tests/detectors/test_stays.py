"""The stay tracker: outliers end nothing, another place does, and error does not move the centre far."""

from typing import Final

import numpy as np
import pytest

from detectors.pings import positions
from detectors.stays import Stay, Stays
from detectors.window import Columns
from tests.detectors.watched import MINUTE, blank, fix, on, seen

START: Final = on("12:00")


def followed(*spots: tuple[int, float, float], frozen: bool = False) -> tuple[Columns, list[Stay]]:
    """Follow one phone; each spot is a minute after noon, and metres east and north. Gives stays that ended."""
    window, stays, ended = blank(), Stays(), []
    own = window["night_venue"]
    for minute, east_m, north_m in spots:
        fixes = seen(window, fix(START + minute * MINUTE, east_m, north_m, 200))
        fixes.frozen[:] = frozen
        over = stays.follow(own, fixes, positions(fixes.accepted))
        ended += [over] if over.at.size else []
    return own, ended


def lying(from_min: int, until_min: int, east_m: float = 0.0, every: int = 10) -> list[tuple[int, float, float]]:
    """Fixes about one place, 120 m to this side and that."""
    return [
        (minute, east_m + 120 * (n % 2), -60.0 * (n % 3)) for n, minute in enumerate(range(from_min, until_min, every))
    ]


def test_a_lone_outlier_ends_nothing() -> None:
    """One fix kilometres off, then back: the stay goes on from its beginning."""
    own, ended = followed(*lying(0, 60), (60, 5_000, 0), *lying(70, 120))
    assert [] == ended
    assert (START // 1000, START // 1000 + 110 * 60) == (own["since_s"][0], own["last_s"][0])
    assert abs(own["x_cm"][0]) < 10_000


@pytest.mark.parametrize(
    ("spots", "is_over"), [((0, 4), False), ((0, 9), False), ((0, 10), True), ((0, 3, 5), True), ((0, 2, 4), False)]
)
def test_another_place_takes_over(spots: tuple[int, ...], is_over: bool) -> None:  # noqa: FBT001
    """Three fixes over 5 min, or two over 10 min; the new stay began with the first of them, the old ended before."""
    own, ended = followed(*lying(0, 60), *((60 + minute, 3_000.0 + minute, 0.0) for minute in spots))
    assert is_over == bool(ended)
    if is_over:
        assert (START // 1000, START // 1000 + 50 * 60) == (ended[0].since_s[0], ended[0].last_s[0])
        assert START // 1000 + 60 * 60 == own["since_s"][0]
        assert 3_000 == pytest.approx(own["x_cm"][0] / 100, abs=20)


def test_one_repeated_coordinate_needs_an_hour() -> None:
    """Repeats of one place that is far off may be the network's; after an hour without any other they are believed."""
    own, _ = followed(*lying(0, 60))
    window, stays = blank(), Stays()
    for name, array in own.items():
        window["night_venue"][name][:] = array
    for minute in range(60, 121, 10):
        fixes = seen(window, fix(START + minute * MINUTE, 3_000.0, 0.0, 200))
        fixes.frozen[:] = minute > 60
        over = stays.follow(window["night_venue"], fixes, positions(fixes.accepted))
        assert (minute == 120) == bool(over.at.size)


def test_silence_ends_a_stay() -> None:
    """150 min of silence are still the same stay, a second more is another one at the same place."""
    own, ended = followed((0, 0.0, 0.0), (150, 0.0, 0.0))
    assert (START // 1000, []) == (own["since_s"][0], ended)
    own, ended = followed((0, 0.0, 0.0), (151, 0.0, 0.0))
    assert (START // 1000 + 151 * 60, 1) == (own["since_s"][0], len(ended))


def test_the_centre_is_better_than_its_fixes_and_frozen_ones_do_not_move_it() -> None:
    """A day of fixes 200 m wrong gives a centre within 60 m; repeats say that the phone lies there, and no more."""
    draw = np.random.default_rng(4)
    spots = [(10 * n, float(x), float(y)) for n, (x, y) in enumerate(draw.normal(0, 132, (100, 2)))]
    own, ended = followed(*spots)
    assert [] == ended
    assert np.hypot(own["x_cm"][0], own["y_cm"][0]) < 6_000
    assert 50 == own["sd_m"][0]
    own, _ = followed(*((10 * n, 100.0 * (n > 0), 0.0) for n in range(20)), frozen=True)
    assert (0, START // 1000 + 190 * 60) == (own["x_cm"][0], own["last_s"][0])
