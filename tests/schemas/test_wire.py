"""The wire decoder: columns, refusals, keys, clock records."""

import numpy as np
import pytest

from schemas.derive import struct_of
from schemas.errors import Reason
from schemas.ping import Datum, Ping, Source, Status
from schemas.wire import CHUNK, CLOCK_KEY, Decoded, columns, decode, decode_pings
from tests.schemas.messages import DEVICE, SIM, SINCE_MS, ping, raw


def reasons(decoded: Decoded) -> list[tuple[int, Reason]]:
    """Give the refusals of a batch of which nothing else may be kept."""
    assert [] == decoded.pings
    return decoded.refused


def one(message: object, key: bytes | None = b"lz-1") -> Decoded:
    """Decode a batch of one."""
    return decode_pings([key], [message if isinstance(message, bytes) else raw(message)])


def test_every_field_becomes_a_column() -> None:
    """A ping with every field fills every column, positions of sets as numbers and the device as its first bytes."""
    got = one(ping(status="no_fix", datum="bd09", source="wristband")).columns
    assert ["lz-1"] == got.supervisee
    assert [SINCE_MS] == got.time_ms.tolist()
    assert [(109.42, 24.33, 150.5)] == list(zip(got.lon, got.lat, got.accuracy_m, strict=True))
    assert [(1, 2, 3)] == list(zip(got.status, got.datum, got.source, strict=True))
    assert [int(DEVICE[:8], 16)] == got.device.tolist()
    assert [SIM] == got.sim


def test_what_is_absent_has_one_value() -> None:
    """A field left out and a null give the same: NaN, 0, or an empty sim."""
    least = {"supervisee": "lz-1", "time_ms": SINCE_MS, "status": "powered_off"}
    optional = ("lon", "lat", "datum", "accuracy_m", "cell", "carrier", "sim", "device")
    for message in (least, least | dict.fromkeys(optional)):
        got = one(message).columns
        assert [True] * 3 == [bool(np.isnan(c[0])) for c in (got.lon, got.lat, got.accuracy_m)]
        assert (2, 0, 0, 0) == (got.status[0], got.datum[0], got.source[0], got.device[0])
        assert [""] == got.sim


def test_types_of_columns() -> None:
    """An empty batch has the same types as a full one."""
    expected = ["int64", "float64", "float64", "float64", "uint8", "uint8", "uint8", "uint32"]
    for got in (decode_pings([], []).columns, one(ping()).columns):
        assert expected == [str(column.dtype) for column in got if isinstance(column, np.ndarray)]


def test_columns_of_pings_equal_those_of_the_batch() -> None:
    """The columns of a batch are the columns of its pings."""
    got = decode_pings([b"lz-1", b"lz-2"], [raw(ping()), raw(ping(supervisee="lz-2", lon=-1))])
    again = columns(got.pings)
    assert got.columns.supervisee == again.supervisee
    assert [109.42, -1.0] == again.lon.tolist()


