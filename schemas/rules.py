"""
The parameters of all rules, by tier, in one versioned file.

Its revision stands in every alert, so a number may only change together with it.
"""

import math
import tomllib
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, ValidationError, model_validator

from schemas.errors import BadConfiguration
from schemas.fields import Sent

__all__ = [
    "BeliefRule",
    "BoundaryRule",
    "CurfewRule",
    "ExclusionRule",
    "GapRule",
    "NightVenueRule",
    "QualityRule",
    "ResidenceRule",
    "Rules",
    "TierRules",
    "Tiers",
    "load_rules",
]

Minutes = Annotated[int, Field(ge=1, le=1_440)]
Metres = Annotated[int, Field(ge=1, le=100_000)]
Count = Annotated[int, Field(ge=1, le=1_000)]
Hours = Annotated[int, Field(ge=1, le=720)]
Step = Annotated[int, Field(ge=1, le=10)]


class GapRule(Sent):
    """
    Silence: overdue at max(*overdue_min*, *quantile_factor* x the person's 99th percentile), at most *cap_min*.

    A gap at max(*gap_min*, the overdue limit). Before *warmup* intervals are known, the fixed limits hold alone.
    """

    overdue_min: Minutes = 60
    gap_min: Minutes = 120
    cap_min: Minutes = 180
    quantile_factor: Annotated[int, Field(ge=1, le=10)] = 2
    warmup: Count = 50

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if not self.overdue_min <= self.gap_min <= self.cap_min:
            msg = "overdue_min, gap_min and cap_min must not fall"
            raise ValueError(msg)
        return self


class CurfewRule(Sent):
    """
    Away from the residence inside the window.

    Opens at *pings* over *span_min* with distance - max(accuracy, *floor_m*) > *distance_m* and *distinct* coordinates,
    *distinct_sparse* where the interval is *sparse_min* or more. Pings of the *before_min* before the window count.
    Clears at *clear_pings* with distance - accuracy < *clear_m*. An absence within *minor_min* is minor, and those of
    *accumulated_days* add up to an alert at *accumulated_min*.
    """

    pings: Count = 4
    span_min: Minutes = 15
    distance_m: Metres = 200
    floor_m: Metres = 300
    distinct: Annotated[int, Field(ge=1, le=3)] = 3
    distinct_sparse: Annotated[int, Field(ge=1, le=3)] = 2
    sparse_min: Minutes = 20
    before_min: Minutes = 60
    clear_pings: Count = 2
    clear_m: Metres = 100
    minor_min: Minutes = 30
    accumulated_min: Minutes = 120
    accumulated_days: Annotated[int, Field(ge=1, le=7)] = 7

    @model_validator(mode="after")
    def _can_open(self) -> Self:
        if not self.distinct_sparse <= self.distinct <= self.pings:
            msg = "distinct_sparse, distinct and pings must not fall"
            raise ValueError(msg)
        return self


class BeliefRule(Sent):
    """
    A two-state filter over *in*, *out* and *unsure*: is the person where the order does not want them.

    A fix counts where it is *sure_percent* sure, its radius being at least *floor_m*. Each moves the log-odds by *step*
    up to *dense_min* after the one before it, by *step_sparse* from *sparse_min* on, in proportion between them; a
    frozen one by *frozen_percent* of that, one that cannot tell by *unsure_percent*, towards in. Opens at
    *opens_percent*, closes below *closes_percent*. Without fixes the belief goes back to what is usual: in after
    *enters_h*, out again after *leaves_h*. Where it becomes unlawful to be there, who is there is found at once, if the
    last fix is not older than *before_min*.
    """

    floor_m: Metres = 100
    sure_percent: Annotated[int, Field(ge=51, le=99)] = 90
    step: Step = 2
    step_sparse: Step = 3
    dense_min: Minutes = 15
    sparse_min: Minutes = 30
    frozen_percent: Annotated[int, Field(ge=0, le=100)] = 25
    unsure_percent: Annotated[int, Field(ge=0, le=100)] = 50
    opens_percent: Annotated[int, Field(ge=50, le=99)] = 95
    closes_percent: Annotated[int, Field(ge=1, le=50)] = 30
    enters_h: Hours = 24
    leaves_h: Hours = 8
    before_min: Minutes = 60

    @model_validator(mode="after")
    def _can_open(self) -> Self:
        if not self.dense_min < self.sparse_min or not self.step <= self.step_sparse:
            msg = "dense_min and sparse_min must rise, step and step_sparse must not fall"
            raise ValueError(msg)
        opens = self.opens_percent / 100
        usual = self.leaves_h / (self.enters_h + self.leaves_h)
        for step, minutes in ((self.step, self.dense_min), (self.step_sparse, self.sparse_min)):
            left = math.exp(-minutes / 60 * (1 / self.enters_h + 1 / self.leaves_h))
            before = usual + (opens - usual) * left
            if before / (1 - before) * math.exp(step) < opens / (1 - opens):
                msg = f"never opens at pings {minutes} min apart: the belief decays faster than a step"
                raise ValueError(msg)
        return self


