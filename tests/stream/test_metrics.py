"""Metrics: one catalogue, closed labels, and a batch histogram that equals the client's own."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram, generate_latest

from schemas.errors import Reason
from schemas.topics import PINGS
from stream import __version__
from stream.metrics import LABELS, PREFIX, Delays, Metrics, catalogue

BUCKETS = (1.0, 2.0, 5.0)


def test_scrape_shows_the_catalogue_and_no_other_name_of_ours() -> None:
    """What `/metrics` announces under `vigil_` is the catalogue, kinds included."""
    registry = CollectorRegistry()
    Metrics(registry)
    announced = {
        tuple(line.split()[2:]) for line in generate_latest(registry).decode().splitlines() if line.startswith("# TYPE")
    }

    assert {(entry.name, entry.prometheus_kind) for entry in catalogue()} == {
        (name, kind) for name, kind in announced if name.startswith(PREFIX)
    }


@pytest.mark.parametrize("entry", catalogue(), ids=lambda entry: entry.name)
def test_entry_keeps_the_conventions(entry) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001  # any kind
    """Counters alone end in `_total`; units are base units; labels are of the closed set, the version apart."""
    allowed = {"version"} if entry.name == "vigil_build_info" else set(LABELS)

    assert (entry.prometheus_kind == "counter") == entry.name.endswith("_total")
    assert set(entry.labels) <= allowed
    assert not entry.name.endswith(("_ms", "_minutes", "_kb"))
    assert entry.meaning
    assert entry.remedy


def test_each_refusal_is_at_zero_from_the_start() -> None:
    """A rate over a refusal that has not yet happened is zero and not missing."""
    registry = CollectorRegistry()
    Metrics(registry)

    for reason in Reason:
        labels = {"topic": PINGS, "reason": reason.value}
        assert 0.0 == registry.get_sample_value("vigil_records_refused_total", labels)


def test_each_alert_is_at_zero_from_the_start() -> None:
    """The first alert of a kind is an increase, not a series that begins at one."""
    registry = CollectorRegistry()
    Metrics(registry)
    labels = {"rule": "curfew", "phase": "retracted", "severity": "alert"}

    assert 0.0 == registry.get_sample_value("vigil_alerts_total", labels)


def test_live_metric_is_the_attribute() -> None:
    """An attribute of the object is the metric of that name on the registry handed in."""
    registry = CollectorRegistry()
    metrics = Metrics(registry)
    metrics.pings_accepted_total.inc(3)
    metrics.supervisees.labels(2).set(40)

    assert 3.0 == registry.get_sample_value("vigil_pings_accepted_total")
    assert 40.0 == registry.get_sample_value("vigil_supervisees", {"partition": "2"})
    assert 1.0 == registry.get_sample_value("vigil_build_info", {"version": __version__})


def test_two_workers_of_one_process_count_apart() -> None:
    """Each registry has its own metrics."""
    one, other = CollectorRegistry(), CollectorRegistry()
    Metrics(one).pings_accepted_total.inc()
    Metrics(other)

    assert (1.0, 0.0) == (
        one.get_sample_value("vigil_pings_accepted_total"),
        other.get_sample_value("vigil_pings_accepted_total"),
    )


@given(st.lists(st.lists(st.floats(-10, 10) | st.sampled_from(BUCKETS), max_size=20), max_size=5))
def test_batches_fall_into_the_buckets_of_the_client(batches: list[list[float]]) -> None:
    """Counted a batch at a time or a value at a time, buckets, count and sum are the same."""
    one, other = CollectorRegistry(), CollectorRegistry()
    batched = Delays("delay_seconds", "d", registry=one, buckets=BUCKETS)
    single = Histogram("delay_seconds", "d", registry=other, buckets=BUCKETS)
    for batch in batches:
        batched.observe_many(np.array(batch, np.float64))
        for value in batch:
            single.observe(value)

    for le in ("1.0", "2.0", "5.0", "+Inf"):
        assert other.get_sample_value("delay_seconds_bucket", {"le": le}) == one.get_sample_value(
            "delay_seconds_bucket", {"le": le}
        )
    assert other.get_sample_value("delay_seconds_count") == one.get_sample_value("delay_seconds_count")
    assert other.get_sample_value("delay_seconds_sum") == pytest.approx(one.get_sample_value("delay_seconds_sum"))


def test_batch_histogram_has_no_labels() -> None:
    """Labels on it would be dropped in silence, so they are refused."""
    with pytest.raises(ValueError, match="no labels"):
        Delays("delay_seconds", "d", ("topic",), registry=CollectorRegistry(), buckets=BUCKETS)
