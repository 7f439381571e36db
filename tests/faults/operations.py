"""What an operator, or time itself, does to topics and groups behind the back of the workers."""

import time
from collections.abc import Mapping

from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.structs import OffsetAndMetadata

from stream import topics
from tests.faults.driver import Run
from tests.faults.log import ends_of, read


def configure(admin: KafkaAdminClient, topic: str, configs: Mapping[str, str]) -> None:
    """Change settings of a topic."""
    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, dict(configs))])


def cut(run: Run, topic: str, share: float = 1) -> None:
    """Delete the first part of what each partition of a topic holds now, as retention does."""
    ends = ends_of(run.bootstrap, [topic])
    run.admin.delete_records({TopicPartition(*place): round(end * share) for place, end in ends.items()})


def recreate(run: Run, topic: str) -> None:
    """Delete a topic and make one of the same name."""
    run.admin.delete_topics([topic])
    while topic in run.admin.list_topics():
        time.sleep(0.05)
    topics.apply(run.bootstrap, run.county.partitions, replication=1)


def skip(run: Run, topic: str) -> None:
    """Set the group's offsets to the end of a topic; no worker may live."""
    ends = ends_of(run.bootstrap, [topic])
    offsets = {TopicPartition(*place): OffsetAndMetadata(end, "", -1) for place, end in ends.items()}
    run.admin.alter_group_offsets(run.group, offsets)


def stored(run: Run, topic: str) -> int:
    """Count the records that a topic holds for a committed reader."""
    return sum(map(len, read(run.bootstrap, [topic])[topic].values()))
