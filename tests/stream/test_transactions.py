"""One transaction for all that a partition says, and nothing more after the first failure."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from schemas.topics import ALERTS, CHANGELOG, PINGS
from stream.clock import FeedClock
from stream.metrics import Metrics
from stream.partition import Partition
from stream.transactions import HEADER_KEY, Transactions
from tests.stream.counting import Counting, encode, event


class Batch:
    """Two records at most."""

    def __init__(self) -> None:
        self.records: list[tuple[bytes | None, bytes | None]] = []

    def append(self, *, key: bytes | None, value: bytes | None, headers: object, timestamp: object) -> object:  # noqa: ARG002
        """Take one more, or None when full."""
        if len(self.records) == 2:
            return None
        self.records.append((key, value))
        return self

    def record_count(self) -> int:
        """Count them."""
        return len(self.records)


class Producer:
    """Writes down what a real one would do; `fails` names the step that raises."""

    def __init__(self, fails: str = "") -> None:
        self.did: list[Any] = []
        self.fails = fails

    def _do(self, name: str, *what: object) -> None:
        if name == self.fails:
            raise ConnectionError(name)
        self.did.append((name, *what))

    def create_batch(self) -> Batch:
        """Give an empty batch."""
        return Batch()

    async def begin_transaction(self) -> None:
        """Begin."""
        self._do("begin")

    async def send_batch(self, batch: Batch, topic: str, *, partition: int) -> asyncio.Future[None]:
        """Send; the future fails when it is the step that raises."""
        acknowledged: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self.fails == "acknowledge":
            acknowledged.set_exception(ConnectionError("acknowledge"))
        else:
            acknowledged.set_result(None)
        self._do("send", topic, partition, tuple(key for key, _ in batch.records))
        return acknowledged

    async def send_offsets_to_transaction(self, offsets: dict[Any, int], group: str) -> None:
        """Add offsets."""
        self._do("offsets", {tp.topic: at for tp, at in offsets.items()}, group)

    async def commit_transaction(self) -> None:
        """Commit."""
        self._do("commit")

    async def stop(self) -> None:
        """Stop."""
        self.did.append(("stop",))


def unexpected(cause: BaseException) -> None:
    """Fail the test."""
    raise AssertionError from cause


def scene(producer: Producer, poisoned: Callable[[BaseException], None]) -> tuple[Transactions, Partition]:
    """Give one owned partition with three rows, an event, and a ping read."""
    transactions = Transactions("group", 4, encode, Metrics(CollectorRegistry()), poisoned)
    partition = Partition(1, Counting(), producer, FeedClock(0), {}, {PINGS: "id"}, {PINGS: 7})
    for name in "abc":
        partition.kernel.order(name, b"{}", 0)
        partition.routed.add(name.encode())
    assert isinstance(partition.kernel, Counting)
    partition.kernel.events.append(event("a", 10, 5))
    transactions.owned[1] = partition
    return transactions, partition


def test_everything_in_one_transaction() -> None:
    """Expected: rows in whole batches with the header last, then alerts, then offsets, then the commit."""

    async def scenario() -> None:
        producer = Producer()
        transactions, partition = scene(producer, unexpected)
        await transactions.flush([partition])
        names = [step[0] for step in producer.did]
        assert ["begin", "send", "send", "send", "offsets", "commit"] == names
        rows = [step for step in producer.did if step[:2] == ("send", CHANGELOG)]
        assert HEADER_KEY == rows[-1][3][-1]
        assert ("send", ALERTS, 1, (b"a",)) == producer.did[3]
        assert ("offsets", {PINGS: 7}, "group") == producer.did[4]
        assert not partition.pending()

    asyncio.run(scenario())


def test_nothing_to_say() -> None:
    """Expected: no transaction for a partition in which nothing happened."""

    async def scenario() -> None:
        producer = Producer()
        transactions, partition = scene(producer, unexpected)
        await transactions.flush([partition])
        producer.did.clear()
        await transactions.flush([partition])
        assert [] == producer.did

    asyncio.run(scenario())


@pytest.mark.parametrize("step", ["begin", "send", "acknowledge", "offsets", "commit"])
def test_first_failure_is_the_last(step: str) -> None:
    """Expected: the worker is poisoned with the cause, and neither a flush nor a release writes again."""

    async def scenario() -> None:
        producer, causes = Producer(step), list[BaseException]()
        transactions, partition = scene(producer, causes.append)
        await transactions.flush([partition])
        assert [step] == [str(cause) for cause in causes]
        producer.fails = ""
        producer.did.clear()
        partition.applied[PINGS] = 8
        await transactions.flush([partition])
        await transactions.release([1])
        assert [("stop",)] == producer.did

    asyncio.run(scenario())


def test_release_writes_the_last_of_it() -> None:
    """Expected: a transaction, then the producer stops and the partition is nobody's."""

    async def scenario() -> None:
        producer = Producer()
        transactions, partition = scene(producer, unexpected)
        await transactions.release([1, 2])
        assert ["commit", "stop"] == [step[0] for step in producer.did[-2:]]
        assert {} == transactions.owned
        assert partition.gone

    asyncio.run(scenario())


def test_partition_that_leaves_in_the_middle() -> None:
    """Expected: its transaction is not committed, and the worker lives on."""

    async def scenario() -> None:
        producer = Producer()
        transactions, partition = scene(producer, unexpected)

        async def leave(*_: object) -> None:
            partition.gone = True

        producer.send_offsets_to_transaction = leave  # type: ignore[assignment]
        await transactions.flush([partition])
        assert ("commit",) not in producer.did

    asyncio.run(scenario())
