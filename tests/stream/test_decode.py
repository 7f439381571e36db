"""From the wire to columns: datum, radius, wristband, and the partition that a key belongs to."""

import json

import pytest
from kafka.partitioner.default import murmur2

from detectors.pings import NO_POSITION, WRISTBAND
from schemas.errors import Reason
from stream.decode import Batch, decode, misrouted, partition_of

NOW_MS = 1_700_000_000_000


def decoded(**fields: object) -> Batch:
    """Decode one located ping with the given fields."""
    body = {"supervisee": "a", "time_ms": NOW_MS, "status": "located", "lon": 109.42, "lat": 24.33, "datum": "wgs84"}
    return decode([b"a"], [json.dumps(body | fields).encode()])


def test_position_is_kept_to_a_centimetre() -> None:
    """Expected: WGS-84 passes unchanged, in units of 1e-7 degrees."""
    assert (1_094_200_000, 243_300_000) == (decoded().pings["lon"][0], decoded().pings["lat"][0])


def test_shifted_datum_is_settled() -> None:
    """Expected: GCJ-02 becomes WGS-84, half a kilometre away."""
    pings = decoded(datum="gcj02").pings
    assert 109.41539 == pytest.approx(pings["lon"][0] * 1e-7, abs=1e-5)
    assert 24.33269 == pytest.approx(pings["lat"][0] * 1e-7, abs=1e-5)


@pytest.mark.parametrize(("given", "kept"), [(None, 0), (0, 0), (0.2, 1), (300.1, 301), (90_000, 65_535)])
def test_radius(given: float | None, kept: int) -> None:
    """Expected: missing stays 0, anything given is at least a metre, rounded up, and bounded."""
    assert kept == decoded(accuracy_m=given).pings["accuracy_m"][0]


def test_no_position() -> None:
    """Expected: an answer without a place has none, not the null island."""
    ping = decode([b"a"], [json.dumps({"supervisee": "a", "time_ms": NOW_MS, "status": "powered_off"}).encode()]).pings
    assert (NO_POSITION, NO_POSITION) == (ping["lon"][0], ping["lat"][0])


@pytest.mark.parametrize(("source", "bit"), [("network", 0), ("wristband", WRISTBAND)])
def test_wristband(source: str, bit: int) -> None:
    """Expected: the top bit of the phone, for a wristband only."""
    assert bit == decoded(source=source).pings["phone"][0]


def test_refused_keep_their_place() -> None:
    """Expected: good pings and refusals each name the position of their record."""
    good = json.dumps({"supervisee": "a", "time_ms": NOW_MS, "status": "no_fix"}).encode()
    batch = decode([b"a", b"a", b"b", b"a"], [good, b"{", good, good])
    assert [0, 3] == batch.index.tolist()
    assert [(1, Reason.not_json), (2, Reason.key_mismatch)] == batch.refused


@pytest.mark.parametrize("key", ["s0", "lz-000017", "450000/450200", "人"])
def test_partition_is_that_of_other_clients(key: str) -> None:
    """Expected: the hash of kafka-python, which follows Java."""
    assert (murmur2(key.encode()) & 0x7FFFFFFF) % 16 == partition_of(key.encode(), 16)


def test_misrouted() -> None:
    """Expected: keys of other partitions, never a missing key."""
    number = partition_of(b"a", 16)
    keys = {b"a", None, *(f"b{i}".encode() for i in range(50))}
    wrong = misrouted(keys, number, 16)
    assert wrong
    assert all(key and number != partition_of(key, 16) for key in wrong)
    assert not wrong & {b"a", None}
