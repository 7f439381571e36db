"""
The records of one partition from one poll, as lists: keys, values, offsets; nothing decoded, no object per record.

The trap is the garbage collector: a hundred thousand live record objects are walked again and again and cost more than
parsing them. Offsets are next offsets everywhere: `start` is where the columns begin, `end` is the first offset after
them, and both are numbers even where the log begins at 0 or ends in transaction markers.
"""
# ruff: noqa: ANN401, SLF001 - aiokafka has no types and gives records as objects only; stream/private_names.py lists them

import asyncio
from collections.abc import Collection
from typing import Any

import numpy as np
from aiokafka.consumer.fetcher import READ_COMMITTED, FetchResult
from aiokafka.errors import ConsumerStoppedError, CorruptRecordException
from numpy.typing import NDArray


class Columns:
    """
    Records [start, end) of one partition in offset order; what lies between them was markers or compacted away.

    `appended` holds (records so far, append time in ms) for each record batch.
    """

    __slots__ = ("appended", "end", "keys", "offsets", "start", "values")

    def __init__(self, start: int) -> None:
        self.keys: list[bytes | None] = []
        self.values: list[bytes | None] = []
        self.offsets: list[int] = []
        self.appended: list[tuple[int, int]] = []
        self.start = self.end = start

    def __len__(self) -> int:
        return len(self.offsets)

    def appended_ms(self, index: NDArray[np.int64]) -> NDArray[np.int64]:
        """Append times of the records at `index`, in ms; shapes (n,) -> (n,)."""
        upto, times = np.array(self.appended, np.int64).reshape(-1, 2).T
        found: NDArray[np.int64] = times[np.searchsorted(upto, index, side="right")]
        return found

    def part(self, start: int, stop: int) -> "Columns":
        """Give the records [start, stop), by index; what follows the last record belongs to the last part."""
        part = Columns(self.start if start == 0 else self.end if start >= len(self) else self.offsets[start])
        some = slice(start, stop)
        part.keys, part.values, part.offsets = self.keys[some], self.values[some], self.offsets[some]
        part.appended = [(min(upto, stop) - start, at) for upto, at in self.appended if upto > start]
        part.end = self.end if stop >= len(self) else self.offsets[stop]
        return part


def read_columns(parsed: Any) -> Columns:
    """
    Drain aiokafka's `PartitionRecords`: all of it, for the broker is asked again only when nothing is left.

    Aborted transactions and markers are skipped, but move `end`. Raises CorruptRecordException on a checksum that does
    not fit.
    """
    out = Columns(parsed.next_fetch_offset)
    key, value, offset = out.keys.append, out.values.append, out.offsets.append
    batches, at = parsed._records, parsed.next_fetch_offset
    while batches.has_next():
        batch = batches.next_batch()
        if not batch.validate_crc():
            raise CorruptRecordException(f"Invalid CRC - {parsed._tp}")
        if not _is_hidden(parsed, batch):
            for record in batch:
                # A seek may land inside a record batch; the broker sends the whole of it.
                if record.offset >= at:
                    key(record.key)
                    value(record.value)
                    offset(record.offset)
            if out.offsets:
                out.appended.append((len(out.offsets), batch.max_timestamp))
        at = batch.next_offset
    parsed.next_fetch_offset = out.end = at
    return out


def _is_hidden(parsed: Any, batch: Any) -> bool:
    """Whether a committed reader does not see the batch: a marker, or part of an aborted transaction."""
    if parsed._isolation_level == READ_COMMITTED and batch.producer_id is not None:
        parsed._consume_aborted_up_to(batch.base_offset)
        if batch.is_control_batch and parsed._contains_abort_marker(batch):
            parsed._aborted_producers.discard(batch.producer_id)
        if batch.is_transactional and batch.producer_id in parsed._aborted_producers:
            return True
    return bool(batch.is_control_batch)


async def poll(fetcher: Any, wanted: Collection[Any], timeout_s: float) -> dict[Any, Columns]:
    """
    Give what the fetcher has for the `wanted` partitions, after waiting at most `timeout_s` for the first of it.

    Runs on the loop of the fetcher. Partitions that are not wanted keep what was fetched for them. Raises what the
    broker answered for a wanted partition, and ConsumerStoppedError after the end.
    """
    if fetcher._closed:
        raise ConsumerStoppedError
    subscriptions = fetcher._subscriptions
    with subscriptions.fetch_context():
        if subscriptions.reassignment_in_progress:
            await subscriptions.wait_for_assignment()
        out = _drain(fetcher, wanted)
        if not out:
            waiter = fetcher._create_fetch_waiter()
            done, _ = await asyncio.wait([waiter], timeout=timeout_s)
            if not done:
                waiter.cancel()
            else:
                waiter.result()  # raises what the coordinator refused
                out = _drain(fetcher, wanted)
        return out


def _drain(fetcher: Any, wanted: Collection[Any]) -> dict[Any, Columns]:
    out: dict[Any, Columns] = {}
    for tp in [tp for tp in fetcher._records if tp in wanted]:
        result = fetcher._records[tp]
        if type(result) is not FetchResult:
            if out:
                break  # deliver first, raise at the next poll
            _done(fetcher, tp)
            result.check_raise()
        elif result.check_assignment(tp) and result.has_more():
            columns = read_columns(result._partition_records)
            result._update_position()
            _done(fetcher, tp)
            if columns.end > columns.start:
                out[tp] = columns
        else:
            _done(fetcher, tp)
    return out


def _done(fetcher: Any, tp: Any) -> None:
    del fetcher._records[tp]
    fetcher._notify(fetcher._wait_consume_future)