def test_a_bad_record_costs_no_other() -> None:
    """In a batch of several chunks each bad record is refused at its place and all others are kept in order."""
    count = 2 * CHUNK + 10
    keys: list[bytes | None] = [f"lz-{i}".encode() for i in range(count)]
    values: list[bytes | None] = [raw(ping(supervisee=f"lz-{i}")) for i in range(count)]
    values[3], keys[CHUNK], values[count - 1] = b"{", b"lz-0", None
    got = decode_pings(keys, values)
    bad = [(3, Reason.not_json), (CHUNK, Reason.key_mismatch), (count - 1, Reason.empty_value)]
    assert bad == got.refused
    good = [i for i in range(count) if i not in dict(bad)]
    assert good == got.index.tolist()
    assert [f"lz-{i}" for i in good] == got.columns.supervisee == [p.supervisee for p in got.pings]


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        (None, raw(ping()), Reason.key_missing),
        (b"", raw(ping()), Reason.key_missing),
        (b"lz-2", raw(ping()), Reason.key_mismatch),
        (b"lz-1", None, Reason.empty_value),
        (b"lz-1", b"", Reason.empty_value),
        (b"lz-1", raw(ping(more="x" * 4096)), Reason.oversize),
        (b"lz-1", b"[" * 100_000, Reason.oversize),
        (b"lz-1", raw(ping())[:-1] + b',"supervisee":"lz-1"}', Reason.duplicate_key),
        (b"lz-1", raw(ping())[:-1] + b',"supervisee" : "lz-2"}', Reason.duplicate_key),
        (b"~lz", raw(ping(supervisee="~lz")), Reason.out_of_range),
        (b"l\0z", raw(ping(supervisee="l\0z")), Reason.out_of_range),
        (b"lz-1", raw(ping(datum="gcj-02")), Reason.unknown_datum),
        (b"lz-1", raw(ping(datum=None)), Reason.unknown_datum),
        (b"lz-1", raw(ping(status="off")), Reason.unknown_status),
        (b"lz-1", raw(ping(status="no_fix", lat=None)), Reason.missing_field),
        (b"lz-1", raw(ping(sim=SIM.upper())), Reason.out_of_range),
        (b"lz-1", raw(ping(device=DEVICE[:-1] + "g")), Reason.out_of_range),
    ],
)
def test_reasons(key: bytes | None, value: bytes | None, reason: Reason) -> None:
    """Each fault has its own reason, alone and among good records."""
    assert [(0, reason)] == reasons(decode_pings([key], [value]))
    among = decode_pings([b"lz-1", key, b"lz-1"], [raw(ping()), value, raw(ping())])
    assert ([(1, reason)], [0, 2]) == (among.refused, among.index.tolist())


def test_ids_cannot_be_shifted_against_keys() -> None:
    """Ids with a separator inside do not pass for their neighbours."""
    values = [raw(ping(supervisee="a\0b")), raw(ping(supervisee="c"))]
    expected = [(0, Reason.out_of_range), (1, Reason.key_mismatch)]
    assert expected == reasons(decode_pings([b"a", b"b\0c"], [*values]))


def test_words_like_supervisee_are_no_duplicate() -> None:
    """Another field whose name or value resembles the word is let through, and no id is too foreign."""
    for message in (ping(provider="supervisee"), ping(supervisee="司法-1", carrier="提供商")):
        assert [0] == one(message, message["supervisee"].encode()).index.tolist()


def test_clock_records_are_kept_apart() -> None:
    """The newest clock record counts, a broken one is refused, and positions stay those of the batch."""
    keys = [CLOCK_KEY, b"lz-1", CLOCK_KEY, CLOCK_KEY, b"lz-1"]
    values = [raw({"clock_ms": SINCE_MS + 1}), raw(ping()), raw({"clock_ms": SINCE_MS}), b"{}", b"{}"]
    got = decode_pings([*keys], [*values])
    assert [(0, SINCE_MS + 1), (2, SINCE_MS)] == got.clocks
    assert [1] == got.index.tolist()
    assert [(3, Reason.missing_field), (4, Reason.missing_field)] == got.refused


def test_no_clock_record() -> None:
    """Without a clock record the clock is unknown, not zero."""
    assert [] == one(ping()).clocks


def test_the_struct_follows_the_model() -> None:
    """The decoder has the model's fields, in the model's order, and gives members of the model's sets."""
    assert tuple(Ping.model_fields) == struct_of(Ping).__struct_fields__
    got = decode(raw(ping()))
    assert (Status.located, Datum.gcj02, Source.network) == (got.status, got.datum, got.source)


def test_positions_of_sets() -> None:
    """The positions are in stored rows, so they never change; new members are added at the end."""
    assert list(range(11)) == [status.code for status in Status]
    assert ["located", "no_fix", "powered_off"] == list(Status)[:3]
    assert ["wgs84", "gcj02", "bd09"] == list(Datum)
    assert ["network", "gnss", "wifi", "wristband"] == list(Source)
