"""
Loading: the rows of all partitions from their changelog into engines, as a worker does after an assignment.

Options: `bootstrap`, `group`. One partition after the other; the clock stands while connections are made.
"""

import asyncio
import time
from typing import Any

import psutil

from detectors.engine import Engine
from detectors.gate import Limits
from schemas.rules import load_rules
from stream.settings import Settings
from stream.store import Reader, read_rows
from tests.bench import machine
from tests.bench.feeding import PARTITIONS


async def load(options: dict[str, str]) -> dict[str, Any]:
    """Give the seconds of reading and of loading, how many supervisees and records that was, and the memory."""
    settings = Settings(clock="feed")
    rules, limits = load_rules(settings.rules_file), Limits(settings.horizon_ms, settings.future_ms)
    read_s = load_s = 0.0
    engines, records = [], 0
    before, cpu_s = psutil.Process().memory_info().rss, time.process_time()
    for number in range(PARTITIONS):
        async with Reader(options["bootstrap"], options["group"]) as reader:
            began = time.perf_counter()
            stored = await read_rows(reader, number, options["group"])
            read_s += time.perf_counter() - began
        engine = Engine(rules, limits)
        began = time.perf_counter()
        engine.load(stored.records)
        load_s += time.perf_counter() - began
        records += len(stored.records)
        engines.append(engine)
        del stored
    return {
        "read_s": read_s,
        "load_s": load_s,
        "supervisees": sum(map(len, engines)),
        "records": records,
        "cpu_s": time.process_time() - cpu_s,
        "rss_bytes": psutil.Process().memory_info().rss - before,
    }


def main() -> None:
    """Measure."""
    result, options = machine.begin()
    machine.leave(result, asyncio.run(load(options)))


if __name__ == "__main__":
    main()
