"""
The rows that were committed, held against those of the oracle.

Left out, each because it rightly depends on how the stream was cut, and nothing else is:

- `0:` to `2:`, the copies of a row, and `~floor:`: they are taken when a batch happens to end. That they are whole is
  shown by what the rows do next (`Verifier`: time passes for a day).
- `core.serial`: a name given in the order of arrival; the kept pings are compared by the supervisee it stands for.
- `core.fired_ms` where a ping came after it: a deadline that a late ping took away may have been fired before or never.
  What it is for, the frontier max(newest_ms, fired_ms), is compared.
- of the kept pings, those older than either side's own floor; and revisions of episodes, whose newest is held against
  the alerts topic instead.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec
import numpy as np

from detectors.episodes import Episode, Step
from detectors.inputs import STORED
from schemas.alert import episode_id
from schemas.instant import instant, rfc3339

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from detectors.engine import Engine
    from detectors.windows import Windows
    from tests.faults.episodes import Published

Rows = Mapping[bytes, bytes]
Kept = tuple[str, bytes]
APART: Final = frozenset({("core", "serial"), ("core", "fired_ms")})
MARK_BYTES: Final = 4


def latest(records: list[tuple[bytes, bytes | None]]) -> dict[bytes, bytes]:
    """Give the last value of each key, without those that were erased."""
    last = dict(records)
    return {key: value for key, value in last.items() if value is not None}


def differences(engine: Engine, expected: Rows, found: Rows) -> Iterator[str]:
    """Say what differs between the rows of the oracle and the committed ones."""
    windows = engine.supervision.windows
    groups = tuple(key for key in expected.keys() | found.keys() if key[:2] in {b"h:", b"o:"})
    for key in sorted(groups):
        if key not in found:
            yield f"{key.decode()} is missing"
        elif key not in expected:
            yield f"{key.decode()} should not be there"
        elif key.startswith(b"o:") and expected[key] != found[key]:
            yield f"{key.decode()} differs"
        elif key.startswith(b"h:"):
            names = of_row(windows, expected[key]), of_row(windows, found[key])
            yield from (f"{key.decode()} {what}" for what in unequal(*names))
    yield from kept_differences(expected, found)


def of_row(windows: Windows, value: bytes) -> Any:  # noqa: ANN401 - a record of a NumPy layout
    """Give the fields of one `h:` record."""
    assert value[:MARK_BYTES] == windows.fingerprint
    return np.frombuffer(value[MARK_BYTES:], windows.layout)[0]


def unequal(expected: Any, found: Any) -> Iterator[str]:  # noqa: ANN401 - records of a NumPy layout
    """Name the fields in which two rows differ, with both values."""
    for owner in expected.dtype.names:
        for name in expected[owner].dtype.names:
            left, right = expected[owner][name], found[owner][name]
            if (owner, name) not in APART and not np.array_equal(left, right):
                yield f"{owner}.{name}: {left} expected, {right} found"
    frontiers = [max(row["core"]["newest_ms"], row["core"]["fired_ms"]) for row in (expected, found)]
    if frontiers[0] != frontiers[1]:
        yield f"frontier: {frontiers[0]} expected, {frontiers[1]} found"


def kept_differences(expected: Rows, found: Rows) -> Iterator[str]:
    """Compare the pings that are kept for late ones, from the later floor of the two on."""
    floor_ms = max(int(rows.get(b"~floor:", b"0")) for rows in (expected, found))
    (left, right) = (Counter(kept(rows, floor_ms)) for rows in (expected, found))
    for (name, _), count in (left - right).items():
        yield f"{name} lacks {count} of its kept pings"
    for (name, _), count in (right - left).items():
        yield f"{name} keeps {count} pings too many"


def kept(rows: Rows, after_ms: int) -> Iterator[Kept]:
    """Give the kept pings later than a moment, by the supervisee whose row they belong to."""
    names: dict[int, str] = {}
    for key, value in rows.items():
        if key.startswith(b"h:"):
            # The serial is the first field of the first owner.
            names[int.from_bytes(value[MARK_BYTES : MARK_BYTES + 4], "little")] = key[2:].decode()
    for key, value in rows.items():
        if key.startswith(b"~inputs:"):
            stored: NDArray[np.void] = np.frombuffer(value, STORED)
            for entry in stored[stored["ping"]["time_ms"] > after_ms]:
                if int(entry["serial"]) in names:
                    yield names[int(entry["serial"])], entry["ping"].tobytes()


def unsaid(found: Rows, published: Published) -> Iterator[str]:
    """Name the episodes whose row and newest alert do not say the same: one was written without the other."""
    for key, value in found.items():
        if not key.startswith(b"e:"):
            continue
        name = key[2:].decode()
        for episode in msgspec.msgpack.decode(value, type=list[Episode]):
            bodies = published.revisions.get(episode_id(name, episode.rule, episode.subject, episode.since_ms), [])
            newest = max(bodies, key=lambda body: int(body["revision"]), default={"revision": 0})
            if newest["revision"] != episode.revision or face(episode.shown) != said(newest):
                yield f"{name} {episode.rule} since {episode.since_ms}: row and alert disagree"


def face(shown: Step | None) -> tuple[object, ...]:
    """Give what readers were shown last, by the row."""
    if shown is None:
        return ()
    until = None if shown.until_ms is None else rfc3339(instant(shown.until_ms))
    return shown.kind, shown.severity, shown.reason, until


def said(body: dict[str, Any]) -> tuple[object, ...]:
    """Give what readers were shown last, by the alert."""
    if not body["revision"] or body["phase"] == "retracted":
        return ()
    return body["evidence"]["kind"], body["severity"], body["reason"], body["until"]
