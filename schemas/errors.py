"""
What can go wrong, and who must act.

    VigilError
    ├── BadInput           a record cannot be read or is not allowed: dead letter, with its reason code
    ├── BadConfiguration   a file or setting is wrong: the operator mends it, the worker does not start
    ├── BadState           the changelog cannot be used: layout, truncation, another topic than before
    └── Unavailable        the broker does not answer: try again, end the process after a limit

The names leave out 'Error': each says what is wrong.
No message carries a value of the record, since a value may be personal data.
"""

from enum import StrEnum
from pathlib import Path

__all__ = ["BadConfiguration", "BadInput", "BadState", "Reason", "Unavailable", "VigilError"]


class Reason(StrEnum):
    """Why a record was refused. Goes into headers and metric labels, so the set is closed."""

    not_json = "not_json"
    wrong_type = "wrong_type"
    out_of_range = "out_of_range"
    missing_field = "missing_field"
    oversize = "oversize"
    empty_value = "empty_value"
    key_missing = "key_missing"
    key_mismatch = "key_mismatch"
    duplicate_key = "duplicate_key"
    unknown_datum = "unknown_datum"
    unknown_status = "unknown_status"
    unknown_supervisee = "unknown_supervisee"
    not_authorised = "not_authorised"
    future = "future"
    too_late = "too_late"
    misrouted = "misrouted"
    unreadable_order = "unreadable_order"


class VigilError(Exception):
    """The root: everything that Vigil itself raises."""


class BadInput(VigilError):  # noqa: N818
    """
    A record that cannot be read or is not allowed.

    *where* names fields of the schema, never what stood in them.

    >>> str(BadInput(Reason.out_of_range, "lat"))
    'out_of_range: lat'
    """

    def __init__(self, reason: Reason, where: str = "") -> None:
        super().__init__(f"{reason}: {where}" if where else str(reason))
        self.reason = reason
        self.where = where


class BadConfiguration(VigilError):  # noqa: N818
    """
    A file or a setting that cannot be used; the message begins with its path.

    >>> str(BadConfiguration("rules.toml", "revision: Field required"))
    'rules.toml: revision: Field required'
    """

    def __init__(self, path: str | Path, why: str) -> None:
        super().__init__(f"{path}: {why}")
        self.path = path
        self.why = why


class BadState(VigilError):  # noqa: N818
    """The changelog holds something other than what this version wrote. Never taken for an empty start."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Unavailable(VigilError):  # noqa: N818
    """Something outside does not answer; *what* names it."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what
