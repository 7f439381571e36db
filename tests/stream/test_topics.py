"""Topics: created from the table, kept as the table says, never given another partition count."""

import time

import pytest
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType

from schemas.errors import BadConfiguration
from schemas.topics import ALERTS, CHANGELOG, PINGS, TOPICS
from stream import topics
from stream.topics import Existing, Plan, plan, wanted_configs

ALL = {topic.name: Existing(4, wanted_configs(topic)) for topic in TOPICS}


def test_empty_broker_gets_every_topic() -> None:
    """On a broker without topics the whole table is created."""
    assert Plan(tuple(topic.name for topic in TOPICS), {}) == plan({}, 4)


def test_agreeing_broker_gets_nothing() -> None:
    """Where all agrees nothing is done."""
    assert Plan((), {}) == plan(ALL, 4)


def test_only_differing_configs_are_set() -> None:
    """A config that somebody changed is set back, and the others are left alone."""
    changed = {**ALL, PINGS: Existing(4, {**ALL[PINGS].configs, "retention.ms": "1"})}

    assert Plan((), {PINGS: {"retention.ms": "604800000"}}) == plan(changed, 4)


@pytest.mark.parametrize("asked", [3, 5])
def test_other_partition_count_is_refused_with_the_reason(asked: int) -> None:
    """Neither fewer nor more partitions: keys would leave their state; the way out is named."""
    with pytest.raises(BadConfiguration, match=r"has 4 partitions.*away from the state.*VIGIL_PARTITIONS=4"):
        plan(ALL, asked)


def test_one_missing_topic_is_made_with_the_count_of_the_others() -> None:
    """A topic that was deleted cannot come back with another count than its fellows."""
    rest = {name: found for name, found in ALL.items() if name != ALERTS}

    assert (ALERTS,) == plan(rest, 4).create
    with pytest.raises(BadConfiguration, match="never changed"):
        plan(rest, 8)


@pytest.mark.kafka
def test_real_broker(kafka: str, admin: KafkaAdminClient) -> None:
    """On a real broker: created, unchanged the second time, mended where changed, refused with another count."""
    left_over = {topic.name for topic in TOPICS} & set(admin.list_topics())
    if left_over:
        admin.delete_topics(sorted(left_over))
    while topics.existing(kafka):
        time.sleep(0.05)

    assert [f"created {topic.name}: 4 partitions" for topic in TOPICS] == topics.apply(kafka, 4, 1)
    assert [] == topics.apply(kafka, 4, 1)
    with pytest.raises(BadConfiguration, match="never changed"):
        topics.apply(kafka, 8, 1)

    found = topics.existing(kafka)

    assert {4} == {topic.partitions for topic in found.values()}
    assert "compact" == found[CHANGELOG].configs["cleanup.policy"]
    assert "LogAppendTime" == found[PINGS].configs["message.timestamp.type"]

    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, PINGS, {"retention.ms": "1000"})])
    while topics.existing(kafka)[PINGS].configs["retention.ms"] != "1000":
        time.sleep(0.05)

    assert [f"changed {PINGS}: retention.ms=604800000"] == topics.apply(kafka, 4, 1)
