"""
Where the time of a process goes: processor time by stage, of functions that run once for a batch or a round.

Each stage counts its own time without that of the stages that it calls. A whole stage keeps what it calls: the late
re-run, say, is one cost, though rules run in it. Time is that of the thread, so waiting for the other thread is free.
"""

import functools
import gc
import importlib
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Generator
from inspect import iscoroutinefunction
from types import coroutine
from typing import Any, Final, NamedTuple


class Stage(NamedTuple):
    """A line of the table, and where its code is: `module:name` or `module:Class.name`."""

    name: str
    places: tuple[str, ...]
    whole: bool = False


STAGES: Final = (
    Stage("fetch: record batches to lists", ("stream.columns:read_columns",)),
    Stage("decode: JSON, keys, hashes", ("schemas.wire:_decoded", "schemas.wire:_whole", "schemas.wire:_apart")),
    Stage("decode: numeric columns", ("schemas.wire:rows_of", "schemas.wire:columns_of", "schemas.wire:joined")),
    Stage("decode: rest", ("schemas.wire:decode_pings",)),
    Stage("datum", ("stream.decode:to_wgs84",)),
    Stage("packing", ("stream.decode:packed",)),
    Stage("agent: clock, offsets, metrics", ("stream.agent:Agent._apply", "stream.agent:Agent._pings")),
    Stage("gate: row look-up, refusals", ("detectors.engine:Engine.apply", "detectors.engine:refusals")),
    Stage("sort, repeats", ("detectors.engine:in_order", "detectors.engine:repeats")),
    Stage(
        "advance: rows of the batch",
        (
            "detectors.supervision:Supervision.advance",
            "detectors.supervision:Supervision._go_on",
            "detectors.supervision:Supervision._go",
        ),
    ),
    Stage(
        "copies of rows",
        ("detectors.windows:Windows.ageing", "detectors.windows:Windows.copy", "detectors.windows:Windows.hear"),
    ),
    Stage("placing new rows in their orders", ("detectors.plans:Plans.place",), whole=True),
    Stage("inputs kept", ("detectors.inputs:Inputs.add",), whole=True),
    Stage("checkout", ("detectors.supervision:Supervision._checkout",)),
    Stage("rounds: heads, plane, fixes", ("detectors.rounds:Rounds.run",)),
    Stage("quality", ("detectors.quality:Quality.observe",)),
    Stage("gap", ("detectors.gap:Gap.observe",)),
    Stage("curfew", ("detectors.curfew:Curfew.observe",)),
    Stage("boundary", ("detectors.boundary:Boundary.observe",)),
    Stage("containment", ("geofence.areas:Areas.judge",), whole=True),
    Stage("exclusion", ("detectors.exclusion:Exclusion.observe",), whole=True),
    Stage("stays, night venue", ("detectors.night_venue:NightVenue.observe",), whole=True),
    Stage("residence", ("detectors.residence:Residence.observe",)),
    Stage("deadlines: what is due", ("detectors.rounds:Rounds._ripe", "detectors.supervision:Supervision._schedule")),
    Stage("deadlines and edges fired", ("detectors.rounds:Rounds.pass_time",), whole=True),
    Stage("episodes, evidence", ("detectors.episodes:Episodes.record",)),
    Stage("checkin", ("detectors.supervision:Supervision._checkin",)),
    Stage("late: rows run again", ("detectors.engine:Engine.settle",), whole=True),
    Stage("tick", ("detectors.engine:Engine.tick",)),
    Stage("events to alerts", ("stream.alerts:alert_of", "stream.alerts:to_kafka"), whole=True),
    Stage("rows to records", ("detectors.engine:Engine.take_dirty",)),
    Stage("snapshot of a partition", ("stream.transactions:Transactions._snapshot",)),
    Stage("records to batches", ("stream.transactions:send_batches",)),
)
COLLECTOR: Final = "garbage collection"


def found(place: str) -> tuple[Any, str]:
    """Give the module or class that holds a function, and its name. Raises AttributeError where it is gone."""
    module, _, path = place.partition(":")
    holder: Any = importlib.import_module(module)
    *owners, name = path.split(".")
    for owner in owners:
        holder = getattr(holder, owner)
    getattr(holder, name)
    return holder, name


class Stopwatch:
    """Counts from `start` on; `seconds` by stage, `calls` by stage."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.calls: defaultdict[str, int] = defaultdict(int)
        self._own = threading.local()

    def start(self) -> None:
        """Put the stages of the table in place of the functions that they name; for the rest of the process."""
        for stage in STAGES:
            for place in stage.places:
                holder, name = found(place)
                setattr(holder, name, self.timed(stage, getattr(holder, name)))
        gc.callbacks.append(self._collected)

    def timed(self, stage: Stage, function: Callable[..., Any]) -> Callable[..., Any]:
        """Give a function that does the same and counts for the stage."""
        if iscoroutinefunction(function):

            @functools.wraps(function)
            def waiting(*args: object, **kwargs: object) -> Any:  # noqa: ANN401 - whatever it gives
                self.calls[stage.name] += 1
                return self._driven(stage, function(*args, **kwargs))

            return waiting

        @functools.wraps(function)
        def plain(*args: object, **kwargs: object) -> Any:  # noqa: ANN401 - whatever it gives
            self.calls[stage.name] += 1
            self.enter(stage.name, whole=stage.whole)
            try:
                return function(*args, **kwargs)
            finally:
                self.exit()

        return plain

    def enter(self, name: str, *, whole: bool = False) -> None:
        """Begin a stage, inside the one that runs."""
        own = self._own
        stack = own.__dict__.setdefault("stack", [])
        now = time.thread_time()
        if stack:
            self.seconds[stack[-1][0]] += now - own.since
            if stack[-1][1] and not whole:
                name, whole = stack[-1]
        stack.append((name, whole))
        own.since = now

    def exit(self) -> None:
        """End the stage that runs."""
        own = self._own
        now = time.thread_time()
        self.seconds[own.stack.pop()[0]] += now - own.since
        own.since = now

    @coroutine
    def _driven(self, stage: Stage, running: Any) -> Generator[Any, Any, Any]:  # noqa: ANN401
        """Count the steps of a coroutine and not what it waits for."""
        given = None
        while True:
            self.enter(stage.name, whole=stage.whole)
            try:
                asked = running.send(given)
            except StopIteration as end:
                return end.value
            finally:
                self.exit()
            given = yield asked

    def _collected(self, phase: str, _: object) -> None:
        if phase == "start":
            self.enter(COLLECTOR, whole=True)
        else:
            self.exit()
