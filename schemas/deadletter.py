"""
A dead letter: a refused record, with where it came from and why in its headers.

Key and value stay byte for byte, except that the content of a record that may not be processed is left out: it can be
read again from its origin once an order covers it. Headers carry no personal data.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final, NamedTuple, Self

from schemas.errors import BadInput, Reason

__all__ = ["WITHHELD", "DeadLetter", "Replay"]

WITHHELD: Final = frozenset({Reason.not_authorised, Reason.unknown_supervisee})


class Replay(StrEnum):
    """What has to happen before sending the record again can help."""

    never = "never"
    after_order = "after_order"
    after_repair = "after_repair"
    after_rerouting = "after_rerouting"


_REPLAY: Final = {
    Reason.unknown_supervisee: Replay.after_order,
    Reason.not_authorised: Replay.after_order,
    Reason.misrouted: Replay.after_rerouting,
    Reason.future: Replay.never,
    Reason.too_late: Replay.never,
}


class DeadLetter(NamedTuple):
    """
    Origin and reason of a refused record.

    >>> DeadLetter("vigil.pings", 3, 41, Reason.not_json).replay
    <Replay.after_repair: 'after_repair'>
    """

    topic: str
    partition: int
    offset: int
    reason: Reason

    @property
    def replay(self) -> Replay:
        """What has to happen before sending it again can help."""
        return _REPLAY.get(self.reason, Replay.after_repair)

    def content(self, value: bytes | None) -> bytes | None:
        """Give what the letter may hold of the record's *value*."""
        return None if self.reason in WITHHELD else value

    def headers(self) -> list[tuple[str, bytes]]:
        """Write origin, reason and replay hint as headers."""
        return [
            ("vigil-origin-topic", self.topic.encode()),
            ("vigil-origin-partition", str(self.partition).encode()),
            ("vigil-origin-offset", str(self.offset).encode()),
            ("vigil-reason", self.reason.encode()),
            ("vigil-replay", self.replay.encode()),
        ]

    @classmethod
    def from_headers(cls, headers: Iterable[tuple[str, bytes]]) -> Self:
        """
        Read what :meth:`headers` wrote.

        :raises BadInput: ``missing_field`` or ``wrong_type`` when the record is no dead letter.
        """
        found = {name: value.decode() for name, value in headers if name.startswith("vigil-")}
        try:
            return cls(
                found["vigil-origin-topic"],
                int(found["vigil-origin-partition"]),
                int(found["vigil-origin-offset"]),
                Reason(found["vigil-reason"]),
            )
        except KeyError as missing:
            raise BadInput(Reason.missing_field, str(missing.args[0])) from missing
        except ValueError as fault:
            raise BadInput(Reason.wrong_type) from fault
