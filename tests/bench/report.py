"""The figures of a run as a table that can be read."""

import sys
from typing import Final

from tests.bench.parts import Run

BARS: Final = {
    "delivery_records_per_s": (1_200_000, ">="),
    "durable_pings_per_s": (300_000, ">="),
    "cpu_over_decode": (7, "<="),
    "few_pings_per_s": (150_000, ">="),
    "curfew_start_100k_longest_ms": (100, "<="),
    "recovery_rows_per_s": (250_000, ">="),
    "ready_100k_s": (5, "<="),
    "rss_mb": (700, "<="),
    "bytes_per_supervisee": (3_000, "<="),
    "deadline_scan_1m_ms": (2, "<="),
    "ping_to_alert_p99_s": (1, "<="),
    "poison_over_clean": (0.8, ">="),
    "poison_wrong": (0, "<="),
    "poison_unaccounted": (0, "<="),
    "silence_beyond_settle_max_s": (5, "<="),
}


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def show(run: Run) -> None:
    """Print figures, stages and memory."""
    for name, value in run.figures.items():
        bar = BARS.get(name)
        met = "" if bar is None else f"  bar {bar[1]} {bar[0]:,}{'' if _meets(value, *bar) else '  NOT MET'}"
        say(f"{name:<34} {_number(value):>14}{met}")
    pings = len(run.drawn.values)
    for where, seconds in run.stages.items():
        say(f"\n{where}: microseconds of processor time a ping, by stage")
        for name, spent in sorted(seconds.items(), key=lambda item: -item[1]):
            say(f"  {name:<42} {spent / pings * 1e6:>8.3f}")
        say(f"  {'all':<42} {sum(seconds.values()) / pings * 1e6:>8.3f}")
    if run.memory:
        say("\nbytes a supervisee, by group")
        for name, size in sorted(run.memory.items(), key=lambda item: -item[1]):
            say(f"  {name:<42} {size:>8,}")


def _meets(value: float, limit: float, how: str) -> bool:
    return value >= limit if how == ">=" else value <= limit


def _number(value: float) -> str:
    return f"{value:,.3f}" if abs(value) < 100 else f"{value:,.0f}"
