"""The store of one partition: a packed row for each supervisee, copies of it from the last hours, and their bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from zlib import crc32

import numpy as np

from detectors.pings import NEVER, joined, positions, whole
from detectors.window import Window
from schemas.errors import BadState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from detectors.pings import Column
    from detectors.window import Columns, Detector

CORE: Final = np.dtype(
    [
        ("serial", "u4"),  # names the row in the changelog; never used twice
        ("follows_ms", "i8"),  # of a copy: time of the first ping after it, 0 while there is none
        ("newest_ms", "i8"),  # time of the newest ping
        ("fired_ms", "i8"),  # time of the last deadline that was fired
        ("checkins", "u4"),
        ("dispositions", "u4"),
    ],
)
COPIES: Final = 3
NO_COPY: Final = -1


class Windows:
    """
    Rows are packed, because the rows of a batch lie apart: one copy of 400 bytes beats fifty of eight.

    `checkout` gives them as columns, `checkin` writes the columns back. `frontier` is what a row has seen: its newest
    ping or the last deadline fired. `copies` are earlier states of a row with their frontier, from which a late ping
    is run again.
    """

    def __init__(self, detectors: Sequence[Detector]) -> None:
        owners = [("core", CORE), *((d.name, d.columns) for d in detectors)]
        self.layout = np.dtype([(name, columns) for name, columns in owners])
        self.fingerprint = crc32(repr(self.layout.descr).encode()).to_bytes(4, "big")
        self.ids: list[str] = []
        self.index: dict[str, int] = {}
        self.free: list[int] = []
        self.serial = 0
        self.hot: Column = np.zeros(0, self.layout)
        self.copies: Column = np.zeros((0, COPIES), self.layout)
        self.copied: Column = np.zeros((0, COPIES), np.int64)
        self.follows: Column = np.zeros((0, COPIES), np.int64)
        self.dirty: Column = np.zeros(0, bool)
        self.copies_dirty: Column = np.zeros((0, COPIES), bool)
        self.due: Column = np.zeros(0, np.int64)
        self._resize(64)

    def __len__(self) -> int:
        return len(self.index)

    def _resize(self, size: int) -> None:
        if size > len(self.hot):
            more = size - len(self.hot)
            self.hot = joined((self.hot, np.zeros(more, self.layout)))
            self.copies = joined((self.copies, np.zeros((more, COPIES), self.layout)))
            self.copied = np.concatenate((self.copied, np.full((more, COPIES), NO_COPY)))
            self.follows = np.concatenate((self.follows, np.zeros((more, COPIES), np.int64)))
            self.dirty = np.concatenate((self.dirty, np.zeros(more, bool)))
            self.copies_dirty = np.concatenate((self.copies_dirty, np.zeros((more, COPIES), bool)))
            self.due = np.concatenate((self.due, np.full(more, NEVER)))

    def add(self, supervisee: str) -> int:
        """A new row in its first state, which is also its first copy; gives its number."""
        row = self.free.pop() if self.free else len(self.ids)
        if row == len(self.hot):
            self._resize(2 * row)
        if row == len(self.ids):
            self.ids.append(supervisee)
        self.ids[row], self.index[supervisee] = supervisee, row
        self.serial += 1
        self.hot[row : row + 1].view(np.uint8)[:] = 0
        self.hot["core"]["serial"][row] = self.serial
        self.copied[row] = NO_COPY
        self.copy(np.array([row]))
        self.dirty[row] = True
        self.due[row] = NEVER
        return row

    def remove(self, row: int) -> None:
        """Forget a row; its number may be used again, its serial never."""
        del self.index[self.ids[row]]
        self.ids[row] = ""
        self.free.append(row)
        self.hot[row : row + 1].view(np.uint8)[:] = 0
        self.copied[row], self.due[row] = NO_COPY, NEVER
        self.dirty[row], self.copies_dirty[row] = False, False

    def frontier(self, rows: Column) -> Column:
        """Newest ping or last deadline of each row: what lies at or before it comes late."""
        core = self.hot["core"]
        frontier: Column = np.maximum(core["newest_ms"][rows], core["fired_ms"][rows])
        return frontier

    def ageing(self, rows: Column, times_ms: Column, spacing_ms: int) -> Column:
        """
        Those of the rows that went on from their newest copy `spacing_ms` before the time at which they go on now.

        Not since the copy itself, which may be of long before: three copies must reach over two spacings.
        """
        newest = self.copied[rows].max(axis=1)
        went_on = np.maximum(newest, self.follows[rows].max(axis=1))
        old: Column = rows[(times_ms - went_on >= spacing_ms) & (self.frontier(rows) > newest)]
        return old

    def settled_ms(self, row: int) -> int:
        """What a row said up to then stands: no copy reaches further back."""
        copied = self.copied[row]
        return int(copied[copied != NO_COPY].min(initial=NEVER))

    def hear(self, rows: Column, times_ms: Column) -> None:
        """A ping of each row came: the copies before it learn what follows them."""
        times, follows = times_ms[:, None], self.follows[rows]
        sooner = (self.copied[rows] < times) & (self.copied[rows] != NO_COPY) & ((follows == 0) | (follows > times))
        if sooner.any():
            self.follows[rows] = np.where(sooner, times, follows)
            self.copies_dirty[rows] |= sooner

    def usable(self, rows: Column, floor_ms: int) -> Column:
        """
        Which copies (rows x slots) a row can be run again from.

        Every ping since must still be known, so the first one after it must be later than all that was forgotten.
        """
        follows = self.follows[rows]
        usable: Column = (self.copied[rows] != NO_COPY) & ((follows == 0) | (follows > floor_ms))
        return usable

    def checkout(self, rows: Column, plan: Columns) -> Window:
        """Copies of the rows as columns, beside the plan of each."""
        packed = whole(self.hot)[rows].view(self.layout)
        state = {
            owner: {name: np.ascontiguousarray(packed[owner][name]) for name in self.layout[owner].names or ()}
            for owner in self.layout.names or ()
        }
        return Window(rows, {**state, "plan": plan})

    def restore(self, rows: Column, slots: Column) -> None:
        """Rows become one of their copies again, except what is not the rules' own; later copies are wrong now."""
        now = self.hot["core"][rows]
        whole(self.hot)[rows] = whole(self.copies)[rows, slots]
        for name in ("newest_ms", "fired_ms"):
            now[name] = self.copies["core"][name][rows, slots]
        self.hot["core"][rows] = now
        wrong = self.copied[rows] > self.copied[rows, slots][:, None]
        self.copied[rows] = np.where(wrong, NO_COPY, self.copied[rows])
        self.follows[rows] = np.where(wrong, 0, self.follows[rows])
        self.copies_dirty[rows] |= wrong

    def checkin(self, window: Window) -> None:
        """Write the columns back; the rows are dirty from now on."""
        packed = np.empty(len(window), self.layout)
        for owner in self.layout.names or ():
            part = packed[owner]
            for name, array in window[owner].items():
                part[name] = array
        whole(self.hot)[window.rows] = whole(packed)
        self.dirty[window.rows] = True

    def copy(self, rows: Column) -> None:
        """Keep the rows as they are now, each in the place of its oldest copy."""
        if not len(rows):
            return
        slots = self.copied[rows].argmin(axis=1)
        whole(self.copies)[rows, slots] = whole(self.hot)[rows]
        self.copied[rows, slots] = self.frontier(rows)
        self.follows[rows, slots] = 0
        self.copies_dirty[rows, slots] = True

    def count(self, supervisee: str, what: str) -> None:
        """One more check-in or disposition of a person; of people without a row nothing is kept."""
        row = self.index.get(supervisee)
        if row is not None:
            core = self.hot["core"]
            core[f"{what}s"][row] += 1
            self.dirty[row] = True

    def take_dirty(self) -> list[tuple[bytes, bytes | None]]:
        """Records of the rows and copies that changed since the last call."""
        rows = positions(self.dirty[: len(self.ids)])
        out = self._records("h:", rows.tolist(), whole(self.hot)[rows])
        self.dirty[rows] = False
        for slot in range(COPIES):
            rows = positions(self.copies_dirty[: len(self.ids), slot])
            if len(rows):
                valid = self.copied[rows, slot] != NO_COPY
                self.copies["core"]["follows_ms"][rows, slot] = self.follows[rows, slot]
                out += self._records(f"{slot}:", rows[valid].tolist(), whole(self.copies)[rows[valid], slot])
                out += [(f"{slot}:{self.ids[row]}".encode(), None) for row in rows[~valid].tolist()]
                self.copies_dirty[rows, slot] = False
        return out

    def keys(self, row: int) -> list[bytes]:
        """The keys of all records of a row."""
        return [f"{group}:{self.ids[row]}".encode() for group in ("h", *range(COPIES))]

    @property
    def records(self) -> int:
        """How many changelog records hold what `take_dirty` has given so far."""
        return len(self.index) + int((self.copied[: len(self.ids)] != NO_COPY).sum())

    def load(
        self, names: Sequence[str], packed: Sequence[bytes], copies: Sequence[tuple[Sequence[int], Sequence[bytes]]]
    ) -> None:
        """
        Rows by name, and for each slot the rows of its copies and the copies, as `take_dirty` gave them.

        :raises BadState: when they were written with another layout.
        """
        rows = self._unpacked(packed)
        self._resize(max(64, len(names)))
        self.ids = list(names)
        self.index = {name: row for row, name in enumerate(names)}
        whole(self.hot)[: len(names)] = whole(rows)
        self.serial = int(rows["core"]["serial"].max(initial=0))
        for slot, (at, values) in enumerate(copies):
            where = np.array(at, np.int64)
            part = self._unpacked(values)
            whole(self.copies)[where, slot] = whole(part)
            self.follows[where, slot] = part["core"]["follows_ms"]
            self.copied[where, slot] = np.maximum(part["core"]["newest_ms"], part["core"]["fired_ms"])

    def _records(self, group: str, rows: list[int], packed: Column) -> list[tuple[bytes, bytes | None]]:
        data, size, mark, ids = packed.tobytes(), self.layout.itemsize, self.fingerprint, self.ids
        begins = range(0, len(data), size)
        return [
            ((group + ids[row]).encode(), mark + data[begin : begin + size])
            for row, begin in zip(rows, begins, strict=True)
        ]

    def _unpacked(self, values: Sequence[bytes]) -> Column:
        data = b"".join(values)
        marked = np.dtype([("mark", ">u4"), ("row", self.layout)])
        if (
            len(data) != marked.itemsize * len(values)
            or (np.frombuffer(data, marked)["mark"] != int.from_bytes(self.fingerprint, "big")).any()
        ):
            msg = (
                "the changelog holds rows of another layout: run the version that wrote them, or stop all workers,"
                " recreate the changelog topic empty, and let the pings of the last days be read again"
            )
            raise BadState(msg)
        return np.frombuffer(data, marked)["row"]
