"""Inputs: the pings of the last hours, by row, and as chunks of the changelog."""

import numpy as np

from detectors.inputs import LARGEST_BYTES, SMALL_BYTES, STORED, TAIL, Inputs
from detectors.pings import Column, make
from tests.detectors.watched import MINUTE, Ping, fix, on

SERIALS = np.array([11, 12, 13], np.uint32)


def add(inputs: Inputs, *of: tuple[int, Ping]) -> None:
    """Keep pings of some rows, whose serials are 11, 12 and 13."""
    rows = np.array([row for row, _ in of])
    inputs.add(rows, SERIALS[rows], make([ping for _, ping in of]))


def times(inputs: Inputs, rows: list[int], after_ms: list[int]) -> list[tuple[int, int]]:
    """Position in `rows` and minute after noon of each ping that is asked for."""
    at, pings = inputs.of(np.array(rows), np.array(after_ms))
    return [(int(k), (int(t) - on("12:00")) // MINUTE) for k, t in zip(at, pings["time_ms"], strict=True)]


def noon(minute: int, east_m: float = 0) -> Ping:
    """A fix so many minutes after noon."""
    return fix(on("12:00") + minute * MINUTE, east_m)


def many(inputs: Inputs, count: int, first_ms: int) -> None:
    """So many pings of the second row, one every ms."""
    pings = np.zeros(count, make([noon(0)]).dtype)
    pings["time_ms"] = first_ms + np.arange(count)
    rows = np.ones(count, np.int64)
    inputs.add(rows, SERIALS[rows], pings)


def test_pings_come_back_by_row_and_in_order() -> None:
    """Each row's later than its own time, whatever the order in which they were added."""
    inputs = Inputs()
    add(inputs, (2, noon(5)), (0, noon(3)), (0, noon(1)))
    add(inputs, (0, noon(2)), (1, noon(9)))
    assert [(0, 2), (0, 3), (1, 5)] == times(inputs, [0, 2], [on("12:01"), 0])
    assert [] == times(inputs, [1], [on("12:09")])


def test_an_empty_store_has_nothing() -> None:
    """Neither pings nor chunks."""
    inputs = Inputs()
    assert (0, [], []) == (len(inputs), times(inputs, [0], [0]), inputs.take())
    inputs.add(np.zeros(0, np.int64), np.zeros(0, np.uint32), make([]))
    assert (0, []) == (len(inputs), inputs.take())


def test_sealed_and_fresh_pings_are_one_store() -> None:
    """Beyond the tail's size pings are sorted away; what is asked for is the same."""
    inputs = Inputs()
    add(inputs, (0, noon(7)), (2, noon(4)))
    many(inputs, TAIL, on("08:00"))
    add(inputs, (0, noon(2)))
    assert 1 == len(inputs.sealed)
    assert TAIL + 3 == len(inputs)
    assert [(0, 2), (0, 7), (1, 4)] == times(inputs, [0, 2], [0, 0])
    assert TAIL == len(times(inputs, [1], [0]))


def test_a_row_that_a_sealed_part_lacks_has_nothing_there() -> None:
    """Below, between and above its rows."""
    inputs = Inputs()
    many(inputs, TAIL, on("08:00"))
    assert [] == times(inputs, [0, 2], [0, 0])


def test_small_flushes_share_a_chunk() -> None:
    """It is written again and grows until it is large enough; then another begins."""
    inputs = Inputs()
    numbers = []
    for minute in range(SMALL_BYTES // STORED.itemsize + 1):
        add(inputs, (0, noon(minute)))
        numbers += [number for number, _ in inputs.take()]
    assert [0] * (SMALL_BYTES // STORED.itemsize) + [1] == numbers


def test_a_large_flush_is_cut_into_whole_pings() -> None:
    """No chunk is larger than what a record may hold, and none cuts a ping."""
    inputs = Inputs()
    many(inputs, 50_000, on("08:00"))
    chunks = [data for _, data in inputs.take() if data]
    assert 50_000 * STORED.itemsize == sum(map(len, chunks))
    assert 3 == len(chunks)
    assert all(len(data) <= LARGEST_BYTES and len(data) % STORED.itemsize == 0 for data in chunks)


def test_what_is_written_comes_back_for_the_rows_that_are_left() -> None:
    """Found by serial, because row numbers are new after a restart."""
    inputs = Inputs()
    chunks: dict[int, bytes | None] = {}
    add(inputs, (0, noon(1)), (1, noon(2)), (2, noon(3)))
    chunks.update(inputs.take())
    add(inputs, (0, noon(4)))
    chunks.update(inputs.take())
    again = Inputs()
    again.load([(number, data) for number, data in chunks.items() if data], np.array([13, 11]), 77)
    assert [(0, 3), (1, 1), (1, 4)] == times(again, [0, 1], [0, 0])
    assert (3, 77) == (len(again), again.floor_ms)


def test_after_loading_chunks_are_numbered_on() -> None:
    """A chunk of before is never overwritten."""
    inputs = Inputs()
    add(inputs, (0, noon(1)))
    (number, data), *_ = inputs.take()
    again = Inputs()
    again.load([(number, data or b"")], np.array([11]), 0)
    add(again, (0, noon(2)))
    assert [number + 1] == [new for new, _ in again.take()]


def test_chunks_go_when_all_in_them_is_old() -> None:
    """With a tombstone; the floor tells up to when pings were forgotten."""
    inputs = Inputs()
    many(inputs, 50_000, on("08:00"))
    inputs.take()
    add(inputs, (0, noon(1)))
    inputs.take()
    inputs.forget(on("08:00"))
    assert (0, []) == (inputs.floor_ms, inputs.take())
    inputs.forget(on("12:00"))
    assert [(0, None), (1, None), (2, None)] == inputs.take()
    assert on("08:00") + 49_999 == inputs.floor_ms


def test_a_chunk_that_went_is_not_continued() -> None:
    """The next flush opens one with a number of its own."""
    inputs = Inputs()
    add(inputs, (0, noon(1)))
    inputs.take()
    inputs.forget(on("13:00"))
    add(inputs, (0, noon(90)))
    (ended, nothing), (begun, data) = inputs.take()
    assert (0, None, STORED.itemsize) == (ended, nothing, len(data or b""))
    assert begun > ended


def test_nothing_is_left_of_an_erased_row() -> None:
    """All chunks end, and what others said is written anew."""
    inputs, kept = Inputs(), noon(2, 300)
    add(inputs, (0, noon(1)), (1, kept), (0, noon(3)))
    written = dict(inputs.take())
    add(inputs, (0, noon(4)))
    inputs.erase(0, SERIALS)
    written.update(inputs.take())
    assert [] == times(inputs, [0], [0])
    assert [(0, 2)] == times(inputs, [1], [0])
    left: list[Column] = [np.frombuffer(data, STORED) for data in written.values() if data]
    assert [(12, kept)] == [(int(one["serial"]), one["ping"].item()) for part in left for one in part]
