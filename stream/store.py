"""
The rows of a partition, as of its last committed transaction, read back from the compacted changelog.

The trap is the empty start. A reader that begins at the wrong end, a truncated changelog or a topic that was deleted
and created again all look like a partition that never had rows, and everything known of its people would be gone in
silence. So the reader seeks to numbers only, and the header record says how many rows there must be and which topics
they came from; what does not fit is refused before anything is written.
"""

import json
from collections.abc import AsyncIterator
from typing import Any, NamedTuple, Self

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas.errors import BadState, Unavailable
from schemas.topics import CHANGELOG, ORDERS
from stream.columns import Columns, poll
from stream.transactions import HEADER_KEY, LAYOUT

FETCH_BYTES = 1 << 22
STUCK_POLLS = 300
"""Polls of 0.1 s without a record before the end after which the broker counts as gone."""


class Header(NamedTuple):
    """What the last transaction of a partition said about its rows."""

    rows: int
    topic_ids: dict[str, str]
    applied: dict[str, int]
    clock_ms: int


class Stored(NamedTuple):
    """A partition as it was left: changelog values by key, and the header, or None for one that never had any."""

    records: dict[bytes, bytes]
    header: Header | None


class Bounds(NamedTuple):
    """First offset still there, and the offset after the last committed record."""

    begin: int
    end: int


class Reader:
    """Reads the topics of one partition number for its loading, without being a member of the group."""

    def __init__(self, bootstrap: str, group: str) -> None:
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=bootstrap,
            group_id=group,
            client_id="vigil-load",
            enable_auto_commit=False,
            auto_offset_reset="none",
            isolation_level="read_committed",
            fetch_max_wait_ms=100,
            retry_backoff_ms=20,  # the first request for each topic waits it out
            max_partition_fetch_bytes=FETCH_BYTES,
        )

    async def __aenter__(self) -> Self:
        await self._consumer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._consumer.stop()

    async def bounds(self, topic: str, number: int) -> Bounds:
        """Give the bounds of one partition."""
        tp = TopicPartition(topic, number)
        begin, end = await self._consumer.beginning_offsets([tp]), await self._consumer.end_offsets([tp])
        return Bounds(begin[tp], end[tp])

    async def committed(self, topic: str, number: int) -> int | None:
        """Give the next offset that the group committed, or None."""
        offset: int | None = await self._consumer.committed(TopicPartition(topic, number))
        return offset

    async def read(self, topic: str, number: int, bounds: Bounds) -> AsyncIterator[Columns]:
        """
        Read everything inside the bounds, and what follows in the last poll.

        Raises Unavailable when the broker stops answering.
        """
        tp = TopicPartition(topic, number)
        at, idle = bounds.begin, 0
        # Not seek_to_beginning(): a reset that assign() began may win over it, and nothing would be read.
        self._consumer.assign([tp])
        self._consumer.seek(tp, at)
        while at < bounds.end:
            columns = (await poll(self._consumer._fetcher, {tp}, 0.1)).get(tp)  # noqa: SLF001 - no public way to columns
            if columns is None:
                idle += 1
                if idle > STUCK_POLLS:
                    raise Unavailable(f"{topic}[{number}] ends at {bounds.end} but gives nothing from {at} on")
                continue
            if columns.start != at:
                raise BadState(f"{topic}[{number}] gave offset {columns.start} where {at} was asked for")
            at, idle = columns.end, 0
            yield columns


async def read_rows(reader: Reader, number: int, group: str) -> Stored:
    """
    Give the changelog of a partition: the last committed value of each key.

    Raises BadState when its header and its rows do not fit together.
    """
    latest: dict[bytes | None, bytes | None] = {}
    async for columns in reader.read(CHANGELOG, number, await reader.bounds(CHANGELOG, number)):
        latest.update(zip(columns.keys, columns.values, strict=True))
    raw = latest.pop(HEADER_KEY, None)
    records = {key: value for key, value in latest.items() if key is not None and value is not None}
    where = f"{CHANGELOG}[{number}]"
    if raw is None:
        if latest:
            raise BadState(f"{where} has {len(latest)} rows and no header: truncated, or written by something else")
        return Stored(records, None)
    header = _header(raw, where, group)
    if header.rows != len(records):
        raise BadState(
            f"{where} has {len(records)} rows where its header counts {header.rows}: records were deleted from it;"
            " restore the topic, or delete it and the group to start anew from the source topics"
        )
    return Stored(records, header)


