"""The table of topics."""

from schemas.topics import ALERTS, CHANGELOG, DAYS, DEAD_LETTERS, ORDERS, PARTITIONS, PINGS, SOURCES, TOPICS

DAY_MS = 86_400_000
BY_NAME = {topic.name: topic for topic in TOPICS}


def test_names_are_kept() -> None:
    """Names are part of the contract, and no name mixes dot and underscore."""
    names = ["vigil.orders", "vigil.pings", "vigil.checkins", "vigil.dispositions", "vigil.alerts", "vigil.days"]
    assert [*names, "vigil.dead-letters", "vigil-windows-changelog"] == list(BY_NAME)
    assert [] == [name for name in BY_NAME if "_" in name]


def test_all_have_the_same_partitions() -> None:
    """All records of a person meet on one partition number."""
    assert {PARTITIONS} == {topic.partitions for topic in TOPICS}


def test_sources_keep_the_time_of_arrival() -> None:
    """What is read is stamped by the broker, or retention would delete a replay of old events at once."""
    assert set(SOURCES) == {topic.name for topic in TOPICS if topic.direction == "in"}
    stamped = {topic.name for topic in TOPICS if "message.timestamp.type" in topic.configs}
    assert set(SOURCES) == stamped
    assert "LogAppendTime" == BY_NAME[PINGS].configs["message.timestamp.type"]


def test_retention() -> None:
    """What expires does so after its days; what is compacted never expires."""
    days = {PINGS: 7, "vigil.checkins": 30, "vigil.dispositions": 400, ALERTS: 90, DAYS: 400, DEAD_LETTERS: 30}
    deleted = {topic.name: topic.configs["retention.ms"] for topic in TOPICS if topic.cleanup == "delete"}
    assert {name: str(count * DAY_MS) for name, count in days.items()} == deleted
    compacted = [topic for topic in TOPICS if topic.cleanup == "compact"]
    assert [ORDERS, CHANGELOG] == [topic.name for topic in compacted]
    assert [] == [topic.name for topic in compacted if "retention.ms" in topic.configs]


def test_compaction() -> None:
    """An erased order stays visible for 30 days; the changelog is compacted early and often."""
    assert str(30 * DAY_MS) == BY_NAME[ORDERS].configs["delete.retention.ms"]
    expected = {"segment.bytes": "33554432", "min.cleanable.dirty.ratio": "0.1", "max.compaction.lag.ms": "600000"}
    assert expected == BY_NAME[CHANGELOG].configs
