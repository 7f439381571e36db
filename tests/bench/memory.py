"""What a supervisee weighs in a worker: bytes by column group, everything that Python adds to them included."""

import gc
import sys
from collections.abc import Callable, Iterable
from types import FunctionType, ModuleType
from typing import Any, Final

import numpy as np

GROUPS: Final[dict[str, Callable[[Any], object]]] = {
    "hot rows": lambda p: _windows(p, "hot", "dirty", "due"),
    "copies of rows": lambda p: _windows(p, "copies", "copied", "copies_dirty"),
    "plans": lambda p: p.kernel.supervision.plans.__dict__ | {"standings": None},
    "orders": lambda p: p.kernel.supervision.plans.standings,
    "episodes": lambda p: p.kernel.supervision.episodes.of,
    "inputs": lambda p: p.kernel.supervision.inputs.__dict__,
    "names": lambda p: _windows(p, "ids", "index", "free"),
    "routed keys": lambda p: p.routed,
}
_SHARED: Final = (type, ModuleType, FunctionType, np.dtype)


def weigh(partitions: Iterable[Any]) -> dict[str, int]:
    """Give the bytes of each group, over all partitions of a worker; what two groups share counts for the first."""
    found = dict.fromkeys(GROUPS, 0)
    roots = [(name, part(partition)) for partition in partitions for name, part in GROUPS.items()]
    seen: set[int] = set()  # the roots live as long as this, so that no number is given twice
    for name, root in roots:
        found[name] += weight(root, seen)
    return found


def weight(thing: object, seen: set[int]) -> int:
    """Give the bytes of an object and of all that only it leads to, an array's memory whole."""
    total, waiting = 0, [thing]
    while waiting:
        one = waiting.pop()
        if id(one) in seen or isinstance(one, _SHARED):
            continue
        seen.add(id(one))
        total += sys.getsizeof(one)
        if isinstance(one, np.ndarray):
            if one.base is not None:
                waiting.append(one.base)
        else:
            waiting += gc.get_referents(one)
    return total


def _windows(partition: Any, *names: str) -> list[object]:  # noqa: ANN401 - of the kernel in use
    windows = partition.kernel.supervision.windows
    return [getattr(windows, name) for name in names]
