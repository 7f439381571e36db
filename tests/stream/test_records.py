"""Files of records: lines or an array, byte for byte."""

from pathlib import Path

import pytest

from schemas.errors import BadConfiguration
from stream.records import records


def _file(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "orders.jsonl"
    path.write_bytes(content)
    return path


def test_lines_are_the_bytes_between_line_ends(tmp_path: Path) -> None:
    """A record is its line without the line end, of either kind; blank lines count but are no records."""
    path = _file(tmp_path, b'{"a": 1}\r\n\n{"b":2}')

    assert [(f"{path}: line 1", b'{"a": 1}'), (f"{path}: line 3", b'{"b":2}')] == list(records(path))


def test_array_gives_its_items(tmp_path: Path) -> None:
    """A file that is one JSON array is read item by item, each item's bytes as they stand."""
    path = _file(tmp_path, b' [{"a": 1.50},\n {"b": [2]}]')

    assert [(f"{path}: item 1", b'{"a": 1.50}'), (f"{path}: item 2", b'{"b": [2]}')] == list(records(path))


def test_line_that_is_no_json_is_still_a_record(tmp_path: Path) -> None:
    """What a line means is not judged here."""
    assert [b"nonsense"] == [record.value for record in records(_file(tmp_path, b"nonsense\n"))]


def test_open_array_is_refused_with_the_path(tmp_path: Path) -> None:
    """Half an array is not half the records."""
    path = _file(tmp_path, b'[{"a": 1}, ')

    with pytest.raises(BadConfiguration, match=f"^{path}: is no JSON array"):
        list(records(path))


def test_missing_file_is_named(tmp_path: Path) -> None:
    """A file that is not there is named with the system's reason."""
    with pytest.raises(BadConfiguration, match=r"none\.jsonl: cannot be read .No such file"):
        list(records(tmp_path / "none.jsonl"))


def test_empty_file_has_no_records(tmp_path: Path) -> None:
    """Nothing in it is nothing out of it."""
    assert [] == list(records(_file(tmp_path, b"")))
