"""Where a phone lies: one stay, and one challenger that may take its place."""

from dataclasses import dataclass
from math import sqrt
from typing import NamedTuple

from tests.reference.timeline import MINUTE

CHI = 9.21  # 99 % of chi squared, two degrees of freedom
SILENT_S = 150 * 60


class Spot(NamedTuple):
    """A fix in the plane at the residence: whole seconds, centimetres, and the variance that it has for a stay."""

    time_s: int
    x_cm: float
    y_cm: float
    variance: float


@dataclass
class Cluster:
    """Fixes that belong together; centre in whole centimetres, its error in whole metres."""

    x_cm: int
    y_cm: int
    sd_m: int
    since_s: int
    last_s: int
    n: int = 1

    def takes(self, spot: Spot) -> bool:
        """Whether the fix may come from here, the centre being no better known than 100 m."""
        square_m = ((spot.x_cm - self.x_cm) ** 2 + (spot.y_cm - self.y_cm) ** 2) / 10_000
        return square_m <= CHI * (spot.variance + max(self.sd_m, 100) ** 2)

    def add(self, spot: Spot) -> None:
        """Move the centre by the weight of the fix, which never falls below that of 50 m of error."""
        weight = self.sd_m**2 / (self.sd_m**2 + spot.variance)
        self.x_cm = round(self.x_cm + (spot.x_cm - self.x_cm) * weight)
        self.y_cm = round(self.y_cm + (spot.y_cm - self.y_cm) * weight)
        self.sd_m = round(max(sqrt(self.sd_m**2 * (1 - weight)), 50))

    @property
    def from_home_m(self) -> float:
        """Metres from the residence."""
        return sqrt((self.x_cm / 100) ** 2 + (self.y_cm / 100) ** 2)


def begin(spot: Spot) -> Cluster:
    """A cluster of one fix."""
    return Cluster(round(spot.x_cm), round(spot.y_cm), round(sqrt(spot.variance)), spot.time_s, spot.time_s)


class Stays:
    """Follows one person."""

    def __init__(self) -> None:
        self.stay: Cluster | None = None
        self.other: Cluster | None = None

    def hear(self, spot: Spot, *, frozen: bool) -> Cluster | None:
        """Take one fix; gives the stay that is over with it."""
        stay = self.stay
        if stay is None or spot.time_s - stay.last_s > SILENT_S:
            self.stay, self.other = begin(spot), None
            return stay
        if stay.takes(spot):
            if not frozen:
                stay.add(spot)
            stay.last_s, self.other = spot.time_s, None
            return None
        if self.other is None or not self.other.takes(spot):
            self.other = begin(spot)
            return None
        if not frozen:
            self.other.add(spot)
            self.other.n += 1
        n, lasted_s = self.other.n, spot.time_s - self.other.since_s
        if (n >= 3 and lasted_s >= 300) or (n >= 2 and lasted_s >= 600) or lasted_s >= 60 * MINUTE // 1000:
            self.stay, self.other = self.other, None
            self.stay.last_s = spot.time_s
            return stay
        return None
