"""
One log for the whole process, ours and that of the libraries: JSON lines, or colours on a terminal.

The trap: a log outlives every retention that the law sets. No position, supervisee, key or record content is ever
logged; topic, partition and offset say where the record can be looked up by somebody who may.
"""

import logging
from typing import Final, TextIO

import structlog

LIBRARIES: Final = ("kafka", "aiokafka", "faust", "mode", "asyncio", "aiohttp")
"""Their account of each connection hides our lines: heard in `debug` only, and never their own, which shows records."""


def configure(level: str, stream: TextIO) -> None:
    """Send every log line of `level` (debug, info, warning, error) and above to `stream`; the last call holds."""
    before: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    after: list[structlog.typing.Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if stream.isatty():
        after.append(structlog.dev.ConsoleRenderer())
    else:
        after += [structlog.processors.dict_tracebacks, structlog.processors.JSONRenderer(ensure_ascii=False)]
    handler = logging.StreamHandler(stream)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processors=after, foreign_pre_chain=before))
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    chatter = {"debug": "INFO", "error": "ERROR"}.get(level, "WARNING")
    for name in LIBRARIES:
        logging.getLogger(name).setLevel(chatter)
    structlog.configure(
        processors=[*before, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        cache_logger_on_first_use=False,
    )