def _header(raw: bytes, where: str, group: str) -> Header:
    try:
        body: dict[str, Any] = json.loads(raw)
        if body["layout"] != LAYOUT:
            raise BadState(f"{where} has layout {body['layout']}, this version reads {LAYOUT}: run the other")
        if body["group"] != group:
            raise BadState(f"{where} belongs to the group {body['group']}, not to {group}: two cannot share topics")
        topics = body["topics"]
        return Header(
            rows=body["rows"],
            topic_ids={topic: entry["id"] for topic, entry in topics.items()},
            applied={topic: entry["next"] for topic, entry in topics.items()},
            clock_ms=body["clock_ms"],
        )
    except (ValueError, KeyError, TypeError) as error:
        raise BadState(f"{where} has a header that cannot be read: {type(error).__name__}") from error


def check_topics(header: Header, topic_ids: dict[str, str]) -> None:
    """Refuse rows that came from other topics than those of the same names. Raises BadState."""
    for topic, was in header.topic_ids.items():
        if topic_ids.get(topic) != was:
            raise BadState(
                f"{topic} is not the topic that the rows were made from (id {topic_ids.get(topic)}, was {was}): it was"
                f" deleted and created again; bring the old one back, or delete {CHANGELOG} and the group to start anew"
            )


async def positions(
    reader: Reader, number: int, header: Header | None, committed_of: dict[str, int | None]
) -> dict[str, int]:
    """
    Give the next offset of each source topic: what the rows contain, else the beginning.

    `committed_of` was asked for before the rows were read, and the ends are asked for after: a worker that was stopped
    in between finds what its heir has done since, and must not take it for records skipped or a log cut short.

    The header decides, since it was written with the rows; the group's offset only says that an operator has skipped
    records on purpose, which is the one way past records that are gone. Raises BadState otherwise.
    """
    found: dict[str, int] = {}
    for topic, committed in committed_of.items():
        bounds = await reader.bounds(topic, number)
        where = f"{topic}[{number}]"
        if header is None and committed is not None:
            raise BadState(f"{CHANGELOG}[{number}] is empty, yet the group has read {where} up to {committed}")
        at = bounds.begin if header is None else header.applied.get(topic, bounds.begin)
        if committed is not None and committed > at:
            lost(topic, number, at, committed, by="operator")
            at = committed
        check_range(topic, number, at, bounds)
        found[topic] = max(at, bounds.begin)
    return found


def check_range(topic: str, number: int, at: int, bounds: Bounds) -> None:
    """
    Refuse a position outside the log. Raises BadState that names what is gone and what an operator can do.

    The orders topic may begin later than it was read: it is read whole at each load.
    """
    where = f"{topic}[{number}]"
    if at > bounds.end:
        raise BadState(f"{where} ends at {bounds.end}, but the rows contain it up to {at}: the log was truncated")
    if at < bounds.begin and topic != ORDERS:
        lost(topic, number, at, bounds.begin, by="retention")
        raise BadState(
            f"{where} was read up to {at} and now begins at {bounds.begin}, so {bounds.begin - at} records are gone"
            f" unread; to go on without them, set the group's offset to {bounds.begin}"
            " (kafka-consumer-groups --reset-offsets)"
        )


def lost(topic: str, number: int, begin: int, end: int, by: str) -> None:
    """Write the audit event for records [begin, end) that were never read."""
    structlog.get_logger(__name__).error("records skipped", topic=topic, partition=number, begin=begin, end=end, by=by)
