"""
Records that were refused: to the dead letters once, with origin and reason; and the end of a feed that is all wrong.

The trap is the law: of a ping that no order covers nothing may be stored but that it came, so those go without content.
"""

from collections import deque
from collections.abc import Sequence

from schemas.deadletter import WITHHELD, DeadLetter
from schemas.errors import Reason, VigilError
from schemas.topics import DEAD_LETTERS
from stream.columns import Columns
from stream.partition import Outgoing, Partition

LARGEST_CONTENT = 900_000
"""Bytes beyond which content is left out: with the headers the broker would refuse the record, for ever."""
RUN = 10_000
LEAST = 1_000


class MostlyRefusedError(VigilError):
    """More than half of a long run of records cannot be used: the feed is wrong, not its records."""


class Refusals:
    """
    Counts what was refused in the last `RUN` records of a worker.

    The records that no order covers are left out: a feed may rightly be full of them before the orders arrive.
    """

    def __init__(self) -> None:
        self._runs: deque[tuple[int, int]] = deque()
        self._records = self._bad = 0

    def count(self, records: int, refused: Sequence[Reason]) -> None:
        """Count one batch. Raises MostlyRefusedError, with the commonest reason, when most of the run was refused."""
        wrong = [reason for reason in refused if reason not in WITHHELD]
        self._runs.append((records, len(wrong)))
        self._records += records
        self._bad += len(wrong)
        while self._records - self._runs[0][0] >= RUN:
            gone, bad = self._runs.popleft()
            self._records, self._bad = self._records - gone, self._bad - bad
        if self._bad >= LEAST and 2 * self._bad > self._records:
            commonest = max(set(wrong), key=wrong.count, default="")
            raise MostlyRefusedError(
                f"{self._bad} of the last {self._records} records were refused, of late as {commonest}:"
                " look at the records themselves and mend their sender; to pass them, set the group's offsets"
            )


def letters(
    partition: Partition, topic: str, columns: Columns, refused: Sequence[tuple[int, Reason]]
) -> list[Outgoing]:
    """Give the dead letters of the refused positions, to the same partition number."""
    found = []
    for at, reason in refused:
        letter = DeadLetter(topic, partition.number, columns.offsets[at], reason)
        value = letter.content(columns.values[at])
        if value is not None and len(value) > LARGEST_CONTENT:
            value = None
        found.append(Outgoing(DEAD_LETTERS, partition.number, columns.keys[at], value, letter.headers()))
    return found
