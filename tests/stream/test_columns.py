"""Columns: what belongs to which part, and when it was appended."""

import functools
import operator

import numpy as np
import pytest

from stream.columns import Columns


@pytest.fixture
def columns() -> Columns:
    """Five records at offsets 10 to 16, in two record batches, a marker after them."""
    made = Columns(10)
    made.offsets = [10, 11, 13, 15, 16]
    made.keys = [b"a", b"b", b"c", b"d", b"e"]
    made.values = [b"1", b"2", b"3", b"4", b"5"]
    made.appended = [(2, 1_000), (5, 2_000)]
    made.end = 18
    return made


def test_append_times(columns: Columns) -> None:
    """Expected: each record has the append time of its record batch."""
    assert [1_000, 1_000, 2_000, 2_000, 2_000] == columns.appended_ms(np.arange(5)).tolist()


@pytest.mark.parametrize("cut", range(6))
def test_parts_leave_no_hole(columns: Columns, cut: int) -> None:
    """Expected: wherever it is cut, the second part begins where the first one ends, and both are the whole."""
    first, second = columns.part(0, cut), columns.part(cut, 5)
    assert (10, 18) == (first.start, second.end)
    assert first.end == second.start
    assert columns.offsets == first.offsets + second.offsets
    assert columns.keys == first.keys + second.keys
    assert columns.values == first.values + second.values
    appended = [part.appended_ms(np.arange(len(part))).tolist() for part in (first, second) if len(part)]
    assert [1_000, 1_000, 2_000, 2_000, 2_000] == functools.reduce(operator.iadd, appended, [])


def test_no_records_but_markers() -> None:
    """Expected: columns without records still move the position."""
    markers = Columns(5)
    markers.end = 7
    rest = markers.part(0, 0)
    assert (5, 7, 0) == (rest.start, rest.end, len(rest))
