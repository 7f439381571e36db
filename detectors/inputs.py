"""
The pings of the last hours, kept so that a late one can be put where it belongs.

24 bytes a ping and an index by row. In the changelog they stand as chunks of many rows each, written once per flush:
a record per row would cost more than everything else together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from detectors.pings import PING, in_order, joined, picked, positions

if TYPE_CHECKING:
    from collections.abc import Iterable

    from detectors.pings import Column

STORED: Final = np.dtype([("serial", "<u4"), ("ping", PING)])
TAIL: Final = 65_536
PIECES: Final = 16
SMALL_BYTES: Final = 4_096
LARGEST_BYTES: Final = 524_288 // STORED.itemsize * STORED.itemsize


class Sealed(NamedTuple):
    """Pings in order of row and time; those of `rows[k]` begin at `starts[k]`."""

    rows: Column
    starts: Column
    pings: Column
    newest_ms: int


class Chunk(NamedTuple):
    """One record of the changelog: how many bytes it has, and the newest time in it."""

    data: bytes
    newest_ms: int


class Inputs:
    """
    Append pings of many rows; ask for those of some rows after some time.

    Rows are the kernel's row numbers; what is stored names a row by its serial, which survives a restart.
    """

    def __init__(self) -> None:
        self.sealed: list[Sealed] = []
        self._tail_rows: list[Column] = []
        self._tail: list[Column] = []
        self._tail_size = 0
        self.fresh: list[Column] = []
        self._open = Chunk(b"", 0)
        self._chunks: dict[int, int] = {}  # number of a chunk: newest time in it; its bytes are not kept
        self._next = 0
        self._gone: list[int] = []
        self.floor_ms = 0
        """No ping later than this was ever forgotten."""

    def __len__(self) -> int:
        return self._tail_size + sum(len(part.pings) for part in self.sealed)

    def add(self, rows: Column, serials: Column, pings: Column) -> None:
        """Keep pings; in any order."""
        if not len(rows):
            return
        self._tail_rows.append(rows)
        self._tail.append(pings)
        if len(self._tail) > PIECES:
            self._tail_rows, self._tail = [np.concatenate(self._tail_rows)], [joined(self._tail)]
        self._tail_size += len(rows)
        stored = np.empty(len(rows), STORED)
        stored["serial"], stored["ping"] = serials, pings
        self.fresh.append(stored)
        if self._tail_size >= TAIL:
            self._seal()

    def of(self, rows: Column, after_ms: Column) -> tuple[Column, Column]:
        """
        Pings of the given rows (sorted, distinct), each row's later than its own `after_ms`, in order.

        Gives positions in `rows`, and the pings.
        """
        where, pings = [np.zeros(0, np.int64)], [np.zeros(0, PING)]
        for part in self.sealed:
            at = np.minimum(np.searchsorted(part.rows, rows), len(part.rows) - 1)
            hit = positions(part.rows[at] == rows)
            begin = part.starts[at[hit]]
            count = part.starts[at[hit] + 1] - begin
            index = np.repeat(begin - np.concatenate(([0], np.cumsum(count)[:-1])), count) + np.arange(count.sum())
            where.append(np.repeat(hit, count))
            pings.append(picked(part.pings, index))
        for tail_rows, tail in zip(self._tail_rows, self._tail, strict=True):
            if len(rows) == 1:
                hit = positions(tail_rows == rows[0])
                where.append(np.zeros(len(hit), np.int64))
            else:
                at = np.minimum(np.searchsorted(rows, tail_rows), len(rows) - 1)
                hit = positions(rows[at] == tail_rows)
                where.append(at[hit])
            pings.append(picked(tail, hit))
        at, found = np.concatenate(where), joined(pings)
        later = found["time_ms"] > after_ms[at]
        at, found = at[later], picked(found, later)
        order = in_order(at, found)
        return at[order], picked(found, order)

    def forget(self, before_ms: int) -> None:
        """Drop what is older altogether; a part goes when its newest ping does."""
        old = [number for number, newest_ms in self._chunks.items() if newest_ms < before_ms]
        ends = [part.newest_ms for part in self.sealed if part.newest_ms < before_ms]
        self.floor_ms = max([self.floor_ms, *ends, *(self._chunks[number] for number in old)])
        self.sealed = [part for part in self.sealed if part.newest_ms >= before_ms]
        for number in old:
            del self._chunks[number]
            if number == self._next - 1:
                self._open = Chunk(b"", 0)
                self._next += 1
        self._gone += old

    def erase(self, row: int, serials: Column) -> None:
        """Leave no ping of a row, neither here nor in the changelog: all chunks are written anew."""
        self._seal()
        kept = [(np.repeat(p.rows, np.diff(p.starts)), p.pings) for p in self.sealed]
        self.sealed, self.fresh = [], []
        self._gone += list(self._chunks)
        self._chunks, self._open = {}, Chunk(b"", 0)
        for rows, pings in kept:
            stay = rows != row
            self.add(rows[stay], serials[rows[stay]], picked(pings, stay))

    def take(self) -> list[tuple[int, bytes | None]]:
        """Chunks to write since the last call, by number; None ends a chunk."""
        out: list[tuple[int, bytes | None]] = [(number, None) for number in self._gone]
        self._gone = []
        if self.fresh:
            fresh = joined(self.fresh)
            self.fresh = []
            data = fresh.tobytes()
            newest_ms = int(fresh["ping"]["time_ms"].max())
            if self._open.data and len(self._open.data) + len(data) <= SMALL_BYTES:
                self._open = Chunk(self._open.data + data, max(newest_ms, self._open.newest_ms))
                number = self._next - 1
            else:
                for begin in range(0, len(data) - LARGEST_BYTES, LARGEST_BYTES):
                    out.append((self._next, data[begin : begin + LARGEST_BYTES]))
                    self._chunks[self._next] = newest_ms
                    self._next += 1
                rest = (max(len(data) - 1, 0) // LARGEST_BYTES) * LARGEST_BYTES
                self._open = Chunk(data[rest:], newest_ms)
                number, self._next = self._next, self._next + 1
            self._chunks[number] = self._open.newest_ms
            out.append((number, self._open.data))
        return out

    @property
    def records(self) -> int:
        """How many changelog records hold what `take` has given so far."""
        return len(self._chunks)

    def load(self, chunks: Iterable[tuple[int, bytes]], serials: Column, floor_ms: int) -> None:
        """What `take` gave; rows are found by their serial, pings of rows that are gone are left out."""
        self.floor_ms = floor_ms
        parts = []
        for number, data in chunks:
            stored = np.frombuffer(data, STORED)
            self._chunks[number] = int(stored["ping"]["time_ms"].max())
            self._next = max(self._next, number + 1)
            parts.append(stored)
        if parts:
            stored = joined(parts)
            order = np.argsort(serials)
            at = np.minimum(np.searchsorted(serials[order], stored["serial"]), len(serials) - 1)
            rows = order[at] if len(serials) else at
            known = positions(serials[rows] == stored["serial"]) if len(serials) else at[:0]
            self._tail_rows, self._tail = [rows[known]], [picked(stored["ping"], known)]
            self._tail_size = int(known.sum())
            self._seal()

    def _seal(self) -> None:
        if not self._tail_size:
            return
        rows, pings = np.concatenate(self._tail_rows), joined(self._tail)
        order = in_order(rows, pings)
        rows, pings = rows[order], picked(pings, order)
        distinct, starts = np.unique(rows, return_index=True)
        ends: Any = np.append(starts, len(rows))
        self.sealed.append(Sealed(distinct, ends, pings, int(pings["time_ms"].max())))
        self._tail_rows, self._tail, self._tail_size = [], [], 0
