"""
JSON Schemas of every message: ``python -m schemas.export`` writes them to ``schemas/json``.

What others write is described as it is read, what Vigil writes as it is written. ``schemas/released`` keeps what each
release promised; those copies are never rewritten.
"""

import json
from pathlib import Path
from typing import Final, Literal, NamedTuple

from pydantic import BaseModel

from schemas.alert import Alert
from schemas.checkin import CheckIn
from schemas.disposition import Disposition
from schemas.order import Order
from schemas.ping import Ping
from schemas.wire import Clock

__all__ = ["FOLDER", "MESSAGES", "RELEASED", "Message", "schema_of", "write"]

FOLDER: Final = Path(__file__).parent / "json"
RELEASED: Final = Path(__file__).parent / "released"


class Message(NamedTuple):
    """A message with a published schema; *direction* says who must not be broken by a change."""

    model: type[BaseModel]
    direction: Literal["in", "out"]


MESSAGES: Final = {
    "alert": Message(Alert, "out"),
    "checkin": Message(CheckIn, "in"),
    "clock": Message(Clock, "in"),
    "disposition": Message(Disposition, "in"),
    "order": Message(Order, "in"),
    "ping": Message(Ping, "in"),
}


def schema_of(name: str) -> str:
    """Give the text of one schema file."""
    model, direction = MESSAGES[name]
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:vigil:schema:v1:{name}",
        **model.model_json_schema(mode="validation" if direction == "in" else "serialization"),
    }
    return json.dumps(schema, ensure_ascii=False, indent=2) + "\n"


def write(folder: Path) -> None:
    """Write every schema file into *folder*."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in MESSAGES:
        (folder / f"{name}.json").write_text(schema_of(name), encoding="utf-8")


if __name__ == "__main__":
    write(FOLDER)
