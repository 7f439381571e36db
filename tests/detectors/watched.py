"""One supervisee under watch, told in local times: what the tests of single rules share."""

from datetime import UTC, datetime
from typing import Final, Self
from zoneinfo import ZoneInfo

import numpy as np

from detectors.engine import Engine, watching
from detectors.findings import EpisodeEvent
from detectors.pings import DEGREE, NEVER, NO_POSITION, STATUSES, Fixes, make
from detectors.plans import Plans
from detectors.standing import Standing
from detectors.window import AUTHORISED, Columns, Detector, Window
from detectors.windows import Windows
from geofence.fences import NO_FENCES, Fences
from geofence.plane import from_plane
from schemas.order import decode_order
from schemas.ping import Status
from schemas.rules import Rules
from tests.factories import HOME, ZONE, at, order

Ping = tuple[int, int, int, int, int, int, int]

RULES: Final = Rules(revision=1)
MINUTE: Final = 60_000
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
MONDAY: Final = at("2026-03-02 00:00")
NAME: Final = "lz-1"


def on(clock: str, day: int = 0) -> int:
    """Milliseconds of a local time, so many days after Monday 2026-03-02."""
    return at(f"2026-03-02 {clock}") + day * DAY


def fix(
    time_ms: int, east_m: float = 0.0, north_m: float = 0.0, accuracy_m: int = 100, *, phone: int = 0, device: int = 0
) -> Ping:
    """Give a fix so many metres east and north of the residence, right to a centimetre."""
    lon, lat = (round(float(degrees) / DEGREE) for degrees in from_plane(east_m, north_m, *(c * DEGREE for c in HOME)))
    return time_ms, lon, lat, accuracy_m, 0, phone, device


def answer(time_ms: int, status: Status, *, phone: int = 0) -> Ping:
    """Give a ping without a position."""
    return time_ms, NO_POSITION, NO_POSITION, 0, STATUSES.index(status), phone, 0


def stay(start_ms: int, until_ms: int, every_min: int, east_m: float = 0.0) -> list[Ping]:
    """Fixes about one place from the start up to the end, that included; neighbours lie 40 m apart."""
    times = range(start_ms, until_ms + 1, every_min * MINUTE)
    return [fix(time_ms, east_m + 40 * (k % 3)) for k, time_ms in enumerate(times)]


class Watched:
    """
    An engine with one person in it. `hear`, `tell` and `wait` return the person; `said` is what the last one brought.

    `lasting` folds everything published so far: each episode as a reader of alerts has it now.
    """

    def __init__(self, raw: bytes | None = None, rules: Rules = RULES, fences: Fences = NO_FENCES) -> None:
        self.rules, self.fences = rules, fences
        self.engine = Engine(rules, fences=fences)
        self.events: list[EpisodeEvent] = []
        self.records: dict[bytes, bytes] = {}
        self.refused: list[tuple[int, str]] = []
        self._told = 0
        self.tell(raw or order(), 0)

    def tell(self, raw: bytes | None, now_ms: int) -> Self:
        """An order message comes in; None ends the order."""
        self.engine.order(NAME, raw, now_ms)
        return self._taken()

    def hear(self, *pings: Ping, clock_ms: int = -1) -> Self:
        """Pings come in, in one batch."""
        refused = self.engine.apply([NAME] * len(pings), make(pings), clock_ms)
        self.refused = [(position, str(reason)) for position, reason in refused]
        return self._taken()

    def wait(self, until_ms: int) -> Self:
        """Time passes and nothing is heard."""
        while self.engine.tick(until_ms):
            pass
        return self._taken()

    def restart(self) -> Self:
        """Go on from nothing but the records of the changelog."""
        self.flush()
        self.engine = Engine(self.rules, fences=self.fences)
        self.engine.load(self.records)
        return self

    def flush(self) -> dict[bytes, bytes | None]:
        """Write what is dirty; gives what was written."""
        written = dict(self.engine.take_dirty())
        for key, value in written.items():
            if value is None:
                self.records.pop(key, None)
            else:
                self.records[key] = value
        return written

    @property
    def new(self) -> list[EpisodeEvent]:
        """The events that the last step brought."""
        return self.events[self._told :]

    @property
    def said(self) -> list[str]:
        """The same in words, such as `opened gap/contact: gap, alert, silent, 02 22:30 - `."""
        return [f"{event.phase} {words(event)}" for event in self.new]

    @property
    def lasting(self) -> list[str]:
        """All episodes that were not retracted, by their beginning."""
        last = {event.episode_id: event for event in self.events}
        kept = [event for event in last.values() if event.phase != "retracted"]
        return [words(event) for event in sorted(kept, key=lambda event: (event.since_ms, event.rule, event.subject))]

    def _taken(self) -> Self:
        self._told = len(self.events)
        self.events += self.engine.take_events()
        return self


