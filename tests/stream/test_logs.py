"""The log: machine-readable off a terminal, for libraries too."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from stream.logs import LIBRARIES, configure


class Terminal(io.StringIO):
    """A stream that says that a person looks at it."""

    def isatty(self) -> bool:
        """Say so."""
        return True


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    handlers, level = logging.root.handlers[:], logging.root.level
    yield
    for name in LIBRARIES:
        logging.getLogger(name).setLevel(logging.NOTSET)
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
    structlog.reset_defaults()


def test_own_line_is_json_off_a_terminal() -> None:
    """Each line is one JSON object with event, level and time, Chinese as it is."""
    out = io.StringIO()
    configure("info", out)
    structlog.get_logger("stream").info("分区 ready", partition=3)
    line = json.loads(out.getvalue())

    assert ("分区 ready", 3, "info") == (line["event"], line["partition"], line["level"])
    assert line["timestamp"].endswith("Z")
    assert "分区" in out.getvalue()


def test_library_line_is_json_too() -> None:
    """What aiokafka or Faust log through the standard library looks the same, the traceback inside the object."""
    out = io.StringIO()
    configure("info", out)
    try:
        _ = 1 / 0
    except ZeroDivisionError:
        logging.getLogger("aiokafka").exception("lost %s", "node 1")
    line = json.loads(out.getvalue())

    assert ("lost node 1", "error", "aiokafka") == (line["event"], line["level"], line["logger"])
    assert "ZeroDivisionError" == line["exception"][0]["exc_type"]


def test_terminal_gets_plain_lines() -> None:
    """On a terminal a line is for eyes."""
    out = Terminal()
    configure("info", out)
    structlog.get_logger("stream").info("ready")

    assert "ready" in out.getvalue()
    assert not out.getvalue().startswith("{")


def test_below_the_level_is_silent() -> None:
    """A level keeps what is below it out, ours and the libraries'."""
    out = io.StringIO()
    configure("warning", out)
    structlog.get_logger("stream").info("hello")
    logging.getLogger("faust").info("hello")

    assert "" == out.getvalue()


@pytest.mark.parametrize(("level", "heard"), [("debug", True), ("info", False)])
def test_libraries_chatter_only_in_debug(level: str, heard: bool) -> None:  # noqa: FBT001  # expected value
    """What a library says about each connection is heard only by somebody who looks for it."""
    out = io.StringIO()
    configure(level, out)
    logging.getLogger("aiokafka.conn").info("connected")

    assert heard == ("connected" in out.getvalue())
