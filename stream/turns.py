"""
Records of files as steps of a replay: what is done, and between which pings.

Orders act from their `valid_from_ms` on, the first one of a person before everything else; endings, check-ins and
dispositions at their own time. The trap: an ending without `at_ms` has no time, so it comes after everything else.
"""

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

import msgspec
import numpy as np

from schemas.checkin import CheckIn
from schemas.disposition import Disposition
from schemas.errors import BadInput, Reason
from schemas.order import decode_order
from schemas.reading import read
from schemas.topics import CHECKINS, DISPOSITIONS, ORDERS, PINGS
from schemas.wire import Clock
from stream.load import Ending, is_ending
from stream.records import Record

FIRST_MS: Final = -1
LAST_MS: Final = int(np.iinfo(np.int64).max)
CLOCK_MARK: Final = b'"clock_ms"'
NOBODY: Final = b"?"

_named: Final = msgspec.json.Decoder(msgspec.defstruct("Named", [("supervisee", str)]))


class Refusal(NamedTuple):
    """A record that a worker would have sent to the dead letters: its topic, where it stands in its file, and why."""

    topic: str
    where: str
    reason: Reason


class Inputs(NamedTuple):
    """The records of a replay, by topic; pings in the order of their arrival."""

    orders: Iterable[Record] = ()
    pings: Iterable[Record] = ()
    checkins: Iterable[Record] = ()
    dispositions: Iterable[Record] = ()


class Turn(NamedTuple):
    """A record that is no ping; `message` is an order's bytes, or None where the order ends."""

    time_ms: int
    topic: str
    where: str
    supervisee: str
    message: bytes | CheckIn | Disposition | None


class Chunk(NamedTuple):
    """Pings that were read together, and the clock record that stood behind them, if one did."""

    pings: list[Record]
    clock_ms: int | None


def turns(inputs: Inputs, refused: list[Refusal]) -> list[Turn]:
    """
    Read everything but the pings, in the order of time; adds what cannot be read to `refused`.

    At equal times orders come first, then check-ins, each in the order of its file.
    """
    found: list[Turn] = []
    seen: set[str] = set()
    for topic, records in ((ORDERS, inputs.orders), (CHECKINS, inputs.checkins), (DISPOSITIONS, inputs.dispositions)):
        for record in records:
            try:
                turn = _turn(topic, record)
            except BadInput as error:
                refused.append(Refusal(topic, record.where, error.reason))
                continue
            if topic == ORDERS and turn.supervisee not in seen:
                seen.add(turn.supervisee)
                turn = turn._replace(time_ms=FIRST_MS)
            found.append(turn)
    return sorted(found, key=lambda turn: turn.time_ms)


def chunks(pings: Iterable[Record], cut: int, refused: list[Refusal]) -> Iterator[Chunk]:
    """Cut pings after every `cut` of them, and at each clock record."""
    waiting: list[Record] = []
    for record in pings:
        if CLOCK_MARK in record.value:
            try:
                yield Chunk(waiting, read(Clock, record.value).clock_ms)
            except BadInput as error:
                refused.append(Refusal(PINGS, record.where, error.reason))
                continue
            waiting = []
            continue
        waiting.append(record)
        if len(waiting) == cut:
            yield Chunk(waiting, None)
            waiting = []
    if waiting:
        yield Chunk(waiting, None)


def key_of(ping: bytes) -> bytes:
    """Give the key that the ping's record would have on the topic; where it names nobody, one that fits no ping."""
    try:
        return _named.decode(ping).supervisee.encode() or NOBODY  # type: ignore[attr-defined]  # a struct made at run time
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return NOBODY


def _turn(topic: str, record: Record) -> Turn:
    if topic == CHECKINS:
        checkin = read(CheckIn, record.value)
        return Turn(checkin.time_ms, topic, record.where, checkin.supervisee, checkin)
    if topic == DISPOSITIONS:
        disposition = read(Disposition, record.value)
        return Turn(disposition.time_ms, topic, record.where, disposition.supervisee, disposition)
    if is_ending(record.value):
        ending = read(Ending, record.value)
        return Turn(LAST_MS if ending.at_ms is None else ending.at_ms, topic, record.where, ending.supervisee, None)
    order = decode_order(record.value)
    return Turn(order.valid_from_ms, topic, record.where, order.supervisee, record.value)
