"""
What the metrics page shows of each owned partition.

The trap: a gauge that stays behind when its partition has moved to another worker looks like one that stands still.
"""

import contextlib
from collections.abc import Iterable

from schemas.topics import ORDERS
from stream.metrics import Metrics
from stream.partition import Partition


class Gauges:
    """Brings the metrics up to what the partitions say."""

    def __init__(self, metrics: Metrics) -> None:
        self._gauges = (
            metrics.clock_timestamp_seconds,
            metrics.progress_timestamp_seconds,
            metrics.order_timestamp_seconds,
            metrics.supervisees,
        )
        self._counters = {"late": metrics.pings_late_total, "duplicate": metrics.pings_duplicate_total}

    def show(self, partitions: Iterable[Partition]) -> None:
        """Set every gauge, and count what the rules have counted since the last time."""
        for partition in partitions:
            times_ms = partition.ticked_ms, partition.progress_ms(), partition.readings[ORDERS].appended_ms
            values = [*(time_ms / 1000 for time_ms in times_ms), len(partition.kernel)]
            for gauge, value in zip(self._gauges, values, strict=True):
                gauge.labels(partition.number).set(value)
            for name, counter in self._counters.items():
                count = partition.kernel.counters.get(name, 0)
                counter.inc(count - partition.shown.get(name, 0))
                partition.shown[name] = count

    def forget(self, numbers: Iterable[int]) -> None:
        """Show nothing more of partitions that have left: another worker does."""
        for number in numbers:
            for gauge in self._gauges:
                with contextlib.suppress(KeyError):
                    gauge.remove(number)
