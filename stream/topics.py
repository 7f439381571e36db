"""
The topics on the broker, made to agree with the one table of topics.

The trap: a partition more moves most keys away from the rows that remember them. A partition count is therefore given
once, when no topic exists yet, and a difference is refused and never mended here.
"""

from collections.abc import Mapping
from typing import NamedTuple

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType

from schemas.errors import BadConfiguration
from schemas.topics import TOPICS, Topic
from stream import broker


class Existing(NamedTuple):
    """A topic as the broker has it: partition count and the configs that differ from the broker's defaults."""

    partitions: int
    configs: Mapping[str, str]


class Plan(NamedTuple):
    """What must be done: names to create, and configs to set by name."""

    create: tuple[str, ...]
    alter: Mapping[str, Mapping[str, str]]


def wanted_configs(topic: Topic) -> dict[str, str]:
    """Every config that the table asks of `topic`, under Kafka's names."""
    return {"cleanup.policy": topic.cleanup, **topic.configs}


def plan(existing: Mapping[str, Existing], partitions: int) -> Plan:
    """
    Compare the broker with the table.

    Raises BadConfiguration when a topic has another number of partitions than `partitions`, or the topics differ
    among each other: a person's orders and pings must meet in one partition.
    """
    for topic in TOPICS:
        found = existing.get(topic.name)
        if found is not None and found.partitions != partitions:
            raise BadConfiguration(
                topic.name,
                f"has {found.partitions} partitions, {partitions} are asked for, and a count is never changed: keys "
                "would move away from the state that belongs to them. "
                f"Set VIGIL_PARTITIONS={found.partitions}, or use another Kafka for another count",
            )
    differing = {
        topic.name: {
            key: value for key, value in wanted_configs(topic).items() if existing[topic.name].configs.get(key) != value
        }
        for topic in TOPICS
        if topic.name in existing
    }
    return Plan(
        tuple(topic.name for topic in TOPICS if topic.name not in existing),
        {name: configs for name, configs in differing.items() if configs},
    )


def apply(bootstrap: str, partitions: int, replication: int) -> list[str]:
    """
    Create what is missing and set the configs that differ; say each step in a line, none when nothing was to do.

    Running it again does nothing. Raises BadConfiguration as `plan` does, and Unavailable.
    """
    with broker.reaching(bootstrap):
        admin = broker.admin(bootstrap)
        try:
            steps = plan(_existing(admin), partitions)
            if steps.create:
                configs = {topic.name: wanted_configs(topic) for topic in TOPICS}
                admin.create_topics(
                    {
                        name: {
                            "num_partitions": partitions,
                            "replication_factor": replication,
                            "configs": configs[name],
                        }
                        for name in steps.create
                    },
                    wait_for_metadata=True,
                )
            if steps.alter:
                admin.alter_configs(
                    [ConfigResource(ConfigResourceType.TOPIC, name, dict(c)) for name, c in steps.alter.items()]
                )
        finally:
            admin.close()
    created = [f"created {name}: {partitions} partitions" for name in steps.create]
    return created + [
        f"changed {name}: " + ", ".join(f"{key}={value}" for key, value in sorted(configs.items()))
        for name, configs in steps.alter.items()
    ]


def existing(bootstrap: str) -> dict[str, Existing]:
    """Read the topics of the table as the broker has them, by name; one that is missing is left out."""
    with broker.reaching(bootstrap):
        admin = broker.admin(bootstrap)
        try:
            return _existing(admin)
        finally:
            admin.close()


def _existing(admin: KafkaAdminClient) -> dict[str, Existing]:
    names = sorted({topic.name for topic in TOPICS} & set(admin.list_topics()))
    if not names:
        return {}
    partitions = {found["name"]: len(found["partitions"]) for found in admin.describe_topics(names)}
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    configs = admin.describe_configs(resources, config_filter="all")["topic"]
    return {
        name: Existing(partitions[name], {key: config["value"] for key, config in configs[name].items()})
        for name in names
    }
