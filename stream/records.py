"""
Files of records: JSON lines, or one JSON array, read as the bytes that would travel on a topic.

The trap: a bad record in the middle of a file. It is named by file and line, and its content is not repeated: it may
be about a person.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from schemas.errors import BadConfiguration


class Record(NamedTuple):
    """One record's bytes and where it stands, such as `orders.jsonl: line 3`."""

    where: str
    value: bytes


def records(path: Path) -> Iterator[Record]:
    """
    Read the records of a file in their order; blank lines are skipped.

    Raises BadConfiguration when the file cannot be read or an array in it is not closed.
    """
    try:
        with path.open("rb") as file:
            if file.read(1024).lstrip().startswith(b"["):
                file.seek(0)
                yield from _items(path, file.read())
                return
            file.seek(0)
            for number, line in enumerate(file, start=1):
                if not line.isspace():
                    yield Record(f"{path}: line {number}", line.rstrip(b"\r\n"))
    except OSError as error:
        raise BadConfiguration(path, f"cannot be read ({error.strerror})") from error


def _items(path: Path, raw: bytes) -> Iterator[Record]:
    try:
        items = msgspec.json.decode(raw, type=list[msgspec.Raw])
    except msgspec.DecodeError as error:
        raise BadConfiguration(path, f"is no JSON array ({error})") from error
    for number, item in enumerate(items, start=1):
        yield Record(f"{path}: item {number}", bytes(item))
