"""What is shown of partitions: their times and counts while they are ours, nothing afterwards."""

from prometheus_client import CollectorRegistry, generate_latest

from schemas.topics import SOURCES
from stream.clock import FeedClock, Reading
from stream.gauges import Gauges
from stream.metrics import Metrics
from stream.partition import Partition
from tests.stream.counting import Counting


def test_shown_and_forgotten() -> None:
    """Expected: gauges by partition number, counters that only grow by what is new, and no gauge once it has left."""
    registry = CollectorRegistry()
    gauges = Gauges(Metrics(registry))
    kernel = Counting()
    kernel.order("s0", b"{}", 0)
    kernel.counters["late"] = 3
    partition = Partition(2, kernel, None, FeedClock(0), {topic: Reading() for topic in SOURCES}, {}, {})
    partition.ticked_ms = 5_000
    gauges.show([partition])
    kernel.counters["late"] = 4
    gauges.show([partition])
    page = generate_latest(registry).decode()
    assert 'vigil_clock_timestamp_seconds{partition="2"} 5.0' in page
    assert 'vigil_supervisees{partition="2"} 1.0' in page
    assert "vigil_pings_late_total 4.0" in page
    gauges.forget([2, 3])
    assert 'partition="2"' not in generate_latest(registry).decode()
