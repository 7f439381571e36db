"""
All partitions of a worker are delivered from together, once every one of them is loaded.

Else the clock of the pings would run while the orders of the last partitions are still being read.
"""

import gc
from collections.abc import Callable
from typing import Any

from stream.transport import Consumer


def open_together(loaded: Callable[[], None]) -> None:
    """Let every worker of this process wait until all is loaded; then `loaded` is called, and delivery begins."""
    place, waiting = Consumer.place, dict[Any, int]()

    async def together(consumer: Any, positions: dict[Any, int]) -> None:  # noqa: ANN401 - Faust has no types
        waiting.update(positions)
        if not consumer.delivery.loading():
            gc.collect()
            loaded()
            await place(consumer, waiting)

    Consumer.place = together  # type: ignore[method-assign, assignment]
