"""
A county of people from one seed: the same arguments give the same bytes, person by person.

The trap: every person has a generator of their own, so that a person's life does not change when others are added.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from geofence.fences import load_fences
from stream.settings import CHECKOUT
from stream.simulate.carrier import Network, ask_times
from stream.simulate.days import midnights, ordinary_day
from stream.simulate.feed import REPORT, Feed, Phone, Truth, merge
from stream.simulate.lives import DAY, walk, with_priority
from stream.simulate.lives import Path as Movement
from stream.simulate.orders import order_of
from stream.simulate.people import Person, Town, draw_person
from stream.simulate.plans import Plan, draw_plan
from stream.simulate.silences import Outage, doze, fall_silent, holes, lose, truth_of
from stream.simulate.trips import ZONE, Trip, avoids, draw_trip, exits, truth_of_trip, whole_days

__all__ = ["DEMO", "DISTRICTS", "County"]

DEMO: Final = CHECKOUT / "deploy" / "demo"
DISTRICTS: Final = ("450202", "450203", "450204", "450205", "450206")
"""The urban districts of Liuzhou."""
_FORBIDDEN: Final = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class County:
    """
    So many supervisees over so many days.

    `interval_min` is how often the carrier asks; of several values each person has one. `stickiness` is the
    probability that a phone which lies still repeats its last report. Shares: `offenders` of the people have one to
    three scripted violations, half as many make a trip out of the county or into a forbidden zone, `on_permit` have a
    permit, everybody has benign holes.

    Raises BadConfiguration when the fences cannot be read, KeyError for a county that is not in them.
    """

    people: int
    seed: int
    start_ms: int
    days: int
    interval_min: Sequence[float] = (5.0,)
    stickiness: float = 0.7
    offenders: float = 0.1
    on_permit: float = 0.1
    outages: Sequence[Outage] = ()
    counties: tuple[str, ...] = DISTRICTS
    fences_file: Path = DEMO / "fences.geojson"

    def feed(self) -> Feed:
        """Draw everything: 400,000 pings of 200 people in about a second."""
        town, network = Town(load_fences(self.fences_file), self.counties), Network(self.seed, self.stickiness)
        orders, phones, parts = [], [], []
        truth = [Truth(None, "outage", "cell", out.from_ms, out.until_ms) for out in self.outages]
        for number in range(self.people):
            rng = np.random.default_rng([self.seed, number])
            person = draw_person(rng, town, number, self.seed, tuple(self.interval_min))
            plan = draw_plan(rng, person, self.start_ms, self.end_ms, self.offenders, self.on_permit)
            trip, zones = self._trip(number, town, person, plan)
            path = self._path(rng, person, plan, trip)
            reports, gaps = self._live(rng, person, plan, path, network)
            trips = ([trip] if trip else []) + exits(town, person, plan)
            truth += [really for one in trips if (really := truth_of_trip(town, person, path, one)) is not None]
            reports["phone"] = number
            parts.append(reports)
            truth += plan.truth + gaps
            orders.append(order_of(person, plan.permits, self.start_ms, self.end_ms, zones))
            phones.append(Phone(person.supervisee, person.datum, person.carrier, person.sim, person.device))
        return merge(orders, phones, parts, truth, self.end_ms)

    @property
    def end_ms(self) -> int:
        """Give the end of the last day; no ping has this time or a later one."""
        return self.start_ms + self.days * DAY

    def _trip(self, number: int, town: Town, person: Person, plan: Plan) -> tuple[Trip | None, tuple[str, ...]]:
        """Draw the trip of an offender, and the zones that are forbidden; from a generator that nothing else uses."""
        rng = np.random.default_rng([self.seed, number, 1])
        offends, forbidden = rng.random() < self.offenders, rng.random() < _FORBIDDEN
        trip = draw_trip(rng, town, person, plan, whole_days(self.start_ms, self.end_ms)) if offends else None
        if trip is not None and trip.rule == "exclusion":
            return trip, (ZONE,)
        return trip, (ZONE,) if forbidden and avoids(town, person) else ()

    def _path(self, rng: np.random.Generator, person: Person, plan: Plan, trip: Trip | None) -> Movement:
        ordinary = [
            visit for day in midnights(self.start_ms - DAY, self.end_ms) for visit in ordinary_day(rng, person, day)
        ]
        planned = plan.visits + ([trip.visit] if trip else [])
        return walk(person.home, with_priority(planned, ordinary), self.start_ms, self.end_ms)

    def _live(
        self, rng: np.random.Generator, person: Person, plan: Plan, path: Movement, network: Network
    ) -> tuple[NDArray[np.void], list[Truth]]:
        times = ask_times(rng, self.start_ms, self.end_ms, person.interval_min)
        x, y, still = path.at(times)
        reported = network.report(rng, x, y, still, person.ghosts)
        reports = np.empty(len(times), REPORT)
        reports["time_ms"], reports["status"] = times, 0
        reports["x"], reports["y"], reports["accuracy_m"], reports["cell"] = reported
        heard = np.ones(len(times), np.bool_)
        for outage in self.outages:
            heard &= lose(rng, reports, x, y, outage)
        reports = holes(rng, reports[heard], self.start_ms, self.end_ms)
        if person.dozes:
            reports = doze(reports, self.start_ms, self.end_ms)
        for silence in plan.silences:
            reports = fall_silent(reports, silence)
        gaps = [truth_of(person.supervisee, reports, silence) for silence in plan.violations]
        return reports, [gap for gap in gaps if gap is not None]