def words(event: EpisodeEvent) -> str:
    """An episode in one line, times as local day and minute."""
    kind, until = event.evidence["kind"], "" if event.until_ms is None else clock(event.until_ms)
    facts = f"{kind}, {event.severity}, {event.reason}"
    return f"{event.rule}/{event.subject}: {facts}, {clock(event.since_ms)} - {until}"


def clock(time_ms: int) -> str:
    """Local day of the month, and the minute."""
    return datetime.fromtimestamp(time_ms / 1000, UTC).astimezone(ZoneInfo(ZONE)).strftime("%d %H:%M")


def detectors(fences: Fences = NO_FENCES) -> tuple[Detector, ...]:
    """Every rule of the engine."""
    return watching(RULES, fences)


def blank(count: int = 1, flags: int = AUTHORISED) -> Window:
    """So many rows in their first state, whose plan has these flags and no edge."""
    windows = Windows(detectors())
    for row in range(count):
        windows.add(f"lz-{row}")
    plan = plans_of(order()).placed(np.zeros(count, np.int64), np.full(count, MONDAY))
    plan["flags"][:], plan["change_ms"][:] = flags, NEVER
    return windows.checkout(np.arange(count), plan)


def seen(window: Window, *pings: Ping) -> Fixes:
    """Pings as a rule sees them, one for each row, all located ones taken for true."""
    part = make(pings)
    fixes = Fixes(part, *window.plane(part["lon"], part["lat"]))
    fixes.accepted = fixes.located.copy()
    return fixes


def plans_of(*raws: bytes) -> Plans:
    """Plans of people who have one order message each, none placed yet."""
    plans = Plans(RULES)
    for row, raw in enumerate(raws):
        plans.add()
        plans.stand(row, Standing().with_order(raw, decode_order(raw), 0))
    return plans


def lived(seed: int, hours: int = 40) -> list[Ping]:
    """A life without sense after a quiet Monday: every answer, far and near, in bursts and with long silences."""
    draw = np.random.default_rng(seed)
    pings, now = stay(on("18:00"), on("22:20"), 5), on("22:25")
    while now < on("22:25") + hours * HOUR:
        place, status = draw.choice([0.0, 0.0, 450.0, 900.0, 1500.0, 2500.0]), draw.choice([0, 0, 1, 2])
        for _ in range(draw.integers(2, 12)):
            odd = draw.random() < 0.1
            if odd or status:
                code = STATUSES[int(draw.integers(len(STATUSES))) if odd else int(status)]
                pings.append(answer(now, code, phone=int(draw.choice([0, 0, 128]))))
            else:
                east, north = (float(value) for value in draw.uniform(-40, 40, 2))
                pings.append(fix(now, float(place) + east, north, int(draw.choice([0, 30, 100, 400]))))
            now += int(draw.choice([2, 5, 5, 10, 25])) * MINUTE
        now += int(draw.choice([0, 0, 0, 70, 100, 200])) * MINUTE
    return [ping for ping in pings if ping[4] or ping[1] != NO_POSITION]


def stored(window: Window) -> dict[str, Columns]:
    """All that the rules remember, as copies."""
    return {
        owner: {name: array.copy() for name, array in own.items()}
        for owner, own in window.state.items()
        if owner != "plan"
    }
