"""
How everything outside the worker reaches Kafka: one way to connect, one way to fail.

The trap: kafka-python names a broker that does not answer in half a dozen ways, some of them after minutes.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError, RetriableError

from schemas.errors import BadConfiguration, Unavailable

POLL_MS: Final = 200
PATIENCE_MS: Final = 5_000
"""How long a first answer may take; a broker on the other side of a city needs far less."""


@contextmanager
def reaching(bootstrap: str) -> Iterator[None]:
    """Turn what kafka-python raises inside the block into Unavailable, with the addresses and what to do."""
    try:
        yield
    except RetriableError as error:
        raise Unavailable(
            f"no Kafka broker answers at {bootstrap} ({error}): is it up, and VIGIL_KAFKA_BOOTSTRAP right?"
        ) from error
    except KafkaError as error:
        raise Unavailable(f"Kafka at {bootstrap} refused: {error}") from error


def admin(bootstrap: str) -> KafkaAdminClient:
    """Connect as one who may create topics. Use inside `reaching`."""
    return KafkaAdminClient(**_options(bootstrap))


def producer(bootstrap: str) -> KafkaProducer:
    """Connect as a sender whose records are acknowledged by every replica, partitioned by murmur2, never doubled."""
    return KafkaProducer(**_options(bootstrap), acks="all", enable_idempotence=True, linger_ms=20)


def reader(bootstrap: str, group: str | None = None, *, from_beginning: bool = True) -> KafkaConsumer:
    """
    Connect as a reader who sees committed records only and commits nothing by itself.

    `from_beginning` says where a group without a position starts.
    """
    return KafkaConsumer(
        **_options(bootstrap),
        group_id=group,
        isolation_level="read_committed",
        auto_offset_reset="earliest" if from_beginning else "latest",
        enable_auto_commit=False,
        allow_auto_create_topics=False,
    )


def partitions_of(consumer: KafkaConsumer, topic: str) -> list[TopicPartition]:
    """List the partitions of `topic`. Raises BadConfiguration with the command that creates it where it is missing."""
    numbers = consumer.partitions_for_topic(topic)
    if not numbers:
        raise BadConfiguration(topic, "the topic does not exist: create it with `vigil topics apply`")
    return [TopicPartition(topic, number) for number in sorted(numbers)]


def stored(consumer: KafkaConsumer, partitions: list[TopicPartition]) -> Iterator[Any]:
    """Give every committed record that the partitions hold now, and end. Use inside `reaching`."""
    consumer.assign(partitions)
    consumer.seek_to_beginning(*partitions)
    ends = consumer.end_offsets(partitions)
    while any(consumer.position(partition) < ends[partition] for partition in partitions):
        for records in consumer.poll(timeout_ms=POLL_MS).values():
            yield from records


def _options(bootstrap: str) -> dict[str, Any]:
    return {"bootstrap_servers": bootstrap.split(","), "client_id": "vigil", "bootstrap_timeout_ms": PATIENCE_MS}
