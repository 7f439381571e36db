"""
Every metric that Vigil publishes, once: its name is the attribute's name with `vigil_` before it.

The trap: a label that names a person or an organisation makes the metrics page a register of people under supervision
and the series countless; labels come from `LABELS` only. The registry is handed in, so that a test and a second worker
in one process each have their own.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, Generic, Self, TypeVar, overload

import numpy as np
from numpy.typing import NDArray
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, disable_created_metrics
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector

from schemas.alert import Phase, Severity
from schemas.errors import Reason
from schemas.topics import SOURCES
from stream import __version__
from stream.sentences import RULES

PREFIX: Final = "vigil_"
LABELS: Final = ("rule", "phase", "severity", "reason", "topic", "partition", "level")
FLUSH_BUCKETS_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
DELAY_BUCKETS_S: Final = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0, 3600.0, 21600.0, 86400.0)
LOAD_BUCKETS_S: Final = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class Delays(Collector):
    """
    A histogram that takes a whole batch at once, for what happens with every ping.

    The client's own histogram costs a microsecond for each value, a third of what a ping may cost altogether.
    """

    def __init__(
        self,
        name: str,
        documentation: str,
        labelnames: Iterable[str] = (),
        *,
        registry: CollectorRegistry,
        buckets: tuple[float, ...],
    ) -> None:
        if tuple(labelnames):
            raise ValueError(f"{name}: a histogram of batches has no labels")
        self._name, self._documentation, self._edges = name, documentation, np.asarray(buckets)
        self._counts = np.zeros(len(buckets) + 1, np.int64)
        self._sum = 0.0
        registry.register(self)

    def observe_many(self, values: NDArray[np.float64]) -> None:
        """Count each value into the first bucket whose upper edge is not below it. Shape (n,), seconds, no NaN."""
        self._counts += np.bincount(np.searchsorted(self._edges, values), minlength=len(self._counts))
        self._sum += float(values.sum())

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """Give the counts, cumulative as Prometheus wants them."""
        edges = [*map(str, self._edges.tolist()), "+Inf"]
        buckets = list(zip(edges, np.cumsum(self._counts).tolist(), strict=True))
        yield HistogramMetricFamily(self._name, self._documentation, buckets=buckets, sum_value=self._sum)


M = TypeVar("M", bound=Counter | Gauge | Histogram | Delays)


class Entry(Generic[M]):
    """One row of the catalogue: on the class `Metrics` the row itself, on an object of it the live metric."""

    name: str

    def __init__(
        self,
        kind: Callable[..., M],
        meaning: str,
        remedy: str,
        labels: tuple[str, ...] = (),
        buckets: tuple[float, ...] = (),
    ) -> None:
        self.kind: Callable[..., M] = kind
        self.meaning, self.remedy, self.labels, self.buckets = meaning, remedy, labels, buckets

    def __set_name__(self, owner: type, attribute: str) -> None:
        self.name = PREFIX + attribute

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: type) -> M: ...
    def __get__(self, instance: object | None, owner: type) -> Self | M:
        if instance is None:
            return self
        raise AttributeError(self.name)

    @property
    def prometheus_kind(self) -> str:
        """What a scrape calls it: counter, gauge or histogram."""
        if self.kind is Counter:
            return "counter"
        return "gauge" if self.kind is Gauge else "histogram"

    def build(self, registry: CollectorRegistry) -> M:
        """Make the live metric on `registry`; two on one registry are refused by the client."""
        buckets: dict[str, Any] = {"buckets": self.buckets} if self.buckets else {}
        return self.kind(self.name, f"{self.meaning}; {self.remedy}", self.labels, registry=registry, **buckets)


class Metrics:
    """The live metrics of one process, each series whose labels are known from the start already at zero."""

    pings_accepted_total = Entry(
        Counter,
        "pings that passed every check and reached the rules",
        "flat while the feed sends: look at vigil_records_refused_total, then at vigil_progress_timestamp_seconds",
    )
    pings_late_total = Entry(
        Counter,
        "accepted pings that lay behind their row and amended it",
        "a rise: the carrier delivers late; compare vigil_ping_delay_seconds with VIGIL_SETTLE_S",
    )
    pings_duplicate_total = Entry(
        Counter,
        "pings equal to one already seen, ignored",
        "a rise: a sender repeats itself; harmless",
    )
    records_refused_total = Entry(
        Counter,
        "records sent to vigil.dead-letters",
        "read the header `reason` there, mend the sender, and send the record again from its origin",
        ("topic", "reason"),
    )
    alerts_total = Entry(
        Counter,
        "events published on vigil.alerts",
        "a jump of one rule: suspect a common cause or a changed rules file before the people",
        ("rule", "phase", "severity"),
    )
    ping_delay_seconds = Entry(
        Delays,
        "time from a ping's `time_ms` to its append time on vigil.pings",
        "above VIGIL_SETTLE_S for many: the carrier is slow, raise VIGIL_SETTLE_S or silence is announced too early",
        buckets=DELAY_BUCKETS_S,
    )
    flush_seconds = Entry(
        Histogram,
        "time of one transaction: alerts, rows, dead letters and offsets of a partition",
        "above VIGIL_FLUSH_S: the broker is slow; alerts come later, none is lost",
        buckets=FLUSH_BUCKETS_S,
    )
    load_seconds = Entry(
        Histogram,
        "time from the assignment of a partition to its first ping",
        "above 30 s: the changelog is not compacted or the broker is slow; the partition waits, others work on",
        buckets=LOAD_BUCKETS_S,
    )
    clock_timestamp_seconds = Entry(
        Gauge,
        "the clock of a partition: every deadline before it has fired",
        "stands still: no deadline fires there; the broker does not answer or a source topic is missing",
        ("partition",),
    )
    progress_timestamp_seconds = Entry(
        Gauge,
        "wall time at which a partition last advanced or stood at its end",
        "older than a minute: the worker is stuck there; /live fails and the process should be restarted",
        ("partition",),
    )
    order_timestamp_seconds = Entry(
        Gauge,
        "append time of the newest order read of a partition",
        "older than a working day: the register may have stopped sending; new people are refused as unknown",
        ("partition",),
    )
    supervisees = Entry(
        Gauge,
        "supervisees with a live order",
        "a fall: orders ended, or vigil.orders lost records; compare with the register",
        ("partition",),
    )
    build_info = Entry(
        Gauge,
        "always 1; the version of Vigil in `version`",
        "workers of one group with different versions: finish the roll-out",
        ("version",),
    )

    def __init__(self, registry: CollectorRegistry) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # the client has no annotation there
        ProcessCollector(registry=registry)
        vars(self).update((entry.name.removeprefix(PREFIX), entry.build(registry)) for entry in catalogue())
        for topic in SOURCES:
            for reason in Reason:
                self.records_refused_total.labels(topic, reason)
        for rule in RULES:
            for phase in Phase:
                for severity in Severity:
                    self.alerts_total.labels(rule, phase, severity)
        self.build_info.labels(__version__).set(1)


def catalogue() -> list[Entry[Any]]:
    """List every metric, in the order in which the README shows them."""
    return [entry for entry in vars(Metrics).values() if isinstance(entry, Entry)]
