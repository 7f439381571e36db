"""Dead letters: origin and reason travel in headers, content only where it may."""

import pytest

from schemas.deadletter import WITHHELD, DeadLetter, Replay
from schemas.errors import BadInput, Reason


@pytest.mark.parametrize("reason", Reason)
def test_headers_come_back(reason: Reason) -> None:
    """What is written into headers is read from them, among those of the record itself."""
    letter = DeadLetter("vigil.pings", 3, 41, reason)
    assert letter == DeadLetter.from_headers([("traceparent", b"\xff"), *letter.headers()])


def test_header_names_are_fixed() -> None:
    """Operators search for these names."""
    expected = [
        ("vigil-origin-topic", b"vigil.pings"),
        ("vigil-origin-partition", b"3"),
        ("vigil-origin-offset", b"41"),
        ("vigil-reason", b"misrouted"),
        ("vigil-replay", b"after_rerouting"),
    ]
    assert expected == DeadLetter("vigil.pings", 3, 41, Reason.misrouted).headers()


@pytest.mark.parametrize("reason", Reason)
def test_what_may_not_be_processed_is_not_copied(reason: Reason) -> None:
    """A record that no order covers leaves its origin and nothing else; any other stays as it came."""
    content = DeadLetter("vigil.pings", 0, 0, reason).content(b"{}")
    assert (None if reason in {Reason.not_authorised, Reason.unknown_supervisee} else b"{}") == content
    assert (content is None) == (reason in WITHHELD)


def test_replay_hints() -> None:
    """Sending again helps after an order, after rerouting, after a repair, or never."""
    hints = {reason: DeadLetter("vigil.pings", 0, 0, reason).replay for reason in Reason}
    assert {Reason.not_authorised, Reason.unknown_supervisee} == {r for r in hints if hints[r] is Replay.after_order}
    assert {Reason.future, Reason.too_late} == {r for r in hints if hints[r] is Replay.never}
    assert Replay.after_repair is hints[Reason.not_json]


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ([], Reason.missing_field),
        ([("vigil-origin-topic", b"t")], Reason.missing_field),
        ([*DeadLetter("t", 0, 0, Reason.future).headers(), ("vigil-origin-offset", b"x")], Reason.wrong_type),
        ([*DeadLetter("t", 0, 0, Reason.future).headers(), ("vigil-reason", b"tired")], Reason.wrong_type),
    ],
)
def test_other_records_are_no_dead_letters(headers: list[tuple[str, bytes]], reason: Reason) -> None:
    """A record without these headers, or with nonsense in them, is refused."""
    with pytest.raises(BadInput) as refusal:
        DeadLetter.from_headers(headers)
    assert reason is refusal.value.reason
