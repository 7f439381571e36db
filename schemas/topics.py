"""
The table of topics. Creation, access rules and the README are made from it.

Every keyed topic has the same number of partitions, so that all records of a person meet on one number; it is never
changed in place. Producers must hash keys with murmur2, as Java does.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

__all__ = [
    "ALERTS",
    "CHANGELOG",
    "CHECKINS",
    "DAYS",
    "DEAD_LETTERS",
    "DISPOSITIONS",
    "ORDERS",
    "PARTITIONS",
    "PINGS",
    "SOURCES",
    "TOPICS",
    "Topic",
]

PARTITIONS: Final = 16

PINGS: Final = "vigil.pings"
ORDERS: Final = "vigil.orders"
CHECKINS: Final = "vigil.checkins"
DISPOSITIONS: Final = "vigil.dispositions"
ALERTS: Final = "vigil.alerts"
DAYS: Final = "vigil.days"
DEAD_LETTERS: Final = "vigil.dead-letters"
CHANGELOG: Final = "vigil-windows-changelog"
SOURCES: Final = (ORDERS, PINGS, CHECKINS, DISPOSITIONS)

_MINUTE_MS: Final = 60_000
_DAY_MS: Final = 24 * 60 * _MINUTE_MS


class Topic(NamedTuple):
    """One line of the table; ``configs`` holds what differs from the broker's defaults, ``cleanup.policy`` apart."""

    name: str
    direction: Literal["in", "out", "internal"]
    content: str
    key: str
    cleanup: Literal["compact", "delete"]
    configs: Mapping[str, str]
    partitions: int = PARTITIONS


def _configs(*, keep_days: int | None = None, source: bool = False, **others: float) -> Mapping[str, str]:
    configs = {name.replace("_", "."): str(value) for name, value in others.items()}
    if keep_days is not None:
        configs["retention.ms"] = str(keep_days * _DAY_MS)
    if source:
        # Event time lives in the body: with it as the record's time, retention would delete a replay of 2020 at once.
        configs["message.timestamp.type"] = "LogAppendTime"
    return MappingProxyType(configs)


TOPICS: Final = (
    Topic(
        ORDERS,
        "in",
        "the whole current order; null ends it and erases the state",
        "supervisee",
        "compact",
        _configs(source=True, delete_retention_ms=30 * _DAY_MS),
    ),
    Topic(PINGS, "in", "pings of phones and wristbands", "supervisee", "delete", _configs(source=True, keep_days=7)),
    Topic(CHECKINS, "in", "roll calls and their answers", "supervisee", "delete", _configs(source=True, keep_days=30)),
    Topic(
        DISPOSITIONS,
        "in",
        "verdicts and measures",
        "supervisee, or organisation path",
        "delete",
        _configs(source=True, keep_days=400),
    ),
    Topic(
        ALERTS, "out", "episodes, as CloudEvents", "supervisee, or organisation path", "delete", _configs(keep_days=90)
    ),
    Topic(
        DAYS,
        "out",
        "verification of each supervisee and day, roll-up of each organisation and day",
        "supervisee, or organisation path",
        "delete",
        _configs(keep_days=400),
    ),
    Topic(
        DEAD_LETTERS,
        "out",
        "refused records with origin and reason in headers",
        "as it came",
        "delete",
        _configs(keep_days=30),
    ),
    Topic(
        CHANGELOG,
        "internal",
        "state",
        "supervisee, column group",
        "compact",
        _configs(
            segment_bytes=32 * 1024 * 1024,
            min_cleanable_dirty_ratio=0.1,
            max_compaction_lag_ms=10 * _MINUTE_MS,
        ),
    ),
)
