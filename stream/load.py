"""
Orders from a file to `vigil.orders`: all of them, or none when one is bad.

A record is an order, or `{"supervisee": "P-17", "end": true, "at_ms": 1577808000000}`, which ends the order of that
person: it travels as a null, closes what is open and erases the person's state. The trap: an order replaces the whole
earlier one, so a file holds complete orders and never parts of them.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, Literal, NamedTuple

import msgspec

from schemas.errors import BadConfiguration, BadInput
from schemas.fields import Moment, Sent, SuperviseeId
from schemas.order import decode_order
from schemas.reading import read
from schemas.topics import ORDERS
from stream import broker
from stream.records import Record, records

SHOWN: Final = 10
"""How many bad records are named: more would hide the first."""


class Ending(Sent):
    """
    What stands in a file for the null that ends an order.

    `at_ms` is for a replay, which has no other way to know when the null came; loading it, it comes now.
    """

    supervisee: SuperviseeId
    end: Literal[True]
    at_ms: Moment | None = None


class Outgoing(NamedTuple):
    """One record of `vigil.orders`; a null value ends the order."""

    key: bytes
    value: bytes | None


def read_orders(path: Path) -> list[Outgoing]:
    """
    Read and check every order of a file, in its order.

    Raises BadConfiguration that names the lines that are bad (the first `SHOWN`) and why.
    """
    good, bad = [], []
    for record in records(path):
        try:
            good.append(_outgoing(record))
        except BadInput as error:
            bad.append(f"{record.where.removeprefix(f'{path}: ')}: {error}")
    if bad:
        more = [f"and {len(bad) - SHOWN} more"] if len(bad) > SHOWN else []
        raise BadConfiguration(path, "; ".join(["nothing was sent", *bad[:SHOWN], *more]))
    if not good:
        raise BadConfiguration(path, "holds no order")
    return good


def load(bootstrap: str, orders: Iterable[Outgoing], sent: Callable[[], None]) -> None:
    """
    Send orders by murmur2 and wait until every replica has each; call `sent` as they go out.

    Raises Unavailable when one of them is not acknowledged, BadConfiguration when the topic is missing.
    """
    with broker.reaching(bootstrap):
        producer = broker.producer(bootstrap)
        try:
            if not producer.partitions_for(ORDERS):
                raise BadConfiguration(ORDERS, "the topic does not exist: create it with `vigil topics apply`")
            waiting = []
            for order in orders:
                waiting.append(producer.send(ORDERS, key=order.key, value=order.value))
                sent()
            for future in waiting:
                future.get(timeout=60)
        finally:
            producer.close(timeout=5)


def _outgoing(record: Record) -> Outgoing:
    if b'"end"' in record.value and is_ending(record.value):
        return Outgoing(read(Ending, record.value).supervisee.encode(), None)
    return Outgoing(decode_order(record.value).supervisee.encode(), record.value)


def is_ending(value: bytes) -> bool:
    """Tell an ending from an order, whose own fields have no `end` at the top (a curfew window has one below)."""
    try:
        fields = msgspec.json.decode(value)
    except msgspec.DecodeError:
        return False
    return isinstance(fields, dict) and "end" in fields
