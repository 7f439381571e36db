"""
Records that no sender should send, each with the reason for which it must end as a dead letter.

They are made from a good ping of somebody under supervision, so that nothing but the one thing is wrong with them.
"""

import json
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from schemas.errors import Reason

LARGEST: Final = 4_096
BOMB_BYTES: Final = 800_000
"""Zeros, which travel compressed as a record of a thousand bytes."""


class Poison(NamedTuple):
    """A record, why it is refused, and how many partitions beside its key's it goes."""

    what: str
    reason: Reason
    key: bytes | None
    value: bytes | None
    aside: int = 0


Ping = dict[str, Any]
Values = Iterator[tuple[Reason, str, bytes]]


def poisons(name: str, ping: Ping) -> Iterator[Poison]:
    """Give one of each, for a located ping of `name`; `nobody-<name>` must not have an order."""
    key, nobody, good = name.encode(), f"nobody-{name}", json.dumps(ping).encode()
    yield Poison("null", Reason.empty_value, key, None)
    for values in (_no_json(ping), _other_types(ping), _impossible(ping), _amiss(ping), _too_large(ping)):
        for reason, what, value in values:
            yield Poison(what, reason, key, value)
    yield Poison("no key", Reason.key_missing, None, good)
    yield Poison("another partition", Reason.misrouted, key, good, aside=1)
    yield Poison("nobody", Reason.unknown_supervisee, nobody.encode(), _changed(ping, supervisee=nobody))
    yield Poison("nobody, unreadable", Reason.unknown_supervisee, nobody.encode(), b"{")


def _changed(ping: Ping, **fields: object) -> bytes:
    return json.dumps(ping | fields).encode()


def _spelt(ping: Ping, field: str, text: bytes) -> bytes:
    """Put into a field what no JSON library would write."""
    return _changed(ping, **{field: "here"}).replace(b'"here"', text)


def _no_json(ping: Ping) -> Values:
    good = json.dumps(ping).encode()
    yield Reason.empty_value, "nothing", b""
    for what, value in (
        ("cut off", good[:-20]),
        ("trailing bytes", good + b"{}"),
        ("no UTF-8", good.replace(b'"', b'"\xff', 1)),
        ("no text at all", bytes(range(128, 192))),
        ("byte order mark", b"\xef\xbb\xbf" + good),
        ("lone surrogate", _spelt(ping, "carrier", b'"\\ud800"')),
        ("comments", b"/* */" + good),
    ):
        yield Reason.not_json, what, value


def _other_types(ping: Ping) -> Values:
    for what, value in (
        ("JSON null", b"null"),
        ("array", b"[]"),
        ("number", b"17"),
        ("number as text", _changed(ping, lon=str(ping["lon"]))),
        ("bool as time", _changed(ping, time_ms=True)),
        ("fraction as time", _changed(ping, time_ms=ping["time_ms"] + 0.5)),
        ("list as name", _changed(ping, supervisee=[ping["supervisee"]])),
    ):
        yield Reason.wrong_type, what, value


def _impossible(ping: Ping) -> Values:
    for what, value in (
        ("no number", _spelt(ping, "lon", b"NaN")),
        ("infinite", _spelt(ping, "lat", b"-Infinity")),
        ("number beyond all", _spelt(ping, "lon", b"1e999")),
        ("latitude of 91", _changed(ping, lat=91.0)),
        ("longitude of -181", _changed(ping, lon=-181)),
        ("negative accuracy", _changed(ping, accuracy_m=-1)),
        ("seconds for milliseconds", _changed(ping, time_ms=ping["time_ms"] // 1000)),
        ("microseconds for milliseconds", _changed(ping, time_ms=ping["time_ms"] * 1000)),
        ("time of 23 digits", _spelt(ping, "time_ms", b"1" * 23)),
        ("1970", _changed(ping, time_ms=1)),
        ("year 2200", _changed(ping, time_ms=7_258_118_400_000)),
        ("cell too long", _changed(ping, cell="c" * 33)),
        ("hash of other letters", _changed(ping, sim="z" * 32)),
        ("short hash", _changed(ping, device="00")),
    ):
        yield Reason.out_of_range, what, value
    yield Reason.not_authorised, "before any order", _changed(ping, time_ms=946_684_800_000)


def _amiss(ping: Ping) -> Values:
    for field in ("supervisee", "time_ms", "status", "lon", "lat", "datum"):
        reason = Reason.unknown_datum if field == "datum" else Reason.missing_field
        yield reason, f"without {field}", json.dumps({k: v for k, v in ping.items() if k != field}).encode()
    yield Reason.unknown_status, "unknown status", _changed(ping, status="dancing")
    yield Reason.unknown_status, "object as status", _changed(ping, status={})
    yield Reason.unknown_datum, "unknown datum", _changed(ping, datum="mars")
    yield Reason.duplicate_key, "name given twice", b'{"supervisee":"somebody",' + json.dumps(ping).encode()[1:]
    yield Reason.key_mismatch, "another's name", _changed(ping, supervisee="somebody-else")


def _too_large(ping: Ping) -> Values:
    yield Reason.oversize, "nested deep", b"[" * 100_000
    yield Reason.oversize, "large", json.dumps(ping).encode() + b" " * LARGEST
    yield Reason.oversize, "compressed bomb", b"\x00" * BOMB_BYTES
