"""Feeds on their way out: files as the replay reads them, topics with clocks."""

import json
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition

from schemas.errors import BadConfiguration
from schemas.topics import ORDERS, PINGS
from schemas.wire import CLOCK_KEY
from stream.decode import partition_of
from stream.simulate.county import County
from stream.simulate.lives import HOUR, MINUTE
from stream.simulate.sinks import CLOCK_EVERY_MS, run_to_files, run_to_kafka, timeline
from tests.conftest import FreshTopics
from tests.stream.simulated import MONDAY, SEED

FEED = County(people=4, seed=SEED, start_ms=MONDAY, days=3, interval_min=(30.0,), offenders=1.0).feed()


def _nothing(count: int, total: int) -> None:
    """Show no progress."""


def test_files_hold_orders_pings_truth_and_a_last_clock(tmp_path: Path) -> None:
    """One record a line, in order; the last line of the pings tells how far the time has come."""
    run_to_files(FEED, tmp_path / "new" / "folder", _nothing)
    orders, pings, truth = (
        [json.loads(line) for line in (tmp_path / "new" / "folder" / f"{name}.jsonl").read_text().splitlines()]
        for name in ("orders", "pings", "truth")
    )

    assert [o.supervisee for o in FEED.orders] == [o["supervisee"] for o in orders]
    assert [p.time_ms for p in FEED.pings()] == [p["time_ms"] for p in pings[:-1]]
    assert {"clock_ms": FEED.end_ms} == pings[-1]
    assert [row.since_ms for row in FEED.truth] == [row["since_ms"] for row in truth]
    assert all(("cause" in row) == (row["rule"] == "gap") != ("class" in row) for row in truth)


def test_progress_ends_with_everything(tmp_path: Path) -> None:
    """The last word is all of all."""
    told: list[tuple[int, int]] = []
    run_to_files(FEED, tmp_path, lambda count, total: told.append((count, total)))

    assert (len(FEED), len(FEED)) == told[-1]


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """A file stands where the folder should be."""
    (tmp_path / "taken").write_text("")

    with pytest.raises(BadConfiguration, match="taken: cannot be written"):
        run_to_files(FEED, tmp_path / "taken", _nothing)


def test_the_clock_is_told_every_five_minutes_behind_what_came_before() -> None:
    """No moment is more than five minutes after the last, none before a ping that is not later than it."""
    events = list(timeline(FEED, after_ms=6 * HOUR))
    moments = [at_ms for at_ms, ping in events if ping is None]
    times = [at_ms for at_ms, _ in events]

    assert times == sorted(times)
    assert CLOCK_EVERY_MS == 5 * MINUTE >= max(b - a for a, b in pairwise(moments))
    assert FEED.end_ms + 6 * HOUR == moments[-1] == times[-1]
    assert list(FEED.pings()) == [ping for _, ping in events if ping is not None]
    at_the_same_time = [ping for (at, ping), (_, then) in pairwise(events) if then and at == then.time_ms]
    assert all(ping is not None for ping in at_the_same_time)


def test_the_clock_is_told_as_seldom_as_is_asked() -> None:
    """Every hour, and at the end."""
    moments = [at_ms for at_ms, ping in timeline(FEED, after_ms=0, every_ms=HOUR) if ping is None]

    assert {HOUR} == {b - a for a, b in pairwise(moments[:-1])}
    assert FEED.end_ms == moments[-1]


def test_the_clock_of_an_empty_feed_only_says_that_it_ended() -> None:
    """Nobody in the county: one moment, the end."""
    empty = replace(FEED, reports=FEED.reports[:0])

    assert [(FEED.end_ms, None)] == list(timeline(empty, after_ms=0))


@pytest.mark.kafka
def test_topics_get_everything_where_its_key_belongs(kafka: str, fresh_topics: FreshTopics) -> None:
    """Orders, pings by murmur2 in time order, and on every partition the clock up to the end and beyond it."""
    fresh_topics(partitions=4)
    run_to_kafka(FEED, kafka, _nothing, after_ms=HOUR)
    reader = KafkaConsumer(bootstrap_servers=kafka, auto_offset_reset="earliest", consumer_timeout_ms=5_000)
    partitions = [TopicPartition(topic, number) for topic in (ORDERS, PINGS) for number in range(4)]
    reader.assign(partitions)
    ends = reader.end_offsets(partitions)
    records = []
    while any(reader.position(partition) < end for partition, end in ends.items()):
        records += [record for batch in reader.poll(1_000).values() for record in batch]
    reader.close()
    pings = [r for r in records if r.topic == PINGS and r.key != CLOCK_KEY]
    clocks = [
        [json.loads(r.value)["clock_ms"] for r in records if r.key == CLOCK_KEY and r.partition == n] for n in range(4)
    ]

    assert {o.supervisee.encode() for o in FEED.orders} == {r.key for r in records if r.topic == ORDERS}
    assert sorted(p.value for p in FEED.pings()) == sorted(r.value for r in pings)
    assert all(partition_of(r.key, 4) == r.partition for r in records if r.key != CLOCK_KEY)
    assert FEED.end_ms + HOUR == clocks[0][-1]
    assert clocks[0] == sorted(clocks[0])
    assert [clocks[0]] * 4 == clocks


@pytest.mark.kafka
def test_speed_stretches_the_feed_over_real_time(kafka: str, fresh_topics: FreshTopics) -> None:
    """Three days at 172,800 times the speed last one and a half seconds or more."""
    fresh_topics(partitions=4)
    started = time.monotonic()
    run_to_kafka(FEED, kafka, _nothing, speed=172_800.0)

    assert 1.4 < time.monotonic() - started


@pytest.mark.kafka
def test_a_missing_topic_is_named_with_the_command_that_creates_it(
    kafka: str, admin: KafkaAdminClient, fresh_topics: FreshTopics
) -> None:
    """Nothing is sent to a topic that nobody made."""
    fresh_topics(partitions=4)
    admin.delete_topics([PINGS])
    while PINGS in admin.list_topics():
        time.sleep(0.02)

    with pytest.raises(BadConfiguration, match=r"vigil\.pings: the topic does not exist: create it with `vigil topics"):
        run_to_kafka(FEED, kafka, _nothing)