class BoundaryRule(BeliefRule):
    """Outside the permitted area, the line of which is wrong by *line_m* (1 sigma)."""

    line_m: Annotated[int, Field(ge=0, le=5_000)] = 250


class ExclusionRule(BeliefRule):
    """
    Inside a forbidden zone, the line of which is wrong by *line_m* (1 sigma); or at a venue of a forbidden category.

    A dwell at a venue is *dwell_fixes* fixes at different coordinates about one place over *dwell_min*, more than
    *away_m* from the residence; the venue lies within *reach_m* of its mean, or within the error of that.
    """

    line_m: Annotated[int, Field(ge=0, le=5_000)] = 50
    dwell_min: Minutes = 30
    dwell_fixes: Annotated[int, Field(ge=2, le=100)] = 4
    away_m: Metres = 300
    reach_m: Metres = 100


class NightVenueRule(Sent):
    """A place farther than *distance_m* from the residence in which *nights* of the last 14 ended."""

    nights: Annotated[int, Field(ge=2, le=14)] = 3
    distance_m: Metres = 300


class ResidenceRule(Sent):
    """Nobody stays at the residence, and *nights* of the last 14 ended in one place, more than *distance_m* from it."""

    nights: Annotated[int, Field(ge=2, le=14)] = 5
    distance_m: Metres = 500


class QualityRule(Sent):
    """
    Fixes that cannot be true: faster than *speed_mps* beyond both radii; repeats within *frozen_m* count once.

    A place jumped to *ghost_hits* times in *ghost_nights* nights is a ghost of the network.
    """

    speed_mps: Annotated[int, Field(ge=1, le=1_000)] = 55
    frozen_m: Metres = 20
    ghost_hits: Count = 3
    ghost_nights: Count = 2


class TierRules(Sent):
    """All rules as one tier applies them."""

    gap: GapRule = GapRule()
    curfew: CurfewRule = CurfewRule()
    boundary: BoundaryRule = BoundaryRule()
    exclusion: ExclusionRule = ExclusionRule()
    night_venue: NightVenueRule = NightVenueRule()
    residence: ResidenceRule = ResidenceRule()
    quality: QualityRule = QualityRule()


class Tiers(Sent):
    """The tiers, in the order of :class:`schemas.order.Tier`."""

    general: TierRules = TierRules()
    strict: TierRules = TierRules(
        gap=GapRule(overdue_min=45, gap_min=90, cap_min=120), curfew=CurfewRule(minor_min=15, accumulated_min=60)
    )


class Rules(Sent):
    """The rules file."""

    revision: Annotated[int, Field(ge=1)]
    tiers: Tiers = Tiers()


def load_rules(path: Path) -> Rules:
    """
    Read the rules file.

    :raises BadConfiguration: the message begins with the path and, where one is wrong, the TOML key.
    """
    try:
        return Rules.model_validate(tomllib.loads(path.read_text(encoding="utf-8")), strict=True)
    except (OSError, UnicodeDecodeError) as fault:
        raise BadConfiguration(path, f"cannot be read: {fault}") from fault
    except tomllib.TOMLDecodeError as fault:
        raise BadConfiguration(path, f"is not TOML: {fault}") from fault
    except ValidationError as refusal:
        first = refusal.errors(include_url=False)[0]
        where = ".".join(str(step) for step in first["loc"])
        raise BadConfiguration(path, f"{where}: {first['msg']}") from refusal
