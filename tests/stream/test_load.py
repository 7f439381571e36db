"""Loading orders: all or none, by murmur2, endings as nulls."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from detectors.examples import order
from schemas.errors import BadConfiguration
from schemas.topics import ORDERS
from stream import broker
from stream.decode import partition_of
from stream.load import Outgoing, load, read_orders

GOOD = json.dumps(order()).encode()
ENDING = b'{"supervisee": "lz-2", "end": true}'


def _file(tmp_path: Path, *lines: bytes) -> Path:
    path = tmp_path / "orders.jsonl"
    path.write_bytes(b"\n".join(lines))
    return path


def test_orders_go_out_as_they_stand(tmp_path: Path) -> None:
    """An order travels byte for byte under its person; an ending travels as a null."""
    assert [Outgoing(b"lz-1", GOOD), Outgoing(b"lz-2", None)] == read_orders(_file(tmp_path, GOOD, ENDING))


def test_array_is_as_good_as_lines(tmp_path: Path) -> None:
    """A JSON array of orders is read like lines."""
    assert [Outgoing(b"lz-1", GOOD), Outgoing(b"lz-2", None)] == read_orders(
        _file(tmp_path, b"[" + GOOD + b"," + ENDING + b"]")
    )


def test_curfew_window_is_no_ending(tmp_path: Path) -> None:
    """The `end` of a curfew window lies below the top and ends nothing."""
    curfew = json.dumps(order(curfew=(1320, 480))).encode()

    assert [Outgoing(b"lz-1", curfew)] == read_orders(_file(tmp_path, curfew))


def test_one_bad_line_stops_all_and_is_named(tmp_path: Path) -> None:
    """Each bad line is named with its reason and field, and nothing is sent."""
    nobody = GOOD.replace(b'"officer"', b'"inspector"')

    with pytest.raises(
        BadConfiguration,
        match=r"orders\.jsonl: nothing was sent; line 2: unreadable_order; line 3: unreadable_order: officer;"
        r" line 4: missing_field: supervisee",
    ):
        read_orders(_file(tmp_path, GOOD, b"{", nobody, b'{"end": true}'))


def test_many_bad_lines_are_counted(tmp_path: Path) -> None:
    """Beyond ten the bad lines are counted, so that the first ones can be read."""
    with pytest.raises(BadConfiguration, match=r"line 10: unreadable_order; and 3 more$"):
        read_orders(_file(tmp_path, *[b"{"] * 13))


def test_message_repeats_no_content(tmp_path: Path) -> None:
    """What stands in an order is about a person, so the message names fields and never values."""
    with pytest.raises(BadConfiguration) as refusal:
        read_orders(_file(tmp_path, GOOD.replace(b"450202001", b"secret999")))

    assert "secret" not in str(refusal.value)


def test_file_without_orders_is_refused(tmp_path: Path) -> None:
    """An empty file is a mistake rather than a success."""
    with pytest.raises(BadConfiguration, match="holds no order"):
        read_orders(_file(tmp_path, b""))


@pytest.mark.kafka
def test_real_broker(kafka: str, fresh_topics: Callable[..., None]) -> None:
    """On a real broker each order is on the partition that its key hashes to, and `sent` was called for each."""
    fresh_topics(partitions=4)
    orders = [Outgoing(f"lz-{n}".encode(), GOOD if n % 2 else None) for n in range(20)]
    sent: list[None] = []
    load(kafka, orders, lambda: sent.append(None))
    consumer = broker.reader(kafka)
    partitions = broker.partitions_of(consumer, ORDERS)
    consumer.assign(partitions)
    consumer.seek_to_beginning(*partitions)
    found: dict[bytes, tuple[int, bytes | None]] = {}
    while len(found) < len(orders):
        for tp, records in consumer.poll(timeout_ms=500).items():
            found |= {record.key: (tp.partition, record.value) for record in records}
    consumer.close()

    assert 20 == len(sent)
    assert {key: (partition_of(key, 4), value) for key, value in orders} == found
