"""The wire decoder and the model are two ways to read a ping; neither accepts what the other refuses."""

import json
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.columns import ABSENT
from schemas.errors import BadInput, Reason
from schemas.ping import Ping
from schemas.reading import read
from schemas.wire import decode_pings
from tests.schemas.messages import ping, raw

TEXT: Final = raw(ping()).decode()


def by_model(value: bytes) -> Reason | dict[str, Any]:
    """Read with the model, absence told as the wire decoder tells it."""
    try:
        fields = read(Ping, value).model_dump()
    except BadInput as refusal:
        return refusal.reason
    return {name: ABSENT.get(name) if field is None else field for name, field in fields.items()}


def by_wire(value: bytes, key: bytes = b"lz-1") -> Reason | dict[str, Any]:
    """Read with the wire decoder."""
    got = decode_pings([key], [value])
    if got.refused:
        return got.refused[0][1]
    return {name: getattr(got.pings[0], name) for name in Ping.model_fields}


def changed(old: str, new: str) -> bytes:
    """Give the ordinary ping with one piece of its text replaced."""
    assert old in TEXT
    return TEXT.replace(old, new).encode("utf-8", "surrogatepass")


BROKEN: Final = {
    "NaN": changed("109.42", "NaN"),
    "Infinity": changed("109.42", "-Infinity"),
    "beyond float": changed("24.33", "1e999"),
    "lat 91": changed("24.33", "91"),
    "lon -181": changed("109.42", "-181"),
    "number as string": changed("24.33", '"24.33"'),
    "bool as number": changed("24.33", "true"),
    "bool as time": changed("1582295400000", "true"),
    "float time": changed("1582295400000", "1582295400000.0"),
    "time with exponent": changed("1582295400000", "1582e9"),
    "time as string": changed("1582295400000", '"1582295400000"'),
    "time in seconds": changed("1582295400000", "1582295400"),
    "23-digit time": changed("1582295400000", "15822954000001582295400"),
    "missing time": changed('"time_ms":1582295400000,', ""),
    "missing status": changed('"status":"located",', ""),
    "missing supervisee": changed('"supervisee":"lz-1",', ""),
    "missing datum": changed('"datum":"gcj02",', ""),
    "missing lat": changed('"lat":24.33,', ""),
    "null supervisee": changed('"lz-1"', "null"),
    "null source": changed('"network"', "null"),
    "unknown status": changed("located", "LOCATED"),
    "unknown datum": changed("gcj02", "mars"),
    "unknown source": changed("network", "satellite"),
    "negative accuracy": changed("150.5", "-0.1"),
    "null": b"null",
    "list": b"[]",
    "ping in a list": f"[{TEXT}]".encode(),
    "number": b"1",
    "empty object": b"{}",
    "empty": b"",
    "white space": b" ",
    "NUL in id": changed("lz-1", "lz\\u0000"),
    "line feed in id": changed("lz-1", "lz\\n1"),
    "raw control character": changed("lz-1", "lz\x01"),
    "empty id": changed("lz-1", ""),
    "long id": changed("lz-1", "x" * 65),
    "reserved id": changed("lz-1", "~lz"),
    "lone surrogate": changed("lz-1", "\\ud800"),
    "lone surrogate in bytes": changed("lz-1", "\ud800"),
    "lone surrogate in an unknown field": changed('"cell"', '"more":"\\udfff","cell"'),
    "BOM": b"\xef\xbb\xbf" + TEXT.encode(),
    "UTF-16": TEXT.encode("utf-16"),
    "invalid UTF-8": TEXT.encode().replace(b"mobile", b"\xff"),
    "invalid UTF-8 in an unknown field": TEXT.encode().replace(b'"cell"', b'"more":"\xff","cell"'),
    "trailing bytes": TEXT.encode() + b"x",
    "two objects": TEXT.encode() * 2,
    "cut off": TEXT.encode()[:-1],
    "trailing comma": changed("}", ",}"),
    "single quotes": changed('"', "'"),
    "deep array": b"[" * 100_000,
    "deep array inside the size": b"[" * 4_000,
    "oversize": changed('"cell"', f'"more":"{"x" * 4_096}","cell"'),
    "short hash": changed("0123456789abcdef0123456789abcdef", "0123"),
    "upper-case hash": changed("0123456789abcdef", "0123456789ABCDEF"),
    "spaces in a hash": changed("0123456789abcdef", "0123 56789abc ef"),
    "foreign digits in a hash": changed("0123456789abcdef", "\uff10123456789abcdef"),
    "long cell": changed("460-00-1-2", "x" * 33),
    "long carrier": changed("mobile", "x" * 17),
}


@pytest.mark.parametrize("value", BROKEN.values(), ids=BROKEN.keys())
def test_both_refuse_what_is_broken(value: bytes) -> None:
    """Both refuse it, for the same reason, and the wire does so for every key."""
    reason = by_model(value)
    assert isinstance(reason, Reason)
    assert reason is by_wire(value)


@pytest.mark.parametrize(
    "value",
    [
        changed("24.33", "24"),
        changed("150.5", "-0.0"),
        changed('"cell"', '"more":{"deep":[1e999,null]},"cell"'),
        changed("mobile", "\\ud83d\\ude00"),
        changed('"network"', '"network"  '),
        changed("460-00-1-2", "\\u0000"),
    ],
)
def test_both_accept_what_is_odd(value: bytes) -> None:
    """What JSON allows and no bound forbids is accepted by both, as the same values."""
    assert isinstance(by_model(value), dict)
    assert by_model(value) == by_wire(value)


SOUND: Final = {name: st.just(value) for name, value in ping().items()}
ODD: Final = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**25), 10**25),
    st.floats(),
    st.text(max_size=70),
    st.sampled_from(
        ["", "~", "located", "no_fix", "wgs84", "0" * 32, "A" * 32, 946_684_799_999, 4_102_444_800_001, 180]
    ),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)


@st.composite
def pings(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a ping of which some fields are left out or hold something odd."""
    message = {name: draw(strategy) for name, strategy in SOUND.items()}
    for name in draw(st.lists(st.sampled_from(list(message)), unique=True, max_size=3)):
        if draw(st.booleans()):
            message[name] = draw(ODD)
        else:
            del message[name]
    return message


@given(pings())
def test_both_agree_on_anything(message: dict[str, Any]) -> None:
    """Whatever stands in a ping, both accept it as the same values or both refuse it for the same reason."""
    name = message.get("supervisee")
    value = json.dumps(message).encode()
    key = name.encode("utf-8", "replace") if isinstance(name, str) and name else b"lz-1"
    assert by_model(value) == by_wire(value, key)


@given(st.lists(pings(), max_size=6))
def test_a_batch_is_the_sum_of_its_records(messages: list[dict[str, Any]]) -> None:
    """A record is judged the same alone and in company."""
    values: list[bytes | None] = [json.dumps(message).encode() for message in messages]
    alone = [decode_pings([b"lz-1"], [value]) for value in values]
    together = decode_pings([b"lz-1"] * len(values), values)
    assert [(i, got.refused[0][1]) for i, got in enumerate(alone) if got.refused] == together.refused
    assert [repr(got.pings[0]) for got in alone if got.pings] == [repr(one) for one in together.pings]
    assert [i for i, got in enumerate(alone) if got.pings] == together.index.tolist()
