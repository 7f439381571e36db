"""
The plain way: a Faust agent with tables, gap and curfew as Faust's documentation would have them.

It does less than Vigil: no quality, no permits, no late pings, no check of the law, nothing exactly once; silence is
noticed at the next ping. Distances are taken in the datum of the pings. Options: `bootstrap`, `pings`, how many there
are. The clock runs from the first ping until the last one and its writes to the tables are acknowledged.
"""

import asyncio
import datetime as dt
import logging
import math
import time
from typing import Any, Final

import faust

from tests.bench import machine

PINGS: Final = "bench-plain-pings"
ORDERS: Final = "bench-plain-orders"
ALERTS: Final = "bench-plain-alerts"
GAP_MS: Final = 2 * 3_600_000
AWAY_M: Final = 500.0
PARTITIONS: Final = 4
_UTC8: Final = dt.timezone(dt.timedelta(hours=8))
_CONTACT: Final = ("located", "no_fix")


class Ping(faust.Record, serializer="json"):  # type: ignore[misc, call-arg]
    """What the carrier says."""

    supervisee: str
    time_ms: int
    status: str
    carrier: str
    source: str
    sim: str
    device: str
    lon: float | None = None
    lat: float | None = None
    datum: str | None = None
    accuracy_m: float | None = None
    cell: str | None = None


def build(bootstrap: str, finished: asyncio.Event, people: int, pings: int, result: dict[str, Any]) -> Any:  # noqa: ANN401
    """Put the application together: one agent for orders, one for pings, a table for each."""
    app = faust.App(
        "bench-plain",
        broker=f"kafka://{bootstrap}",
        web_enabled=False,
        store="memory://",
        datadir="build/bench/plain",
        topic_partitions=PARTITIONS,
    )
    orders = app.topic(ORDERS, key_type=str, value_serializer="json")
    arrived = app.topic(PINGS, key_type=str, value_type=Ping)
    alerts = app.topic(ALERTS, key_type=str, value_serializer="json")
    homes = app.Table("homes", default=dict, partitions=PARTITIONS)
    states = app.Table("states", default=dict, partitions=PARTITIONS)
    ready = asyncio.Event()
    result["seen"] = result["alerts"] = 0

    @app.agent(orders)  # type: ignore[untyped-decorator]
    async def know(stream: Any) -> None:  # noqa: ANN401
        async for order in stream:
            homes[order["supervisee"]] = {"home": order["residence"], "windows": order["curfew"]["windows"]}
            if len(homes) == people:
                ready.set()

    @app.agent(arrived)  # type: ignore[untyped-decorator]
    async def watch(stream: Any) -> None:  # noqa: ANN401
        async for ping in stream:
            if not result["seen"]:
                await ready.wait()
                result["began"] = time.perf_counter(), time.process_time()
            state = dict(states[ping.supervisee])
            for rule in judge(ping, homes[ping.supervisee], state):
                result["alerts"] += 1
                await alerts.send(key=ping.supervisee, value={"rule": rule, **state})
            states[ping.supervisee] = state
            result["seen"] += 1
            if result["seen"] == pings:
                finished.set()

    return app


def judge(ping: Ping, order: dict[str, Any], state: dict[str, Any]) -> list[str]:
    """Give the rules that open or close an episode with this ping, and change the state."""
    said = []
    silent_ms = ping.time_ms - state.get("contact_ms", ping.time_ms)
    if ping.status in _CONTACT:
        if silent_ms > GAP_MS:
            said.append("gap")
        state["contact_ms"] = ping.time_ms
    if ping.lon is None or ping.lat is None:
        return said
    outside = distance_m(ping.lon, ping.lat, order["home"]) - max(ping.accuracy_m or 1_000.0, 300.0) > AWAY_M - 300.0
    if not (outside and in_window(ping.time_ms, order["windows"])):
        if state.pop("out", []) and state.pop("curfew", None):
            said.append("curfew")
        return said
    out = state["out"] = [*state.get("out", []), ping.time_ms][-4:]
    if len(out) == 4 and out[-1] - out[0] >= 15 * 60_000 and not state.get("curfew"):
        state["curfew"] = out[0]
        said.append("curfew")
    return said


def distance_m(lon: float, lat: float, home: dict[str, Any]) -> float:
    """Metres between a position and a residence, on a sphere."""
    east = math.radians(lon - home["lon"]) * math.cos(math.radians(home["lat"]))
    return 6_371_000.0 * math.hypot(east, math.radians(lat - home["lat"]))


def in_window(time_ms: int, windows: list[dict[str, Any]]) -> bool:
    """Whether a curfew window, which ends on the next day, holds the local time."""
    local = dt.datetime.fromtimestamp(time_ms / 1_000, _UTC8)
    clock = local.strftime("%H:%M")
    return any(
        (clock >= window["start"] and local.weekday() in window["days"])
        or (clock < window["end"] and (local.weekday() - 1) % 7 in window["days"])
        for window in windows
    )


async def run(options: dict[str, Any]) -> dict[str, Any]:
    """Start the application, wait for the last ping, stop it."""
    finished, result = asyncio.Event(), dict[str, Any]()
    app = build(options["bootstrap"], finished, options["people"], options["pings"], result)
    await app.start()
    await finished.wait()
    await app.producer.flush()
    wall_s, cpu_s = result.pop("began")
    result["wall_s"], result["cpu_s"] = time.perf_counter() - wall_s, time.process_time() - cpu_s
    await app.stop()
    return result


def main() -> None:
    """Measure."""
    logging.basicConfig(level=logging.INFO)
    place, options = machine.begin()
    machine.leave(place, asyncio.run(run(options)))


if __name__ == "__main__":
    main()
